package org.lsm.channel;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.stream.Collectors.joining;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.lsm.alert.Alert;
import org.lsm.alert.AlertType;
import org.lsm.alert.DeliveryException;
import org.lsm.alert.DeliveryException.FailureKind;
import org.lsm.model.ScanningHost;
import org.lsm.report.DiffReport;
import org.lsm.report.EscapedText;
import org.lsm.report.Json;
import org.lsm.report.SampleAlerts;

/** The input of the administrator's command, and its result. */
@Timeout(60)
class CommandChannelTest {

  private static final Alert ALERT = SampleAlerts.alert("/run/x", "joe", "/bin/x");

  @TempDir Path directory;

  @Test
  void passesTheAlertInTheEnvironment() throws Exception {
    new CommandChannel("env > " + directory + "/env").send(ALERT, Set.of());

    assertEquals(
        List.of(
            "LC_ALL=C.UTF-8",
            "LSM_CHANGED=0",
            "LSM_EVENT=differences",
            "LSM_GONE=0",
            "LSM_HOST=web1",
            "LSM_NEW=1",
            "LSM_PORT=",
            "LSM_SEVERITY=normal",
            "LSM_SUBJECT=Alert on web1",
            "LSM_SUMMARY=web1: NEW unix//run/x x (joe)",
            "LSM_TARGET=",
            "LSM_TIME=2026-01-02T03:04:05Z",
            "PATH=/usr/sbin:/usr/bin:/sbin:/bin"),
        Files.readAllLines(directory.resolve("env")).stream()
            .filter(line -> !line.matches("(PWD|SHLVL|OLDPWD|_)=.*")) // the shell's own
            .sorted()
            .toList());
  }

  @Test
  void passesTheReportOnStdin() throws Exception {
    new CommandChannel("cat > " + directory + "/json").send(ALERT, Set.of());

    JsonObject expected =
        JsonParser.parseString(
                Json.of(SampleAlerts.report("/run/x", "joe", "/bin/x"), Optional.empty()))
            .getAsJsonObject();
    expected.addProperty("event", "differences");
    expected.addProperty("summary", "web1: NEW unix//run/x x (joe)");
    assertEquals(expected, JsonParser.parseString(Files.readString(directory.resolve("json"))));
  }

  @Test
  void passesScanningHostsAndPorts() throws Exception {
    Alert alert =
        Alert.of(
            SampleAlerts.scans(
                SampleAlerts.scanningHost("192.0.2.66", "scan.example.org", "1-21,23", "53", true),
                SampleAlerts.scanningHost("2001:db8::66", "", "", "7,9,19", false)),
            "Alert on $HOSTNAME");

    new CommandChannel(
            "env | grep ^LSM_ | sort > " + directory + "/env; cat > " + directory + "/json")
        .send(alert, Set.of());

    assertEquals(
        """
        LSM_CHANGED=0
        LSM_EVENT=port_scan
        LSM_GONE=0
        LSM_HOST=web1
        LSM_NEW=0
        LSM_PORT=tcp/1-21,tcp/23,udp/53 udp/7,udp/9,udp/19
        LSM_SEVERITY=
        LSM_SUBJECT=Alert on web1: port scan
        LSM_SUMMARY=web1: 2 hosts probed unused ports, 1 of them is blocked
        LSM_TARGET=192.0.2.66 2001:db8::66
        LSM_TIME=2026-01-02T03:04:05Z
        """,
        Files.readString(directory.resolve("env")));
    assertEquals(Json.print(alert.report()), Files.readString(directory.resolve("json")));
  }

  /** The kernel limits a variable to 128 KiB (MAX_ARG_STRLEN). */
  @Test
  void largestAlertFitsIntoTheEnvironment() throws Exception {
    String odd =
        IntStream.range(5000, 5100)
            .mapToObj(i -> Integer.toString(2 * i + 1))
            .collect(joining(","));
    ScanningHost[] hosts =
        IntStream.range(0, 300)
            .mapToObj(i -> "2001:db8:1111:2222:3333:4444:5555:" + Integer.toHexString(0x1000 + i))
            .map(address -> SampleAlerts.scanningHost(address, "x".repeat(253), odd, odd, true))
            .toArray(ScanningHost[]::new);

    String said =
        new CommandChannel(
                "cat > /dev/null; set -- $LSM_TARGET; n=$#; set -- $LSM_PORT; echo $n $#")
            .send(Alert.of(SampleAlerts.scans(hosts), "s"), Set.of());

    assertEquals("reply: 200 200", said);
  }

  @ParameterizedTest
  @CsvSource({
    "REMINDER,    reminder,    Alert on web1: reminder",
    "ALL_CLEAR,   all_clear,   Alert on web1: all clear",
    "NO_BASELINE, no_baseline, Alert on web1: no baseline",
    "TEST,        test,        Alert on web1: test"
  })
  void passesTheAlertType(AlertType type, String event, String subject) throws Exception {
    Alert alert =
        Alert.of(
            type,
            SampleAlerts.hostInfo("2026-01-02T03:04:05Z"),
            DiffReport.test(SampleAlerts.hostInfo("2026-01-02T03:04:05Z"), ZoneOffset.UTC),
            "Alert on $HOSTNAME",
            ZoneOffset.UTC);

    new CommandChannel(
            "echo \"$LSM_EVENT|$LSM_SUBJECT|$LSM_NEW\" > "
                + directory
                + "/env; cat > "
                + directory
                + "/json")
        .send(alert, Set.of());

    assertEquals(event + "|" + subject + "|0\n", Files.readString(directory.resolve("env")));
    assertEquals(
        event,
        JsonParser.parseString(Files.readString(directory.resolve("json")))
            .getAsJsonObject()
            .get("event")
            .getAsString());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "$(touch injected)",
        "`touch injected`",
        "'; touch injected; '",
        "\"; touch injected; \"",
        "a\nLSM_EVENT=b",
        "() { :; }; touch injected",
        "\0"
      })
  void hostileNamesAreNotExecuted(String name) throws Exception {
    Alert alert = SampleAlerts.alert(name, name, name);

    new CommandChannel(
            "cd "
                + directory
                + "; env > env; echo $LSM_SUMMARY \"$LSM_SUBJECT\" > said; cat > json")
        .send(alert, Set.of());

    assertFalse(Files.exists(directory.resolve("injected")));
    assertEquals(
        alert.summary().replace("\\", "") + " Alert on web1\n",
        Files.readString(directory.resolve("said")).replace("\\", ""));
    assertEquals(
        1,
        Files.readAllLines(directory.resolve("env")).stream()
            .filter(line -> line.startsWith("LSM_EVENT="))
            .count());
    assertEquals(
        "unix/" + EscapedText.escape(name),
        JsonParser.parseString(Files.readString(directory.resolve("json")))
            .getAsJsonObject()
            .getAsJsonArray("differences")
            .get(0)
            .getAsJsonObject()
            .get("socket")
            .getAsString());
  }

  @Test
  void outputIsTheRemark() throws Exception {
    assertEquals(
        "reply: ticket 4711",
        new CommandChannel("echo; echo ticket 4711; echo >&2").send(ALERT, Set.of()));
  }

  @Test
  void acceptsACommandThatDoesNotRead() throws Exception {
    assertEquals("", new CommandChannel("exec <&-").send(ALERT, Set.of()));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "exit 7                      | it ended with 7",
        "printf %s 'a\\b'; kill -9 $$     | it ended with 137 and said: a\\b",
        "printf '\\033[0m' >&2; false | it ended with 1 and said: \033[0m",
      })
  void quotesTheOutputOfAFailure(String command, String reason) {
    DeliveryException e =
        assertThrows(
            DeliveryException.class, () -> new CommandChannel(command).send(ALERT, Set.of()));

    assertEquals(
        "RUN_CMD failed: " + reason + "; run the command by hand to find the error",
        e.getMessage());
    assertEquals(FailureKind.REJECTED, e.kind());
  }

  @Test
  void shortensTheOutputOfAFailure() {
    DeliveryException e =
        assertThrows(
            DeliveryException.class,
            () ->
                new CommandChannel("head -c 9999 /dev/zero | tr '\\0' x; exit 1")
                    .send(ALERT, Set.of()));

    assertEquals(
        "RUN_CMD failed: it ended with 1 and said: "
            + "x".repeat(500 - "it ended with 1 and said: ".length())
            + "…; run the command by hand to find the error",
        e.getMessage());
  }

  @Test
  void killsACommandThatHangs() {
    DeliveryException e =
        assertThrows(
            DeliveryException.class,
            () -> new CommandChannel("sleep 600; :", Duration.ofSeconds(1)).send(ALERT, Set.of()));

    assertEquals(
        "RUN_CMD failed: it did not end within 1 s; run the command by hand to find the error",
        e.getMessage());
  }

  @Test
  void passesALongReportWhole() throws Exception {
    Alert alert = SampleAlerts.alert("/run/" + "ü".repeat(200), "joe", "/bin/x");

    String said = new CommandChannel("wc -c").send(alert, Set.of());

    assertEquals("reply: " + Json.print(alert.report()).getBytes(UTF_8).length, said);
  }
}
