package org.lsm.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What {@code lsm compare} does about probes of unused ports. */
class PortScanCheckTest extends ChannelTestBase {

  private static final String LIST = "-j list table inet lsm\n";
  private static final String CREATION = "-f -\nadd table inet lsm\ndelete table inet lsm\ntable ";
  private static final String REPLACEMENT = "-f -\nflush table inet lsm\nflush set ";
  private static final String FORGETTING = "-f -\nflush set inet lsm hosts4\n";
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

  /** A run of cron in which nothing differs and nothing is said. */
  private void assertQuiet() {
    assertEquals(done(""), lsm("compare", "--quiet"));
  }

  private void assertTold(String... beginnings) throws IOException {
    List<String> told = nft.told();
    assertEquals(beginnings.length, told.size(), told.toString());
    for (int i = 0; i < beginnings.length; i++) {
      assertTrue(told.get(i).startsWith(beginnings[i]), told.get(i));
    }
  }

  // ---- the rules

  @Test
  void whereItIsOffNftIsNotRun() throws IOException {
    for (String lines : List.of("", "SENTRY=\"off\"")) {
      configure("MAILER=\"none\"", lines);
      for (String command : List.of("compare", "generate", "list", "status", "history")) {
        lsm(command);
      }
    }
    lsm("delete");

    assertEquals(List.of(), nft.told());
    assertFalse(Files.exists(file()));
  }

  @Test
  void theOtherCommandsSetNoRules() throws IOException {
    for (String command : List.of("generate", "list", "status", "history", "sentry")) {
      lsm(command);
    }
    lsm("compare", "--no-alert");
    lsm("compare", "--baseline", baseline.toString());

    assertTold(LIST, LIST); // of status and sentry
    assertFalse(Files.exists(file()));
  }

  @Test
  void theRulesAreSetOnceAndAnewWhereTheSocketsHaveChanged() throws IOException {
    assertQuiet();
    List<String> first = nft.told();
    assertEquals(LIST, first.get(0));
    assertTrue(first.get(1).startsWith(CREATION), first.get(1));
    assertTrue(first.get(1).contains("elements = { 1-21,23-112,"), "sshd serves a port of its own");
    assertTrue(first.get(1).contains("elements = { 1-66,"), "DNS serves loopback alone");
    assertTrue(Files.exists(file()));

    nft.hasTable(
        "{\"nftables\": [{\"set\": {\"name\": \"hosts4\"}}, {\"rule\": {\"comment\": \"that of the rules\"}}]}\n");
    assertQuiet();
    assertTold(LIST);

    open(80);
    assertEquals(new Result(1, "", ""), lsm("compare", "--quiet"));
    List<String> second = nft.told();
    assertEquals(2, second.size());
    assertTrue(second.get(1).startsWith(REPLACEMENT), second.get(1));
    assertTrue(second.get(1).contains("elements = { 1-21,23-79,81-112,"), second.get(1));

    lsm("accept", "tcp/0.0.0.0:80");
    proc.empty().tcp("0.0.0.0", 22, 101).udp("127.0.0.53", 53, 102);
    assertEquals(new Result(1, "", ""), lsm("compare", "--quiet"));
    assertTold(LIST); // it should be served: a client that knocks there is no scanner
  }

  @Test
  void whomTheHostNeedsIsSpared() throws IOException {
    sentry("block", "SENTRY_TRIGGER=\"5\"");
    Files.writeString(
        directory.resolve("resolv.conf"),
        "nameserver 192.0.2.53\nnameserver abc\nnameserver 1.2.3\nnameserver fe80::1%eth0\n");
    proc.write("net/route", "Iface\tDestination\tGateway\nv0\t00000000\t07070707\t0003\n");

    assertQuiet();

    String rules = nft.told().get(1);
    assertTrue(rules.contains("elements = { 192.0.2.53,7.7.7.7 }"), rules);
    assertTrue(rules.contains("elements = { fe80:0:0:0:0:0:0:1 }"), rules);
    assertTrue(rules.contains("udp dport { 32768-60999 } socket"), rules);
    assertTrue(rules.contains("burst 4 packets"), rules);
  }

  /** It is still there, and so is the socket that nobody knows of. */
  @Test
  void withoutABaselineNoRulesAreSetButWhoScansIsTold() throws IOException {
    assertQuiet();
    Files.delete(baseline);
    nft.told();

    assertEquals(2, lsm("compare").exitCode());

    assertTold(LIST);
    assertEquals(
        List.of("no_baseline ", "port_scan 10.9.0.2 fd09::2 fd09::7 10.9.0.7 10.9.0.8"),
        lines("events"));
  }

  @Test
  void whoWasBlockedBeforeABootIsBlockedAfterIt() throws IOException {
    sentry("block", "SENTRY_REMIND=\"7d\"");
    assertQuiet();
    assertQuiet();
    nft.told();
    nft.losesTable();
    now = now.plusSeconds(3600);

    assertQuiet();

    List<String> told = nft.told();
    assertTrue(
        told.get(1)
            .endsWith(
                """
                add element inet lsm blocked4 { 10.9.0.2 timeout 1d0s expires 0d82796s }
                add element inet lsm blocked6 { fd09::2 timeout 1d0s expires 0d82797s }
                """),
        told.get(1));
    assertQuiet();
    assertTold(LIST);
  }

  @Test
  void switchedOffItIsRemovedAndNotLookedAtAgain() throws IOException {
    assertQuiet();
    sentry("off");
    nft.told();

    assertQuiet();
    assertEquals(List.of(REMOVAL), nft.told());
    assertFalse(Files.exists(file()));
    assertQuiet();
    assertEquals(List.of(), nft.told());
  }

  @Test
  void whatCannotBeRemovedIsTriedAgain() throws IOException {
    assertQuiet();
    sentry("off");
    nft.fails("Operation not permitted (you must be root)\n");

    assertEquals(new Result(0, "", NOT_PERMITTED), lsm("compare", "--quiet"));
    assertQuiet();
    assertTrue(Files.exists(file()));
    nft.works();
    assertQuiet();
    assertFalse(Files.exists(file()));
  }

  // ---- what keeps it from that

  @Test
  void whatNftSaysIsToldOnceAndSocketsAreComparedAllTheSame() throws IOException {
    nft.fails("Operation not permitted (you must be root)\nnetlink: Error: \n");
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

    FakeNft.of(directory).works();
    assertEquals(new Result(1, "", ""), lsm("compare", "--quiet"));
    nft.fails("Operation not permitted (you must be root)\n");
    assertEquals(new Result(1, "", NOT_PERMITTED), lsm("compare", "--quiet"), "trouble anew");
  }

  /** What is not understood is not taken for a table with nothing in it. */
  @Test
  void rubbishInTheTableIsTroubleAndNotWrittenOver() throws IOException {
    assertQuiet();
    nft.hasTable("{\"nftables\": [{\"set\": 1}]}\n");
    nft.told();

    Result result = lsm("compare", "--quiet");

    assertEquals(0, result.exitCode());
    assertEquals(
        "lsm: nft wrote something that is no table of lsm; see 'nft -j list table inet lsm'\n",
        result.err());
    assertTold(LIST);
    assertQuiet();
  }

  @Test
  void aStateThatCannotBeKeptIsAReasonToTellAgain() throws IOException {
    assertQuiet();
    Files.delete(file());
    Files.createDirectory(file());

    for (int run = 1; run <= 2; run++) {
      Result result = lsm("compare", "--quiet");
      assertEquals(0, result.exitCode());
      assertTrue(result.err().contains("lsm: who scans will be told again: "), result.err());
      assertEquals(run, lines("events").size());
    }
  }

  // ---- who scans

  private static final String SCAN =
      """
      web1: 5 hosts probed unused ports, 2 of them are blocked

      SCAN     10.9.0.2
               ports   tcp 21-23
               kinds   SYN
               packets 3, 2026-01-02 03:04:01 +00:00 to 2026-01-02 03:04:01 +00:00
               blocked until 2026-01-03 03:04:01 +00:00

      SCAN     fd09::2
      """;

  @Test
  void whoScansIsToldOnceAndAgainAfterATime() throws IOException {
    String nothing = lsm("compare").out();
    assertTrue(nothing.startsWith("web1: no difference to the baseline"), nothing);

    Result result = lsm("compare");
    assertEquals(0, result.exitCode(), "what others do is no difference");
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
        10, lines("state/history.jsonl").stream().filter(it -> it.contains("\"scan\"")).count());
  }

  @ParameterizedTest
  @CsvSource({
    "1, port_scan 10.9.0.2 fd09::2 fd09::7 10.9.0.7 10.9.0.8 10.9.0.3 10.9.0.4 10.9.0.5 10.9.0.6 fd09::3"
        + " fd09::4 fd09::5 fd09::6",
    "4, port_scan 10.9.0.2 fd09::2 fd09::7",
    "5, port_scan 10.9.0.2 fd09::2"
  })
  void theTriggerTellsWhoDoes(int trigger, String event) throws IOException {
    sentry("report", "SENTRY_TRIGGER=\"" + trigger + "\"");
    assertQuiet();
    assertQuiet();

    assertEquals(List.of(event), lines("events"));
  }

  @Test
  void itIsInTheReportForProgramsAndInTheMetrics() throws IOException {
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
    assertFalse(JsonParser.parseString(again).getAsJsonObject().has("scans"), "told already");
  }

  /** Who is not told must not be remembered as told. */
  @Test
  void anAlertThatCouldNotBeStoredIsToldAgain() throws IOException {
    assertQuiet();
    Path outbox = Files.writeString(state.resolve("outbox"), "no directory");
    Result result = lsm("compare", "--quiet");
    assertTrue(result.err().contains("the alert could not be stored"), result.err());
    Files.delete(outbox);

    assertQuiet();
    assertQuiet();

    assertEquals(2, lines("events").size(), "sent from memory, and once more");
  }

  @ParameterizedTest
  @ValueSource(ints = {8999, 9000})
  void aTableThatIsNearlyFullIsReadAndEmptied(int hosts) throws IOException {
    assertQuiet();
    nft.told();
    nft.hasTable(nft.tableWith("hosts4", crowd(hosts - 7)));

    String out = lsm("compare").out();

    boolean full = hosts >= 9000;
    assertEquals(
        full, out.contains("\nNote      more hosts or ports than there is room for "), out);
    assertTold(full ? new String[] {LIST, FORGETTING} : new String[] {LIST});
  }

  /** A scan may be behind them that there was no room for. */
  @Test
  void thatThereAreTooManyIsToldOnceAnHourAlsoWhereNobodyScans() throws IOException {
    assertQuiet();
    nft.hasTable(
        "{\"nftables\": [{\"set\": {\"name\": \"hosts4\", \"elem\": ["
            + crowd(9000)
            + "]}}, {\"rule\": {\"comment\": \"that of the rules\"}}]}\n");
    String verdict = "web1: more hosts probed unused ports than can be kept\n";
    int told = 0;
    for (int minutes : new int[] {0, 10, 49, 1, 59}) {
      now = now.plusSeconds(minutes * 60L);
      nft.told();

      String out = lsm("compare").out();

      boolean tells = minutes < 2; // 0 and 60 after the first
      told += tells ? 1 : 0;
      assertEquals(tells, out.contains("\n" + verdict), out);
      assertEquals(Collections.nCopies(told, "port_scan "), lines("events"));
      assertTold(LIST, FORGETTING);
    }
  }

  /** Who is not told is to be found in the table by the next run. */
  @Test
  void nobodyIsForgottenWhoseAlertCouldNotBeStored() throws IOException {
    assertQuiet();
    nft.hasTable(nft.tableWith("hosts4", crowd(9000)));
    Path outbox = Files.writeString(state.resolve("outbox"), "no directory");
    nft.told();

    assertEquals(0, lsm("compare", "--quiet").exitCode());
    assertTold(LIST);

    Files.delete(outbox);
    assertQuiet();
    assertTold(LIST, FORGETTING);
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
