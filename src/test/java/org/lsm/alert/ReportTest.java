package org.lsm.alert;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.lsm.snapshot.Diff;
import org.lsm.snapshot.Diff.Difference;
import org.lsm.snapshot.Diff.Kind;
import org.lsm.snapshot.Endpoint;
import org.lsm.snapshot.EphemeralPorts;
import org.lsm.snapshot.Holder;
import org.lsm.snapshot.Owner;
import org.lsm.snapshot.Protocol;
import org.lsm.snapshot.Snapshot;
import org.lsm.snapshot.Snapshot.Origin;
import org.lsm.snapshot.SocketEntry;

/** What people read: reports, subjects and tables, to the character. */
class ReportTest {

  private static final Instant BASELINE = Instant.parse("2026-01-01T00:00:00Z");
  private static final Instant STARTED = Instant.parse("2026-01-02T01:00:00Z");
  private static final Instant SCAN = Instant.parse("2026-01-02T03:04:05Z");

  private static final Owner SSHD = new Owner("root", "/usr/sbin/sshd");
  private static final Owner NGINX = new Owner("www-data", "/usr/sbin/nginx");
  private static final SocketEntry SSH = held(Protocol.TCP, "0.0.0.0:22", holder(7, SSHD, STARTED));
  private static final SocketEntry WEB =
      held(Protocol.TCP, "0.0.0.0:80", holder(80, NGINX, STARTED));

  @Test
  void noDifference() {
    String expected =
        """
        web1: no difference to the baseline, 1 sockets

        Host      web1, Linux 6.1.0
        Scanned   2026-01-02 03:04:05 +00:00
        Baseline  2026-01-01 00:00:00 +00:00, 1 sockets
        """;

    assertEquals(expected, report(List.of(SSH), List.of(SSH)).text());
  }

  @Test
  void newSocketInTheWholeReport() {
    String expected =
        """
        web1: 1 NEW, 0 GONE, 0 CHANGED

        NEW      tcp/0.0.0.0:80
                 by /usr/sbin/nginx (www-data), PID 80, started 2026-01-02 01:00:00 +00:00 (2 h 4 m ago)

        Host      web1, Linux 6.1.0
        Scanned   2026-01-02 03:04:05 +00:00
        Baseline  2026-01-01 00:00:00 +00:00, 1 sockets

        If all of this is as it should be, take it into the baseline: lsm generate, or lsm accept SOCKET
        """;

    assertEquals(expected, report(List.of(SSH), List.of(SSH, WEB)).text());
  }

  @Test
  void timesAreToldInTheZoneOfTheReport() {
    Report report =
        new Report(
            snapshot("web1", BASELINE, List.of(SSH)),
            snapshot("web1", SCAN, List.of(SSH)),
            new Diff(List.of()),
            Map.of(),
            List.of(),
            ZoneId.of("Asia/Kolkata"));
    String expected =
        """
        web1: no difference to the baseline, 1 sockets

        Host      web1, Linux 6.1.0
        Scanned   2026-01-02 08:34:05 +05:30
        Baseline  2026-01-01 05:30:00 +05:30, 1 sockets
        """;

    assertEquals(expected, report.text());
  }

  @Test
  void notesFollowTheBaseline() {
    Report report =
        new Report(
            snapshot("web1", BASELINE, List.of(SSH)),
            snapshot("web1", SCAN, List.of(SSH)),
            new Diff(List.of()),
            Map.of(),
            List.of("first", "second"),
            ZoneOffset.UTC);
    String expected =
        """
        web1: no difference to the baseline, 1 sockets

        Host      web1, Linux 6.1.0
        Scanned   2026-01-02 03:04:05 +00:00
        Baseline  2026-01-01 00:00:00 +00:00, 1 sockets
        Note      first
        Note      second
        """;

    assertEquals(expected, report.text());
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("differences")
  void differenceNamesItsOwners(
      String name, List<SocketEntry> before, List<SocketEntry> after, String expected) {
    assertEquals(expected, report(before, after).differences());
  }

  private static Stream<Arguments> differences() {
    Endpoint web = WEB.endpoint();
    return Stream.of(
        arguments(
            "several processes of one owner: their PIDs in order, the oldest start",
            List.of(),
            List.of(
                held(
                    Protocol.TCP,
                    "0.0.0.0:80",
                    holder(82, NGINX, STARTED.plusSeconds(9)),
                    holder(9, NGINX, STARTED.plusSeconds(5)),
                    holder(81, NGINX, STARTED.plusSeconds(7)))),
            """
            NEW      tcp/0.0.0.0:80
                     by /usr/sbin/nginx (www-data), PID 9,81,82, started 2026-01-02 01:00:05 +00:00 (2 h 4 m ago)

            """),
        arguments(
            "two programs: a line each",
            List.of(),
            List.of(
                held(
                    Protocol.TCP,
                    "0.0.0.0:80",
                    holder(81, SSHD, STARTED),
                    holder(82, NGINX, STARTED))),
            """
            NEW      tcp/0.0.0.0:80
                     by /usr/sbin/nginx (www-data), PID 82, started 2026-01-02 01:00:00 +00:00 (2 h 4 m ago)
                     by /usr/sbin/sshd (root), PID 81, started 2026-01-02 01:00:00 +00:00 (2 h 4 m ago)

            """),
        arguments(
            "new, held by nobody",
            List.of(),
            List.of(SocketEntry.heldBy(web, List.of(), true)),
            """
            NEW      tcp/0.0.0.0:80
                     by no process

            """),
        arguments(
            "new, held by somebody who may not be seen",
            List.of(),
            List.of(SocketEntry.heldBy(web, List.of(), false)),
            """
            NEW      tcp/0.0.0.0:80
                     by an unknown owner

            """),
        arguments(
            "new, held by one who is seen and one who is not",
            List.of(),
            List.of(SocketEntry.heldBy(web, List.of(holder(82, NGINX, STARTED)), false)),
            """
            NEW      tcp/0.0.0.0:80
                     by /usr/sbin/nginx (www-data), PID 82, started 2026-01-02 01:00:00 +00:00 (2 h 4 m ago)
                     by an unknown owner

            """),
        arguments(
            "gone, with all who held it",
            List.of(stored(web, SSHD, NGINX)),
            List.of(),
            """
            GONE     tcp/0.0.0.0:80
                     was by /usr/sbin/nginx (www-data), /usr/sbin/sshd (root)

            """),
        arguments(
            "gone, held by nobody",
            List.of(stored(web)),
            List.of(),
            """
            GONE     tcp/0.0.0.0:80
                     was by no process

            """),
        arguments(
            "changed hands",
            List.of(stored(web, SSHD)),
            List.of(WEB),
            """
            CHANGED  tcp/0.0.0.0:80
                     from /usr/sbin/sshd (root)
                     to   /usr/sbin/nginx (www-data), PID 80, started 2026-01-02 01:00:00 +00:00 (2 h 4 m ago)

            """),
        arguments(
            "let go by its owner",
            List.of(stored(web, NGINX)),
            List.of(SocketEntry.heldBy(web, List.of(), true)),
            """
            CHANGED  tcp/0.0.0.0:80
                     from /usr/sbin/nginx (www-data)
                     to   no process

            """),
        arguments(
            "all kinds: NEW, then GONE, then CHANGED",
            List.of(stored(SSH.endpoint(), SSHD), stored(web, SSHD)),
            List.of(WEB, held(Protocol.UDP6, "[::1]:53", holder(5, SSHD, STARTED.plusMillis(999)))),
            """
            NEW      udp6/[::1]:53
                     by /usr/sbin/sshd (root), PID 5, started 2026-01-02 01:00:00 +00:00 (2 h 4 m ago)

            GONE     tcp/0.0.0.0:22
                     was by /usr/sbin/sshd (root)

            CHANGED  tcp/0.0.0.0:80
                     from /usr/sbin/sshd (root)
                     to   /usr/sbin/nginx (www-data), PID 80, started 2026-01-02 01:00:00 +00:00 (2 h 4 m ago)

            """));
  }

  @ParameterizedTest(name = "{1}")
  @MethodSource("hostileTexts")
  void hostileTextIsEscapedWhereverItStands(String raw, String escaped) {
    Endpoint path = new Endpoint(Protocol.UNIX, "/run/" + raw, 0);
    Owner hostile = new Owner(raw, "/bin/" + raw);
    Report report =
        new Report(
            snapshot(raw, BASELINE, List.of(stored(path, new Owner("old" + raw, raw)))),
            snapshot(
                raw,
                SCAN,
                List.of(SocketEntry.heldBy(path, List.of(holder(7, hostile, STARTED)), true))),
            new Diff(
                List.of(
                    new Difference(
                        Kind.CHANGED,
                        stored(path, new Owner("old" + raw, raw)),
                        SocketEntry.heldBy(path, List.of(holder(7, hostile, STARTED)), true)))),
            Map.of(),
            List.of("row " + raw),
            ZoneOffset.UTC);
    String expected =
        """
        <>: 0 NEW, 0 GONE, 1 CHANGED

        CHANGED  unix//run/<>
                 from <> (old<>)
                 to   /bin/<> (<>), PID 7, started 2026-01-02 01:00:00 +00:00 (2 h 4 m ago)

        Host      <>, Linux 6.1.0
        Scanned   2026-01-02 03:04:05 +00:00
        Baseline  2026-01-01 00:00:00 +00:00, 1 sockets
        Note      row <>

        If all of this is as it should be, take it into the baseline: lsm generate, or lsm accept SOCKET
        """
            .replace("<>", escaped);

    assertEquals(expected, report.text());
    assertEquals(expected, report.alert("x").text());
    assertEquals("on " + escaped, report.alert("on $HOSTNAME").subject());
  }

  static Stream<Arguments> hostileTexts() {
    return Stream.of(
        arguments("a\nNEW", "a\\x0aNEW"),
        arguments("\033[31m", "\\x1b[31m"),
        arguments("a\rb", "a\\x0db"),
        arguments("\u202egpj", "\\u{202e}gpj"),
        arguments("\udcff", "\\xff"),
        arguments("\ud83d", "\\u{d83d}"),
        arguments("\u0085\u2028", "\\u{85}\\u{2028}"),
        arguments("a\\x0ab", "a\\\\x0ab"));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "LSM Port Monitor Alert on $HOSTNAME | LSM Port Monitor Alert on web1",
        "$NEW $GONE $CHANGED                 | 3 2 1",
        "$NEW$NEW                            | 33",
        "$$NEW                               | $3",
        "\\$NEW                              | \\3",
        "at $DATE!                           | at 2026-01-02 03:04:05 +00:00!",
        "$HOSTNAME.example                   | web1.example",
        "$HOSTNAMES $HOSTNAME_ $OTHER        | $HOSTNAMES $HOSTNAME_ $OTHER",
        "$new ${NEW} $(NEW) $ NEW            | $new ${NEW} $(NEW) $ NEW",
        "`id` $(id) %s %d %n                 | `id` $(id) %s %d %n",
      })
  void subjectHasItsVariablesExpandedAndNothingElse(String subject, String expected) {
    List<Difference> differences = new ArrayList<>();
    differences.addAll(Collections.nCopies(3, new Difference(Kind.NEW, SSH, SSH)));
    differences.addAll(Collections.nCopies(2, new Difference(Kind.GONE, SSH, SSH)));
    differences.add(new Difference(Kind.CHANGED, SSH, SSH));
    Snapshot now = snapshot("web1", SCAN, List.of(SSH));

    Alert alert =
        new Report(now, now, new Diff(differences), Map.of(), List.of(), ZoneOffset.UTC)
            .alert(subject);

    assertEquals(expected, alert.subject());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {"a$NEW | a$NEW", "$1 | $1", "a\\1 | a\\\\1", "$HOSTNAME | $HOSTNAME"})
  void hostNameIsNeverExpandedItself(String host, String expected) {
    Snapshot now = snapshot(host, SCAN, List.of(SSH));

    Alert alert =
        new Report(now, now, new Diff(List.of()), Map.of(), List.of(), ZoneOffset.UTC)
            .alert("$HOSTNAME");

    assertEquals(expected, alert.subject());
  }

  @Test
  void alertTellsWhereAndWhen() {
    Report report = report(List.of(SSH), List.of(SSH, WEB));

    assertEquals(
        new Alert("web1", SCAN, "1 new on web1", report.text()),
        report.alert("$NEW new on $HOSTNAME"));
  }

  private static Holder holder(int pid, Owner owner, Instant start) {
    return new Holder(pid, start.getEpochSecond(), start, owner);
  }

  private static SocketEntry held(Protocol protocol, String local, Holder... holders) {
    return SocketEntry.heldBy(Endpoint.of(protocol.label(), local), List.of(holders), true);
  }

  /** An entry as a baseline has it. */
  private static SocketEntry stored(Endpoint endpoint, Owner... owners) {
    SortedSet<Owner> all = new TreeSet<>(List.of(owners));
    return new SocketEntry(endpoint, all, List.of());
  }

  private static Snapshot snapshot(String host, Instant time, List<SocketEntry> entries) {
    return Snapshot.of(new Origin(host, "6.1.0", time, "1.0.0"), entries);
  }

  private static Report report(List<SocketEntry> before, List<SocketEntry> after) {
    Snapshot baseline = snapshot("web1", BASELINE, before);
    Snapshot now = snapshot("web1", SCAN, after);
    return new Report(
        baseline,
        now,
        Diff.between(baseline, now, EphemeralPorts.NONE),
        Map.of(),
        List.of(),
        ZoneOffset.UTC);
  }
}
