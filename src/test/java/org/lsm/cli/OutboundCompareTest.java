package org.lsm.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.lsm.OutboundSet;
import org.lsm.report.JsonTest;

/** What is new among outbound connections, on a host whose nft has what a test says. */
class OutboundCompareTest extends ChannelTestBase {
  private static final String WEB = "33 system.slice/web.service tcp 4444 198.51.100.7";
  private static final String JOE = "1000 user.slice/session-3.scope tcp 443 198.51.100.7";
  private static final String[] LISTS = {
    "-j list set inet lsm_outbound new4\n", "-j list set inet lsm_outbound new6\n"
  };
  private static final String FLUSH =
      "-f -\nflush set inet lsm_outbound new4\nflush set inet lsm_outbound new6\n";
  private static final String REMOVAL =
      "-f -\nadd table inet lsm_outbound\ndelete table inet lsm_outbound\n";
  private static final Result QUIET = done("");
  private static final Result FOUND = new Result(1, "", "");

  private FakeNft nft;

  @BeforeEach
  void setRules() throws IOException {
    Files.writeString(
        directory.resolve("passwd"), "joe:x:1000:1000::/home/joe:\n", StandardOpenOption.APPEND);
    Files.writeString(directory.resolve("services"), "https 443/tcp\n");
    script("ss", "cat " + directory + "/connections");
    connections();
    script(
        "command",
        "echo $LSM_EVENT $LSM_SEVERITY >> " + directory + "/events",
        "cat > " + directory + "/alert");
    nft = FakeNft.of(directory);
    lsm("generate");
    outbound("report", "0");
    assertEquals(QUIET, compare());
    nft.runs();
  }

  private void outbound(String mode, String learn, String... lines) throws IOException {
    List<String> all = new ArrayList<>(List.of(lines));
    all.add("OUTBOUND=\"" + mode + "\"");
    all.add("OUTBOUND_LEARN=\"" + learn + "\"");
    all.add("MAILER=\"none\"");
    all.add("RUN_CMD=\"" + directory.resolve("command") + "\"");
    configure(all.toArray(String[]::new));
  }

  /** What ss prints. */
  private void connections(String... lines) throws IOException {
    Files.write(directory.resolve("connections"), List.of(lines));
  }

  /** What the kernel has recorded: number of the user, group, protocol, port and address. */
  private void record(String... flows) throws IOException {
    nft.setOutbound("new4", elements(flows));
  }

  private static String[] elements(String... flows) {
    return Stream.of(flows)
        .map(it -> it.split(" ", -1))
        .map(
            it ->
                OutboundSet.element(
                    String.format(
                        "%s, \"%s\", \"%s\", %s, \"%s\"", it[0], it[1], it[2], it[3], it[4])))
        .toArray(String[]::new);
  }

  private Path file() {
    return state.resolve("outbound-state");
  }

  /** Compares as cron does, ten minutes after the last time. */
  private Result compare() {
    now = now.plus(Duration.ofMinutes(10));
    return lsm("compare", "--quiet");
  }

  /** Lets a time pass with compares that store nothing else. */
  private void pass(Duration time) throws IOException {
    now = now.plus(time);
    Files.setLastModifiedTime(file(), FileTime.from(now));
  }

  /** The differences of the last alert, as JSON. */
  private List<JsonObject> alerted() throws IOException {
    String alert = Files.readString(directory.resolve("alert"));
    JsonTest.assertValid("alert", alert);
    JsonElement all = JsonParser.parseString(alert).getAsJsonObject().get("differences");
    return Stream.of(all.getAsJsonArray())
        .flatMap(it -> IntStream.range(0, it.size()).mapToObj(it::get))
        .map(JsonElement::getAsJsonObject)
        .toList();
  }

  /** What is known: name, user, unit and status. */
  private List<String> known() {
    Result result = lsm("outbound", "--format", "json");
    assertEquals(new Result(0, result.out(), ""), result);
    JsonTest.assertValid("outbound", result.out());
    List<String> all = new ArrayList<>();
    for (JsonElement element :
        JsonParser.parseString(result.out()).getAsJsonObject().getAsJsonArray("connections")) {
      JsonObject it = element.getAsJsonObject();
      all.add(
          Stream.of("connection", "user", "unit", "status")
              .map(field -> it.get(field).getAsString())
              .reduce((a, b) -> a + " " + b)
              .get());
    }
    return all;
  }

  @Test
  void setsRulesOnce() throws IOException {
    Files.delete(file());
    nft.deleteOutbound();
    assertEquals(QUIET, compare());
    List<String> runs = nft.runs();
    assertEquals(2, runs.size(), "the second set is not listed if there is no first one");
    assertTrue(runs.get(1).startsWith(REMOVAL + "table inet lsm_outbound {"), runs.get(1));
    assertTrue(Files.exists(file()));

    String stored = Files.readString(file());
    assertEquals(QUIET, compare());
    assertEquals(List.of(LISTS), nft.runs());
    assertEquals(stored, Files.readString(file()));
  }

  @Test
  void learnsInSilenceThenReportsOnce() throws IOException {
    outbound("report", "24h");
    record(WEB);
    assertEquals(QUIET, compare());
    assertEquals(List.of("out-tcp/public:4444 www-data web.service learned"), known());

    pass(Duration.ofHours(24));
    String other = WEB.replace("4444", "5555");
    record(WEB, other);
    assertEquals(FOUND, compare());
    assertEquals(List.of("differences high"), lines("events"));
    JsonObject difference = alerted().get(0);
    assertEquals("out-tcp/public:5555", difference.get("socket").getAsString());
    assertEquals("[\"new_port\",\"system_user\"]", difference.get("flags").toString());
    assertEquals("[\"198.51.100.7:5555\"]", difference.get("peers").toString());
    assertEquals(1, alerted().size());

    assertEquals(QUIET, compare());
    record(other);
    assertEquals(QUIET, compare());
    pass(Duration.ofDays(2));
    assertEquals(QUIET, compare());
    assertEquals(
        List.of("differences high"), lines("events"), "neither reminders nor an all-clear");
    assertEquals(
        List.of(
            "out-tcp/public:4444 www-data web.service learned",
            "out-tcp/public:5555 www-data web.service reported"),
        known());
  }

  @Test
  void neverReportsWhatItOnlyLearns() throws IOException {
    outbound("learn", "0");
    record(WEB);
    pass(Duration.ofDays(100));
    assertEquals(QUIET, compare());
    assertEquals(List.of("out-tcp/public:4444 www-data web.service learned"), known());
    outbound("report", "0");
    record(WEB);
    assertEquals(QUIET, compare());
    assertEquals(List.of(), lines("events"));
  }

  /** A person's connection waits for the digest, which has it although it is over. */
  @Test
  void lowOnesComeWithTheDigest() throws IOException {
    record(JOE, JOE.replace("1000", "0"));
    assertEquals(FOUND, compare());
    assertEquals(List.of(), lines("events"));
    assertEquals(QUIET, compare());
    pass(Duration.ofDays(1));
    assertEquals(QUIET, compare());
    assertEquals(List.of("digest low"), lines("events"));
    String alert = Files.readString(directory.resolve("alert"));
    assertTrue(alert.contains("NEW out-tcp/public:443 by session-*.scope (joe)"), alert);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          # recorded                                        | reported
          33 a.service tcp 4444 198.51.100.7                | out-tcp/public:4444 new_port system_user
          33 a.service tcp 4444 10.0.0.1                    | out-tcp/private:4444 new_port system_user
          33 a.service udp 53 169.254.1.1                   | out-udp/link-local:53 new_port system_user
          33 a.service tcp 4444 2001:db8::7                 | out-tcp/public:4444 new_port system_user
          33 a.service tcp 4444 fd00::7                     | out-tcp/private:4444 new_port system_user
          999 a.service tcp 4444 198.51.100.7               | out-tcp/public:4444 new_port system_user
          60001 a.service tcp 4444 198.51.100.7             | out-tcp/public:4444
          61184 a.service tcp 4444 198.51.100.7             | out-tcp/public:4444 new_port system_user
          65519 a.service tcp 4444 198.51.100.7             | out-tcp/public:4444 new_port system_user
          65520 a.service tcp 4444 198.51.100.7             | out-tcp/public:4444
          1900000000 a.service tcp 4444 198.51.100.7        | out-tcp/public:4444
          65534 a.service tcp 4444 198.51.100.7             | out-tcp/public:4444 new_port system_user
          0 a.service tcp 4444 198.51.100.7                 | out-tcp/public:4444
          1000 a.service tcp 4444 198.51.100.7              | out-tcp/public:4444
          1001 a.service tcp 4444 198.51.100.7              | out-tcp/public:4444
          33 b.service tcp 443 198.51.100.7                 | out-tcp/public:443 system_user
          33 b.service tcp 443 10.0.0.1                     | out-tcp/private:443 system_user
          33 b.service udp 443 198.51.100.7                 | out-udp/public:443 new_port system_user
          33 4711 tcp 443 198.51.100.7                      |
          33 known@2.service tcp 443 203.0.113.9            |
          33 4711 tcp 80 198.51.100.7                       | out-tcp/public:80 new_port system_user
          """)
  void flagsWhatASystemUserDoes(String recorded, String reported) throws IOException {
    outbound("learn", "0");
    record("33 known@1.service tcp 443 198.51.100.7");
    compare();
    outbound("report", "0", "DIGEST=\"0\"");
    record(recorded);
    assertEquals(reported == null ? QUIET : FOUND, compare());

    if (reported != null) {
      JsonObject difference = alerted().get(0);
      String flags = difference.get("flags").toString().replaceAll("[\\[\"\\]]", "");
      String found = difference.get("socket").getAsString() + " " + flags.replace(',', ' ');
      assertEquals(reported, found.strip());
    } else {
      assertEquals(List.of(), lines("events"));
    }
  }

  /** The process is found while its connection is there: by user, port and kind of network. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          10.0.0.5:52394 198.51.100.9:4444 uid:33   | 33   | web.service | interpreter
          10.0.0.5:52394 198.51.100.9:4444 uid:1000 | 1000 | web.service |
          10.0.0.5:52394 198.51.100.9:4445 uid:33   | 33   | web.service |
          10.0.0.5:52394 10.0.0.6:4444 uid:33       | 33   | web.service |
          10.0.0.5:52394 198.51.100.9:4444 uid:33   | 33   | ssh.service |
          10.0.0.5:4444 198.51.100.9:52394 uid:33   | 33   | web.service |
          """)
  void namesProcessThatIsStillConnected(String ends, int uid, String unit, String flag)
      throws IOException {
    proc.process(900, uid, "/bin/bash", 90, 202)
        .write("900/cgroup", "0::/system.slice/" + unit + "\n");
    connections("ESTAB 0 0 " + ends + " ino:202 sk:2 cgroup:/ <->");
    record(WEB);
    assertEquals(FOUND, compare());

    JsonObject difference = alerted().get(0);
    assertEquals(flag == null ? 0 : 1, difference.getAsJsonArray("processes").size());
    if (flag != null) {
      JsonObject process = difference.getAsJsonArray("processes").get(0).getAsJsonObject();
      assertEquals("[\"" + flag + "\"]", process.get("flags").toString());
      assertEquals("/bin/bash", process.get("program").getAsString());
    }
  }

  /** Who has no ss must not miss the report. */
  @ParameterizedTest
  @ValueSource(strings = {"exit 1", "echo rubbish; exit 255"})
  void reportsWithoutProcessesWhereSsFails(String failure) throws IOException {
    script("ss", failure);
    record(WEB);
    assertEquals(FOUND, compare());
    assertEquals(List.of("differences high"), lines("events"));
    String alert = Files.readString(directory.resolve("alert"));
    assertTrue(alert.contains("/ss failed: "), alert);
    record(WEB);
    assertEquals(QUIET, compare());
  }

  /** A rule does not make a connection known: without it, the connection is new. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          ignore.lsm  | out tcp *:4444                                           | true
          ignore.lsm  | out tcp public:4444 program=web.service user=www-data    | true
          ignore.lsm  | out * *                                                  | true
          ignore.lsm  | out tcp *:4444 program=other.service                     | false
          ignore.lsm  | out tcp private:4444                                     | false
          ignore.lsm  | * *:4444                                                 | false
          ignore.lsm  | * *                                                      | false
          rules.d/a.lsm | ignore out tcp *:4444                                  | true
          rules.d/a.lsm | allow out tcp *:4444                                   | true
          rules.d/a.lsm | allow out tcp *:4444 user=root                         | false
          rules.d/a.lsm | allow tcp *:4444                                       | false
          """)
  void appliesRules(String file, String rule, boolean isCovered) throws IOException {
    Files.createDirectories(directory.resolve("rules.d"));
    Files.writeString(directory.resolve(file), rule + "\n");
    record(WEB);
    assertEquals(isCovered ? QUIET : FOUND, compare());
    assertEquals(isCovered ? List.of() : List.of("differences high"), lines("events"));
    if (isCovered) {
      assertEquals(List.of(), known());
      Files.delete(directory.resolve(file));
      record(WEB);
      assertEquals(FOUND, compare());
    }
  }

  @Test
  void acceptsWhatWasReported() throws IOException {
    record(WEB);
    assertEquals(FOUND, compare());
    Result accepted = lsm("accept", "out-tcp/public:4444");
    assertEquals(0, accepted.exitCode(), accepted.toString());
    assertTrue(accepted.out().contains("NEW      out-tcp/public:4444"), accepted.out());
    assertTrue(accepted.out().contains("web.service"), accepted.out());
    assertTrue(accepted.out().endsWith("0 differences remain\n"), accepted.out());
    assertEquals(2, lsm("accept", "out-tcp/public:4444").exitCode(), "it is in the baseline");

    // The baseline knows it, also where nothing else does.
    forget();
    record(WEB);
    assertEquals(QUIET, compare());
    assertEquals(List.of("differences high"), lines("events"));
  }

  /** Each owner is reported once, so that no report has all of them. */
  @Test
  void acceptsAllOwnersThatWereReported() throws IOException {
    String[] all = {WEB, WEB.replace("web", "other"), WEB.replace("web", "third")};
    for (String it : all) {
      record(it);
      assertEquals(FOUND, compare());
    }
    assertEquals(0, lsm("accept", "port=4444").exitCode());
    record(WEB.replace("web", "fourth"));
    assertEquals(FOUND, compare());
    assertEquals(0, lsm("accept", "4444").exitCode(), "another owner is accepted, too");

    forget();
    record(WEB.replace("web", "fourth"), all[0], all[1], all[2]);
    assertEquals(QUIET, compare());
    assertEquals(List.of("differences high"), lines("events"), "then the port is known");
  }

  /** Leaves only the baseline to know something. */
  private void forget() throws IOException {
    Files.delete(file());
    compare(); // which makes a new table
  }

  /** What was not alerted is new again in the next run. */
  @Test
  void keepsAllUntilTheAlertIsStored() throws IOException {
    Files.deleteIfExists(state.resolve("outbox/lock"));
    script("command", "exit 1");
    String before = Files.readString(file());
    deleteOutbox();
    Files.writeString(state.resolve("outbox"), "no directory");
    record(WEB);
    compare();
    assertEquals(before, Files.readString(file()));
    Files.delete(state.resolve("outbox"));
    assertEquals(1, lsm("compare").exitCode() & 1, "reported again");
    assertEquals(List.of("out-tcp/public:4444 www-data web.service reported"), known());
  }

  /** What waits for the digest is only there. */
  @Test
  void keepsAllUntilTheDigestKnowsIt() throws IOException {
    Path alertState = state.resolve("alert-state");
    Files.deleteIfExists(alertState);
    Files.createDirectories(alertState.resolve("x"));
    record(JOE);
    assertEquals(1, compare().exitCode());
    assertEquals(List.of(), known());

    Files.delete(alertState.resolve("x"));
    Files.delete(alertState);
    assertEquals(FOUND, compare());
    assertEquals(List.of("out-tcp/public:443 joe session-*.scope reported"), known());
  }

  private void deleteOutbox() throws IOException {
    Path outbox = state.resolve("outbox");
    if (Files.exists(outbox)) {
      try (Stream<Path> files = Files.list(outbox)) {
        for (Path it : files.toList()) {
          Files.delete(it);
        }
      }
      Files.delete(outbox);
    }
  }

  /** What comes between the reading and the end of a run is left to the next one. */
  @Test
  void losesNothingAfterReading() throws IOException {
    record(JOE);
    nft.setOutboundLater("new4", elements(JOE, WEB));
    assertEquals(FOUND, compare());
    assertEquals(List.of(), lines("events"), "that of joe is low");

    assertEquals(FOUND, compare());
    assertEquals(List.of("differences high"), lines("events"));
    assertEquals(2, known().size());
    assertFalse(nft.runs().contains(FLUSH), "there is room");
  }

  @Test
  void failureOfNftIsIncomplete() throws IOException {
    record(WEB);
    String before = Files.readString(file());
    nft.setFailure("Operation not permitted (you must be root)\n");
    assertIncomplete(
        "the packet filter cannot be used: it ended with 1 and said: Operation not permitted (you"
            + " must be root); run lsm as root, in a container with CAP_NET_ADMIN, or set"
            + " OUTBOUND=\"off\"");
    assertEquals(before, Files.readString(file()));
    assertEquals(2, lsm("compare", "--quiet").exitCode());
    assertEquals(List.of("scan_failed"), lines("events"), "alerted once");

    nft.clearFailure();
    assertEquals(FOUND, compare());
    assertEquals(List.of("scan_failed", "differences high"), lines("events"));
  }

  /** What a table has that cannot be read is not thrown away. */
  @Test
  void keepsTableThatCannotBeRead() throws IOException {
    nft.setOutbound("new6", "{\"rubbish\": 1}");
    record(WEB);
    assertIncomplete(
        "the output of nft is not a set of lsm; see 'nft -j list table inet lsm_outbound'");
    assertEquals(List.of(LISTS), nft.runs());
    nft.setOutbound("new6");
    assertEquals(FOUND, compare());
  }

  private void assertIncomplete(String reason) throws IOException {
    Result result = compare();
    assertEquals(new Result(2, "", result.err()), result);
    assertTrue(result.err().contains(reason), result.err());
    assertTrue(lines("events").contains("scan_failed"), lines("events").toString());
    assertTrue(Files.readString(directory.resolve("alert")).contains("incomplete"));
  }

  @Test
  void removedTableIsIncomplete() throws IOException {
    nft.deleteOutbound();
    assertIncomplete("somebody has removed the table inet lsm_outbound from the packet filter: ");
    assertTrue(nft.hasOutbound(), "set again");
    nft.runs();
    record(WEB);
    assertEquals(FOUND, compare());
  }

  /** The kernel has forgotten what is older, before any compare has stored it. */
  @ParameterizedTest
  @CsvSource({"120, false", "121, true"})
  void twoHoursWithoutCompareAreIncomplete(int minutes, boolean isIncomplete) throws IOException {
    now = now.plus(Duration.ofMinutes(minutes - 10)); // compare adds ten
    record(WEB);
    if (isIncomplete) {
      assertIncomplete("no compare has stored outbound connections for more than two hours: ");
    } else {
      assertEquals(FOUND, compare());
    }
    assertTrue(lines("events").contains("differences high"));
    assertEquals(QUIET, compare());
  }

  @Test
  void bootIsNoRemoval() throws IOException {
    record(WEB);
    compare();
    nft.deleteOutbound();
    proc.write("sys/kernel/random/boot_id", "another\n");
    assertEquals(QUIET, compare());
    assertTrue(nft.hasOutbound());
    record(WEB);
    assertEquals(QUIET, compare(), "known from before");

    nft.deleteOutbound();
    assertIncomplete("somebody has removed the table");
  }

  @ParameterizedTest
  @CsvSource({"4499, false", "4500, true", "5000, true"})
  void fullSetIsIncomplete(int count, boolean isIncomplete) throws IOException {
    outbound("report", "7d");
    record(
        IntStream.range(0, count)
            .mapToObj(it -> (2000 + it) + " a.service tcp 443 198.51.100.7")
            .toArray(String[]::new));
    if (isIncomplete) {
      assertIncomplete(
          "more than 4,500 users, units and ports of outbound connections were new within two hours, ");
    } else {
      assertEquals(QUIET, compare());
    }
    assertEquals(isIncomplete, nft.runs().contains(FLUSH), "there is room again");
    assertEquals(QUIET, compare());
    assertEquals(count, known().size());
  }

  /** What is new is kept until somebody has seen that the file is damaged. */
  @Test
  void damagedStateIsIncomplete() throws IOException {
    String whole = Files.readString(file());
    String damaged = whole.replace("since", "Since");
    Files.writeString(file(), damaged);
    record(WEB);
    nft.runs();
    String advice =
        file()
            + ": damaged or edited, its checksum is wrong; remove it, and lsm learns the outbound"
            + " connections anew";
    assertIncomplete(advice);
    assertEquals(damaged, Files.readString(file()));
    assertEquals(List.of(), nft.runs());
    assertEquals(error(advice), lsm("outbound"));

    Files.writeString(file(), whole);
    assertEquals(FOUND, compare());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          report | 0   | report; known: 1
          report | 24h | report, learning until 2026-01-03 03:14:05 +00:00; known: 1
          learn  | 24h | learn; known: 1
          """)
  void statusSaysWhetherItLearns(String mode, String learn, String expected) throws IOException {
    record(WEB);
    compare();
    outbound(mode, learn);
    assertEquals("Outbound   " + expected, status());
  }

  @Test
  void statusSaysWhatIsMissing() throws IOException {
    Files.writeString(directory.resolve("ignore.lsm"), "out tcp *:4444\n");
    Result result = lsm("status");
    assertFalse(result.out().contains("ignore.lsm:1"), "nobody knows whether it is unused");

    String whole = Files.readString(file());
    Files.delete(file());
    assertEquals("Outbound   report, there are no rules yet, the next compare sets them", status());
    Files.writeString(file(), whole.replace("since", "Since"));
    String damaged = "Outbound ! " + file() + ": damaged or edited, its checksum is wrong; remove ";
    assertTrue(status().startsWith(damaged), status());
    outbound("off", "0");
    assertEquals("", status());
  }

  /** The line of status for outbound connections; empty if there is none. */
  private String status() {
    return lsm("status")
        .out()
        .lines()
        .filter(it -> it.startsWith("Outbound"))
        .findFirst()
        .orElse("");
  }

  @Test
  void offRemovesAll() throws IOException {
    record(WEB);
    compare();
    outbound("off", "7d");
    nft.runs();
    nft.setFailure("Operation not permitted (you must be root)\n");
    assertIncomplete("or set OUTBOUND=\"off\"");
    assertTrue(Files.exists(file()), "the next run tries again");
    nft.clearFailure();
    nft.runs();

    assertEquals(QUIET, compare());
    assertEquals(List.of(REMOVAL), nft.runs());
    assertFalse(nft.hasOutbound());
    assertFalse(Files.exists(file()));
    assertEquals(QUIET, compare());
    assertEquals(List.of(), nft.runs());
    assertEquals(
        error(
            "OUTBOUND=\"off\" in "
                + config
                + "; set it to learn or report, and the next compare sets the rules"),
        lsm("outbound"));
  }

  @Test
  void deleteRemovesAll() throws IOException {
    Result result = lsm("delete");
    String message = "Removed the table inet lsm_outbound from the packet filter\n";
    assertEquals(done("Deleted " + baseline + "\n" + message), result);
    assertEquals(List.of(REMOVAL), nft.runs());
    assertFalse(Files.exists(file()));
    assertEquals(done("There was no baseline in " + state + "\n"), lsm("delete"));
    assertEquals(List.of(), nft.runs());
  }

  /** Only a compare that alerts reads and learns. */
  @Test
  void otherCommandsLearnNothing() throws IOException {
    record(WEB);
    String before = Files.readString(file());
    for (String command : List.of("generate", "list", "history", "diff", "connections")) {
      lsm(command);
    }
    assertEquals(0, lsm("compare", "--no-alert").exitCode());
    assertEquals(0, lsm("compare", "--baseline", baseline.toString()).exitCode());
    assertEquals(List.of(), nft.runs());
    assertEquals(before, Files.readString(file()));
  }

  @Test
  void printsWhatIsKnown() throws IOException {
    outbound("learn", "0");
    record(JOE, "0 init.scope udp 53 10.0.0.1", "33 4711 tcp 80 2001:db8::7");
    compare();
    nft.setOutbound(
        "known_public",
        OutboundSet.element(
            "1000, \"user.slice/session-9.scope\", \"tcp\", 443",
            "\"timeout\": 86400, \"expires\": 86390, \"counter\": {\"packets\": 12, \"bytes\": 1}"),
        OutboundSet.element(
            "1000, \"user.slice/session-3.scope\", \"tcp\", 443",
            "\"timeout\": 86400, \"expires\": 86390, \"counter\": {\"packets\": 30, \"bytes\": 1}"));
    assertEquals(
        done(
            """
            CONNECTION          USER      UNIT
            out-tcp/public:80   www-data  -
                learned 2026-01-02, no packet within a day, 2001:db8::7
            out-tcp/public:443  joe       session-*.scope
                learned 2026-01-02, 42 packets, 198.51.100.7
            out-udp/private:53  root      init.scope
                learned 2026-01-02, no packet within a day, 10.0.0.1
            """),
        lsm("outbound"));
    assertEquals(3, known().size());
  }
}
