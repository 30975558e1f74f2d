package org.lsm.model;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Hosts against their majority. */
class HostComparisonTest {

  /**
   * Hosts are separated by {@code ;}, their sockets by commas, each as NAME=USER:PROGRAM, with an
   * optional one marked by {@code ?}. What is expected: the kind, the socket, its owners, and the
   * numbers of the hosts.
   */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          # the same
          tcp/0.0.0.0:22=r:/s; tcp/0.0.0.0:22=r:/s; tcp/0.0.0.0:22=r:/s | ''
          ; ;                                                           | ''
          # one has it alone, or a minority, or half of them
          ; tcp/0.0.0.0:1=r:/a;                                         | NEW tcp/0.0.0.0:1 r:/a 1
          tcp/0.0.0.0:1=r:/a; tcp/0.0.0.0:1=r:/a; ; ; ;                 | NEW tcp/0.0.0.0:1 r:/a 0 1
          tcp/0.0.0.0:1=r:/a; ; tcp/0.0.0.0:1=r:/a;                     | NEW tcp/0.0.0.0:1 r:/a 0 2
          tcp/0.0.0.0:1=r:/a; tcp/0.0.0.0:1=r:/b; ; ; ;                 | NEW tcp/0.0.0.0:1 r:/a 0, NEW tcp/0.0.0.0:1 r:/b 1
          # the majority has it
          tcp/0.0.0.0:1=r:/a; ; tcp/0.0.0.0:1=r:/a                      | GONE tcp/0.0.0.0:1 r:/a 1
          tcp/0.0.0.0:1=r:/a; ; tcp/0.0.0.0:1=r:/b                      | CHANGED tcp/0.0.0.0:1 r:/b 2, GONE tcp/0.0.0.0:1 r:/a 1
          tcp/0.0.0.0:1=r:/a?; ; tcp/0.0.0.0:1=r:/a?                    | ''
          # owners
          tcp/0.0.0.0:1=r:/b; tcp/0.0.0.0:1=r:/a; tcp/0.0.0.0:1=r:/a    | CHANGED tcp/0.0.0.0:1 r:/b 0
          tcp/0.0.0.0:1=x:/a; tcp/0.0.0.0:1=r:/a; tcp/0.0.0.0:1=r:/a    | CHANGED tcp/0.0.0.0:1 x:/a 0
          tcp/0.0.0.0:1=r:/a+r:/b; tcp/0.0.0.0:1=r:/a; tcp/0.0.0.0:1=r:/a | CHANGED tcp/0.0.0.0:1 r:/a+r:/b 0
          tcp/0.0.0.0:1=r:/a; tcp/0.0.0.0:1=r:/a+r:/b; tcp/0.0.0.0:1=r:/a+r:/b | ''
          tcp/0.0.0.0:1=?:?; tcp/0.0.0.0:1=r:/a; tcp/0.0.0.0:1=r:/a     | ''
          tcp/0.0.0.0:1; tcp/0.0.0.0:1=r:/a; tcp/0.0.0.0:1=r:/a         | CHANGED tcp/0.0.0.0:1 '' 0
          # each host has addresses of its own
          tcp/10.0.0.1:1=r:/a; tcp/10.0.0.2:1=r:/a; tcp/192.168.1.1:1=r:/a    | ''
          tcp/192.0.2.1:1=r:/a; tcp/192.0.2.2:1=r:/a; tcp/198.51.100.1:1=r:/a | ''
          tcp/10.0.0.1:1=r:/a,tcp/10.0.0.2:1=r:/a; tcp/10.0.0.3:1=r:/a; tcp/10.0.0.4:1=r:/a | ''
          tcp/192.0.2.1:1=r:/a; tcp/10.0.0.2:1=r:/a; tcp/10.0.0.3:1=r:/a      | NEW tcp/public:1 r:/a 0, GONE tcp/private:1 r:/a 0
          tcp/127.0.0.1:1=r:/a; tcp/127.0.0.2:1=r:/a; tcp/127.0.0.1:1=r:/a    | NEW tcp/127.0.0.2:1 r:/a 1, GONE tcp/127.0.0.1:1 r:/a 1
          tcp6/[temporary]:1=r:/a; tcp6/[2001:db8::1]:1=r:/a; tcp6/[2001:db8::2]:1=r:/a | ''
          tcp/10.0.0.1:1=r:/a; tcp/10.0.0.2:1=r:/b; tcp/10.0.0.3:1=r:/a       | CHANGED tcp/private:1 r:/b 1
          # chosen ports, paths and namespaces
          udp/0.0.0.0:ephemeral=r:/a; udp/0.0.0.0:ephemeral=r:/b; udp/0.0.0.0:ephemeral=r:/a | CHANGED udp/0.0.0.0:ephemeral r:/b 1
          unix//run/a=r:/a; unix//run/a=r:/a;                           | GONE unix//run/a r:/a 2
          w:tcp/0.0.0.0:1=r:/a; tcp/0.0.0.0:1=r:/a; tcp/0.0.0.0:1=r:/a  | NEW w:tcp/0.0.0.0:1 r:/a 0, GONE tcp/0.0.0.0:1 r:/a 0
          """)
  void comparesWithMajority(String hosts, String expected) {
    HostComparison comparison = new HostComparison();
    for (String host : hosts.split(";", -1)) {
      comparison.add(snapshot(host.strip()));
    }

    List<String> found = new ArrayList<>();
    comparison.differences().forEach((it, numbers) -> found.add(text(it) + text(numbers)));
    found.sort(null);
    List<String> all = new ArrayList<>(List.of(expected.replace("''", "").split(", ")));
    all.sort(null);
    assertEquals(String.join(", ", all), String.join(", ", found));
  }

  private static Snapshot snapshot(String sockets) {
    List<SocketEntry> entries = new ArrayList<>();
    for (String socket : sockets.isEmpty() ? new String[0] : sockets.split(",", -1)) {
      String[] parts = socket.replaceFirst("(?<=/\\w+)\\?$", "").split("=", -1);
      int slash = parts[0].indexOf('/');
      var owners = new TreeSet<Owner>();
      for (String owner : parts.length == 1 ? new String[0] : parts[1].split("\\+", -1)) {
        owners.add(new Owner(owner.split(":", -1)[0], owner.split(":", -1)[1]));
      }
      Endpoint at = Endpoint.of(parts[0].substring(0, slash), parts[0].substring(slash + 1));
      boolean isOptional = socket.matches(".*/\\w+\\?");
      entries.add(new SocketEntry(at, owners, List.of(), isOptional));
    }
    return Snapshot.of(new HostInfo("web", "6.1.0", Instant.EPOCH, "1.0.0"), entries);
  }

  private static String text(Difference it) {
    String owners =
        it.after().owners().stream()
            .map(owner -> owner.user() + ":" + owner.program())
            .collect(Collectors.joining("+"));
    return it.type() + " " + it.endpoint() + " " + owners;
  }

  private static String text(List<Integer> numbers) {
    return numbers.stream().map(it -> " " + it).collect(Collectors.joining());
  }
}
