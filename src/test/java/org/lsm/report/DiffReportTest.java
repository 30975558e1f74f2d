package org.lsm.report;

import static java.util.stream.Collectors.joining;
import static java.util.stream.Collectors.toSet;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.params.provider.Arguments.arguments;
import static org.lsm.report.Golden.assertGolden;

import com.google.gson.JsonObject;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.lsm.alert.Alert;
import org.lsm.alert.AlertType;
import org.lsm.model.Diff;
import org.lsm.model.Difference;
import org.lsm.model.DifferenceCounts;
import org.lsm.model.DifferenceType;
import org.lsm.model.Endpoint;
import org.lsm.model.Flag;
import org.lsm.model.HostInfo;
import org.lsm.model.Owner;
import org.lsm.model.Plural;
import org.lsm.model.ProcessDetails;
import org.lsm.model.ProcessRef;
import org.lsm.model.Protocol;
import org.lsm.model.Snapshot;
import org.lsm.model.SocketDetails;
import org.lsm.model.SocketEntry;
import org.lsm.model.SocketIdentity;
import org.lsm.model.SocketOwners;

/** Reports, subjects and log events, to the character. */
class DiffReportTest {

  private static final Instant BASELINE = Instant.parse("2026-01-01T00:00:00Z");
  private static final Instant STARTED = Instant.parse("2026-01-02T01:00:00Z");
  private static final Instant SCAN = Instant.parse("2026-01-02T03:04:05Z");

  private static final Owner SSHD = new Owner("root", "/usr/sbin/sshd");
  private static final Owner NGINX = new Owner("www-data", "/usr/sbin/nginx");
  private static final SocketEntry SSH =
      held(Protocol.TCP, "0.0.0.0:22", process(7, SSHD, STARTED));
  private static final SocketEntry WEB =
      held(Protocol.TCP, "0.0.0.0:80", process(80, NGINX, STARTED));

  @Test
  void noDifference() {
    assertGolden("no-difference.txt", report(List.of(SSH), List.of(SSH)).document().text());
  }

  @Test
  void newSocket() {
    assertGolden("new-socket.txt", report(List.of(SSH), List.of(SSH, WEB)).document().text());
  }

  @Test
  void usesItsTimeZone() {
    DiffReport report = report(List.of(SSH), List.of(SSH));

    assertGolden("zone.txt", with(report, List.of(), ZoneId.of("Asia/Kolkata")).document().text());
  }

  @Test
  void notesFollowTheBaseline() {
    DiffReport report = report(List.of(SSH), List.of(SSH));

    assertGolden(
        "notes.txt", with(report, List.of("first", "second"), ZoneOffset.UTC).document().text());
  }

  private static DiffReport with(DiffReport report, List<String> notes, ZoneId zone) {
    return new DiffReport(
        report.before(), report.after(), report.diff(), Map.of(), notes, () -> zone, user -> user);
  }

  private static DiffReport with(DiffReport it, Map<Endpoint, SocketDetails> details) {
    return new DiffReport(
        it.before(), it.after(), it.diff(), details, it.notes(), it.zone(), user -> user);
  }

  @Test
  void liveOutboundConnection() {
    DiffReport report =
        SampleAlerts.outbound(
            SampleAlerts.liveOutbound(), SampleAlerts.outbound("out-tcp", "public:443"));
    assertGolden("outbound-live.txt", report.document().text());
  }

  /** Several of one owner are one block. */
  @Test
  void endedOutboundConnections() {
    DiffReport report =
        SampleAlerts.outbound(
            SampleAlerts.endedOutbound(),
            SampleAlerts.outbound("out-udp", "link-local:53"),
            SampleAlerts.outbound("out-tcp", "private:0"));
    assertGolden("outbound-ended.txt", report.document().text());
  }

  @Test
  void details() {
    ProcessRef first = process(80, NGINX, STARTED);
    ProcessDetails process =
        new ProcessDetails(
            first,
            "nginx -g 'a  b'",
            "/srv/\033",
            "nginx.service",
            List.of(process(9, SSHD, STARTED), process(1, Owner.UNKNOWN, STARTED)),
            EnumSet.of(Flag.MEMFD, Flag.PROGRAM_DELETED));
    ProcessDetails bare =
        new ProcessDetails(process(7, SSHD, STARTED), "", "", "", List.of(), Set.of());
    SocketDetails details =
        new SocketDetails(
            "http",
            List.of("192.0.2.1:9", "[::1]:9"),
            List.of(process, bare),
            EnumSet.of(Flag.FORGED, Flag.BEYOND_LOOPBACK),
            Optional.of(new Endpoint("", Protocol.UNIX, "@a\nb", 0)));
    List<ProcessRef> processes = new ArrayList<>(List.of(first, bare.process()));
    IntStream.rangeClosed(1001, 1020).forEach(pid -> processes.add(process(pid, NGINX, SCAN)));
    IntStream.rangeClosed(10, 31)
        .forEach(i -> processes.add(process(i, new Owner("x", "/x/" + i), SCAN.plusSeconds(9))));
    SocketEntry web = SocketEntry.heldBy(WEB.endpoint(), new SocketOwners(processes, true));
    Snapshot now = snapshot("web1", SCAN, List.of(web));
    Diff diff = new Diff(List.of(difference(DifferenceType.NEW, web)));

    assertGolden(
        "details.txt",
        new DiffReport(
                now,
                now,
                diff,
                Map.of(web.endpoint(), details),
                List.of(),
                () -> ZoneOffset.UTC,
                user -> user)
            .differencesText());
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("differences")
  void ownersOfDifference(String name, List<SocketEntry> before, List<SocketEntry> after) {
    assertEquals(
        Golden.sections("differences.txt").get(name), report(before, after).differencesText());
  }

  @Test
  void goldenDifferencesAreAllTested() {
    assertEquals(
        Golden.sections("differences.txt").keySet(),
        differences().map(it -> (String) it.get()[0]).collect(toSet()));
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
                    process(82, NGINX, STARTED.plusSeconds(9)),
                    process(9, NGINX, STARTED.plusSeconds(5)),
                    process(81, NGINX, STARTED.plusSeconds(7))))),
        arguments(
            "two programs, one after the other",
            List.of(),
            List.of(
                held(
                    Protocol.TCP,
                    "0.0.0.0:80",
                    process(81, SSHD, STARTED),
                    process(82, NGINX, STARTED)))),
        arguments(
            "new, held by nobody",
            List.of(),
            List.of(SocketEntry.heldBy(web, new SocketOwners(List.of(), true)))),
        arguments(
            "new, held by somebody who may not be seen",
            List.of(),
            List.of(SocketEntry.heldBy(web, new SocketOwners(List.of(), false)))),
        arguments(
            "new, held by one who is seen and one who is not",
            List.of(),
            List.of(
                SocketEntry.heldBy(
                    web, new SocketOwners(List.of(process(82, NGINX, STARTED)), false)))),
        arguments("gone, with all who held it", List.of(stored(web, SSHD, NGINX)), List.of()),
        arguments("gone, held by nobody", List.of(stored(web)), List.of()),
        arguments("changed hands", List.of(stored(web, SSHD)), List.of(WEB)),
        arguments(
            "let go by its owner",
            List.of(stored(web, NGINX)),
            List.of(SocketEntry.heldBy(web, new SocketOwners(List.of(), true)))),
        arguments(
            "all kinds: NEW, then CHANGED, then GONE",
            List.of(stored(SSH.endpoint(), SSHD), stored(web, SSHD)),
            List.of(
                WEB, held(Protocol.UDP6, "[::1]:53", process(5, SSHD, STARTED.plusMillis(999))))),
        arguments(
            "several sockets of one process: one block",
            List.of(),
            List.of(WEB, held(Protocol.TCP6, "[::]:80", process(80, NGINX, STARTED)))),
        arguments(
            "many sockets of one process: the ports of an address together",
            List.of(),
            Stream.of("1 2 3 4 5 6 7 8 10".split(" ", -1))
                .flatMap(it -> Stream.of("tcp 127.0.0.1:" + it, "tcp 127.0.0.2:10", "unix @a:b"))
                .distinct()
                .map(it -> it.split(" ", -1))
                .map(
                    it ->
                        SocketEntry.heldBy(
                            Endpoint.of(it[0], it[1]),
                            new SocketOwners(List.of(process(80, NGINX, STARTED)), true)))
                .toList()),
        arguments(
            "the same program in two processes: one block with both",
            List.of(),
            List.of(WEB, held(Protocol.TCP, "0.0.0.0:81", process(81, NGINX, STARTED)))),
        arguments(
            "gone together", List.of(stored(SSH.endpoint(), SSHD), stored(web, SSHD)), List.of()));
  }

  // ---- blocks

  private static final Owner APACHE = new Owner("www-data", "/usr/sbin/apache2");
  private static final Owner MASTER = new Owner("root", "/usr/lib/postfix/sbin/master");
  private static final Owner SMTPD = new Owner("postfix", "/usr/lib/postfix/sbin/smtpd");
  private static final Owner SHELL = new Owner("www-data", "/bin/bash");

  @ParameterizedTest(name = "{0}")
  @MethodSource("groups")
  void differencesOfOneServiceAreOneBlock(
      String name, List<SocketEntry> before, List<SocketEntry> after, String units) {
    DiffReport report = report(before, after);
    Map<Endpoint, SocketDetails> details = new TreeMap<>();
    for (SocketEntry entry : after) {
      details.put(entry.endpoint(), inUnit(entry, units));
    }
    assertEquals(Golden.sections("groups.txt").get(name), with(report, details).differencesText());
  }

  /** Details with the first process of each owner, in a unit by the PID: "80=a.service". */
  private static SocketDetails inUnit(SocketEntry entry, String units) {
    Map<Owner, ProcessDetails> processes = new TreeMap<>();
    for (ProcessRef it : entry.processes()) {
      Matcher unit = Pattern.compile("\\b" + it.pid() + "=(\\S+)").matcher(units);
      boolean isShell = it.owner().equals(SHELL);
      processes.putIfAbsent(
          it.owner(),
          new ProcessDetails(
              it,
              "run " + it.pid(),
              "",
              unit.find() ? unit.group(1) : "",
              List.of(),
              isShell ? Set.of(Flag.INTERPRETER) : Set.of()));
    }
    Set<Flag> flags = entry.endpoint().isLocal() ? Set.of() : Set.of(Flag.BEYOND_LOOPBACK);
    List<ProcessDetails> all = List.copyOf(processes.values());
    return new SocketDetails("", List.of(), all, flags, Optional.empty());
  }

  private static Stream<Arguments> groups() {
    ProcessRef apache = process(80, APACHE, STARTED);
    ProcessRef master = process(10, MASTER, STARTED);
    return Stream.of(
        arguments(
            "a restart that changes ports: NEW and GONE together",
            List.of(stored(tcp(40001), NGINX), stored(Endpoint.of("udp", "0.0.0.0:812"), NGINX)),
            List.of(
                held(Protocol.TCP, "0.0.0.0:50001", process(80, NGINX, STARTED)),
                held(Protocol.UDP, "127.0.0.1:990", process(80, NGINX, STARTED))),
            "80=nginx.service"),
        arguments(
            "a server with helpers: what all share, and who else holds a socket",
            List.of(stored(tcp(465), MASTER)),
            List.of(
                held(Protocol.TCP, "0.0.0.0:25", master, process(11, SMTPD, SCAN)),
                held(Protocol.UNIX, "/run/postfix/pickup", master),
                held(Protocol.UNIX, "/run/postfix/qmgr", master)),
            "10=postfix.service 11=postfix.service"),
        arguments(
            "another user and script: CHANGED, NEW and GONE together",
            List.of(stored(tcp(80), SSHD), stored(tcp(81), SSHD), stored(tcp(22), NGINX)),
            List.of(
                held(Protocol.TCP, "0.0.0.0:80", apache), held(Protocol.TCP, "[::1]:80", apache)),
            "80=apache2.service"),
        arguments(
            "two units of one program: what is GONE may be of either",
            List.of(stored(tcp(1), NGINX)),
            List.of(
                held(Protocol.TCP, "0.0.0.0:2", process(80, NGINX, STARTED)),
                held(Protocol.TCP, "0.0.0.0:3", process(81, NGINX, STARTED))),
            "80=a.service 81=b.service"),
        arguments(
            "another program in the unit of a service stands alone",
            List.of(),
            List.of(
                held(
                    Protocol.TCP,
                    "0.0.0.0:4444",
                    process(99, new Owner("www-data", "/tmp/nc"), SCAN)),
                held(Protocol.TCP, "0.0.0.0:80", apache)),
            "80=apache2.service 99=apache2.service"),
        arguments(
            "a shell that inherited a listener stands alone, with all about it",
            List.of(stored(tcp(80), APACHE), stored(tcp(443), APACHE)),
            List.of(
                held(Protocol.TCP, "0.0.0.0:80", apache, process(99, SHELL, SCAN)),
                held(Protocol.TCP, "0.0.0.0:8080", apache)),
            "80=apache2.service 99=apache2.service"),
        arguments(
            "high sockets of a program come before its others",
            List.of(stored(Endpoint.of("unix", "@gone"), SHELL)),
            List.of(
                held(Protocol.TCP, "127.0.0.1:1", process(99, SHELL, STARTED)),
                held(Protocol.TCP, "0.0.0.0:2", process(99, SHELL, STARTED)),
                held(Protocol.TCP, "0.0.0.0:3", process(98, SHELL, SCAN))),
            ""),
        arguments(
            "many of several types: the names of the rest tell the type",
            IntStream.rangeClosed(11, 13).mapToObj(it -> stored(tcp(it), APACHE)).toList(),
            IntStream.rangeClosed(1, 6)
                .mapToObj(it -> held(Protocol.TCP, "0.0.0.0:" + it, apache))
                .toList(),
            "80=apache2.service"));
  }

  private static Endpoint tcp(int port) {
    return Endpoint.of("tcp", "0.0.0.0:" + port);
  }

  @Test
  void goldenGroupsAreAllTested() {
    assertEquals(
        Golden.sections("groups.txt").keySet(),
        groups().map(it -> (String) it.get()[0]).collect(toSet()));
  }

  @ParameterizedTest(name = "{1}")
  @MethodSource("hostileTexts")
  void escapesHostileText(String raw, String escaped) {
    Endpoint path = new Endpoint("", Protocol.UNIX, "/run/" + raw, 0);
    SocketEntry before = stored(path, new Owner("old" + raw, raw));
    ProcessRef process = process(7, new Owner(raw, "/bin/" + raw), STARTED);
    SocketEntry after = SocketEntry.heldBy(path, new SocketOwners(List.of(process), true));
    DiffReport report =
        new DiffReport(
            snapshot(raw, BASELINE, List.of(before)),
            snapshot(raw, SCAN, List.of(after)),
            new Diff(List.of(new Difference(DifferenceType.CHANGED, before, after))),
            Map.of(),
            List.of("row " + raw),
            () -> ZoneOffset.UTC,
            user -> user);
    String expected = Golden.read("hostile.txt").replace("<>", escaped);

    assertEquals(expected, report.document().text());
    Alert alert = Alert.of(AlertType.DIFFERENCES, report, "on $HOSTNAME");
    assertEquals(expected.lines().toList(), alert.text());
    assertEquals("on " + escaped, alert.subject());
    assertEquals(
        List.of(
            event(
                "alert",
                "CHANGED unix//run/<> from <> (old<>) to /bin/<> (<>), PID 7"
                    .replace("<>", escaped),
                "unix//run/" + escaped,
                "/bin/<> (<>)".replace("<>", escaped),
                "7")),
        alert.events());
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
  void expandsVariablesInSubject(String subject, String expected) {
    List<Difference> differences = new ArrayList<>();
    differences.addAll(Collections.nCopies(3, new Difference(DifferenceType.NEW, SSH, SSH)));
    differences.addAll(Collections.nCopies(2, new Difference(DifferenceType.GONE, SSH, SSH)));
    differences.add(new Difference(DifferenceType.CHANGED, SSH, SSH));
    Snapshot now = snapshot("web1", SCAN, List.of(SSH));

    DiffReport report =
        new DiffReport(
            now,
            now,
            new Diff(differences),
            Map.of(),
            List.of(),
            () -> ZoneOffset.UTC,
            user -> user);

    assertEquals(expected, Alert.of(AlertType.DIFFERENCES, report, subject).subject());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {"a$NEW | a$NEW", "$1 | $1", "a\\1 | a\\\\1", "$HOSTNAME | $HOSTNAME"})
  void neverExpandsHostName(String host, String expected) {
    Snapshot now = snapshot(host, SCAN, List.of(SSH));

    DiffReport report =
        new DiffReport(
            now, now, new Diff(List.of()), Map.of(), List.of(), () -> ZoneOffset.UTC, user -> user);

    assertEquals(expected, Alert.of(AlertType.DIFFERENCES, report, "$HOSTNAME").subject());
  }

  @Test
  void alertHasAllForms() {
    DiffReport report = report(List.of(SSH), List.of(SSH, WEB));

    Alert alert = Alert.of(AlertType.DIFFERENCES, report, "$NEW new on $HOSTNAME");

    JsonObject json = Json.bounded(report);
    json.addProperty("event", "differences");
    json.addProperty("summary", "web1: NEW tcp/0.0.0.0:80 nginx (www-data)");
    assertEquals(
        new Alert(
            alert.id(),
            AlertType.DIFFERENCES,
            SCAN,
            "web1",
            "1 new on web1",
            report.document().text().lines().toList(),
            report.document().html().lines().toList(),
            report.events(),
            new DifferenceCounts(1, 0, 0),
            List.of(),
            List.of(),
            json),
        alert);
    assertNotEquals(alert.id(), Alert.of(AlertType.DIFFERENCES, report, "x").id());
  }

  @ParameterizedTest
  @CsvSource({
    "DIFFERENCES, on web1",
    "REMINDER, on web1: reminder",
    "ALL_CLEAR, on web1: all clear",
  })
  void subjectNamesAlertType(AlertType type, String subject) {
    DiffReport report = report(List.of(SSH), List.of(SSH, WEB));

    assertEquals(subject, Alert.of(type, report, "on $HOSTNAME").subject());
  }

  /** A high difference shows in the subject, with $SUMMARY and without, and in the log. */
  @Test
  void subjectAndLogMarkHigh() {
    DiffReport report =
        with(
            report(List.of(), List.of(SSH, WEB)),
            Map.of(WEB.endpoint(), flagged(Flag.PROGRAM_DELETED)));

    Alert alert = Alert.of(AlertType.REMINDER, report, "$HOSTNAME: $SUMMARY");
    assertEquals("web1: reminder: [high] 2 NEW", alert.subject());
    assertEquals("high", alert.severity());
    assertEquals("web1: 2 NEW [high]", alert.plainSummary());
    assertEquals(
        "on web1 [high]: reminder", Alert.of(AlertType.REMINDER, report, "on web1").subject());
    LogEvent event = report.events().get(0);
    assertEquals(
        "NEW [high] tcp/0.0.0.0:80 by /usr/sbin/nginx (www-data), PID 80", event.message());
    assertEquals("high", event.data().get("severity"));
    assertTrue(
        report
            .document()
            .html()
            .contains(
                "<section class=\"new\">\n"
                    + "<h2 class=\"high\"><b>NEW      [high]</b> <code>tcp/0.0.0.0:80</code></h2>"),
        report.document().html());
  }

  /** What is over is listed and logged; beyond the first hundred it is counted. */
  @ParameterizedTest
  @CsvSource({"1, 1, 0", "100, 100, 0", "101, 100, 1", "5000, 100, 4900"})
  void listsWhatHasEnded(int number, int lines, int more) {
    List<String> ended =
        IntStream.range(0, number).mapToObj(i -> "NEW unix/@" + i + " by /x (joe)").toList();
    DiffReport report = report(List.of(), List.of(SSH)).reporting(List.of(), ended);
    List<String> text = report.document().text().lines().toList();

    assertEquals("web1: " + number + " ended", text.get(0));
    assertEquals("Ended     NEW unix/@0 by /x (joe)", text.get(2));
    assertEquals(more > 0, text.contains("Ended     … and " + more + " more"));
    assertEquals(lines, report.events().size());
    assertEquals(new LogEvent("notice", "NEW unix/@0 by /x (joe), ended"), report.events().get(0));
    Alert alert = Alert.of(AlertType.DIGEST, report, "$SUMMARY");
    assertEquals("digest: " + number + " ended", alert.subject());
    assertEquals("low", alert.severity());
    assertEquals(lines, alert.report().getAsJsonArray("ended").size());
    assertEquals(more > 0 ? 1 : 0, alert.report().getAsJsonArray("notes").size());
  }

  @Test
  void allClearIsOneEvent() {
    assertEquals(
        List.of(new LogEvent("notice", "web1: no difference to the baseline, 1 socket")),
        Alert.of(AlertType.ALL_CLEAR, report(List.of(SSH), List.of(SSH)), "x").events());
  }

  // ---- a part of a report

  @Test
  void listsWhatWasAlertedBefore() {
    SocketEntry dns = held(Protocol.UDP6, "[::1]:53", process(5, SSHD, STARTED));
    DiffReport report = report(List.of(SSH), List.of(WEB, dns));
    DiffReport part = report.reporting(List.of(difference(DifferenceType.NEW, WEB)), List.of());

    assertGolden("alerted-before.txt", part.document().text());
    assertEquals(
        List.of(difference(DifferenceType.NEW, dns), difference(DifferenceType.GONE, SSH)),
        part.alertedBefore());
    assertEquals(1, part.events().size());
  }

  @Test
  void reportingAllChangesNothing() {
    DiffReport report = report(List.of(SSH), List.of(WEB));

    assertEquals(report, report.reporting(report.diff().differences(), List.of()));
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 20, 21, 500})
  void listsTwentyAlertedBefore(int number) {
    DiffReport report = report(List.of(), sockets(number, 1));
    List<String> expected =
        new ArrayList<>(
            IntStream.rangeClosed(1, Math.min(number, 20))
                .mapToObj(port -> "Still     NEW tcp/0.0.0.0:" + port + ", alerted before")
                .toList());
    if (number > 20) {
      expected.add("Still     … and " + (number - 20) + " more");
    }

    assertEquals(
        expected,
        report
            .reporting(List.of(), List.of())
            .document()
            .text()
            .lines()
            .filter(line -> line.startsWith("Still "))
            .toList());
  }

  @Test
  void escapesWhatWasAlertedBefore() {
    SocketEntry hostile = stored(new Endpoint("", Protocol.UNIX, "/run/\033[31m", 0));

    assertEquals(
        List.of("Still     GONE unix//run/\\x1b[31m, alerted before"),
        report(List.of(hostile), List.of(SSH))
            .reporting(List.of(difference(DifferenceType.NEW, SSH)), List.of())
            .document()
            .text()
            .lines()
            .filter(line -> line.startsWith("Still "))
            .toList());
  }

  @ParameterizedTest
  @CsvSource({"200, ''", "201, … and 1 more NEW", "1234, … and 1034 more NEW"})
  void describesTwoHundredOfAType(int all, String more) {
    SocketEntry[] sockets =
        IntStream.rangeClosed(1, all)
            .mapToObj(i -> process(i, new Owner("www-data", "/bin/" + i), STARTED))
            .map(it -> held(Protocol.TCP, "0.0.0.0:" + it.pid(), it))
            .toArray(SocketEntry[]::new);
    List<String> lines = report(List.of(), List.of(sockets)).differencesText().lines().toList();

    assertEquals(200, lines.stream().filter(line -> line.startsWith("NEW  ")).count());
    assertEquals(more, lines.stream().filter(line -> line.startsWith("…")).collect(joining()));
  }

  @ParameterizedTest
  @CsvSource({"6, 6", "200, 6-200", "201, 6-200", "1234, 6-200"})
  void namesTwoHundredSocketsOfOneProcess(int all, String others) {
    List<String> lines = report(List.of(), sockets(all, 1)).differencesText().lines().toList();

    assertEquals(5, lines.stream().filter(line -> line.startsWith("NEW  ")).count());
    assertTrue(lines.contains("         and        " + Plural.count(all - 5, "more socket")));
    assertTrue(lines.contains("         also       tcp/0.0.0.0:" + others));
    assertFalse(lines.stream().anyMatch(line -> line.startsWith("…")), "the block counts all");
  }

  @Test
  void mostSuspiciousFirst() {
    DiffReport report =
        report(
            List.of(),
            List.of(
                SSH,
                WEB,
                held(Protocol.TCP, "0.0.0.0:81", process(81, new Owner("x", "/x"), SCAN))));
    Map<Endpoint, SocketDetails> details =
        Map.of(
            SSH.endpoint(), flagged(Flag.BEYOND_LOOPBACK),
            WEB.endpoint(), flagged(Flag.PROGRAM_DELETED, Flag.WORLD_WRITABLE),
            Endpoint.of("tcp", "0.0.0.0:81"), flagged(Flag.INTERPRETER));
    DiffReport flagged = with(report, details);

    assertEquals(
        List.of("[high] tcp/0.0.0.0:80", "tcp/0.0.0.0:22", "tcp/0.0.0.0:81"),
        flagged
            .differencesText()
            .lines()
            .filter(it -> it.startsWith("NEW "))
            .map(it -> it.substring(9))
            .toList());
  }

  /** Only what is suspicious is a flag; the rest are properties. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "BEYOND_LOOPBACK             |                        | reachable beyond loopback",
        "INTERPRETER                 |                        | shell or interpreter",
        "INTERPRETER BEYOND_LOOPBACK | ! shell or interpreter | reachable beyond loopback",
        "ALREADY_CLOSED MEMFD | ! program runs from memory (memfd) | already closed again",
        "FORGED                      | ! perhaps a forged row, not a socket |",
      })
  void tellsSuspicionFromProperty(String flags, String suspicion, String note) {
    Flag[] set = Stream.of(flags.split(" ", -1)).map(Flag::valueOf).toArray(Flag[]::new);
    DiffReport plain = report(List.of(), List.of(WEB));
    DiffReport report = with(plain, Map.of(WEB.endpoint(), flagged(set)));
    List<String> lines = report.differencesText().lines().map(String::strip).toList();

    assertEquals(
        suspicion == null ? List.of() : List.of(suspicion),
        lines.stream().filter(it -> it.startsWith("!")).toList());
    assertEquals(
        note == null ? List.of() : List.of("note       " + note),
        lines.stream().filter(it -> it.startsWith("note ")).toList());
  }

  @ParameterizedTest
  @CsvSource({
    "NO_PROCESS,            no process holds it",
    "OUTSIDE_PID_NAMESPACE, its process may be outside this PID namespace"
  })
  void reportsWhyThereIsNoOwner(Flag flag, String reason) {
    SocketEntry nobody = SocketEntry.heldBy(WEB.endpoint(), new SocketOwners(List.of(), true));
    DiffReport plain = report(List.of(), List.of(nobody));
    DiffReport report = with(plain, Map.of(WEB.endpoint(), flagged(flag)));

    assertEquals(
        List.of("NEW      tcp/0.0.0.0:80", "program    " + reason),
        report.differencesText().lines().map(String::strip).filter(it -> !it.isEmpty()).toList());
  }

  private static SocketDetails flagged(Flag... flags) {
    return new SocketDetails("", List.of(), List.of(), Set.of(flags), Optional.empty());
  }

  // ---- scripts, and users that passwd(5) lacks

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "/opt/app/main.py | /usr/bin/python3 /opt/app/main.py | python3 main.py",
        "-m http.server   | /usr/bin/python3 -m http.server   | python3 -m http.server",
        "?                | /usr/bin/python3 (script unknown) | python3 (script unknown)",
        "/x\033[1m        | /usr/bin/python3 /x\\x1b[1m       | python3 x\\x1b[1m"
      })
  void namesScripts(String script, String full, String brief) {
    ProcessRef process = process(80, new Owner("4711", "/usr/bin/python3", script), STARTED);
    DiffReport plain = report(List.of(), List.of(held(Protocol.TCP, "0.0.0.0:80", process)));
    DiffReport report =
        new DiffReport(
            plain.before(),
            plain.after(),
            plain.diff(),
            Map.of(),
            List.of(),
            plain.zone(),
            user -> user + ", jdoe");
    String text = report.document().text();

    assertTrue(text.startsWith("web1: NEW tcp/0.0.0.0:80 " + brief + " (4711, jdoe)\n"), text);
    assertTrue(text.contains("\n         program    " + full + "\n"), text);
    assertTrue(text.contains("\n         user       4711, jdoe\n"), text);
    assertEquals(
        "NEW tcp/0.0.0.0:80 by " + full + " (4711, jdoe), PID 80",
        report.events().get(0).message());
  }

  // ---- when it appeared

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "                     | between 2026-01-01 00:00:00 and 2026-01-02 03:04:05",
        "2025-12-31T00:00:00Z | between 2026-01-01 00:00:00 and 2026-01-02 03:04:05",
        "2026-01-02T02:54:05Z | between 02:54:05 and 03:04:05",
      })
  void namesTheTimeWithoutTheSocket(Instant lastCompare, String between) {
    SocketEntry gone = stored(Endpoint.of("udp", "0.0.0.0:9"), APACHE);
    SocketEntry restarted = stored(Endpoint.of("udp", "0.0.0.0:10"), MASTER);
    DiffReport report =
        report(
            List.of(stored(WEB.endpoint(), SSHD), gone, restarted),
            List.of(WEB, SSH, held(Protocol.UDP, "0.0.0.0:11", process(1, MASTER, SCAN))));
    DiffReport found =
        report.withAbsentAt(report.diff().differences(), Optional.ofNullable(lastCompare));

    assertEquals(
        List.of(
            "appeared   " + between,
            "found      " + between,
            "changed    " + between,
            "gone       " + between),
        found
            .differencesText()
            .lines()
            .map(String::strip)
            .filter(it -> it.contains(" between "))
            .toList());
    assertFalse(report.differencesText().contains("between"), "nothing is known of old ones");
  }

  // ---- $SUMMARY

  @ParameterizedTest(name = "{0}")
  @MethodSource("summaries")
  void summaryInSubject(String expected, AlertType type, DiffReport report) {
    assertEquals(expected, Alert.of(type, report, "$SUMMARY").subject());
  }

  private static Stream<Arguments> summaries() {
    SocketEntry both =
        SocketEntry.heldBy(
            WEB.endpoint(), new SocketOwners(List.of(process(1, NGINX, SCAN)), false));
    String longName = "x".repeat(107);
    SocketEntry hostile =
        held(
            Protocol.UNIX,
            "@a\r\nBcc: joe b",
            process(7, new Owner("joe\n", "/tmp/a b\r\nX: (root)"), STARTED));
    DiffReport one = report(List.of(), List.of(WEB));
    return Stream.of(
        arguments("NEW tcp/0.0.0.0:80 nginx (www-data)", AlertType.DIFFERENCES, one),
        arguments("reminder: NEW tcp/0.0.0.0:80 nginx (www-data)", AlertType.REMINDER, one),
        arguments(
            "GONE tcp/0.0.0.0:80 sshd (root) and 1 more",
            AlertType.DIFFERENCES,
            report(List.of(stored(WEB.endpoint(), SSHD, new Owner("a", "/z"))), List.of())),
        arguments(
            "CHANGED tcp/0.0.0.0:80 nginx (www-data)",
            AlertType.DIFFERENCES,
            report(List.of(stored(WEB.endpoint(), SSHD)), List.of(WEB))),
        arguments(
            "NEW tcp/0.0.0.0:80 no visible process",
            AlertType.DIFFERENCES,
            report(
                List.of(),
                List.of(SocketEntry.heldBy(WEB.endpoint(), new SocketOwners(List.of(), true))))),
        arguments(
            "NEW tcp/0.0.0.0:80 nginx (www-data) and 1 more",
            AlertType.DIFFERENCES,
            report(List.of(), List.of(both))),
        arguments("1 NEW, 1 GONE", AlertType.DIFFERENCES, report(List.of(SSH), List.of(WEB))),
        arguments(
            "all clear: no difference to the baseline, 1 socket",
            AlertType.ALL_CLEAR,
            report(List.of(SSH), List.of(SSH))),
        arguments(
            "NEW unix/@a\\x0d\\x0aBcc:\\x20joe\\x20b a b\\x0d\\x0aX: (root) (joe\\x0a)",
            AlertType.DIFFERENCES,
            report(List.of(), List.of(hostile))),
        arguments(
            "NEW unix/" + "x".repeat(55) + "… " + "x".repeat(40) + "… (" + "x".repeat(40) + "…)",
            AlertType.DIFFERENCES,
            report(
                List.of(),
                List.of(
                    held(
                        Protocol.UNIX,
                        longName,
                        process(7, new Owner(longName, "/" + longName), STARTED))))));
  }

  /** What other users choose may be why a server rejects a mail. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "Alert on $HOSTNAME: $SUMMARY | REMINDER    | Alert on web1: reminder: 1 NEW",
        "$SUMMARY                     | DIFFERENCES | 1 NEW",
        "Alert on $HOSTNAME           | REMINDER    | Alert on web1: reminder",
      })
  void plainSubjectHasNoNames(String subject, AlertType type, String plain) {
    Alert alert = Alert.of(type, report(List.of(), List.of(WEB)), subject);

    assertEquals(plain, alert.plainSubject());
    assertEquals("web1: 1 NEW", alert.plainSummary());
  }

  // ---- what to do

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "tcp  | 0.0.0.0:80       | tcp/0.0.0.0:80",
        "tcp6 | [::]:80          | 'tcp6/[::]:80'",
        "unix | /run/x           | unix//run/x",
        "unix | /run/a b         | 'unix//run/a b'",
        "unix | @$(id)\"id\";&<>#  | 'unix/@$(id)\"id\";&<>#'",
        "unix | '; reboot; '     | 'unix/\\x27; reboot; \\x27'",
        "unix | /tmp/**/?!       | 'unix//tmp/\\x2a\\x2a/\\x3f\\x21'",
        "-x:tcp | 0.0.0.0:80     | -- '-x:tcp/0.0.0.0:80'",
      })
  void quotesNamesInCommands(String table, String local, String word) {
    SocketEntry entry =
        SocketEntry.heldBy(
            Endpoint.of(table, local), new SocketOwners(List.of(process(7, SSHD, STARTED)), true));

    assertTrue(
        report(List.of(), List.of(entry))
            .document()
            .text()
            .contains("\n    lsm accept " + word + "\n"),
        report(List.of(), List.of(entry)).document().text());
  }

  /** The PID of nginx would also accept the shell that came to hold its socket. */
  @Test
  void adviceAcceptsNoOtherGroup() {
    ProcessRef nginx = process(1, NGINX, STARTED);
    List<SocketEntry> after = new ArrayList<>();
    for (int port = 1; port <= 6; port++) {
      after.add(held(Protocol.TCP, "0.0.0.0:" + port, nginx));
    }
    assertTrue(report(List.of(), after).document().text().contains("lsm accept pid=1\n"));
    after.add(held(Protocol.TCP, "0.0.0.0:80", nginx, process(2, SHELL, STARTED)));
    String text = report(List.of(stored(tcp(80), NGINX)), after).document().text();
    assertFalse(text.contains("pid="), text);
    assertTrue(text.contains("lsm accept tcp/0.0.0.0:80\n"), text);
  }

  @Test
  void adviceForManyGroups() {
    List<SocketEntry> before = List.of(stored(Endpoint.of("udp", "0.0.0.0:9"), SSHD));
    List<SocketEntry> after = new ArrayList<>(sockets(6, 1));
    after.add(held(Protocol.TCP6, "[::]:9", process(5, SSHD, STARTED), process(6, SSHD, SCAN)));
    String text = report(before, after).document().text();

    assertTrue(
        text.contains(
            """
            If this is as it should be:
                lsm accept pid=1
                lsm accept 'tcp6/[::]:9' udp/0.0.0.0:9
            To accept everything that is there now: lsm generate

            If one is not yours, here PID 1:
            """),
        text);
    assertFalse(report(before, after).document(false).text().contains("lsm "), "no advice");
  }

  /** Who made a socket is told where somebody else or nobody holds it. */
  @Test
  void tellsMaker() {
    Owner maker = Owner.maker("user1");
    Owner bus = new Owner("messagebus", "/usr/bin/dbus-daemon");
    Endpoint at = Endpoint.of("tcp", "127.0.0.1:4444");
    SocketOwners handedOver =
        new SocketOwners(List.of(process(9, bus, STARTED)), List.of(maker), true);
    SocketEntry entry = SocketEntry.heldBy(at, handedOver);
    SocketDetails details =
        new SocketDetails("", List.of(), List.of(), Set.of(Flag.MAKER_DIFFERS), Optional.empty());
    DiffReport report = report(List.of(), List.of(entry));
    String text =
        new DiffReport(
                report.before(),
                report.after(),
                report.diff(),
                Map.of(at, details),
                List.of(),
                report.zone(),
                user -> user)
            .document()
            .text();
    assertTrue(
        text.startsWith(
            """
            web1: [high] NEW tcp/127.0.0.1:4444 dbus-daemon (messagebus), made by user1

            NEW      [high] tcp/127.0.0.1:4444
                     ! made by user1, held by /usr/bin/dbus-daemon (messagebus)
                     program    /usr/bin/dbus-daemon
                     PID        9
                     user       messagebus
            """),
        text);
    assertEquals(
        "NEW tcp/127.0.0.1:4444 by /usr/bin/dbus-daemon (messagebus), made by user1, PID 9",
        DiffReport.line(report.diff().differences().get(0), user -> user));

    SocketEntry nobody = SocketEntry.heldBy(at, new SocketOwners(List.of(), List.of(maker), true));
    text = report(List.of(), List.of(nobody)).document().text();
    assertTrue(
        text.startsWith(
            """
            web1: NEW tcp/127.0.0.1:4444 no visible process, made by user1

            NEW      tcp/127.0.0.1:4444
                     program    made by user1, no process holds it
            """),
        text);
  }

  /** A process that is not stopped goes on, so that none may be missing without a word. */
  @ParameterizedTest
  @CsvSource({"30, 30, ''", "200, 200, ' There may be more processes than these.'"})
  void stopsAllProcesses(int processCount, int stopped, String more) {
    String text = report(List.of(), sockets(1, processCount)).document().text();
    String pids = IntStream.rangeClosed(1, stopped).mapToObj(it -> " " + it).collect(joining());

    assertTrue(text.contains("\n    kill -STOP" + pids + "\n"), text);
    assertTrue(
        text.replaceAll("\\s+", " ").contains("instead of -STOP." + more + " kill -STOP"), text);
  }

  /** The report names 200 sockets, and says how many more there are wherever it lists them. */
  @Test
  void countsSocketsWithoutName() {
    List<String> lines = report(List.of(), sockets(250, 1)).document().text().lines().toList();

    assertTrue(lines.contains("         and        245 more sockets"), lines.toString());
    int also = lines.indexOf("         also       tcp/0.0.0.0:6-200");
    assertTrue(also > 0, lines.toString());
    assertEquals(" ".repeat(20) + "and 50 more", lines.get(also + 1));
  }

  /** Lines of text fit a terminal; only names and commands, which people copy, are longer. */
  @Test
  void textFitsEightyColumns() {
    String command = "word ".repeat(60).strip();
    ProcessRef process = process(7, NGINX, STARTED);
    ProcessDetails details =
        new ProcessDetails(process, command, "/", "", List.of(process), Set.of());
    DiffReport plain = report(List.of(), sockets(150, 500));
    DiffReport report =
        with(
            with(plain, List.of("a note of many words ".repeat(9)), ZoneOffset.UTC),
            Map.of(
                Endpoint.of("tcp", "0.0.0.0:1"),
                new SocketDetails("", List.of(), List.of(details), Set.of(), Optional.empty())));
    List<String> lines = report.document().text().lines().toList();

    assertEquals(
        List.of(),
        lines.stream().filter(it -> it.length() > 80 && !it.startsWith("    kill")).toList());
    assertTrue(
        lines.contains("         command    " + "word ".repeat(12).strip()), lines.toString());
    assertTrue(lines.contains(" ".repeat(20) + "word ".repeat(12).strip()));
  }

  // ---- for a log

  @ParameterizedTest(name = "{1}")
  @MethodSource("events")
  void eventPerDifference(Difference difference, LogEvent event) {
    Snapshot now = snapshot("web1", SCAN, List.of(SSH));
    DiffReport report =
        new DiffReport(
            now,
            now,
            new Diff(List.of(difference)),
            Map.of(),
            List.of(),
            () -> ZoneOffset.UTC,
            user -> user);

    assertEquals(event.message(), DiffReport.line(difference, it -> it));
    assertEquals(List.of(event), report.events());
  }

  private static Stream<Arguments> events() {
    Endpoint web = WEB.endpoint();
    SocketEntry nobody = SocketEntry.heldBy(web, new SocketOwners(List.of(), true));
    SocketEntry unseen = SocketEntry.heldBy(web, new SocketOwners(List.of(), false));
    SocketEntry both =
        held(
            Protocol.TCP,
            "0.0.0.0:80",
            process(82, SSHD, STARTED),
            process(9, NGINX, STARTED),
            process(81, NGINX, STARTED));
    return Stream.of(
        arguments(
            difference(DifferenceType.NEW, both),
            event(
                "alert",
                "NEW tcp/0.0.0.0:80 by /usr/sbin/nginx (www-data), /usr/sbin/sshd (root), PID"
                    + " 9,81,82",
                "tcp/0.0.0.0:80",
                "/usr/sbin/nginx (www-data), /usr/sbin/sshd (root)",
                "9,81,82")),
        arguments(
            difference(DifferenceType.NEW, nobody),
            event(
                "alert",
                "NEW tcp/0.0.0.0:80 by no visible process",
                "tcp/0.0.0.0:80",
                "no visible process",
                "")),
        arguments(
            difference(DifferenceType.GONE, stored(web, NGINX)),
            event(
                "warning",
                "GONE tcp/0.0.0.0:80 was by /usr/sbin/nginx (www-data)",
                "tcp/0.0.0.0:80",
                "/usr/sbin/nginx (www-data)",
                "")),
        arguments(
            new Difference(DifferenceType.CHANGED, stored(web, SSHD), WEB),
            event(
                "alert",
                "CHANGED tcp/0.0.0.0:80 from /usr/sbin/sshd (root) to /usr/sbin/nginx (www-data),"
                    + " PID 80",
                "tcp/0.0.0.0:80",
                "/usr/sbin/nginx (www-data)",
                "80")),
        arguments(
            difference(DifferenceType.CHANGED, WEB),
            event(
                "alert",
                "CHANGED tcp/0.0.0.0:80 by /usr/sbin/nginx (www-data): program file replaced, PID"
                    + " 80",
                "tcp/0.0.0.0:80",
                "/usr/sbin/nginx (www-data)",
                "80")),
        arguments(
            new Difference(DifferenceType.CHANGED, stored(web, SSHD), unseen),
            event(
                "alert",
                "CHANGED tcp/0.0.0.0:80 from /usr/sbin/sshd (root) to an unknown owner",
                "tcp/0.0.0.0:80",
                "an unknown owner",
                "")));
  }

  @Test
  void eventNamesTwentyProcesses() {
    LogEvent event = report(List.of(), sockets(1, 500)).events().get(0);

    String pids = IntStream.rangeClosed(1, 20).mapToObj(String::valueOf).collect(joining(","));
    assertEquals(
        event(
            "alert",
            "NEW tcp/0.0.0.0:1 by /usr/sbin/nginx (www-data), PID " + pids,
            "tcp/0.0.0.0:1",
            "/usr/sbin/nginx (www-data)",
            pids),
        event);
  }

  @Test
  void cutsLineWithManyOwners() {
    String name = "/" + "x".repeat(48);
    ProcessRef[] many =
        IntStream.rangeClosed(10, 59)
            .mapToObj(i -> process(i, new Owner("u" + i, name), STARTED))
            .toArray(ProcessRef[]::new);
    String owners =
        IntStream.rangeClosed(10, 29).mapToObj(i -> name + " (u" + i + ")").collect(joining(", "));

    assertEquals(
        "NEW tcp/0.0.0.0:80"
            + (" by " + owners).substring(0, 600)
            + "…, PID 10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29",
        DiffReport.line(
            difference(DifferenceType.NEW, held(Protocol.TCP, "0.0.0.0:80", many)), it -> it));
  }

  @ParameterizedTest
  @ValueSource(ints = {199, 200, 201, 1234})
  void logsTwoHundredEventsAndCountsOthers(int all) {
    List<LogEvent> events = report(List.of(), sockets(all, 1)).events();

    List<String> expected =
        new ArrayList<>(
            IntStream.rangeClosed(1, Math.min(all, 200))
                .mapToObj(
                    port -> "NEW tcp/0.0.0.0:" + port + " by /usr/sbin/nginx (www-data), PID 1")
                .toList());
    if (all > 200) {
      expected.add("web1: " + all + " NEW, " + (all - 200) + " not logged");
      assertEquals(new LogEvent("alert", expected.get(200)), events.get(200));
    }
    assertEquals(expected, events.stream().map(LogEvent::message).toList());
  }

  @Test
  void noDifferenceNoEvent() {
    assertEquals(List.of(), report(List.of(SSH), List.of(SSH)).events());
  }

  // ---- reports where nothing was compared

  @ParameterizedTest(name = "{1}")
  @MethodSource("hostileTexts")
  void testAlert(String host, String escaped) {
    HostInfo hostInfo = new HostInfo(host, "6.1.0", SCAN, "1.0.0");
    String expected = Golden.read("test-alert.txt").replace("<>", escaped);

    assertEquals(expected, DiffReport.test(hostInfo, ZoneId.of("Asia/Kolkata")).text());
  }

  @Test
  void withoutBaseline(@TempDir Path state) throws IOException {
    HostInfo hostInfo = new HostInfo("web\0331", "6.1\n0", SCAN, "1.0.0");
    ReportDocument document =
        FailureReport.withoutBaseline(hostInfo, "no\nbaseline", state, ZoneOffset.UTC);

    assertGolden("no-baseline.txt", document.text());
    Files.createFile(state.resolve("baseline.1"));
    String text = FailureReport.withoutBaseline(hostInfo, "", state, ZoneOffset.UTC).text();
    assertTrue(
        text.contains(
            """
             2. Restore the baseline before it, or one from a backup.
                cp -p <>.1 <>
             3. See what differs from it.
            """
                .replace("<>", state.resolve("baseline").toString())),
        text);
    Alert alert =
        Alert.of(AlertType.NO_BASELINE, hostInfo, document, "$NEW on $HOSTNAME", ZoneOffset.UTC);
    assertEquals("0 on web\\x1b1: no baseline", alert.subject());
    assertEquals(
        List.of(
            new LogEvent("crit", "web\\x1b1: the baseline cannot be read, nothing is compared")),
        alert.events());
    assertEquals(
        "{'host':'web\\\\x1b1','kernel':'6.1\\\\x0a0','time':'2026-01-02T03:04:05Z','lsm':'1.0.0',"
            + "'event':'no_baseline',"
            + "'summary':'web\\\\x1b1: the baseline cannot be read, nothing is compared'}",
        alert.report().toString().replace('"', '\''));
  }

  /** The event of a difference, whose type is the first word of the message. */
  private static LogEvent event(
      String level, String message, String socket, String owners, String pids) {
    String kind = message.substring(0, message.indexOf(' '));
    return new LogEvent(
        level,
        message,
        new TreeMap<>(
            Map.of(
                "kind", kind,
                "severity", "normal",
                "socket", socket,
                "owners", owners,
                "pids", pids)));
  }

  private static Difference difference(DifferenceType type, SocketEntry entry) {
    return new Difference(type, entry, entry);
  }

  /** TCP sockets from port 1 on, each held by this many processes. */
  private static List<SocketEntry> sockets(int number, int processCount) {
    ProcessRef[] processes =
        IntStream.rangeClosed(1, processCount)
            .mapToObj(pid -> process(pid, NGINX, STARTED))
            .toArray(ProcessRef[]::new);
    return IntStream.rangeClosed(1, number)
        .mapToObj(port -> held(Protocol.TCP, "0.0.0.0:" + port, processes))
        .toList();
  }

  private static ProcessRef process(int pid, Owner owner, Instant start) {
    return new ProcessRef(pid, start.getEpochSecond(), start, owner);
  }

  private static SocketEntry held(Protocol protocol, String local, ProcessRef... processes) {
    return SocketEntry.heldBy(
        Endpoint.of(protocol.label(), local), new SocketOwners(List.of(processes), true));
  }

  /** An entry as a baseline has it. */
  private static SocketEntry stored(Endpoint endpoint, Owner... owners) {
    SortedSet<Owner> all = new TreeSet<>(List.of(owners));
    return new SocketEntry(endpoint, all, List.of());
  }

  private static Snapshot snapshot(String host, Instant time, List<SocketEntry> entries) {
    return Snapshot.of(new HostInfo(host, "6.1.0", time, "1.0.0"), entries);
  }

  private static DiffReport report(List<SocketEntry> before, List<SocketEntry> after) {
    Snapshot baseline = snapshot("web1", BASELINE, before);
    Snapshot now = snapshot("web1", SCAN, after);
    return new DiffReport(
        baseline,
        now,
        Diff.between(baseline, now, SocketIdentity.NONE),
        Map.of(),
        List.of(),
        () -> ZoneOffset.UTC,
        user -> user);
  }
}
