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
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.lsm.monitor.Version;

/** {@code lsm status}: each item as it should be, and each as it should not. */
class StatusCommandTest extends ChannelTestBase {

  private static final String ENTRY = "*/10 * * * * root /usr/local/sbin/lsm compare --quiet";

  private Path crontab;

  @BeforeEach
  void installAndRun() throws IOException {
    configure("MAILER=\"none\"");
    crontab = Files.createDirectory(directory.resolve("cron.d")).resolve("lsm");
    Files.writeString(crontab, "# of lsm\nMAILTO=root\n" + ENTRY + "\n");
    lsm("generate");
    compareOnTime();
  }

  private void compareOnTime() {
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
        "Channels   none",
        "Alerts     none waits",
        "Cron       " + crontab + ": " + ENTRY);
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
  void ruleErrorIsAFault() throws IOException {
    ignore("tcp *:ssh");

    List<String> expected = new ArrayList<>(good());
    expected.add(
        2,
        "Ignore   ! "
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
        List.of("Ignore     line 3 matches no socket now: udp *:9999 program=/x"),
        result.out().lines().filter(line -> line.startsWith("Ignore")).toList());
  }

  // ---- baseline and comparison

  @Test
  void missingBaselineIsAFault() throws IOException {
    Files.delete(baseline);

    assertFault("Baseline ! there is none; run 'lsm generate' to take one");
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

  @Test
  void oldCompareIsAFault() throws IOException {
    now = Instant.parse("2026-01-03T04:14:06Z");

    Result result = lsm("status");

    assertEquals(1, result.exitCode());
    assertTrue(
        result
            .out()
            .contains(
                "Compare  ! 2026-01-02 03:14:05 +00:00 (1 d 1 h ago), 0 differences in the 30 minutes before;"
                    + " check that cron runs, and what it logs\n"),
        result.out());
  }

  @Test
  void dailyCompareIsGood() {
    now = Instant.parse("2026-01-03T04:14:05Z");

    assertEquals(0, lsm("status").exitCode());
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
    configure("MAILER=\"none\"", "SENTRY=\"" + mode + "\"", "SENTRY_TRIGGER=\"4\"");
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
            + " the output of 'nft list table inet lsm', or set SENTRY=\"off\"");
  }

  /** To read the table may go well all the same. */
  @Test
  void failureOfLastCheckIsAFault() throws IOException {
    FakeNft nft = FakeNft.of(directory);
    configure("MAILER=\"none\"", "SENTRY=\"report\"");
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
    configure("MAILER=\"none\"", "SENTRY=\"report\"");

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
        "*/10 * * * * root /usr/local/sbin/lsm -c --quiet",
        "*/10 * * * * root /usr/local/sbin/lsm -c",
        "*/10 * * * * root [ -x /usr/sbin/lsm ] && /usr/sbin/lsm -c --quiet",
        "@hourly root lsm compare",
        "0 4 * * * root nice -n 19 /opt/x/lsm --config /etc/lsm.conf --verbose -c > /dev/null",
        "0\t4 * * * root\t/usr/sbin/lsm\tcompare --quiet",
      })
  void findsCronEntry(String entry) throws IOException {
    Files.writeString(crontab, entry + "\n");

    assertGood("Cron       " + crontab + ": " + entry.replace("\t", "\\x09"));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "# */10 * * * * root /usr/local/sbin/lsm -c",
        " #*/10 * * * * root /usr/local/sbin/lsm -c",
        "*/10 * * * * root /usr/local/sbin/lsm generate",
        "*/10 * * * * root /usr/local/sbin/lsm --config /x/compared",
        "*/10 * * * * root /usr/local/sbin/lsmod -c",
        "*/10 * * * * root /usr/local/sbin/realsm -c",
        "",
      })
  void rejectsOtherCronEntry(String entry) throws IOException {
    Files.writeString(crontab, entry + "\n");

    assertFault("Cron     ! no entry runs lsm; ./install.sh writes /etc/cron.d/lsm");
  }

  @Test
  void searchesAllCrontabs() throws IOException {
    Files.delete(crontab);
    Files.write(crontab.resolveSibling("a"), new byte[] {(byte) 0xff, '\n'});
    crontab = Files.writeString(directory.resolve("crontab"), ENTRY);

    assertGood("Cron       " + crontab + ": " + ENTRY);
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
        "{\"name\":\"Baseline\",\"text\":\"there is none; run 'lsm generate' to take one\","
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
