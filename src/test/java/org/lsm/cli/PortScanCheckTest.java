package org.lsm.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.lsm.FakeProc;
import org.lsm.sentry.SentryState;

class PortScanCheckTest extends ChannelTestBase {

  private static final String LIST = "-j list table inet lsm\n";
  private static final String CREATION = "-f -\nadd table inet lsm\ndelete table inet lsm\ntable ";
  private static final String REPLACEMENT = "-f -\nflush table inet lsm\nflush set ";
  private static final String FLUSHING = "-f -\nflush set inet lsm hosts4\n";
  private static final String REMOVAL = "-f -\nadd table inet lsm\ndelete table inet lsm\n";
  private static final String NO_PROGRAM_ADVICE = "; install nftables, or set SENTRY=\"off\"\n";
  private static final String NOT_PERMITTED =
      "lsm: the packet filter cannot be used: it ended with 1 and said: Operation not permitted"
          + " (you must be root); run lsm as root, in a container with CAP_NET_ADMIN, or set"
          + " SENTRY=\"off\"\n";

  private FakeNft nft;

  @BeforeEach
  void takeBaseline() throws IOException {
    lsm("generate");
    nft = FakeNft.of(directory);
    script("command", "echo \"$LSM_EVENT $LSM_TARGET\" >> " + directory + "/events");
    sentry("report");
  }

  private void sentry(String mode, String... lines) throws IOException {
    List<String> all = new ArrayList<>(List.of(lines));
    all.add("SENTRY=\"" + mode + "\"");
    all.add("MAILER=\"none\"");
    all.add("RUN_CMD=\"" + directory.resolve("command") + "\"");
    configure(all.toArray(String[]::new));
  }

  private Path file() {
    return state.resolve("sentry-state");
  }

  /** Runs compare as cron does; there is no difference and no output. */
  private void assertQuiet() {
    assertEquals(done(""), lsm("compare", "--quiet"));
  }

  private void assertRuns(String... beginnings) throws IOException {
    List<String> runs = nft.runs();
    assertEquals(beginnings.length, runs.size(), runs.toString());
    for (int i = 0; i < beginnings.length; i++) {
      assertTrue(runs.get(i).startsWith(beginnings[i]), runs.get(i));
    }
  }

  @Test
  void neverRunsNftWhileOff() throws IOException {
    for (String lines : List.of("", "SENTRY=\"off\"")) {
      configure("MAILER=\"none\"", lines);
      for (String command : List.of("compare", "generate", "list", "status", "history")) {
        lsm(command);
      }
    }
    lsm("delete");

    assertEquals(List.of(), nft.runs());
    assertFalse(Files.exists(file()));
  }

  @Test
  void onlyCompareSetsRules() throws IOException {
    for (String command : List.of("generate", "list", "status", "history", "sentry")) {
      lsm(command);
    }
    lsm("compare", "--no-alert");
    lsm("compare", "--baseline", baseline.toString());

    assertRuns(LIST, LIST); // of status and sentry
    assertFalse(Files.exists(file()));
  }

  @Test
  void updatesRulesWhenSocketsChange() throws IOException {
    assertQuiet();
    List<String> first = nft.runs();
    assertEquals(LIST, first.get(0));
    assertTrue(first.get(1).startsWith(CREATION), first.get(1));
    assertTrue(first.get(1).contains("elements = { 1-21,23-112,"), "sshd serves port 22");
    assertTrue(first.get(1).contains("elements = { 1-66,"), "DNS serves only loopback");
    assertTrue(Files.exists(file()));

    nft.setTable(
        "{\"nftables\": [{\"set\": {\"name\": \"hosts4\"}}, {\"rule\": {\"comment\": \"that of the"
            + " rules\"}}]}\n");
    assertQuiet();
    assertRuns(LIST);

    open(80);
    assertEquals(new Result(1, "", ""), lsm("compare", "--quiet"));
    List<String> second = nft.runs();
    assertEquals(2, second.size());
    assertTrue(second.get(1).startsWith(REPLACEMENT), second.get(1));
    assertTrue(second.get(1).contains("elements = { 1-21,23-79,81-112,"), second.get(1));

    lsm("accept", "tcp/0.0.0.0:80");
    proc.empty().tcp("0.0.0.0", 22, 101).udp("127.0.0.53", 53, 102);
    assertEquals(new Result(1, "", ""), lsm("compare", "--quiet"));
    assertRuns(LIST); // clients of a service that is down are not scanners
  }

  @Test
  void sparesGatewaysAndNameServers() throws IOException {
    sentry("block", "SENTRY_TRIGGER=\"5\"");
    Files.writeString(
        directory.resolve("resolv.conf"),
        "nameserver 192.0.2.53\nnameserver abc\nnameserver 1.2.3\nnameserver fe80::1%eth0\n");
    proc.write("net/route", "Iface\tDestination\tGateway\nv0\t00000000\t07070707\t0003\n");

    assertQuiet();

    String rules = nft.runs().get(1);
    assertTrue(rules.contains("elements = { 192.0.2.53,7.7.7.7 }"), rules);
    assertTrue(rules.contains("elements = { fe80:0:0:0:0:0:0:1 }"), rules);
    assertTrue(rules.contains("udp dport { 32768-60999 } socket"), rules);
    assertTrue(rules.contains("burst 4 packets"), rules);
  }

  /** Each answer that a name has is ignored; one without an answer is a fault that is said once. */
  @Test
  void ignoresHostsByName() throws IOException {
    sentry("report", "SENTRY_IGNORE=\"web1.invalid\"");
    String none =
        "lsm: SENTRY_IGNORE has no effect for web1.invalid: no name server has an address for it\n";
    assertEquals(new Result(0, "", none), lsm("compare", "--quiet"));
    assertQuiet();
    assertEquals(1, lsm("status").exitCode());

    SentryState.read(file())
        .withAnswers(Map.of("web1.invalid", "192.0.2.7 2001:db8:0:1::7"), now)
        .write(file());
    nft.runs();
    open(80);
    assertEquals(new Result(1, "", ""), lsm("compare", "--quiet"));
    String rules = nft.runs().get(1);
    assertTrue(rules.contains("elements = { 192.0.2.7 }"), rules);
    assertTrue(rules.contains("elements = { 2001:db8:0:1::/64 }"), rules);
    assertEquals(
        Map.of("web1.invalid", "192.0.2.7 2001:db8:0:1::7"),
        SentryState.read(file()).answers(),
        "no answer is no reason to forget the last one");
  }

  @Test
  void sparesHostsOfSessions() throws IOException {
    sentry("block");
    proc.connection("0.0.0.0", 22, "192.0.2.77", 50000);
    proc.process(800, 0, "/usr/sbin/sshd", 12, FakeProc.CONNECTION).write("800/loginuid", "1000");

    assertQuiet();
    String rules = nft.runs().get(1);
    assertTrue(rules.contains("auto-merge; elements = { 192.0.2.77 }; }"), rules);

    sentry("report");
    assertQuiet();
    assertFalse(nft.runs().get(1).contains("192.0.2.77"), "nobody is blocked");
  }

  @Test
  void alertsWithoutBaseline() throws IOException {
    assertQuiet();
    Files.delete(baseline);
    nft.runs();

    assertEquals(2, lsm("compare").exitCode());

    assertRuns(LIST);
    assertEquals(
        List.of("no_baseline ", "port_scan 10.9.0.2 fd09::2 fd09::7 10.9.0.7 10.9.0.8"),
        lines("events"));
  }

  @Test
  void restoresBlocksAfterReboot() throws IOException {
    sentry("block", "SENTRY_REMIND=\"7d\"");
    assertQuiet();
    assertQuiet();
    nft.runs();
    nft.deleteTable();
    now = now.plusSeconds(3600);
    boot();

    assertQuiet();

    List<String> runs = nft.runs();
    assertTrue(
        runs.get(1)
            .endsWith(
                """
                add element inet lsm blocked4 { 10.9.0.2 timeout 1d0s expires 0d82796s }
                add element inet lsm blocked6 { fd09::2 timeout 1d0s expires 0d82797s }
                """),
        runs.get(1));
    assertQuiet();
    assertRuns(LIST);
  }

  private void boot() throws IOException {
    proc.write("sys/kernel/random/boot_id", "another\n");
  }

  private static final String REMOVED = "the rules of lsm were removed from the packet filter";

  /** Not after a boot, nor before there were rules, nor after lsm removed them. */
  @ParameterizedTest
  @CsvSource({"true, 0", "false, 1"})
  void alertsRemovedRules(boolean boots, int alerts) throws IOException {
    removeScans();
    assertQuiet();
    assertQuiet();
    assertEquals(List.of(), lines("events"));
    if (boots) {
      boot();
    }
    nft.deleteTable();
    pass(600);

    String out = lsm("compare").out();

    String note = "probes since 2026-01-02 03:04:05 +00:00 may be lost";
    String line = out.replaceAll("\\s+", " ");
    assertEquals(alerts > 0, out.contains("web1: " + REMOVED + "\n") && line.contains(note), out);
    assertQuiet();
    assertEquals(alerts, lines("events").size());

    sentry("off");
    assertQuiet();
    sentry("report");
    assertQuiet();
    assertEquals(alerts, lines("events").size());
  }

  private void removeScans() throws IOException {
    nft.setTable(
        "{\"nftables\": [{\"set\": {\"name\": \"hosts4\"}}, {\"rule\": {\"comment\": \"\"}}]}\n");
  }

  /** Another fault, which is there in each run, does not hide it. */
  @Test
  void alertsRemovedRulesBesideNameWithoutAddress() throws IOException {
    sentry("report", "SENTRY_IGNORE=\"web1.invalid\"");
    removeScans();
    lsm("compare", "--quiet");
    nft.deleteTable();

    String out = lsm("compare").out();

    assertTrue(out.contains("web1: " + REMOVED + "\n"), out);
    assertTrue(out.contains("SENTRY_IGNORE has no effect for web1.invalid"), out);
  }

  /** A compare that has failed sets none. */
  @Test
  void alertsNoRulesThatWereNeverSet() throws IOException {
    removeScans();
    sentry("off");
    assertQuiet();
    sentry("report");
    Path kept = Files.move(baseline, directory.resolve("kept"));
    assertEquals(2, lsm("compare", "--quiet").exitCode());
    Files.move(kept, baseline);

    assertQuiet();
    assertQuiet();

    assertEquals(List.of("no_baseline "), lines("events"));
  }

  /** Somebody who loads a saved ruleset brings old rules back, without what was found since. */
  @Test
  void alertsOldRules() throws IOException {
    removeScans();
    assertQuiet();
    Files.writeString(directory.resolve("nft.mark"), "lsm 1 report 1234567");

    assertTrue(lsm("compare").out().contains("web1: " + REMOVED + "\n"));
  }

  /** Where a change of the rules fails, it is not known which ones the table has. */
  @Test
  void alertsNoRulesAfterFailure() throws IOException {
    removeScans();
    assertQuiet();
    open(80);
    String mark = Files.readString(directory.resolve("nft.mark"));
    Path nftProgram = directory.resolve("nft");
    String script = Files.readString(nftProgram);
    Files.writeString(nftProgram, script + "[ \"$1\" = -j ] || { echo late >&2; exit 1; }\n");
    assertTrue(lsm("compare", "--quiet").err().contains("late"));
    assertFalse(mark.equals(Files.readString(directory.resolve("nft.mark"))));
    Files.writeString(nftProgram, script);

    String out = lsm("compare").out();

    assertFalse(out.contains(REMOVED), out);
  }

  @Test
  void repeatsLostAlertOfRemovedRules() throws IOException {
    removeScans();
    assertQuiet();
    nft.deleteTable();
    Path outbox = Files.writeString(state.resolve("outbox"), "no directory");
    assertTrue(lsm("compare", "--quiet").err().contains("cannot store the alert"));
    Files.delete(outbox);
    pass(600);

    String out = lsm("compare").out();

    assertTrue(out.contains("web1: " + REMOVED + "\n"), out);
    assertTrue(out.replaceAll("\\s+", " ").contains("probes since 2026-01-02 03:04:05"), out);
    out = lsm("compare").out();
    assertFalse(out.contains(REMOVED), out);
  }

  /** A lookup takes seconds. */
  @Test
  void looksUpNameWithoutAddressOnceAnHour() throws IOException {
    sentry("report", "SENTRY_IGNORE=\"web1.invalid\"");
    lsm("compare", "--quiet");
    Instant first = now;
    for (int minutes : new int[] {10, 49, 1}) {
      assertEquals(first, SentryState.read(file()).lastLookup());
      pass(60 * minutes);
      assertQuiet();
    }
    assertEquals(now, SentryState.read(file()).lastLookup());
  }

  @Test
  void removesTableOnceWhenOff() throws IOException {
    assertQuiet();
    sentry("off");
    nft.runs();

    assertQuiet();
    assertEquals(List.of(REMOVAL), nft.runs());
    assertFalse(Files.exists(file()));
    assertQuiet();
    assertEquals(List.of(), nft.runs());
  }

  @Test
  void retriesToRemoveTable() throws IOException {
    assertQuiet();
    sentry("off");
    nft.setFailure("Operation not permitted (you must be root)\n");

    assertEquals(new Result(0, "", NOT_PERMITTED), lsm("compare", "--quiet"));
    assertQuiet();
    assertTrue(Files.exists(file()));
    nft.clearFailure();
    assertQuiet();
    assertFalse(Files.exists(file()));
  }

  @Test
  void reportsFailureOfNftOnce() throws IOException {
    nft.setFailure("Operation not permitted (you must be root)\nnetlink: Error: \n");
    open(4444);

    assertEquals(new Result(1, "", NOT_PERMITTED), lsm("compare", "--quiet"));
    assertEquals(new Result(1, "", ""), lsm("compare", "--quiet"));
    assertEquals(NOT_PERMITTED, lsm("compare").err());
    assertEquals(List.of("differences "), lines("events"));

    Files.delete(directory.resolve("nft"));
    String missing =
        "lsm: the packet filter cannot be used: there is no program "
            + directory.resolve("nft")
            + NO_PROGRAM_ADVICE;
    assertEquals(new Result(1, "", missing), lsm("compare", "--quiet"));
    assertEquals(new Result(1, "", ""), lsm("compare", "--quiet"));

    FakeNft.of(directory).clearFailure();
    assertEquals(new Result(1, "", ""), lsm("compare", "--quiet"));
    nft.setFailure("Operation not permitted (you must be root)\n");
    assertEquals(new Result(1, "", NOT_PERMITTED), lsm("compare", "--quiet"), "a new failure");
  }

  /** It must not be taken for an empty table. */
  @Test
  void keepsTableThatCannotBeParsed() throws IOException {
    assertQuiet();
    nft.setTable("{\"nftables\": [{\"set\": 1}]}\n");
    nft.runs();

    Result result = lsm("compare", "--quiet");

    assertEquals(0, result.exitCode());
    assertEquals(
        "lsm: the output of nft is not a table of lsm; see 'nft -j list table inet lsm'\n",
        result.err());
    assertRuns(LIST);
    assertQuiet();
  }

  @Test
  void alertsAgainIfStateCannotBeWritten() throws IOException {
    assertQuiet();
    Files.delete(file());
    Files.createDirectory(file());

    for (int run = 1; run <= 2; run++) {
      Result result = lsm("compare", "--quiet");
      assertEquals(0, result.exitCode());
      assertTrue(
          result.err().contains("lsm: the port scans of this run will be alerted again: "),
          result.err());
      assertEquals(run, lines("events").size());
    }
  }

  // ---- ports that were served between two runs

  /** The table, with a client who came to a TCP port so many seconds ago, first and last. */
  private void addClient(String address, int port, int packets, int first, int last)
      throws IOException {
    String version = address.contains(":") ? "6" : "4";
    String element =
        "{\"set\": {\"name\": \"%s\", \"elem\": [{\"elem\": {\"val\": {\"concat\": [\"%s\", \"tcp\", %d]},"
            + " \"timeout\": 86400, \"expires\": %d, \"counter\": {\"packets\": %d, \"bytes\": 60}}}]}}";
    String served =
        String.format(element, "served" + version, address, port, 86_400 - first, packets);
    String latest = String.format(element, "latest" + version, address, port, 86_400 - last, 1);
    nft.setTable(nft.table().strip().replaceFirst("]}$", ", " + served + ", " + latest + "]}\n"));
  }

  private void pass(int seconds) {
    now = now.plusSeconds(seconds);
  }

  @Test
  void reportsSocketThatWasOpenBetweenTwoRuns() throws IOException {
    assertQuiet();
    String table = nft.table();
    addClient("203.0.113.9", 4444, 2, 300, 120);
    pass(600);

    Result result = lsm("compare");

    assertEquals(1, result.exitCode());
    assertTrue(
        result
            .out()
            .contains(
                """
                NEW      tcp/0.0.0.0:4444
                         program    none was found
                         note       already closed again, reachable beyond loopback
                         from       203.0.113.9, 2 packets, between 03:09:05 and 03:12:05
                         appeared   between 03:04:05 and 03:14:05
                """),
        result.out());
    assertTrue(result.out().contains("lsm accept --optional tcp/0.0.0.0:4444"), result.out());
    assertTrue(lines("events").contains("differences "));

    nft.setTable(table);
    addClient("203.0.113.9", 4444, 2, 900, 720);
    pass(600);
    assertQuiet();
    assertEquals(1, lines("events").stream().filter(it -> it.equals("differences ")).count());
    assertEquals(0, lsm("accept", "--optional", "tcp/0.0.0.0:4444").exitCode());
    addClient("203.0.113.9", 4444, 1, 1, 1);
    assertQuiet();
  }

  @Test
  void namesClientsOfSocketThatIsOpen() throws IOException {
    assertQuiet();
    addClient("203.0.113.9", 4444, 1, 5, 5);
    addClient("2001:db8::9", 4444, 300, 7, 1);
    open(4444);
    pass(600);

    JsonObject report =
        JsonParser.parseString(lsm("compare", "--format", "json").out()).getAsJsonObject();

    assertEquals(1, report.getAsJsonArray("differences").size());
    JsonObject difference = report.getAsJsonArray("differences").get(0).getAsJsonObject();
    assertEquals(
        "[{\"address\":\"2001:db8::9\",\"packets\":300,\"first_seen\":\"2026-01-02T03:13:58Z\","
            + "\"last_seen\":\"2026-01-02T03:14:04Z\"},{\"address\":\"203.0.113.9\",\"packets\":1,"
            + "\"first_seen\":\"2026-01-02T03:14:00Z\",\"last_seen\":\"2026-01-02T03:14:00Z\"}]",
        difference.get("clients").toString());
    assertEquals("[\"beyond_loopback\"]", difference.get("flags").toString());
  }

  /** They are in the table because the rules did not know the ports yet. */
  @ParameterizedTest
  @CsvSource({"22, ''", "8080, allow tcp *:8000-8100 user=www-data", "40000, ''"})
  void reportsNoPortThatIsKnown(int port, String rule) throws IOException {
    Files.createDirectory(directory.resolve("rules.d"));
    Files.writeString(directory.resolve("rules.d/web.lsm"), rule + "\n");
    assertQuiet();
    addClient("203.0.113.9", port, 1, 5, 5);
    pass(600);

    assertQuiet();
  }

  /** An alert that was not stored is repeated, also about what was there for a moment. */
  @Test
  void repeatsClosedSocketOfLostAlert() throws IOException {
    assertQuiet();
    String table = nft.table();
    Path outbox = state.resolve("outbox");
    Files.writeString(outbox, "");
    addClient("203.0.113.9", 4444, 1, 300, 300);
    pass(600);
    assertEquals(1, lsm("compare", "--quiet").exitCode());

    Files.delete(outbox);
    nft.setTable(table);
    addClient("203.0.113.9", 4444, 1, 900, 900);
    pass(600);
    assertEquals(1, lsm("compare", "--quiet").exitCode());
  }

  private static final String SCAN =
      """
      web1: 5 hosts probed unused ports, 2 of them are blocked

      SCAN     10.9.0.2
               tcp ports  21-23
               probes     SYN
               packets    3
               first      2026-01-02 03:04:01 +00:00
               last       2026-01-02 03:04:01 +00:00
               blocked    until 2026-01-03 03:04:01 +00:00

      SCAN     fd09::2
      """;

  @Test
  void alertsOnceAndReminds() throws IOException {
    String nothing = lsm("compare").out();
    assertTrue(nothing.startsWith("web1: no difference to the baseline"), nothing);

    Result result = lsm("compare");
    assertEquals(0, result.exitCode(), "a port scan is not a difference");
    assertEquals("", result.err());
    assertTrue(result.out().startsWith(nothing + "\n" + SCAN), result.out());
    List<String> scan = List.of("port_scan 10.9.0.2 fd09::2 fd09::7 10.9.0.7 10.9.0.8");
    assertEquals(scan, lines("events"));

    now = now.plusSeconds(86_300);
    assertQuiet();
    assertEquals(scan, lines("events"));
    now = now.plusSeconds(100);
    assertQuiet();
    assertEquals(List.of(scan.get(0), scan.get(0)), lines("events"));
    assertEquals(
        10,
        lines("state/history.jsonl").stream().filter(it -> it.contains("\"port_scan\"")).count());
  }

  @ParameterizedTest
  @CsvSource({
    "1, port_scan 10.9.0.2 fd09::2 fd09::7 10.9.0.7 10.9.0.8 10.9.0.3 10.9.0.4 10.9.0.5 10.9.0.6"
        + " fd09::3 fd09::4 fd09::5 fd09::6",
    "4, port_scan 10.9.0.2 fd09::2 fd09::7",
    "5, port_scan 10.9.0.2 fd09::2"
  })
  void alertsHostsFromTrigger(int trigger, String event) throws IOException {
    sentry("report", "SENTRY_TRIGGER=\"" + trigger + "\"");
    assertQuiet();
    assertQuiet();

    assertEquals(List.of(event), lines("events"));
  }

  @Test
  void writesJsonAndMetrics() throws IOException {
    sentry("report", "METRICS_FILE=\"" + directory.resolve("metrics") + "\"");
    assertQuiet();
    assertTrue(lines("metrics").stream().noneMatch(it -> it.contains("probing")), "no table yet");

    JsonObject report =
        JsonParser.parseString(lsm("compare", "--format", "json").out()).getAsJsonObject();

    assertEquals(0, report.get("new").getAsInt());
    assertEquals(5, report.getAsJsonArray("scans").size());
    assertEquals(
        List.of(
            "lsm_probing_hosts{state=\"blocked\"} 2",
            "lsm_probing_hosts{state=\"scanning\"} 5",
            "lsm_probing_hosts{state=\"seen\"} 13"),
        lines("metrics").stream().filter(it -> it.startsWith("lsm_probing")).toList());
    String again = lsm("compare", "--format", "json").out();
    assertFalse(JsonParser.parseString(again).getAsJsonObject().has("scans"), "alerted before");
  }

  /** A host counts as alerted only once its alert is stored. */
  @Test
  void alertsAgainIfAlertCannotBeStored() throws IOException {
    assertQuiet();
    Path outbox = Files.writeString(state.resolve("outbox"), "no directory");
    Result result = lsm("compare", "--quiet");
    assertTrue(result.err().contains("cannot store the alert"), result.err());
    Files.delete(outbox);

    assertQuiet();
    assertQuiet();

    assertEquals(2, lines("events").size(), "sent from memory, and once more");
  }

  @ParameterizedTest
  @ValueSource(ints = {8999, 9000})
  void flushesNearlyFullTable(int hosts) throws IOException {
    assertQuiet();
    nft.runs();
    nft.setTable(nft.tableWith("hosts4", crowd(hosts - 7)));

    String out = lsm("compare").out();

    boolean full = hosts >= 9000;
    assertEquals(
        full,
        out.contains("\nNote      the sets of hosts and ports are full or nearly full: "),
        out);
    assertRuns(full ? new String[] {LIST, FLUSHING} : new String[] {LIST});
  }

  /** There may be no room left for a host that scans. */
  @Test
  void alertsFullTableOnceAnHour() throws IOException {
    assertQuiet();
    nft.setTable(
        "{\"nftables\": [{\"set\": {\"name\": \"hosts4\", \"elem\": ["
            + crowd(9000)
            + "]}}, {\"rule\": {\"comment\": \"that of the rules\"}}]}\n");
    String verdict = "web1: more hosts probed unused ports than can be kept\n";
    int alerts = 0;
    for (int minutes : new int[] {0, 10, 49, 1, 59}) {
      now = now.plusSeconds(minutes * 60L);
      nft.runs();

      String out = lsm("compare").out();

      boolean alerted = minutes < 2; // 0 and 60 after the first
      alerts += alerted ? 1 : 0;
      assertEquals(alerted, out.contains("\n" + verdict), out);
      assertEquals(Collections.nCopies(alerts, "port_scan "), lines("events"));
      assertRuns(LIST, FLUSHING);
    }
  }

  /** The next run must find the hosts in the table again. */
  @Test
  void keepsProbesIfAlertCannotBeStored() throws IOException {
    assertQuiet();
    nft.setTable(nft.tableWith("hosts4", crowd(9000)));
    Path outbox = Files.writeString(state.resolve("outbox"), "no directory");
    nft.runs();

    assertEquals(0, lsm("compare", "--quiet").exitCode());
    assertRuns(LIST);

    Files.delete(outbox);
    assertQuiet();
    assertRuns(LIST, FLUSHING);
  }

  private static String crowd(int size) {
    return IntStream.range(0, size)
        .mapToObj(i -> "10.1." + i / 256 + "." + i % 256)
        .map(
            it ->
                "{\"elem\": {\"val\": \""
                    + it
                    + "\", \"timeout\": 86400, \"expires\": 86395, \"counter\": {\"packets\": 1,"
                    + " \"bytes\": 40}}}")
        .collect(Collectors.joining(", "));
  }
}
