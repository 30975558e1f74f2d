package org.lsm.sentry;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.lsm.OutboundSet.element;

import java.io.IOException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.lsm.OutboundSet;
import org.lsm.model.Protocol;
import org.lsm.sentry.OutboundTable.Counted;

/** With a fake nft; {@link OutboundTableIT} has a real one. */
class OutboundTableTest {
  private static final Instant NOW = Instant.parse("2026-01-02T03:04:05.600Z");
  private static final String DELETION =
      "add table inet lsm_outbound\ndelete table inet lsm_outbound\n";
  private static final String OLD_KERNEL =
      "it ended with 1 and said: Error: Could not process rule: No such file or directory";
  private static final String NOT_PERMITTED =
      "it ended with 1 and said: Operation not permitted (you must be root)";

  /** The arguments and the input of each run. */
  private final List<String> commands = new ArrayList<>();

  private final List<String> responses = new ArrayList<>(); // the last one is repeated
  private final List<String> failures = new ArrayList<>(); // of the first runs
  private final OutboundTable table = new OutboundTable(this::nft, this::list);

  private String list(List<String> sets) throws IOException {
    StringBuilder all = new StringBuilder();
    for (String set : sets) {
      all.append(nft(List.of("-j", "list", "set", "inet", "lsm_outbound", set), "")).append("\n");
    }
    return all.toString();
  }

  private String nft(List<String> arguments, String input) throws IOException {
    commands.add(String.join(" ", arguments) + "\n" + input);
    String failure = failures.isEmpty() ? "" : failures.remove(0);
    if (!failure.isEmpty()) {
      throw new IOException(failure);
    }
    return responses.size() > 1 ? responses.remove(0) : responses.isEmpty() ? "" : responses.get(0);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '~',
      textBlock =
          """
          # the key of an element                                              | uid, group, protocol, port, address
          0, "system.slice/a.service", "tcp", 443, "192.0.2.7"                 | 0 system.slice/a.service OUT_TCP 443 192.0.2.7
          33, "system.slice/a.service", "udp", 53, "2001:db8::7"               | 33 system.slice/a.service OUT_UDP 53 2001:db8::7
          4294967294, "a.service", 6, 65535, "192.0.2.7"                       | 4294967294 a.service OUT_TCP 65535 192.0.2.7
          33, "a.service", "6", 443, "192.0.2.7"                               | 33 a.service OUT_TCP 443 192.0.2.7
          33, "a.service", 17, 0, "192.0.2.7"                                  | 33 a.service OUT_UDP 0 192.0.2.7
          33, "a.service", "17", 53, "192.0.2.7"                               | 33 a.service OUT_UDP 53 192.0.2.7
          33, 4711, "tcp", 443, "192.0.2.7"                                    | 33 4711 OUT_TCP 443 192.0.2.7
          33, "4711", "tcp", 443, "192.0.2.7"                                  | 33 4711 OUT_TCP 443 192.0.2.7
          33, "", "tcp", 443, "192.0.2.7"                                      | 33 ~~ OUT_TCP 443 192.0.2.7
          33, "a\\u000ab\\u001b.service", "tcp", 443, "192.0.2.7"              | 33 a\\nb\\e.service OUT_TCP 443 192.0.2.7
          33, "tcp", 443, "192.0.2.7"                                          | 33 ~~ OUT_TCP 443 192.0.2.7
          33, 17, 53, "2001:db8::7"                                            | 33 ~~ OUT_UDP 53 2001:db8::7
          """)
  void parsesElements(String key, String flow) throws IOException {
    String[] fields =
        flow.replace("\\n", "\n").replace("\\e", "\033").replace("~~", "").split(" ", -1);
    OutboundFlow expected =
        new OutboundFlow(
            Long.parseLong(fields[0]),
            fields[1],
            Protocol.valueOf(fields[2]),
            Integer.parseInt(fields[3]),
            fields[4],
            Instant.parse("2026-01-02T03:03:55Z"));

    List<Counted> parsed = OutboundTable.parse(OutboundSet.of(element(key)), true, NOW);

    assertEquals(List.of(new Counted(expected, 0)), parsed);
  }

  @Test
  void parsesCounters() throws IOException {
    String times = "\"timeout\": 86400, \"expires\": 86400";
    String counter = ", \"counter\": {\"packets\": 8123, \"bytes\": 9}";
    String json =
        OutboundSet.of(
            element("33, \"a.service\", \"tcp\", 443", times + counter),
            element("33, \"tcp\", 443", times));

    List<Counted> parsed = OutboundTable.parse(json, false, NOW);

    Instant second = Instant.parse("2026-01-02T03:04:05Z");
    assertEquals(
        List.of(
            new Counted(new OutboundFlow(33, "a.service", Protocol.OUT_TCP, 443, "", second), 8123),
            new Counted(new OutboundFlow(33, "", Protocol.OUT_TCP, 443, "", second), 0)),
        parsed);
  }

  /** A state with a time that it cannot have would be damaged. */
  @ParameterizedTest
  @CsvSource({
    "86400, 86401,          2026-01-02T03:04:05Z",
    "86400, 99999999999999, 2026-01-02T03:04:05Z",
    "86400, 0,              2026-01-01T03:04:05Z",
    "99999999999999, 0,     2026-01-01T03:04:05Z"
  })
  void timesAreWithinADay(String timeout, String expires, Instant time) throws IOException {
    String times = "\"timeout\": " + timeout + ", \"expires\": " + expires;
    String json = OutboundSet.of(element("0, \"tcp\", 443, \"192.0.2.7\"", times));
    assertEquals(time, OutboundTable.parse(json, true, NOW).get(0).flow().time());
  }

  /** nft may print a warning before the table, such as that of a newer table. */
  @Test
  void skipsWarnings() throws IOException {
    String json = OutboundSet.of(element("0, \"tcp\", 443, \"192.0.2.7\""));
    List<Counted> parsed = OutboundTable.parse("# Warning: \"elem\" {\n" + json, true, NOW);
    assertEquals(OutboundTable.parse(json, true, NOW), parsed);
    assertEquals(1, parsed.size());
  }

  @Test
  void setWithoutElementsIsEmpty() throws IOException {
    assertEquals(List.of(), OutboundTable.parse(OutboundSet.of(), true, NOW));
    assertEquals(List.of(), OutboundTable.parse("", true, NOW));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "\"elem\"",
        "{\"nftables\": [{\"set\": {\"elem\": [",
        "{\"nftables\": {\"set\": {\"elem\": []}}}",
        "{\"nftables\": [{\"set\": {\"elem\": [1]}}]}",
        "{\"nftables\": [{\"set\": {\"elem\": [{\"elem\": {\"val\": 1}}]}}]}",
        "{\"nftables\": [{\"set\": {\"elem\": [{\"elem\": {\"val\": {\"concat\": []}}}]}}]}"
      })
  void refusesOtherText(String json) {
    assertRefused(json);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '~',
      textBlock =
          """
          0, "a.service", "sctp", 443, "192.0.2.7" | "timeout": 86400, "expires": 1
          0, "a.service", "tcp", "https", "1.2.3.4" | "timeout": 86400, "expires": 1
          "root", "a.service", "tcp", 443, "1.2.3.4" | "timeout": 86400, "expires": 1
          0, "a.service", "tcp", 443, "192.0.2.7"  | "timeout": 86400
          0, "a.service", "tcp", 443, "192.0.2.7"  | "expires": 1
          0, "a.service", "tcp", -1, "192.0.2.7"   | "timeout": 86400, "expires": 1
          0, "a.service", "tcp", 65536, "1.2.3.4"  | "timeout": 86400, "expires": 1
          0, "a.service", "tcp", 4294967295, "::1" | "timeout": 86400, "expires": 1
          0, "a.service", "tcp"                    | "timeout": 86400, "expires": 1
          """)
  void refusesOtherElements(String key, String times) {
    assertRefused(OutboundSet.of(element(key, times)));
  }

  private static void assertRefused(String json) {
    IOException e =
        assertThrows(IOException.class, () -> OutboundTable.parse(json, true, NOW), json);
    assertEquals(
        "the output of nft is not a set of lsm; see 'nft -j list table inet lsm_outbound'",
        e.getMessage());
  }

  @Test
  void readsNewOnesOfBothVersions() throws IOException {
    responses.add(OutboundSet.of(element("0, \"tcp\", 443, \"192.0.2.7\"")));
    responses.add(OutboundSet.of(element("0, \"tcp\", 443, \"2001:db8::7\"")));

    var recorded = table.read(NOW).orElseThrow();

    assertEquals(
        List.of("-j list set inet lsm_outbound new4\n", "-j list set inet lsm_outbound new6\n"),
        commands);
    assertEquals(
        List.of("192.0.2.7", "2001:db8::7"),
        recorded.flows().stream().map(OutboundFlow::address).toList());
    assertFalse(recorded.isOverflowing());
  }

  @ParameterizedTest
  @CsvSource({"4499, 0, false", "4500, 0, true", "0, 4500, true", "4499, 4499, false"})
  void overflowsBeforeASetIsFull(int four, int six, boolean isOverflowing) throws IOException {
    for (int count : new int[] {four, six}) {
      responses.add(
          OutboundSet.of(
              IntStream.range(0, count)
                  .mapToObj(it -> element("0, \"tcp\", " + it + ", \"192.0.2.7\""))
                  .toArray(String[]::new)));
    }

    var recorded = table.read(NOW).orElseThrow();

    assertEquals(four + six, recorded.flows().size());
    assertEquals(isOverflowing, recorded.isOverflowing());
  }

  /** The second set may be gone, too: somebody removes the table while lsm reads it. */
  @ParameterizedTest
  @ValueSource(ints = {0, 1})
  void missingTableIsEmpty(int set) throws IOException {
    responses.add(OutboundSet.of());
    for (int i = 0; i <= set; i++) {
      failures.add(
          i < set
              ? ""
              : "it ended with 1 and said: Error: No such file or directory\n"
                  + "list set inet lsm_outbound new4\n                 ^^^^");
    }

    assertEquals(Optional.empty(), table.read(NOW));
  }

  @Test
  void countsNothingInMissingTable() throws IOException {
    failures.add("it ended with 1 and said: Error: No such file or directory");
    assertEquals(List.of(), table.count("link-local", Map.of(), NOW));
    assertEquals(List.of("-j list set inet lsm_outbound known_link\n"), commands);
  }

  @Test
  void createsRulesWithUnits() throws IOException {
    assertEquals(OutboundTable.mark(true), table.create(true));

    assertEquals(1, commands.size());
    String rules = commands.get(0);
    assertTrue(rules.startsWith("-f -\n" + DELETION), rules);
    assertTrue(rules.contains("type uid . cgroupsv2 . inet_proto . inet_service . ipv4_addr;"));
    for (int level = 0; level <= 6; level++) {
      assertTrue(
          rules.contains(
              "meta skuid . socket cgroupv2 level " + level + " . meta l4proto . th dport"),
          rules);
    }
    assertFalse(rules.contains("level 7"), rules);
    assertEquals("", words(rules, "[A-Z_]{4,}"), "each placeholder is replaced");
  }

  @Test
  void createsRulesWithoutUnitsWhereTheyAreMissing() throws IOException {
    failures.add(OLD_KERNEL);

    assertEquals(OutboundTable.mark(false), table.create(true));
    assertNotEquals(OutboundTable.mark(true), OutboundTable.mark(false));

    assertEquals(2, commands.size());
    String rules = commands.get(1);
    commands.clear();
    assertEquals(OutboundTable.mark(false), table.create(false));
    assertEquals(List.of(rules), commands);
    assertTrue(rules.startsWith("-f -\n" + DELETION), rules);
    assertFalse(rules.contains("cgroup"), rules);
    assertTrue(rules.contains("type uid . inet_proto . inet_service . ipv4_addr;"), rules);
    assertTrue(rules.contains("meta skuid . meta l4proto . th dport"), rules);
    assertEquals("", words(rules, "[A-Z_]{4,}"), "each placeholder is replaced");
  }

  /** Placeholders of the template that are left, without its comments. */
  private static String words(String rules, String regex) {
    return rules
        .lines()
        .filter(it -> !it.startsWith("#"))
        .flatMap(it -> Pattern.compile(regex).matcher(it).results())
        .map(MatchResult::group)
        .collect(Collectors.joining(" "));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          it ended with 1 and said: Operation not permitted (you must be root) | run lsm as root, in a container with CAP_NET_ADMIN
          there is no program /usr/sbin/nft | install nftables
          it did not end within 30 s        | see the output of 'nft list ruleset'
          """)
  void namesItsKeyWhereBothFail(String failure, String advice) {
    String expected =
        "the packet filter cannot be used: "
            + failure
            + "; "
            + advice
            + ", or set OUTBOUND=\"off\"";
    failures.addAll(List.of(failure, failure));
    assertEquals(expected, assertThrows(IOException.class, () -> table.create(true)).getMessage());
    assertEquals(2, commands.size());
    failures.add(failure);
    assertEquals(expected, assertThrows(IOException.class, () -> table.read(NOW)).getMessage());
    failures.add(failure);
    assertEquals(expected, assertThrows(IOException.class, table::flush).getMessage());
  }

  @Test
  void flushesOnlyWhatIsNew() throws IOException {
    table.flush();
    assertEquals(
        List.of("-f -\nflush set inet lsm_outbound new4\nflush set inet lsm_outbound new6\n"),
        commands);
  }

  @Test
  void removesTableIfThereIsNft() throws IOException {
    table.remove();
    assertEquals(List.of("-f -\n" + DELETION), commands);
    failures.add("there is no program /usr/sbin/nft");
    table.remove(); // there can be no table
    failures.add(NOT_PERMITTED);
    assertThrows(IOException.class, table::remove);
  }
}
