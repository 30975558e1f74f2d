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

/** What nft is told, and what comes of what it says. {@link NftRulesetIT} has a real one. */
class NftTableTest {

  private static final Instant NOW = Instant.parse("2026-01-02T03:04:05.600Z");
  private static final SortedMap<String, Instant> NOBODY = new TreeMap<>();

  /** The arguments of each run, and what it got to read. */
  private final List<String> told = new ArrayList<>();

  private final NftTable sentry = new NftTable(this::nft);
  private String answer = "";
  private String failure = "";

  private String nft(List<String> arguments, String input) throws IOException {
    told.add(String.join(" ", arguments) + "\n" + input);
    if (!failure.isEmpty()) {
      throw new IOException(failure);
    }
    return answer;
  }

  private static Optional<NftTableState> table(String mark) {
    return Optional.of(new NftTableState(false, mark, ScanSummary.NONE, NOBODY));
  }

  @Test
  void theTableIsReadAsJson() throws IOException {
    answer = NftTableStateTest.resource("probes.json");

    assertEquals(NftTableState.parse(answer, NOW), sentry.read(NOW).orElseThrow());
    assertEquals(List.of("-j list table inet lsm\n"), told);
  }

  /** All of them are the words of nft 1.0.6 and of what runs it. */
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
          it ended with 1 and said: /dev/stdin:1:30-38: Error: Could not process rule: Too many open files in system+add element | it ended with 1 and said: /dev/stdin:1:30-38: Error: Could not process rule: Too many open files in system | so many are blocked that there is no room
          there is no program /usr/sbin/nft | ~~ | install nftables
          it did not end within 30 s        | ~~ | see what nft says to 'nft list table inet lsm'
          it ended with 137                 | ~~ | see what nft says to 'nft list table inet lsm'
          """)
  void whatNftSaysIsToldWithWhatToDo(String said, String first, String advice) throws Exception {
    failure = said.replace('+', '\n');
    String expected =
        "the packet filter cannot be used: "
            + (first.isEmpty() ? failure : first)
            + "; "
            + advice
            + ", or set SENTRY=\"off\"";

    NftRuleset rules = NftRulesetTest.rules("SENTRY=block", "", "", "");
    assertEquals(expected, message(() -> sentry.read(NOW)));
    assertEquals(expected, message(() -> sentry.apply(rules, Optional.empty(), NOBODY, NOW)));
    if (said.startsWith("there is no program")) {
      sentry.remove(); // nor anything that could be done about it
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
  void noTableIsNoTrouble() throws IOException {
    failure =
        """
        it ended with 1 and said: Error: No such file or directory
        list table inet lsm
                        ^^^\
        """;

    assertEquals(Optional.empty(), sentry.read(NOW));
  }

  // ---- apply

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
  void theTableIsMadeReplacedOrLeft(String found, String done) throws Exception {
    NftRuleset rules = NftRulesetTest.rules("SENTRY=block", "", "", "");
    Optional<NftTableState> table =
        found.equals("none")
            ? Optional.empty()
            : table(found.equals("the same") ? rules.mark() : found);

    boolean changed = sentry.apply(rules, table, NOBODY, NOW);

    Map<String, List<String>> expected =
        Map.of(
            "creation", List.of("-f -\n" + rules.creation()),
            "replacement", List.of("-f -\n" + rules.replacement()),
            "nothing", List.of());
    assertEquals(expected.get(done), told);
    assertEquals(!done.equals("nothing"), changed);
  }

  /** Not in a table that is replaced: in that they still are. */
  @ParameterizedTest
  @CsvSource({"block, '', true", "block, lsm 1 block 3 1234567, false", "report, '', false"})
  void whoIsBlockedStandsInANewTable(String mode, String found, boolean named) throws Exception {
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
    String text = told.get(0);
    assertEquals(
        named ? elements : "",
        text.lines()
            .filter(it -> it.contains(" element "))
            .map(it -> it + "\n")
            .reduce("", String::concat));
    assertEquals(named, text.endsWith(elements), "behind the table");
  }

  @Test
  void theTableOfSomebodyElseIsLeftAlone() throws Exception {
    String others =
        "{\"nftables\": [{\"table\": {\"name\": \"lsm\"}}, {\"chain\": {\"name\": \"mine\"}}]}";
    Optional<NftTableState> found = Optional.of(NftTableState.parse(others, NOW));
    NftRuleset rules = NftRulesetTest.rules("SENTRY=block", "", "", "");

    assertEquals(
        "there is a table inet lsm that lsm has not made; rename it, or set SENTRY=\"off\"",
        message(() -> sentry.apply(rules, found, NOBODY, NOW)));
    assertEquals(List.of(), told);
  }

  // ---- what the administrator does

  @ParameterizedTest
  @ValueSource(strings = {"", "it ended with 1 and said: Error: No such file or directory"})
  void toUnblockIsToDeleteWhatMayNotBeThere(String said) throws IOException {
    failure = said;

    sentry.unblock("192.0.2.1");

    assertEquals(forgiven("4", "192.0.2.1"), told);
  }

  @Test
  void whatElseKeepsAnElementFromBeingDeletedIsTold() {
    failure = "it ended with 1 and said: Operation not permitted (you must be root)";

    String message = message(() -> sentry.unblock("192.0.2.1"));

    assertTrue(message.contains("Operation not permitted"), message);
    assertEquals(1, told.size());
  }

  @Test
  void toBlockIsToForgiveAndToBegin() throws IOException {
    sentry.block("2001:db8:0:0:0:0:0:1", Duration.ofMinutes(30));

    List<String> expected = new ArrayList<>(forgiven("6", "2001:db8:0:0:0:0:0:1"));
    expected.add(
        "-f -\nadd element inet lsm blocked6 { 2001:db8:0:0:0:0:0:1 timeout 0d1800s expires"
            + " 0d1800s }");
    assertEquals(expected, told);
  }

  /** One by one: where one of them is not there, all of a transaction would be refused. */
  private static List<String> forgiven(String version, String address) {
    return Stream.of("tries", "caught", "blocked")
        .map(it -> "-f -\ndelete element inet lsm " + it + version + " { " + address + " }")
        .toList();
  }

  /** nft does nothing of all if one of the sets does not exist. */
  @ParameterizedTest
  @ValueSource(strings = {"report", "block"})
  void allThatPacketsAddedIsForgottenButWhoIsBlockedOrWasCaught(String mode) throws Exception {
    String table = NftRulesetTest.rules("SENTRY=" + mode, "", "", "").creation();
    Set<String> kept = names("set (\\w+) \\{[^}]*dynamic", table);
    assertTrue(kept.removeAll(Set.of("blocked4", "blocked6", "caught4", "caught6")));

    sentry.forget();

    assertEquals(kept, names("flush set inet lsm (\\w+)\n", told.get(0)));
    assertEquals(1, told.size());
  }

  private static Set<String> names(String regex, String text) {
    Set<String> names = new TreeSet<>();
    Pattern.compile(regex).matcher(text).results().forEach(it -> names.add(it.group(1)));
    return names;
  }

  @Test
  void toRemoveATableThereMustBeOne() throws IOException {
    sentry.remove();

    assertEquals(List.of("-f -\nadd table inet lsm\ndelete table inet lsm\n"), told);
  }
}
