package org.lsm.channel;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.google.gson.JsonObject;
import java.io.IOException;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.lsm.alert.Alert;
import org.lsm.alert.AlertType;
import org.lsm.alert.DeliveryException;
import org.lsm.alert.DeliveryException.FailureKind;
import org.lsm.model.Endpoint;
import org.lsm.model.SocketEntry;
import org.lsm.model.SocketOwners;
import org.lsm.report.DiffReport;
import org.lsm.report.EscapedText;
import org.lsm.report.LogEvent;
import org.lsm.report.SampleAlerts;

/** The arguments of logger(1), and what the real one sends. */
class SyslogChannelTest {

  private static final Path LOGGER = Path.of("/usr/bin/logger");

  private static final Alert ALERT = SampleAlerts.alert("/run/x", "joe", "/bin/x");

  private static final Pattern PAIR = Pattern.compile(" (\\w+)=\"((?:[^\"\\\\]|\\\\.)*)\"");

  @TempDir Path directory;

  @Test
  void logsOneLineForEachEvent() throws Exception {
    assertEquals("", new SyslogChannel(recorder()).send(ALERT, Set.of()));

    assertEquals(
        List.of(
            List.of(
                "--socket-errors=on",
                "--tag=lsm",
                "--id=" + ProcessHandle.current().pid(),
                "--priority=auth.alert",
                "--size=8192",
                "--",
                "NEW unix//run/x by /bin/x (joe), PID 800"
                    + " kind=\"NEW\" owners=\"/bin/x (joe)\" pids=\"800\" severity=\"normal\" socket=\"unix//run/x\"")),
        calls());
  }

  @ParameterizedTest
  @CsvSource({
    "REMINDER,    alert,  NEW",
    "ALL_CLEAR,   notice, web1: no difference",
    "NO_BASELINE, crit,   web1: no difference",
    "TEST,        info,   web1: no difference"
  })
  void alertTypeSetsThePriority(AlertType type, String level, String start) throws Exception {
    DiffReport report =
        type == AlertType.REMINDER
            ? SampleAlerts.report("/run/x", "joe", "/bin/x")
            : SampleAlerts.report();

    new SyslogChannel(recorder()).send(Alert.of(type, report, "x"), Set.of());

    List<String> call = calls().get(0);
    assertEquals(1, calls().size());
    assertEquals("--priority=auth." + level, call.get(3));
    assertEquals(start, call.get(call.size() - 1).substring(0, start.length()));
  }

  /** What a log pipeline reads, and no option or command in whatever a user can choose. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "a\"b",
        "a]b",
        "a\\b",
        "a\\",
        "a=\"b\" x=\"y",
        "x kind=\"GONE\" socket=\"y\"",
        "--help",
        "-f /etc/shadow",
        "$(touch injected)",
        "`touch injected`",
        "; touch injected",
        "a\nb",
        "\0"
      })
  void quotesHostileNames(String name) throws Exception {
    Alert alert = SampleAlerts.alert(name, name, name);

    new SyslogChannel(recorder()).send(alert, Set.of());

    List<String> call = calls().get(0);
    assertEquals(7, call.size());
    assertEquals("--", call.get(5));
    String line = call.get(6);
    Map<String, String> pairs = new TreeMap<>();
    PAIR.matcher(line)
        .results()
        .forEach(it -> pairs.put(it.group(1), it.group(2).replaceAll("\\\\(.)", "$1")));
    assertEquals(alert.events().get(0).data(), pairs);
    String escaped = EscapedText.escape(name).replace("\"", "\\x22");
    assertEquals(
        String.format(
            "NEW unix/%s by %s (%s), PID 800", escaped.replace(" ", "\\x20"), escaped, escaped),
        line.substring(0, line.indexOf(" kind=\"")));
    assertFalse(Files.exists(directory.resolve("injected")));
  }

  /** Otherwise logger(1) would cut the line in the middle of a pair. */
  @Test
  void shortensLongValues() throws Exception {
    LogEvent event =
        new LogEvent("alert", "m", new TreeMap<>(Map.of("a", "x".repeat(1001), "b", "y")));
    Alert alert =
        new Alert(
            "id",
            AlertType.DIFFERENCES,
            ALERT.time(),
            "web1",
            "s",
            List.of("t"),
            List.of(),
            List.of(event),
            ALERT.counts(),
            List.of(),
            List.of(),
            new JsonObject());

    new SyslogChannel(recorder()).send(alert, Set.of());

    assertEquals("m a=\"" + "x".repeat(1000) + "…\" b=\"y\"", calls().get(0).get(6));
  }

  @Test
  void countsTheDifferencesItOmits() throws Exception {
    SocketEntry[] many =
        IntStream.range(0, DiffReport.MAX_NAMED + 5)
            .mapToObj(i -> Endpoint.of("tcp", "0.0.0.0:" + (1000 + i)))
            .map(it -> SocketEntry.heldBy(it, new SocketOwners(List.of(), true)))
            .toArray(SocketEntry[]::new);
    Alert alert = Alert.of(AlertType.DIFFERENCES, SampleAlerts.report(many), "x");

    assertEquals(DiffReport.MAX_NAMED + 1, alert.events().size());
    assertEquals("web1: 205 NEW, 5 not logged", alert.events().get(DiffReport.MAX_NAMED).message());
  }

  @Test
  void stopsAtTheFirstFailure() throws Exception {
    Path refusing = script("printf x >> " + directory + "/calls; echo 'no \\033[0m' >&2; exit 3");
    Alert alert =
        Alert.of(
            AlertType.DIFFERENCES,
            SampleAlerts.report(
                SocketEntry.heldBy(
                    Endpoint.of("tcp", "0.0.0.0:1"), new SocketOwners(List.of(), true)),
                SocketEntry.heldBy(
                    Endpoint.of("tcp", "0.0.0.0:2"), new SocketOwners(List.of(), true))),
            "x");

    DeliveryException e =
        assertThrows(
            DeliveryException.class, () -> new SyslogChannel(refusing).send(alert, Set.of()));

    assertEquals(
        "syslog through "
            + refusing
            + " failed: it ended with 3 and said: no \033[0m"
            + "; start a syslog daemon, or set SYSLOG=\"no\"",
        e.getMessage());
    assertEquals(FailureKind.REJECTED, e.kind());
    assertEquals("x", Files.readString(directory.resolve("calls")));
  }

  /** The real program sends the line to a server that the test reads. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "/run/x    | /run/x         | /run/x",
        "--help    | --help         | --help",
        "a\"b]c\\d | a\\x22b]c\\\\d | a\\\"b]c\\\\\\\\d",
      })
  void loggerSendsTheLine(String path, String escaped, String quoted) throws Exception {
    assumeTrue(Files.isExecutable(LOGGER));
    try (DatagramSocket server = new DatagramSocket(0, InetAddress.getLoopbackAddress())) {
      server.setSoTimeout(20_000);
      String target = "--server 127.0.0.1 --udp --port " + server.getLocalPort();

      new SyslogChannel(script("exec " + LOGGER + " " + target + " \"$@\""))
          .send(SampleAlerts.alert(path, "joe", "/bin/x"), Set.of());

      DatagramPacket packet = new DatagramPacket(new byte[10_000], 10_000);
      server.receive(packet);
      assertEquals(
          String.format(
              "<33>1 TIME HOST lsm %d - [timeQuality] NEW unix/%s by /bin/x (joe), PID 800"
                  + " kind=\"NEW\" owners=\"/bin/x (joe)\" pids=\"800\" severity=\"normal\" socket=\"unix/%s\"",
              ProcessHandle.current().pid(), escaped, quoted),
          new String(packet.getData(), 0, packet.getLength(), UTF_8)
              .replaceFirst("^(<\\d+>1) \\S+ \\S+ ", "$1 TIME HOST ")
              .replaceFirst("\\[timeQuality [^]]*\\]", "[timeQuality]"));
    }
  }

  @Test
  void failsWithoutASyslogDaemon() throws Exception {
    assumeTrue(Files.isExecutable(LOGGER));
    Path script = script("exec " + LOGGER + " --socket " + directory + "/nothing \"$@\"");

    assertThrows(DeliveryException.class, () -> new SyslogChannel(script).send(ALERT, Set.of()));
  }

  /** A logger that records its arguments, each ended by a NUL, and each call by two. */
  private Path recorder() throws IOException {
    return script(
        "for a in \"$@\"; do printf '%s\\0' \"$a\"; done >> "
            + directory
            + "/calls; printf '\\0' >> "
            + directory
            + "/calls");
  }

  private List<List<String>> calls() throws IOException {
    return Stream.of(Files.readString(directory.resolve("calls")).split("\0\0", 0))
        .map(call -> List.of(call.split("\0", -1)))
        .toList();
  }

  private Path script(String body) throws IOException {
    Path script = Files.writeString(directory.resolve("logger"), "#!/bin/sh\n" + body + "\n");
    return Files.setPosixFilePermissions(script, PosixFilePermissions.fromString("rwx------"));
  }
}
