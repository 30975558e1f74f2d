package org.lsm.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.lsm.monitor.Version;

/** {@code lsm status}: each item as it should be, and each as it should not. */
class StatusCommandTest extends ChannelTestBase {

  private static final String METRICS = "METRICS_FILE=\"/nonexistent/metrics\"";

  private Path crontab;
  private String entry;

  @BeforeEach
  void installAndRun() throws IOException {
    configure("MAILER=\"none\"", METRICS);
    proc.write("1/comm", "init\n").write("300/comm", "cron\n");
    entry = "*/10 * * * * root /usr/local/sbin/lsm compare --quiet --config " + config;
    crontab = Files.createDirectory(directory.resolve("cron.d")).resolve("lsm");
    Files.writeString(crontab, "# of lsm\nMAILTO=root\n" + entry + "\n");
    lsm("generate");
    compareOnTime();
  }

  private void compareOnTime() throws IOException {
    now = Instant.parse("2026-01-02T03:14:05Z");
    lsm("compare");
    now = Instant.parse("2026-01-02T03:20:10Z");
  }

  /** All items; each may be replaced by others. */
  private List<String> good() {
    return List.of(
        "lsm        " + Version.VERSION,
        "Config     " + config,
        "Baseline   2 sockets, 2026-01-02 03:04:05 +00:00 (16 m 5 s ago)",
        "Compare    2026-01-02 03:14:05 +00:00 (6 m 5 s ago), 0 differences in the 30 minutes before",
        "Channels   only METRICS_FILE",
        "Alerts     none waits",
        "Cron       " + crontab + ": " + entry);
  }

  private void assertGood(String item) {
    assertItem(0, item);
  }

  private void assertFault(String item) {
    assertItem(1, item);
  }

  /** The item stands in the place of that of the same name; all others are good. */
  private void assertItem(int exitCode, String item) {
    String name = item.substring(0, item.indexOf(' ') + 1);
    String expected =
        good().stream()
            .map(line -> (line.startsWith(name) ? item : line) + "\n")
            .reduce("", String::concat);
    assertEquals(new Result(exitCode, expected, ""), lsm("status"));
  }

  @Test
  void reportsNoFault() {
    assertEquals(done(String.join("\n", good()) + "\n"), lsm("status"));
  }

  @Test
  void changesNothing() throws IOException {
    String content = Files.readString(baseline);
    List<String> before = files();

    lsm("status");

    assertEquals(before, files());
    assertEquals(content, Files.readString(baseline));
  }

  private List<String> files() throws IOException {
    try (var files = Files.walk(state)) {
      return files.map(Path::toString).sorted().toList();
    }
  }

  // ---- configuration

  @Test
  void configurationErrorIsAFault() throws IOException {
    Files.writeString(config, "MAILR=\"none\"\n");

    Result result = lsm("status");

    assertEquals(1, result.exitCode());
    assertEquals("", result.err());
    assertEquals(
        "Config   ! " + config + ":1: unknown key MAILR; did you mean MAILER?",
        result.out().lines().skip(1).findFirst().orElseThrow());
  }

  @Test
  void missingConfigurationIsAFault() throws IOException {
    Files.delete(config);

    Result result = lsm("status");

    assertEquals(1, result.exitCode());
    assertEquals("", result.err());
    assertEquals(
        "lsm        "
            + Version.VERSION
            + "\nConfig   ! "
            + config
            + ": no such file or directory\nCron       "
            + crontab
            + ": "
            + entry
            + "\n",
        result.out());
  }

  @Test
  void missingChannelIsAFault() throws IOException {
    configure("MAILER=\"none\"");

    assertFault(
        "Channels ! none is set: set MAILER and USER, SYSLOG, RUN_CMD, ALERTMANAGER_URL or METRICS_FILE in "
            + config);
  }

  /** What cannot be scanned is a line like any other. */
  @Test
  void failedScanIsAFault() throws IOException {
    proc.delete("net");

    Result result = lsm("status");

    assertEquals(1, result.exitCode());
    assertTrue(result.out().contains("\nRules    ! cannot read "), result.out());
    assertTrue(result.out().contains("\nBaseline   2 sockets"), result.out());
  }

  @Test
  void ruleErrorIsAFault() throws IOException {
    ignore("tcp *:ssh");

    List<String> expected = new ArrayList<>(good());
    expected.add(
        2,
        "Rules    ! "
            + directory.resolve("ignore.lsm")
            + ":1: 'ssh' is not a port; write a number, a range like 1024-65535, or *");
    assertEquals(new Result(1, String.join("\n", expected) + "\n", ""), lsm("status"));
  }

  @Test
  void namesRuleWithoutMatch() throws IOException {
    ignore("tcp *:22", "# fine", "udp *:9999 program=/x");

    Result result = lsm("status");

    assertEquals(0, result.exitCode());
    assertEquals(
        List.of("Rules      ignore.lsm:3 matches no socket now: udp *:9999 program=/x"),
        result.out().lines().filter(line -> line.startsWith("Rules")).toList());
  }

  // ---- baseline and comparison

  @Test
  void missingBaselineIsAFault() throws IOException {
    Files.delete(baseline);

    assertFault(
        "Baseline ! there is no baseline "
            + baseline
            + "; if none was taken yet, run 'lsm generate'");
  }

  /** A new baseline would accept whatever was opened since. */
  @Test
  void removedBaselineIsToBeRestored() throws IOException {
    Path predecessor = Files.move(baseline, state.resolve("baseline.1"));

    assertFault(
        "Baseline ! there is no baseline "
            + baseline
            + "; find out who removed it, then restore "
            + predecessor);
  }

  @Test
  void damagedBaselineIsAFault() throws IOException {
    Files.writeString(baseline, "x");

    assertFault(
        "Baseline ! "
            + baseline
            + ": not an lsm-snapshot file; restore it from a backup or a predecessor, or run"
            + " 'lsm generate' to replace it");
  }

  @Test
  void missingCompareIsAFault() throws IOException {
    Files.delete(state.resolve("last-compare"));

    assertFault("Compare  ! there was none yet; cron runs it, or 'lsm compare'");
  }

  /** Up to three runs may be missed. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "*/10 * * * *             | 30   | 10 minutes",
        "* * * * *                | 3    | 1 minute",
        "3,13,23,33,43,53 * * * * | 30   | 10 minutes",
        "3-59/10 * * * *          | 30   | 10 minutes",
        "7/20 * * * *             | 60   | 20 minutes",
        "0,20 * * * *             | 120  | 40 minutes",
        "5 * * * *                | 180  | 60 minutes",
        "0 4 * * *                | 4320 | 1440 minutes",
        "*/10 8-18 * * *          | 4320 | 1440 minutes",
        "*/10 0-23 * * *          | 30   | 10 minutes",
        "*/10 */1 * * *           | 30   | 10 minutes",
        "@hourly                  | 180  | 60 minutes",
        "@daily                   | 4320 | 1440 minutes",
      })
  void compareOlderThanThreeIntervalsIsAFault(String time, int minutes, String interval)
      throws IOException {
    entry = time + entry.substring(entry.indexOf(" root"));
    Files.writeString(crontab, entry + "\n");
    now = Instant.parse("2026-01-02T03:14:05Z").plus(Duration.ofMinutes(minutes));
    assertEquals(0, lsm("status").exitCode());

    now = now.plusSeconds(1);
    Result result = lsm("status");

    assertEquals(1, result.exitCode());
    String fault = "it is due every " + interval + ", see what its last runs have logged\n";
    assertTrue(result.out().contains(fault), result.out());
  }

  /** A fault would be false as long as the next run may not be due. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "0 4 * * 1",
        "0 4 1 * *",
        "0 4 * jan *",
        "*/10 * * * 1-5",
        "0~59 * * * *",
        "@weekly",
        "@monthly"
      })
  void ageIsNoFaultWhereTheIntervalIsUnknown(String time) throws IOException {
    entry = time + entry.substring(entry.indexOf(" root"));
    Files.writeString(crontab, entry + "\n");
    now = Instant.parse("2026-12-31T03:14:05Z");

    Result result = lsm("status");

    assertEquals(0, result.exitCode(), result.out());
    assertTrue(result.out().contains("in the 30 minutes before, interval unknown\n"), result.out());
    String performance = lsm("status", "--format", "nagios").out();
    assertTrue(performance.contains(" compare_age=31363200s;;;0 "), performance);
  }

  /** A failed compare must not count as a successful one. */
  @Test
  void failedCompareIsAFault() throws IOException {
    Files.move(baseline, directory.resolve("away"));
    lsm("compare");
    Files.move(directory.resolve("away"), baseline);

    Result result = lsm("status");
    assertEquals(1, result.exitCode());
    assertTrue(result.out().contains("2026-01-02 03:14:05 +00:00 (6 m 5 s ago)"), result.out());
    assertTrue(result.out().contains("since then every compare has failed"), result.out());
    lsm("compare");
    assertEquals(0, lsm("status").exitCode());
  }

  @Test
  void countsDifferences() {
    open(4444);
    open(5555);
    lsm("compare");

    assertGood(
        "Compare    2026-01-02 03:20:10 +00:00 (0 s ago), 2 differences in the 30 minutes before");
  }

  // ---- alerts

  @Test
  void waitingAlertIsAFault() throws IOException {
    script("command", "printf '%s' 'a\\b'; exit 7");
    configure("MAILER=\"none\"", "RUN_CMD=\"" + directory.resolve("command") + "\"");
    open(4444);
    lsm("compare");
    now = now.plusSeconds(60);

    Result result = lsm("status");

    assertEquals(1, result.exitCode());
    assertEquals(
        List.of(
            "Alert    ! 2026-01-02 03:20:10 +00:00 (1 m 0 s ago) waits for run_cmd: RUN_CMD failed:"
                + " it ended with 7 and said: a\\\\b; run the command by hand to find the error"),
        result.out().lines().filter(line -> line.startsWith("Alert")).toList());
  }

  @Test
  void damagedAlertIsAFault() throws IOException {
    Path outbox = Files.createDirectory(state.resolve("outbox"));
    Files.writeString(outbox.resolve("20260102T030405.000Z.json.damaged"), "{");

    assertFault("Alerts   ! 1 damaged in " + outbox + "; inspect them, then remove them");
  }

  // ---- probes of unused ports

  /** How it stands with the packet filter, in the line before the last. */
  private void assertSentry(int exitCode, String item) {
    List<String> expected = new ArrayList<>(good());
    expected.add(6, item);
    assertEquals(new Result(exitCode, String.join("\n", expected) + "\n", ""), lsm("status"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"report", "block"})
  void countsProbingHosts(String mode) throws IOException {
    FakeNft nft = FakeNft.of(directory);
    configure("MAILER=\"none\"", METRICS, "SENTRY=\"" + mode + "\"", "SENTRY_TRIGGER=\"4\"");
    assertSentry(0, "Sentry     " + mode + ", there are no rules yet, the next compare sets them");

    compareOnTime();
    assertSentry(
        0,
        "Sentry     "
            + mode
            + "; hosts that probed unused ports within a day: 13, that scan: 3, blocked: 2");

    nft.setFailure("no\033thing\n");
    assertSentry(
        1,
        "Sentry   ! the packet filter cannot be used: it ended with 1 and said: no\\x1bthing; see"
            + " the output of 'nft list ruleset', or set SENTRY=\"off\"");
  }

  /** To read the table may go well all the same. */
  @Test
  void failureOfLastCheckIsAFault() throws IOException {
    FakeNft nft = FakeNft.of(directory);
    configure("MAILER=\"none\"", METRICS, "SENTRY=\"report\"");
    nft.setFailure("Could not process rule: Operation not supported\n");
    compareOnTime();
    nft.clearFailure();

    assertSentry(
        1,
        "Sentry   ! the packet filter cannot be used: it ended with 1 and said: Could not process"
            + " rule: Operation not supported; this kernel lacks what the rules need (nf_tables"
            + " with nft_socket and nft_fib), or set SENTRY=\"off\"");
    compareOnTime();
    assertSentry(
        0,
        "Sentry     report; hosts that probed unused ports within a day: 13, that scan: 5,"
            + " blocked: 2");
  }

  @Test
  void missingNftIsAFault() throws IOException {
    configure("MAILER=\"none\"", METRICS, "SENTRY=\"report\"");

    assertSentry(
        1,
        "Sentry   ! the packet filter cannot be used: there is no program "
            + directory.resolve("nft")
            + "; install nftables, or set SENTRY=\"off\"");
  }

  // ---- cron

  @ParameterizedTest
  @ValueSource(
      strings = {
        "*/10 * * * * root /usr/local/sbin/lsm -c --quiet --config @",
        "*/10 * * * * root LSM_CONF=@ /usr/local/sbin/lsm -c",
        "*/10 * * * * root [ -x /usr/sbin/lsm ] && /usr/sbin/lsm --config=@ -c --quiet",
        "17 * * * * root lsm compare --config '@'",
        "0 4 * * * root nice -n 19 /opt/x/lsm --config @ --verbose -c > /dev/null",
        "0\t4 * * * root\t/usr/sbin/lsm\tcompare --quiet\t--config\t@",
      })
  void findsCronEntry(String template) throws IOException {
    String found = template.replace("@", config.toString());
    Files.writeString(crontab, found + "\n");

    assertGood("Cron       " + crontab + ": " + found.replace("\t", "\\x09"));
  }

  /** No crontab that root can see names this configuration; that of its user may. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "# */10 * * * * root /usr/local/sbin/lsm -c --config @",
        " #*/10 * * * * root /usr/local/sbin/lsm -c --config @",
        "*/10 * * * * root /usr/local/sbin/lsm generate --config @",
        "*/10 * * * * root /usr/local/sbin/lsm --config /x/compared",
        "*/10 * * * * root /usr/local/sbin/lsm -c --config @.other",
        "*/10 * * * * root /usr/local/sbin/lsm -c",
        "*/10 * * * * root /usr/local/sbin/lsmod -c --config @",
        "*/10 * * * * root /usr/local/sbin/realsm -c --config @",
        "",
      })
  void otherCronEntryDoesNotCount(String template) throws IOException {
    Files.writeString(crontab, template.replace("@", config.toString()) + "\n");

    assertGood("Cron       no entry of root runs lsm with --config " + config);
  }

  @Test
  void missingEntryForTheDefaultConfigurationIsAFault() throws IOException {
    Files.writeString(crontab, entry + ".other\n");

    Result result = withDefaultConfig("status");

    assertEquals(1, result.exitCode());
    assertTrue(
        result
            .out()
            .endsWith("\nCron     ! no entry runs lsm; ./install.sh writes /etc/cron.d/lsm\n"),
        result.out());
    Files.writeString(crontab, "*/10 * * * * root /usr/local/sbin/lsm -c --quiet\n");
    assertEquals(0, withDefaultConfig("status").exitCode());
  }

  @Test
  void missingCronDaemonIsAFault() {
    proc.end(300);

    assertFault("Cron     ! " + crontab + ": " + entry + "; but no cron daemon runs, so start one");
  }

  @ParameterizedTest
  @ValueSource(strings = {"crond", "fcron", "bcron-sched"})
  void anyCronDaemonWillDo(String name) {
    proc.write("300/comm", name + "\n");

    assertGood("Cron       " + crontab + ": " + entry);
  }

  /** The timer counts where systemd runs, and needs no cron. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "*:0/10              | 30",
        "*:3/10              | 30",
        "*-*-* *:00/10:00    | 30",
        "*-*-* *:07,37:00    | 90",
        "hourly              | 180",
        "daily               | 4320",
        "*-*-* 04:00:00      | 4320",
        "*-*-* 08..18:0/10   | 4320",
      })
  void timerOfSystemdCounts(String calendar, int minutes) throws IOException {
    enableTimer("[Timer]\n#OnCalendar=daily\nOnCalendar=" + calendar + "\n");
    now = Instant.parse("2026-01-02T03:14:05Z").plus(Duration.ofMinutes(minutes));

    Result result = withDefaultConfig("status");

    assertEquals(0, result.exitCode(), result.out());
    assertTrue(result.out().endsWith("\nTimer      lsm.timer: " + calendar + "\n"), result.out());
    now = now.plusSeconds(1);
    assertEquals(1, withDefaultConfig("status").exitCode());
    proc.write("1/comm", "init\n");
    assertTrue(withDefaultConfig("status").out().contains("\nCron     ! "));
  }

  private void enableTimer(String unit) throws IOException {
    proc.end(300).write("1/comm", "systemd\n");
    Path links = Files.createDirectories(directory.resolve("systemd/timers.target.wants"));
    Path file = Files.createDirectory(directory.resolve("lib")).resolve("lsm.timer");
    Files.writeString(file, unit);
    Files.createSymbolicLink(links.resolve("lsm.timer"), file);
  }

  private void dropIn(String file, String text) throws IOException {
    Path path = directory.resolve(file);
    Files.createDirectories(path.getParent());
    Files.writeString(path, "[Timer]\n" + text);
  }

  /** {@code systemctl edit} makes drop-ins: by name, and of equal names the first directory's. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "OnCalendar=\\nOnCalendar=hourly              | hourly               | 180",
        "OnCalendar = hourly                          | *:0/10, daily, hourly | 30",
        "OnCalendar=\\nOnCalendar=Mon 04:00           | Mon 04:00            | 99999",
        "OnCalendar=\\nOnCalendar=Mon 04:00\\nOnCalendar=daily | Mon 04:00, daily | 4320",
      })
  void dropInsChangeTheTimer(String text, String calendars, int minutes) throws IOException {
    enableTimer("[Timer]\nOnCalendar=*:0/10\n");
    dropIn("lib/lsm.timer.d/a.conf", "OnCalendar=daily\n");
    dropIn("lib/lsm.timer.d/b.conf", "OnCalendar=weekly\n");
    dropIn("systemd/lsm.timer.d/b.conf", text.replace("\\n", "\n") + "\n");
    now = Instant.parse("2026-01-02T03:14:05Z").plus(Duration.ofMinutes(minutes));

    Result result = withDefaultConfig("status");

    assertEquals(0, result.exitCode(), result.out());
    assertTrue(result.out().endsWith("\nTimer      lsm.timer: " + calendars + "\n"), result.out());
    now = now.plusSeconds(1);
    assertEquals(minutes == 99999 ? 0 : 1, withDefaultConfig("status").exitCode());
  }

  /** An empty unit masks it like a link to /dev/null. */
  @Test
  void maskedTimerDoesNotCount() throws IOException {
    enableTimer("[Timer]\nOnCalendar=*:0/10\n");
    Files.createFile(directory.resolve("systemd/lsm.timer"));

    assertTrue(withDefaultConfig("status").out().contains("\nCron     ! "));
  }

  /** systemd-cron has no daemon. */
  @Test
  void systemdMayBeTheCronDaemon() throws IOException {
    proc.end(300);
    Files.createFile(directory.resolve("systemd-crontab-generator"));
    assertEquals(1, lsm("status").exitCode());
    proc.write("1/comm", "systemd\n");

    assertGood("Cron       " + crontab + ": " + entry);
  }

  /** Runs lsm as if it read this configuration by itself. */
  private Result withDefaultConfig(String... arguments) {
    System.setProperty("lsm.conf", config.toString());
    try {
      return run(arguments);
    } finally {
      System.clearProperty("lsm.conf");
    }
  }

  @Test
  void searchesAllCrontabs() throws IOException {
    Files.delete(crontab);
    Files.write(crontab.resolveSibling("a"), new byte[] {(byte) 0xff, '\n'});
    crontab = Files.writeString(directory.resolve("crontab"), entry);

    assertGood("Cron       " + crontab + ": " + entry);
  }

  // ---- for monitoring systems

  @Test
  void nagiosLineIsGood() {
    assertEquals(
        done(
            "LSM OK - Compare: 2026-01-02 03:14:05 +00:00 (6 m 5 s ago), 0 differences in the 30"
                + " minutes before | sockets=2;;;0 compare_age=365s;;1800;0 differences=0;;;0"
                + " waiting_alerts=0;0;;0\n"),
        lsm("status", "--format", "nagios"));
  }

  @Test
  void waitingAlertIsAWarning() throws IOException {
    script("command", "printf '%s' 'a|b'; exit 7");
    configure("MAILER=\"none\"", "RUN_CMD=\"" + directory.resolve("command") + "\"");
    open(4444);
    lsm("compare");

    Result result = lsm("status", "--format", "nagios");

    assertEquals(1, result.exitCode());
    assertTrue(result.out().startsWith("LSM WARNING - Alert: 2026-01-02 03:20:10"), result.out());
    assertTrue(result.out().contains(" and said: a/b;"), result.out());
    assertTrue(result.out().endsWith(" differences=1;;;0 waiting_alerts=1;0;;0\n"), result.out());
    assertEquals(1, result.out().lines().count());
  }

  @Test
  void whatKeepsLsmFromDetectingIsCritical() throws IOException {
    Files.delete(baseline);

    Result result = lsm("status", "--format=nagios");

    assertEquals(2, result.exitCode());
    assertTrue(
        result
            .out()
            .startsWith(
                "LSM CRITICAL - Baseline: there is no baseline "
                    + baseline
                    + "; if none was taken yet, run 'lsm generate' | compare_age=365s;;1800;0 "),
        result.out());
  }

  /** A file that not even root may read: one that is only written to. */
  @Test
  void unreadableConfigurationIsUnknown() {
    String denied = "/proc/sys/net/ipv4/route/flush";

    Result result = run("status", "--format", "nagios", "--config", denied);

    assertEquals(3, result.exitCode());
    assertEquals(
        "LSM UNKNOWN - Config: "
            + denied
            + ": permission denied; run lsm as root, or check who owns the file | \n",
        result.out());
  }

  /** For a monitoring system 2 would be CRITICAL. */
  @Test
  void usageErrorIsUnknown() {
    assertEquals(3, lsm("status", "--format=nagios", "--frobnicate").exitCode());
    assertEquals(3, lsm("status", "more", "--format", "NAGIOS").exitCode());
    assertEquals(2, lsm("status", "--format", "text", "--frobnicate").exitCode());
  }

  // ---- JSON

  @Test
  void printsJsonWithoutFault() {
    JsonObject json = json(0);

    assertEquals("good", json.get("status").getAsString());
    assertEquals(7, json.getAsJsonArray("items").size());
    assertEquals(
        "{\"name\":\"Alerts\",\"text\":\"none waits\",\"fault\":false}",
        json.getAsJsonArray("items").get(5).toString());
    assertEquals(List.of("status", "items"), List.copyOf(json.keySet()));
  }

  @Test
  void printsJsonWithFault() throws IOException {
    Files.delete(baseline);
    JsonObject json = json(1);

    assertEquals("fault", json.get("status").getAsString());
    JsonArray items = json.getAsJsonArray("items");
    assertEquals(
        "{\"name\":\"Baseline\",\"text\":\"there is no baseline "
            + baseline
            + "; if none was taken yet, run 'lsm generate'\","
            + "\"fault\":true}",
        items.get(2).toString());
    assertFalse(items.get(3).getAsJsonObject().get("fault").getAsBoolean());
  }

  private JsonObject json(int exitCode) {
    Result result = lsm("status", "--format", "json");
    assertEquals(new Result(exitCode, result.out(), ""), result);
    return JsonParser.parseString(result.out()).getAsJsonObject();
  }
}
