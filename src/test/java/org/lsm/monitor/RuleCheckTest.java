package org.lsm.monitor;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.lsm.FakeProc;
import org.lsm.config.Rules;
import org.lsm.model.Diff;
import org.lsm.model.Endpoint;
import org.lsm.model.HostInfo;
import org.lsm.model.Owner;
import org.lsm.model.Snapshot;
import org.lsm.model.SocketEntry;
import org.lsm.model.SocketIdentity;
import org.lsm.model.SocketIdentity.Scope;
import org.lsm.proc.HelperProcesses;

/** What a baseline, the sockets found and the rules make of each other. */
class RuleCheckTest {
  private static final HostInfo HOST = new HostInfo("web1", "6.1.0", Instant.EPOCH, "1.0.0");
  private static final SocketIdentity IDENTITY = new SocketIdentity(Scope.ALL, 32768, 60999);

  @TempDir private Path folder;

  /**
   * Sockets are name=owner+owner, several separated by spaces; owners are user:program or
   * user:program:script.
   */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      nullValues = "-",
      textBlock =
          """
          # before            | found                        | rules                             | differences
          # without rules, or with some that match nothing
          -                   | tcp/0.0.0.0:22=r:/sshd       | -                                 | NEW tcp/0.0.0.0:22
          -                   | tcp/0.0.0.0:22=r:/sshd       | allow tcp *:23                    | NEW tcp/0.0.0.0:22
          tcp/0.0.0.0:22=r:/sshd | tcp/0.0.0.0:22=r:/sshd    | allow tcp *:23                    | -
          tcp/0.0.0.0:22=r:/sshd | -                         | allow tcp *:23                    | GONE tcp/0.0.0.0:22
          # allow: neither NEW, GONE nor CHANGED
          -                   | tcp/0.0.0.0:22=r:/sshd       | allow tcp *:22                    | -
          -                   | tcp6/[::]:22=r:/sshd         | allow tcp *:22                    | -
          -                   | tcp/0.0.0.0:22=r:/sshd       | allow tcp *:22 program=/sshd user=r | -
          -                   | -                            | allow tcp *:22                    | -
          tcp/0.0.0.0:22=r:/sshd | -                         | allow tcp *:22 program=/sshd      | -
          tcp/0.0.0.0:22=r:/sshd | -                         | allow tcp *:22 program=/other     | GONE tcp/0.0.0.0:22
          tcp/0.0.0.0:22=r:/old | tcp/0.0.0.0:22=r:/sshd     | allow tcp *:22 program=/sshd      | -
          -                   | udp/0.0.0.0:40000=b:/named   | allow udp *:* program=/named      | -
          -                   | unix//run/a/7=r:/a           | allow unix /run/a/* program=/a    | -
          -                   | udp/0.0.0.0:51820=           | allow udp *:51820                 | -
          -                   | udp/0.0.0.0:51820=           | allow udp *:51820 user=r          | NEW udp/0.0.0.0:51820
          # other owners
          -                   | tcp/0.0.0.0:22=e:/nc         | allow tcp *:22 program=/sshd      | NEW tcp/0.0.0.0:22
          -                   | tcp/0.0.0.0:22=r:/sshd+e:/nc | allow tcp *:22 program=/sshd      | CHANGED tcp/0.0.0.0:22 r:/sshd
          -                   | tcp/0.0.0.0:22=r:/sshd+e:/nc | allow tcp *:22 program=/sshd; allow tcp *:22 user=e | -
          tcp/0.0.0.0:22=e:/nc | tcp/0.0.0.0:22=r:/sshd+e:/nc | allow tcp *:22 program=/sshd     | -
          udp/0.0.0.0:ephemeral=e:/b | udp/0.0.0.0:40000=r:/a+e:/b | allow udp *:* program=/a    | CHANGED udp/0.0.0.0:40000 r:/a
          udp/0.0.0.0:ephemeral=e:/b+r:/a | udp/0.0.0.0:40000=r:/a+e:/b | allow udp *:* program=/a | -
          -                   | tcp/0.0.0.0:22=r:/sshd+?:?   | allow tcp *:22 program=/sshd      | -
          -                   | tcp/0.0.0.0:22=?:?           | allow tcp *:22 program=* user=*   | NEW tcp/0.0.0.0:22
          # a script is only what the process claims
          -                   | tcp/0.0.0.0:22=e:/tmp/py:/sshd | allow tcp *:22 program=/sshd    | NEW tcp/0.0.0.0:22
          -                   | tcp/0.0.0.0:22=e:/tmp/py:/sshd | require tcp *:22 program=/sshd  | CHANGED tcp/0.0.0.0:22 *:/sshd required by rules.d/x.lsm:1
          -                   | tcp/0.0.0.0:22=u:/py:/a.py   | allow tcp *:22 program=/py program=/a.py user=u | -
          -                   | tcp/0.0.0.0:22=u:/tmp/py:/a.py | allow tcp *:22 program=/py program=/a.py user=u | NEW tcp/0.0.0.0:22
          -                   | tcp/0.0.0.0:22=u:/py:/b.py   | allow tcp *:22 program=/py program=/a.py user=u | NEW tcp/0.0.0.0:22
          -                   | tcp/0.0.0.0:22=u:/py:/b.py   | allow tcp *:22 program=/py        | -
          -                   | tcp/0.0.0.0:22=e:/tmp/py:/sshd | ignore tcp *:22 program=/sshd   | -
          # root may have made it, others may not
          -                   | udp/0.0.0.0:53=d:/dnsmasq+root:(maker) | allow udp *:53 program=/dnsmasq user=d | -
          -                   | udp/0.0.0.0:53=d:/dnsmasq+e:(maker) | allow udp *:53 program=/dnsmasq user=d | CHANGED udp/0.0.0.0:53 d:/dnsmasq
          -                   | udp/0.0.0.0:53=d:/dnsmasq+d:(maker) | allow udp *:53 program=/dnsmasq | -
          -                   | udp/0.0.0.0:53=root:(maker)  | allow udp *:53 program=/dnsmasq   | NEW udp/0.0.0.0:53
          # require
          -                   | tcp/0.0.0.0:22=r:/sshd       | require tcp *:22 program=/sshd user=r | -
          -                   | tcp6/[::]:22=r:/sshd         | require tcp *:22 program=/sshd user=r | -
          -                   | -                            | require tcp *:22 program=/sshd user=r | GONE tcp/*:22 r:/sshd required by rules.d/x.lsm:1
          -                   | -                            | require tcp *:22                  | GONE tcp/*:22 required by rules.d/x.lsm:1
          tcp/0.0.0.0:22=r:/sshd | -                         | require tcp *:22 program=/sshd    | GONE tcp/*:22 *:/sshd required by rules.d/x.lsm:1
          -                   | tcp/0.0.0.0:22=e:/nc         | require tcp *:22 program=/sshd user=r | CHANGED tcp/0.0.0.0:22 r:/sshd required by rules.d/x.lsm:1
          tcp/0.0.0.0:22=e:/nc | tcp/0.0.0.0:22=e:/nc        | require tcp *:22 program=/sshd user=r | CHANGED tcp/0.0.0.0:22 r:/sshd required by rules.d/x.lsm:1
          -                   | tcp/0.0.0.0:22=r:/sshd tcp6/[::]:22=e:/nc | require tcp *:22 program=/sshd user=r | NEW tcp6/[::]:22
          -                   | tcp/0.0.0.0:22=e:/nc         | require tcp *:22 program=/sshd user=r; allow tcp *:22 user=e | GONE tcp/*:22 r:/sshd required by rules.d/x.lsm:1
          -                   | tcp/0.0.0.0:22=r:/sshd       | require tcp *:22; ignore tcp *:22 | -
          -                   | tcp/0.0.0.0:23=r:/sshd       | require tcp *:22 program=/sshd    | NEW tcp/0.0.0.0:23, GONE tcp/*:22 *:/sshd required by rules.d/x.lsm:1
          -                   | -                            | require unix /run/a\\x20b         | GONE unix//run/a b required by rules.d/x.lsm:1
          # what is allowed is no reason to accept more, and hides nothing
          -                   | unix//tmp/aB1cD2=r:/a unix//tmp/xY3zW4=r:/a | allow unix /tmp/aB1cD2 program=/a | NEW unix//tmp/xY3zW4
          tcp/10.0.0.1:80=r:/a | tcp/10.0.0.2:80=r:/a        | allow tcp 10.0.0.2:80 program=/a  | GONE tcp/10.0.0.1:80
          """)
  void differences(String before, String found, String rules, String expected) throws Exception {
    Snapshot now = snapshot(found);
    Rules parsed =
        Rules.parse(
            Path.of("x.lsm"),
            (rules == null ? "" : rules).replaceAll("; *", "\n").getBytes(UTF_8),
            Set::of);
    HelperProcesses helpers = new HelperProcesses(FakeProc.bare(folder.resolve("proc")).sources());
    Diff diff =
        new RuleCheck(parsed, helpers)
            .diff(
                snapshot(before),
                now.where(it -> !parsed.ignores(it)),
                now,
                (was, is) -> Diff.between(was, is, IDENTITY));
    assertEquals(
        expected == null ? "" : expected,
        diff.differences().stream()
            .map(
                it ->
                    it.type()
                        + " "
                        + it.endpoint()
                        + (it.requiredBy().isEmpty() && !it.type().name().equals("CHANGED")
                            ? ""
                            : owners(it.before()))
                        + (it.requiredBy().isEmpty() ? "" : " required by " + it.requiredBy()))
            .collect(Collectors.joining(", ")));
  }

  private static String owners(SocketEntry entry) {
    Stream<Owner> owners = entry.owners().stream();
    return owners.map(it -> " " + it.user() + ":" + it.program()).collect(Collectors.joining());
  }

  private static Snapshot snapshot(String sockets) {
    List<SocketEntry> entries = new ArrayList<>();
    for (String socket : sockets == null ? new String[0] : sockets.split(" ", -1)) {
      String[] parts = socket.split("[/=]", 2);
      int equals = socket.lastIndexOf('=');
      TreeSet<Owner> owners = new TreeSet<>();
      for (String owner : socket.substring(equals + 1).split("\\+", -1)) {
        String[] words = owner.split(":", 3);
        if (words.length > 1) {
          owners.add(new Owner(words[0], words[1], words.length > 2 ? words[2] : ""));
        }
      }
      String local = socket.substring(parts[0].length() + 1, equals);
      entries.add(new SocketEntry(Endpoint.of(parts[0], local), owners, List.of()));
    }
    return Snapshot.of(HOST, entries);
  }
}
