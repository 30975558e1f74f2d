package org.lsm.alert;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.lsm.snapshot.Endpoint;
import org.lsm.snapshot.Holder;
import org.lsm.snapshot.Owner;
import org.lsm.snapshot.Protocol;
import org.lsm.snapshot.Snapshot;
import org.lsm.snapshot.Snapshot.Origin;
import org.lsm.snapshot.SocketEntry;

/** The table of sockets, to the character. */
class ListingTest {

  private static final Instant SCAN = Instant.parse("2026-01-02T03:04:05Z");
  private static final Owner SSHD = new Owner("root", "/usr/sbin/sshd");
  private static final Owner NGINX = new Owner("www-data", "/usr/sbin/nginx");

  @Test
  void tableHasALineForEachOwnerAndItsColumnsAligned() {
    SocketEntry shared =
        SocketEntry.heldBy(
            Endpoint.of("tcp", "0.0.0.0:80"),
            List.of(holder(82, NGINX), holder(81, NGINX), holder(7, SSHD)),
            true);
    SocketEntry nobody = SocketEntry.heldBy(Endpoint.of("udp", "0.0.0.0:51820"), List.of(), true);
    SocketEntry unknown =
        SocketEntry.heldBy(Endpoint.of("packet", "eth0:0x0003"), List.of(), false);
    SocketEntry longName =
        held(Protocol.UNIX, "/run/a path with spaces/" + "x".repeat(40), holder(1, SSHD));
    String expected =
        """
        PROTOCOL  LOCAL ADDRESS                             USER      PID    PROGRAM
        tcp       0.0.0.0:80                                www-data  81,82  /usr/sbin/nginx
        tcp       0.0.0.0:80                                root      7      /usr/sbin/sshd
        udp       0.0.0.0:51820                             -         -      -
        packet    eth0:0x0003                               ?         ?      ?
        unix      /run/a path with spaces/xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx  root      1      /usr/sbin/sshd
        """;

    assertEquals(expected, table(List.of(longName, unknown, nobody, shared)));
  }

  @Test
  void tableOfNoSocketsIsItsHeading() {
    assertEquals("PROTOCOL  LOCAL ADDRESS  USER  PID  PROGRAM\n", table(List.of()));
  }

  @ParameterizedTest(name = "{1}")
  @MethodSource("org.lsm.alert.ReportTest#hostileTexts")
  void hostileTextIsEscapedInTheTable(String raw, String escaped) {
    Holder holder = holder(7, new Owner(raw, "/bin/" + raw));
    SocketEntry entry =
        SocketEntry.heldBy(new Endpoint(Protocol.UNIX, raw, 0), List.of(holder), true);

    String row = table(List.of(entry)).split("\n", -1)[1];

    assertEquals(
        List.of("unix", escaped, escaped, "7", "/bin/" + escaped), List.of(row.split(" +", -1)));
  }

  private static String table(List<SocketEntry> entries) {
    return table(entries, Map.of());
  }

  private static String table(List<SocketEntry> entries, Map<Endpoint, Integer> ignoredBy) {
    Snapshot snapshot = Snapshot.of(new Origin("web1", "6.1.0", SCAN, "1.0.0"), entries);
    return new Listing(snapshot, new TreeMap<>(ignoredBy), List.of()).text();
  }

  private static Holder holder(int pid, Owner owner) {
    return new Holder(pid, 0, SCAN, owner);
  }

  private static SocketEntry held(Protocol protocol, String local, Holder... holders) {
    return SocketEntry.heldBy(Endpoint.of(protocol.label(), local), List.of(holders), true);
  }
}
