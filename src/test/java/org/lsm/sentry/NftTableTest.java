package org.lsm.sentry;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.lsm.model.ScanSummary;
import org.lsm.model.ScanningHost;

/** With a fake nft; {@link NftRulesetIT} has a real one. */
class NftTableTest {

  private static final Instant NOW = Instant.parse("2026-01-02T03:04:05.600Z");
  private static final SortedMap<String, Instant> NO_BLOCKS = new TreeMap<>();

  /** The arguments and the input of each run. */
  private final List<String> commands = new ArrayList<>();

  private final NftTable sentry = new NftTable(this::nft);
  private String response = "";
  private String failure = "";

  private String nft(List<String> arguments, String input) throws IOException {
    commands.add(String.join(" ", arguments) + "\n" + input);
    if (!failure.isEmpty()) {
      throw new IOException(failure);
    }
    return response;
  }

  private static Optional<NftTableState> table(String mark) {
    return Optional.of(
        new NftTableState(
            false, mark, new ScanSummary(List.of(), false), NO_BLOCKS, List.of(), false));
  }

  @Test
  void readsTableAsJson() throws IOException {
    response = NftTableStateTest.resource("probes.json");

    assertEquals(NftTableState.parse(response, NOW), sentry.read(() -> NOW).orElseThrow());
    assertEquals(List.of("-j list table inet lsm\n"), commands);
  }

  /** Messages of nft 1.0.6 and of ExternalCommand. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '~',
      textBlock =
          """
          it ended with 1 and said: Operation not permitted (you must be root)+netlink: Error: cache initialization failed: Operation not permitted | it ended with 1 and said: Operation not permitted (you must be root) | run lsm as root, in a container with CAP_NET_ADMIN
          it ended with 3 and said: mnl.c:60: Unable to initialize Netlink socket: Protocol not supported | ~~ | this kernel lacks what the rules need (nf_tables with nft_socket and nft_fib)
          it ended with 1 and said: netlink: Error: cache initialization failed: Operation not supported  | ~~ | this kernel lacks what the rules need (nf_tables with nft_socket and nft_fib)
          it ended with 1 and said: /dev/stdin:58:5-32: Error: Could not process rule: Operation not supported+    socket transparent { 0, 1 } return | it ended with 1 and said: /dev/stdin:58:5-32: Error: Could not process rule: Operation not supported | this kernel lacks what the rules need (nf_tables with nft_socket and nft_fib)
          it ended with 1 and said: /dev/stdin:1:30-38: Error: Could not process rule: Too many open files in system+add element | it ended with 1 and said: /dev/stdin:1:30-38: Error: Could not process rule: Too many open files in system | the table has no room for another blocked host
          there is no program /usr/sbin/nft | ~~ | install nftables
          it did not end within 30 s        | ~~ | see the output of 'nft list ruleset'
          it ended with 137                 | ~~ | see the output of 'nft list ruleset'
          """)
  void explainsFailures(String output, String first, String advice) throws Exception {
    failure = output.replace('+', '\n');
    String expected =
        "the packet filter cannot be used: "
            + (first.isEmpty() ? failure : first)
            + "; "
            + advice
            + ", or set SENTRY=\"off\"";

    NftRuleset rules = NftRulesetTest.rules("SENTRY=block", "", "", "");
    assertEquals(expected, message(() -> sentry.read(() -> NOW)));
    assertEquals(expected, message(() -> sentry.apply(rules, Optional.empty(), NO_BLOCKS, NOW)));
    if (output.startsWith("there is no program")) {
      sentry.remove(); // there can be no table
    } else {
      assertEquals(expected, message(sentry::remove));
    }
  }

  private interface Action {
    void run() throws IOException;
  }

  private static String message(Action action) {
    return assertThrows(IOException.class, action::run).getMessage();
  }

  @Test
  void readsNoTable() throws IOException {
    failure =
        """
        it ended with 1 and said: Error: No such file or directory
        list table inet lsm
                        ^^^\
        """;

    assertEquals(Optional.empty(), sentry.read(() -> NOW));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          none          | creation
          ''            | creation
          of somebody   | creation
          lsm 1 1234567 | creation
          lsm 2 block 3 1234567 | creation
          lsm 1 block 4 1234567 | creation
          lsm 1 report 1234567  | creation
          lsm 1 block 3 1234567 | replacement
          the same      | nothing
          """)
  void createsReplacesOrKeepsTable(String found, String done) throws Exception {
    NftRuleset rules = NftRulesetTest.rules("SENTRY=block", "", "", "");
    Optional<NftTableState> table =
        found.equals("none")
            ? Optional.empty()
            : table(found.equals("the same") ? rules.mark() : found);

    sentry.apply(rules, table, NO_BLOCKS, NOW);

    Map<String, List<String>> expected =
        Map.of(
            "creation", List.of("-f -\n" + rules.creation()),
            "replacement", List.of("-f -\n" + rules.replacement()),
            "nothing", List.of());
    assertEquals(expected.get(done), commands);
  }

  /** A table whose rules are replaced keeps its blocks. */
  @ParameterizedTest
  @CsvSource({"block, '', true", "block, lsm 1 block 3 1234567, false", "report, '', false"})
  void addsBlocksToNewTable(String mode, String found, boolean named) throws Exception {
    NftRuleset rules = NftRulesetTest.rules("SENTRY=" + mode + ";SENTRY_BLOCK=1h", "", "", "");
    SortedMap<String, Instant> blocked =
        new TreeMap<>(
            Map.of(
                "192.0.2.1", NOW.plusSeconds(60),
                "192.0.2.2", NOW,
                "192.0.2.3", NOW.minusSeconds(1),
                "192.0.2.4", NOW.plusMillis(1),
                "192.0.2.5", NOW.plus(Duration.ofHours(2)),
                "2001:db8::1", NOW.plusSeconds(1)));

    sentry.apply(rules, table(found), blocked, NOW);

    String elements =
        """
        add element inet lsm blocked4 { 192.0.2.1 timeout 0d3600s expires 0d60s }
        add element inet lsm blocked4 { 192.0.2.4 timeout 0d3600s expires 0d1s }
        add element inet lsm blocked4 { 192.0.2.5 timeout 0d3600s expires 0d3600s }
        add element inet lsm blocked6 { 2001:db8::1 timeout 0d3600s expires 0d1s }
        """;
    String text = commands.get(0);
    assertEquals(
        named ? elements : "",
        text.lines()
            .filter(it -> it.contains(" element "))
            .map(it -> it + "\n")
            .reduce("", String::concat));
    assertEquals(named, text.endsWith(elements), "after the table");
  }

  @Test
  void keepsForeignTable() throws Exception {
    String others =
        "{\"nftables\": [{\"table\": {\"name\": \"lsm\"}}, {\"chain\": {\"name\": \"mine\"}}]}";
    Optional<NftTableState> found = Optional.of(NftTableState.parse(others, NOW));
    NftRuleset rules = NftRulesetTest.rules("SENTRY=block", "", "", "");

    assertEquals(
        "the table inet lsm was not made by lsm; rename it, or set SENTRY=\"off\"",
        message(() -> sentry.apply(rules, found, NO_BLOCKS, NOW)));
    assertEquals(List.of(), commands);
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "it ended with 1 and said: Error: No such file or directory"})
  void unblocksHostThatMayBeMissing(String output) throws IOException {
    failure = output;

    sentry.unblock("192.0.2.1");

    assertEquals(deletions("4", "192.0.2.1"), commands);
  }

  @Test
  void deletesProbes() throws IOException {
    response = NftTableStateTest.resource("probes.json");
    List<ScanningHost> hosts = sentry.read(() -> NOW).orElseThrow().summary().hosts();
    commands.clear();

    sentry.delete(hosts.stream().filter(it -> it.address().equals("fd09::7")).findFirst().get());

    List<String> expected = new ArrayList<>(deletions("6", "fd09::7"));
    for (String set : List.of("hosts", "syn", "null", "fin", "xmas", "odd")) {
      expected.add("-f -\ndelete element inet lsm " + set + "6 { fd09::7 }\n");
    }
    expected.add("-f -\ndelete element inet lsm tcp6 { fd09::7 . 21 }\n");
    String datagrams = "";
    for (int port : new int[] {7, 9, 19}) {
      datagrams += "delete element inet lsm udp6 { fd09::7 . " + port + " }\n";
    }
    expected.add("-f -\n" + datagrams);
    assertEquals(expected, commands);
  }

  @Test
  void reportsFailureToUnblock() {
    failure = "it ended with 1 and said: Operation not permitted (you must be root)";

    String message = message(() -> sentry.unblock("192.0.2.1"));

    assertTrue(message.contains("Operation not permitted"), message);
    assertEquals(1, commands.size());
  }

  @Test
  void unblocksBeforeBlocking() throws IOException {
    sentry.block("2001:db8:0:0:0:0:0:1", Duration.ofMinutes(30));

    List<String> expected = new ArrayList<>(deletions("6", "2001:db8:0:0:0:0:0:1"));
    expected.add(
        "-f -\nadd element inet lsm blocked6 { 2001:db8:0:0:0:0:0:1 timeout 0d1800s expires"
            + " 0d1800s }\n");
    assertEquals(expected, commands);
  }

  /** In a transaction each: a missing element makes one fail. */
  private static List<String> deletions(String version, String address) {
    return Stream.of("tries", "caught", "blocked")
        .map(it -> "-f -\ndelete element inet lsm " + it + version + " { " + address + " }\n")
        .toList();
  }

  /** If one of the sets did not exist, nft would flush none. */
  @ParameterizedTest
  @ValueSource(strings = {"report", "block"})
  void flushesProbesOnly(String mode) throws Exception {
    String table = NftRulesetTest.rules("SENTRY=" + mode, "", "", "").creation();
    Set<String> kept = names("set (\\w+) \\{[^}]*dynamic", table);
    assertTrue(
        kept.removeAll(
            Set.of("blocked4", "blocked6", "caught4", "caught6", "asked4", "asked6", "asked")));
    Set<String> served = Set.of("served4", "served6", "latest4", "latest6");
    assertTrue(kept.removeAll(served));

    sentry.flushProbes();
    sentry.flushServed();

    assertEquals(kept, names("flush set inet lsm (\\w+)\n", commands.get(0)));
    assertEquals(served, names("flush set inet lsm (\\w+)\n", commands.get(1)));
    assertEquals(2, commands.size());
  }

  private static Set<String> names(String regex, String text) {
    Set<String> names = new TreeSet<>();
    Pattern.compile(regex).matcher(text).results().forEach(it -> names.add(it.group(1)));
    return names;
  }

  @Test
  void addsTableBeforeRemovingIt() throws IOException {
    sentry.remove();

    assertEquals(List.of("-f -\nadd table inet lsm\ndelete table inet lsm\n"), commands);
  }
}
