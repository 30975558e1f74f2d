package org.lsm.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.nio.file.Files;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.lsm.FakeProc;
import org.lsm.sentry.SentryState;

/** {@code lsm sentry}, as a whole: who probes, and what the administrator does about it. */
class SentryCommandTest extends CommandTestBase {

  private static final String LIST = "-j list table inet lsm\n";

  private FakeNft nft;

  @BeforeEach
  void setRules() throws IOException {
    nft = FakeNft.of(directory);
    configure(
        "MAILER=\"none\"",
        "SENTRY=\"block\"",
        "SENTRY_IGNORE=\"198.51.100.0/24,fd10::/16 2001:db8:9::5\"");
    Files.writeString(directory.resolve("resolv.conf"), "nameserver 192.0.2.53\n");
    proc.write("net/route", "Iface\tDestination\tGateway\nv0\t00000000\t07070707\t0003\n");
    String none = " " + "0".repeat(32) + " ";
    proc.write(
        "net/ipv6_route",
        "fd09" + "0".repeat(28) + " 40" + none + "00" + none + "100 1 0 00000001 eth0\n");
    proc.connection("0.0.0.0", 22, "203.0.113.5", 50000);
    proc.process(800, 0, "/usr/sbin/sshd", 12, FakeProc.CONNECTION).write("800/loginuid", "1000");
    lsm("generate");
    lsm("compare");
    nft.runs();
  }

  private SentryState sentryState() {
    return SentryState.read(state.resolve("sentry-state"));
  }

  @Test
  void printsWorstHostFirst() throws IOException {
    String expected =
        """
        ADDRESS   PORTS              KINDS         PACKETS  FIRST                       LAST                        BLOCKED UNTIL
        10.9.0.2  tcp 21-23          SYN           3        2026-01-02 03:04:01 +00:00  2026-01-02 03:04:01 +00:00  2026-01-03 03:04:01 +00:00
        fd09::2   tcp 21-23          SYN           3        2026-01-02 03:04:02 +00:00  2026-01-02 03:04:02 +00:00  2026-01-03 03:04:02 +00:00
        fd09::7   tcp 21 udp 7,9,19  SYN UDP       4        2026-01-02 03:04:03 +00:00  2026-01-02 03:04:04 +00:00  -
        10.9.0.7  udp 7,9,19         UDP           3        2026-01-02 03:04:02 +00:00  2026-01-02 03:04:02 +00:00  -
        10.9.0.8  tcp 21-22 udp 53   SYN XMAS UDP  5        2026-01-02 03:04:03 +00:00  2026-01-02 03:04:04 +00:00  -
        10.9.0.3  tcp 21             NULL          1        2026-01-02 03:04:02 +00:00  2026-01-02 03:04:02 +00:00  -
        10.9.0.4  tcp 21             FIN           1        2026-01-02 03:04:02 +00:00  2026-01-02 03:04:02 +00:00  -
        10.9.0.5  tcp 21             XMAS          1        2026-01-02 03:04:02 +00:00  2026-01-02 03:04:02 +00:00  -
        10.9.0.6  tcp 21             ODD           1        2026-01-02 03:04:02 +00:00  2026-01-02 03:04:02 +00:00  -
        fd09::3   tcp 21             NULL          1        2026-01-02 03:04:02 +00:00  2026-01-02 03:04:02 +00:00  -
        fd09::4   tcp 21             FIN           1        2026-01-02 03:04:02 +00:00  2026-01-02 03:04:02 +00:00  -
        fd09::5   tcp 21             XMAS          1        2026-01-02 03:04:02 +00:00  2026-01-02 03:04:02 +00:00  -
        fd09::6   tcp 21             ODD           1        2026-01-02 03:04:03 +00:00  2026-01-02 03:04:03 +00:00  -
        """;

    assertEquals(done(expected), lsm("sentry"));
    assertEquals(List.of(LIST), nft.runs());
  }

  @Test
  void printsJson() {
    JsonObject json =
        JsonParser.parseString(lsm("sentry", "--format", "json").out()).getAsJsonObject();

    assertEquals(
        List.of("host", "kernel", "time", "lsm", "scans", "notes"), List.copyOf(json.keySet()));
    assertEquals(13, json.getAsJsonArray("scans").size());
    assertEquals(
        "10.9.0.2",
        json.getAsJsonArray("scans").get(0).getAsJsonObject().get("address").getAsString());
  }

  @Test
  void refusesWhereSentryIsOff() throws IOException {
    configure("MAILER=\"none\"");
    Result off =
        error(
            "SENTRY=\"off\" in "
                + config
                + "; set it to report or block, and the next compare sets the rules");

    assertEquals(off, lsm("sentry"));
    assertEquals(off, lsm("sentry", "block", "192.0.2.1"));
    assertEquals(List.of(), nft.runs());
  }

  @ParameterizedTest
  @CsvSource({"sentry", "sentry unblock 10.9.0.2"})
  void needsRulesOfCompare(String command) throws IOException {
    nft.deleteTable();

    assertEquals(
        error("there are no rules yet; run 'lsm compare' to set them"),
        lsm(command.split(" ", -1)));
    assertEquals(List.of(LIST), nft.runs());
  }

  @ParameterizedTest
  @CsvSource({
    "192.0.2.66,      192.0.2.66,              192.0.2.66,   4",
    "FD09:0::66,      fd09:0:0:0:0:0:0:66,     fd09::66,     6",
    "2001:db8:0:1::66, 2001:db8:0:1::,          2001:db8:0:1::, 6",
    "2001:db8:0:1::/64, 2001:db8:0:1::,        2001:db8:0:1::, 6",
    "::ffff:10.1.2.3, 10.1.2.3,                10.1.2.3,     4"
  })
  void blocksWithoutAlert(String typed, String address, String listed, String version)
      throws IOException {
    nft.setNextTable(
        nft.tableWith(
            "blocked" + version,
            "{\"elem\": {\"val\": \"" + listed + "\", \"timeout\": 86400, \"expires\": 86400}}"));

    String name = listed + (listed.endsWith("::") ? "/64" : "");
    assertEquals(done(name + " is blocked\n"), lsm("sentry", "block", typed));

    List<String> expected = new ArrayList<>(List.of(LIST));
    expected.addAll(deletions(version, address));
    expected.add(
        "-f -\nadd element inet lsm blocked"
            + version
            + " { "
            + address
            + " timeout 1d0s expires 1d0s }\n");
    expected.add(LIST);
    assertEquals(expected, nft.runs());
    Instant until = Instant.parse("2026-01-03T03:04:05Z");
    assertEquals(until, sentryState().blocked().get(name), "for the next reboot");
    assertEquals(Map.of(name, now), sentryState().alerted());
    String history = Files.readString(state.resolve("history.jsonl"));
    assertTrue(history.contains("\"event\":\"blocked\""), history);
    assertTrue(history.endsWith("\"what\":\"" + name + "\"}\n"), history);

    Result compare = lsm("compare");
    assertTrue(compare.out().contains("SCAN     10.9.0.2\n"), compare.out());
    assertFalse(compare.out().contains(name + "\n"), compare.out());
  }

  @ParameterizedTest
  @CsvSource({"fd10:0:0:1::7, fd10:0:0:1::/64", "fd10:0:0:1::/64, fd10:0:0:1::/64"})
  void unblocksNetwork(String typed, String name) throws IOException {
    nft.setNextTable(nft.table());
    nft.setTable(
        nft.tableWith(
            "blocked6",
            "{\"elem\": {\"val\": \"fd10:0:0:1::\", \"timeout\": 86400, \"expires\": 86400}}"));

    assertEquals(done(name + " is unblocked\n"), lsm("sentry", "unblock", typed));
    assertEquals(deletions("6", "fd10:0:0:1::"), nft.runs().subList(1, 4));
  }

  private static List<String> deletions(String version, String address) {
    return Stream.of("tries", "caught", "blocked")
        .map(it -> "-f -\ndelete element inet lsm " + it + version + " { " + address + " }\n")
        .toList();
  }

  @ParameterizedTest
  @CsvSource({"10.9.0.2, 10.9.0.2, 4", "FD09:0::2, fd09::2, 6"})
  void unblocks(String typed, String listed, String version) throws IOException {
    nft.setNextTable(
        nft.table()
            .replaceAll("(\"name\": \"blocked" + version + "\".*?), \"elem\": [^]]*]", "$1"));

    assertEquals(done(listed + " is unblocked\n"), lsm("sentry", "unblock", typed));

    List<String> expected = new ArrayList<>(List.of(LIST));
    expected.addAll(deletions(version, listed));
    List<String> runs = nft.runs();
    assertEquals(expected, runs.subList(0, 4));
    assertTrue(
        runs.get(10)
            .endsWith("delete element inet lsm tcp" + version + " { " + listed + " . 23 }\n"),
        runs.get(10));
    assertEquals(LIST, runs.get(11));
    assertEquals(
        deletions(version, listed), runs.subList(12, 15), "its probes are still there: once more");
    assertTrue(runs.lastIndexOf(runs.get(10)) > 11, "" + runs);
    assertEquals(1, sentryState().blocked().size(), "the other one");
    assertEquals(Map.of(), sentryState().alerted());
    assertTrue(
        Files.readString(state.resolve("history.jsonl"))
            .endsWith(
                "\"event\":\"unblocked\",\"by\":\""
                    + System.getProperty("user.name")
                    + "\",\"what\":\""
                    + listed
                    + "\"}\n"));
  }

  @ParameterizedTest
  @CsvSource({
    "127.0.0.1, an address of this host",
    "127.255.0.9, an address of this host",
    "::1, an address of this host",
    "0.0.0.0, not the address of a host",
    "::, not the address of a host",
    "224.0.0.251, not the address of a host",
    "ff02::1, not the address of a host",
    "192.0.2.53, a gateway or name server of this host",
    "7.7.7.7, a gateway or name server of this host",
    "::ffff:7.7.7.7, a gateway or name server of this host",
    "203.0.113.5, the address of somebody who is logged in by ssh",
    "198.51.100.7, in SENTRY_IGNORE",
    "fd10::1, in SENTRY_IGNORE",
    "fd10:0:0:1::/64, in SENTRY_IGNORE",
    "2001:db8:9::7, in SENTRY_IGNORE",
    "2001:db8:9::/64, in SENTRY_IGNORE",
    "fd09::/64, a network of this host"
  })
  void refusesToBlockNeededHosts(String address, String reason) throws IOException {
    Result result = lsm("sentry", "block", address);

    assertEquals(2, result.exitCode());
    assertTrue(result.err().endsWith(" is " + reason + ", it is never blocked\n"), result.err());
    assertEquals(List.of(), nft.runs());
  }

  @Test
  void refusesToBlockInReportMode() throws IOException {
    configure("MAILER=\"none\"", "SENTRY=\"report\"");

    assertEquals(
        error("SENTRY=\"report\" does not block hosts; set it to block first"),
        lsm("sentry", "block", "192.0.2.66"));
    assertEquals(List.of(), nft.runs());
  }

  @Test
  void refusesToUnblockOtherHosts() throws IOException {
    assertEquals(
        error("10.9.0.8 is not blocked; 'lsm sentry' prints the blocked hosts"),
        lsm("sentry", "unblock", "10.9.0.8"));
    assertEquals(List.of(LIST), nft.runs());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          block                   | block needs at least one ADDRESS
          unblock                 | unblock needs at least one ADDRESS
          block 10.0.0.0/8        | '10.0.0.0/8' is not an IP address
          block fd09::/48         | 'fd09::/48' is not an IP address
          block web1              | 'web1' is not an IP address
          unblock 10.1            | '10.1' is not an IP address
          block 192.0.2.66 10.1   | '10.1' is not an IP address
          """)
  void refusesInvalidArguments(String arguments, String message) throws IOException {
    assertEquals(
        error(message + "\nTry 'lsm sentry --help' for help."),
        lsm(("sentry " + arguments).split(" ", -1)));
    assertEquals(List.of(), nft.runs());
  }
}
