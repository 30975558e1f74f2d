package org.lsm.channel;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Set;
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
import org.lsm.alert.FailureKind;
import org.lsm.model.Endpoint;
import org.lsm.model.SocketEntry;
import org.lsm.report.EscapedText;
import org.lsm.report.DiffReport;
import org.lsm.report.SampleAlerts;

/** What logger(1) is told, and what logger(1) of this host makes of it. */
class SyslogChannelTest {

  private static final Path LOGGER = Path.of("/usr/bin/logger");

  private static final Alert ALERT = SampleAlerts.alert("/run/x", "joe", "/bin/x");

  @TempDir Path directory;

  @Test
  void oneMessageAnEvent() throws Exception {
    assertEquals("", new SyslogChannel(recorder(), false).send(ALERT, Set.of()));

    assertEquals(
        List.of(
            List.of(
                "--socket-errors=on",
                "--tag=lsm",
                "--id=" + ProcessHandle.current().pid(),
                "--priority=auth.alert",
                "--size=8192",
                "--",
                "NEW unix//run/x by /bin/x (joe), PID 800")),
        calls());
  }

  @Test
  void onDemandWithItsDataTakenApart() throws Exception {
    assertEquals("", new SyslogChannel(recorder(), true).send(ALERT, Set.of()));

    assertEquals(
        List.of(
            "--rfc5424",
            "--sd-id=lsm@32473",
            "--sd-param=kind=\"NEW\"",
            "--sd-param=owners=\"/bin/x (joe)\"",
            "--sd-param=pids=\"800\"",
            "--sd-param=socket=\"unix//run/x\"",
            "--",
            "NEW unix//run/x by /bin/x (joe), PID 800"),
        calls().get(0).subList(5, 13));
  }

  @ParameterizedTest
  @CsvSource({
    "REMINDER,    alert,  NEW",
    "ALL_CLEAR,   notice, web1: no difference",
    "NO_BASELINE, crit,   web1: no difference",
    "TEST,        info,   web1: no difference"
  })
  void theOccasionIsThePriorityWhereNothingDiffers(AlertType type, String level, String start)
      throws Exception {
    DiffReport report =
        type == AlertType.REMINDER
            ? SampleAlerts.report("/run/x", "joe", "/bin/x")
            : SampleAlerts.report();

    new SyslogChannel(recorder(), false).send(Alert.of(type, report, "x"), Set.of());

    List<String> call = calls().get(0);
    assertEquals(1, calls().size());
    assertEquals("--priority=auth." + level, call.get(3));
    assertEquals(start, call.get(call.size() - 1).substring(0, start.length()));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "a\"b   | \"unix/a\\\"b\"",
        "a]b    | \"unix/a\\]b\"",
        "a\\b   | \"unix/a\\\\\\\\b\"",
        "a=\"b\" x=\"y | \"unix/a=\\\"b\\\" x=\\\"y\"",
        "a[b    | \"unix/a[b\"",
      })
  void structuredDataIsQuotedAsRfc5424Says(String path, String quoted) throws Exception {
    new SyslogChannel(recorder(), true).send(SampleAlerts.alert(path, "joe", "/bin/x"), Set.of());

    List<String> call = calls().get(0);
    assertEquals("--sd-param=socket=" + quoted, call.get(call.size() - 3));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "--help",
        "-f /etc/shadow",
        "$(touch injected)",
        "`touch injected`",
        "; touch injected",
        "a\nb",
        "\0"
      })
  void hostileNamesAreNoOptionsAndNoCommands(String name) throws Exception {
    for (boolean structured : new boolean[] {false, true}) {
      new SyslogChannel(recorder(), structured)
          .send(SampleAlerts.alert(name, name, name), Set.of());
    }

    String shown = EscapedText.escape(name);
    assertEquals(List.of(7, 13), calls().stream().map(List::size).toList());
    for (List<String> call : calls()) {
      assertEquals(
          List.of(
              "--",
              "NEW unix/"
                  + shown.replace(" ", "\\x20")
                  + " by "
                  + shown
                  + " ("
                  + shown
                  + "), PID 800"),
          call.subList(call.size() - 2, call.size()));
    }
    assertFalse(Files.exists(directory.resolve("injected")));
  }

  @Test
  void ofTooManyDifferencesTheRestIsCounted() throws Exception {
    SocketEntry[] many =
        IntStream.range(0, DiffReport.MAX_NAMED + 5)
            .mapToObj(i -> Endpoint.of("tcp", "0.0.0.0:" + (1000 + i)))
            .map(it -> SocketEntry.heldBy(it, List.of(), true))
            .toArray(SocketEntry[]::new);
    Alert alert = Alert.of(AlertType.DIFFERENCES, SampleAlerts.report(many), "x");

    assertEquals(DiffReport.MAX_NAMED + 1, alert.events().size());
    assertEquals(
        "web1: 205 NEW, 0 GONE, 0 CHANGED, 5 not logged",
        alert.events().get(DiffReport.MAX_NAMED).message());
  }

  @Test
  void theFirstMessageThatIsNotTakenEndsIt() throws Exception {
    Path refusing = script("printf x >> " + directory + "/calls; echo 'no \\033[0m' >&2; exit 3");
    Alert alert =
        Alert.of(
            AlertType.DIFFERENCES,
            SampleAlerts.report(
                SocketEntry.heldBy(Endpoint.of("tcp", "0.0.0.0:1"), List.of(), true),
                SocketEntry.heldBy(Endpoint.of("tcp", "0.0.0.0:2"), List.of(), true)),
            "x");

    DeliveryException e =
        assertThrows(
            DeliveryException.class,
            () -> new SyslogChannel(refusing, false).send(alert, Set.of()));

    assertEquals(
        "syslog through "
            + refusing
            + " failed: it ended with 3 and said: no \\x1b[0m"
            + "; start a syslog daemon, or set SYSLOG=\"no\"",
        e.getMessage());
    assertEquals(FailureKind.REJECTED, e.blame());
    assertEquals("x", Files.readString(directory.resolve("calls")));
  }

  /** The same for the real program, which sends it to a server that the test can read. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "/run/x    | false | ''",
        "--help    | false | ''",
        "/run/x    | true  | /run/x",
        "a\"b]c\\d | true  | a\\\"b\\]c\\\\\\\\d",
      })
  void loggerUnderstandsIt(String path, boolean structured, String quoted) throws Exception {
    assumeTrue(Files.isExecutable(LOGGER));
    try (DatagramSocket server = new DatagramSocket(0, InetAddress.getLoopbackAddress())) {
      server.setSoTimeout(20_000);
      String there = "--server 127.0.0.1 --udp --port " + server.getLocalPort();

      new SyslogChannel(script("exec " + LOGGER + " " + there + " \"$@\""), structured)
          .send(SampleAlerts.alert(path, "joe", "/bin/x"), Set.of());

      DatagramPacket packet = new DatagramPacket(new byte[10_000], 10_000);
      server.receive(packet);
      String data =
          "[lsm@32473 kind=\"NEW\" owners=\"/bin/x (joe)\" pids=\"800\" socket=\"unix/"
              + quoted
              + "\"]";
      assertEquals(
          "<33>1 TIME HOST lsm "
              + ProcessHandle.current().pid()
              + " - [timeQuality]"
              + (structured ? data : "")
              + " NEW unix/"
              + EscapedText.escape(path)
              + " by /bin/x (joe), PID 800",
          new String(packet.getData(), 0, packet.getLength(), UTF_8)
              .replaceFirst("^(<\\d+>1) \\S+ \\S+ ", "$1 TIME HOST ")
              .replaceFirst("\\[timeQuality [^]]*\\]", "[timeQuality]"));
    }
  }

  /** By default it is content with that. */
  @Test
  void loggerSaysThatNobodyListens() throws Exception {
    assumeTrue(Files.isExecutable(LOGGER));
    Path script = script("exec " + LOGGER + " --socket " + directory + "/nothing \"$@\"");

    assertThrows(
        DeliveryException.class, () -> new SyslogChannel(script, false).send(ALERT, Set.of()));
  }

  /** A logger that writes down its arguments, each ended by a NUL, and each call by two. */
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
