package org.lsm.sentry;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.lsm.model.PortClient;
import org.lsm.model.ProbeType;
import org.lsm.model.Protocol;
import org.lsm.model.ScanningHost;
import org.lsm.model.ServedPort;

/**
 * probes.json is the output of nft 1.0.6, some 3 s after {@code nmap -sS, -sN, -sF, -sX, -sU} and
 * {@code hping3 -S -F} from 10.9.0.2 to 10.9.0.8 and fd09::2 to fd09::7, with SENTRY="block".
 */
class NftTableStateTest {

  private static final Instant NOW = Instant.parse("2026-01-02T03:04:05.600Z");
  private static final String PROBES = resource("probes.json");
  private static final String HEAD = PROBES.substring(0, PROBES.indexOf(", {\"set\""));

  static String resource(String name) {
    try (var in = NftTableStateTest.class.getResourceAsStream(name)) {
      return new String(in.readAllBytes(), UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static NftTableState parse(String json) throws IOException {
    return NftTableState.parse(json, NOW);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          # address | TCP      | UDP    | kinds        | packets | seconds ago: first, last | blocked
          10.9.0.2  | 21,22,23 | ''     | SYN          | 3 | 4 | 4 | true
          10.9.0.3  | 21       | ''     | NULL         | 1 | 3 | 3 | false
          10.9.0.4  | 21       | ''     | FIN          | 1 | 3 | 3 | false
          10.9.0.5  | 21       | ''     | XMAS         | 1 | 3 | 3 | false
          10.9.0.6  | 21       | ''     | ODD          | 1 | 3 | 3 | false
          10.9.0.7  | ''       | 7,9,19 | UDP          | 3 | 3 | 3 | false
          10.9.0.8  | 21,22    | 53     | SYN XMAS UDP | 5 | 2 | 1 | false
          fd09::2   | 21,22,23 | ''     | SYN          | 3 | 3 | 3 | true
          fd09::3   | 21       | ''     | NULL         | 1 | 3 | 3 | false
          fd09::4   | 21       | ''     | FIN          | 1 | 3 | 3 | false
          fd09::5   | 21       | ''     | XMAS         | 1 | 3 | 3 | false
          fd09::6   | 21       | ''     | ODD          | 1 | 2 | 2 | false
          fd09::7   | 21       | 7,9,19 | SYN UDP      | 4 | 2 | 1 | false
          """)
  void collectsHostFromSets(
      String address,
      String tcp,
      String udp,
      String probeTypes,
      int packets,
      int first,
      int last,
      boolean blocked)
      throws IOException {
    Instant now = Instant.parse("2026-01-02T03:04:05Z"); // nft prints whole seconds
    ScanningHost expected =
        new ScanningHost(
            address,
            "",
            ports(tcp),
            ports(udp),
            new TreeSet<>(
                Arrays.stream(probeTypes.split(" ", -1)).map(ProbeType::valueOf).toList()),
            packets,
            now.minusSeconds(first),
            now.minusSeconds(last),
            blocked ? Optional.of(now.minusSeconds(first).plusSeconds(86400)) : Optional.empty());

    List<ScanningHost> found = parse(PROBES).summary().hosts();

    assertEquals(
        List.of(expected), found.stream().filter(it -> it.address().equals(address)).toList());
    assertEquals(13, found.size());
  }

  private static SortedSet<Integer> ports(String list) {
    return Stream.of(list.split(",", -1))
        .filter(it -> !it.isEmpty())
        .map(Integer::valueOf)
        .collect(Collectors.toCollection(TreeSet::new));
  }

  @Test
  void readsMarkAndBlocks() throws IOException {
    NftTableState content = parse(PROBES);

    assertEquals("lsm 1 block 3 8e10e214", content.mark());
    assertEquals(
        Map.of(
            "10.9.0.2", Instant.parse("2026-01-03T03:04:01Z"),
            "fd09::2", Instant.parse("2026-01-03T03:04:02Z")),
        content.blocked());
    assertEquals(2, content.summary().blocked());
    assertEquals(5, content.summary().scanning(3));
    assertFalse(content.summary().overflowing());
  }

  private static final String SERVED =
      """
      {"set": {"name": "known_tcp", "elem": [22, {"range": [8000, 8080]}, 9000]}},
      {"set": {"name": "known_udp", "elem": [9001]}},
      {"set": {"name": "served4", "elem": [
        {"elem": {"val": {"concat": ["192.0.2.1", "tcp", 4444]}, "timeout": 86400, "expires": 86300, "counter": {"packets": 3, "bytes": 180}}},
        {"elem": {"val": {"concat": ["192.0.2.2", 6, 4444]}, "timeout": 86400, "expires": 86200, "counter": {"packets": 9, "bytes": 540}}},
        {"elem": {"val": {"concat": ["192.0.2.1", "tcp", 8001]}, "timeout": 86400, "expires": 86300, "counter": {"packets": 3, "bytes": 180}}},
        {"elem": {"val": {"concat": ["192.0.2.1", "udp", 9000]}, "timeout": 86400, "expires": 86300, "counter": {"packets": 1, "bytes": 180}}},
        {"elem": {"val": {"concat": ["192.0.2.1", 17, 9001]}, "timeout": 86400, "expires": 86300, "counter": {"packets": 1, "bytes": 180}}}]}},
      {"set": {"name": "latest4", "elem": [
        {"elem": {"val": {"concat": ["192.0.2.1", "tcp", 4444]}, "timeout": 86400, "expires": 86390}},
        {"elem": {"val": {"concat": ["192.0.2.3", "tcp", 4444]}, "timeout": 86400, "expires": 86350}}]}},
      {"set": {"name": "served6", "elem": [
        {"elem": {"val": {"concat": ["2001:db8::1", "tcp", 4446]}, "timeout": 86400, "expires": 86300, "counter": {"packets": 1, "bytes": 80}}}]}},
      {"set": {"name": "asked", "elem": [{"elem": {"val": 5000, "timeout": 30, "expires": 3}}]}}""";

  /** A client that only one of two full sets has is there once; ports that rules know are not. */
  @Test
  void collectsClientsOfServedPorts() throws IOException {
    NftTableState content = parse(HEAD + ", " + SERVED + "]}");

    Instant now = Instant.parse("2026-01-02T03:04:05Z");
    assertEquals(
        List.of(
            new ServedPort(
                Protocol.TCP,
                4444,
                List.of(
                    client("192.0.2.2", 9, now.minusSeconds(200), now.minusSeconds(200)),
                    client("192.0.2.1", 3, now.minusSeconds(100), now.minusSeconds(10)),
                    client("192.0.2.3", 1, now.minusSeconds(50), now.minusSeconds(50)))),
            new ServedPort(
                Protocol.TCP,
                4446,
                List.of(client("2001:db8::1", 1, now.minusSeconds(100), now.minusSeconds(100)))),
            new ServedPort(
                Protocol.UDP,
                9000,
                List.of(client("192.0.2.1", 1, now.minusSeconds(100), now.minusSeconds(100))))),
        content.served());
    assertEquals(List.of(), content.summary().hosts());
    assertFalse(content.servedOverflowing());
  }

  private static PortClient client(String address, long packets, Instant first, Instant last) {
    return new PortClient(address, packets, first, last);
  }

  /** After the administrator flushed it. */
  @Test
  void emptyTableHasNoMark() throws IOException {
    NftTableState content = parse(HEAD + "]}\n");

    assertEquals("", content.mark());
    assertEquals(List.of(), content.summary().hosts());
    assertEquals(new TreeMap<>(), content.blocked());
  }

  @ParameterizedTest
  @CsvSource({
    "hosts4, 8999, false",
    "hosts4, 9000, true",
    "tcp6, 8999, false",
    "tcp6, 9000, true",
    "udp4, 9000, true",
    "syn4,   9000, true",
    "tries6, 9000, true",
    "blocked4, 10000, false",
    "caught4, 10000, false",
    "served4, 9000, false",
    "latest6, 9000, false"
  })
  void detectsNearlyFullSets(String set, int count, boolean overflowing) throws IOException {
    NftTableState content = parse(HEAD + ", " + elements(set, count) + "]}");

    assertEquals(overflowing, content.summary().overflowing());
    boolean isServed = set.matches("(served|latest).");
    assertEquals(isServed, content.servedOverflowing());
    boolean isHost = !isServed && !set.matches("(tries|caught).");
    assertEquals(isHost ? count : 0, content.summary().hosts().size());
    assertEquals(set.startsWith("blocked") ? count : 0, content.blocked().size());
  }

  /** Where the sets of what this host asks are full, an answer may seem to be a client. */
  @ParameterizedTest
  @CsvSource({
    "asked, 58980, false",
    "asked, 58981, true",
    "asked4, 58981, true",
    "asked6, 58981, true",
  })
  void takesNoAnswersForClients(String set, int count, boolean isFull) throws IOException {
    String served = SERVED.replace("\"asked\"", "\"caught4\"");
    NftTableState content = parse(HEAD + ", " + elements(set, count) + ", " + served + "]}");

    Set<Protocol> protocols =
        content.served().stream().map(ServedPort::protocol).collect(Collectors.toSet());
    assertEquals(isFull ? Set.of(Protocol.TCP) : Set.of(Protocol.TCP, Protocol.UDP), protocols);
    assertEquals(isFull, content.servedOverflowing());
  }

  private static String elements(String set, int count) {
    String elements =
        IntStream.range(0, count).mapToObj(i -> element(set, i)).collect(Collectors.joining(", "));
    return String.format("{\"set\": {\"name\": \"%s\", \"elem\": [%s]}}", set, elements);
  }

  private static String element(String set, int i) {
    String address =
        set.endsWith("4") ? "10.0." + i / 256 + "." + i % 256 : "fd09::" + Integer.toHexString(i);
    return String.format(
        "{\"elem\": {\"val\": %s, \"timeout\": 86400, \"expires\": 80000, \"counter\":"
            + " {\"packets\": 1, \"bytes\": 40}}}",
        set.matches("(served|latest).")
            ? "{\"concat\": [\"" + address + "\", \"udp\", 22]}"
            : set.matches("(tcp|udp).")
                ? "{\"concat\": [\"" + address + "\", 22]}"
                : "\"" + address + "\"");
  }

  /** nft warns about the tables of iptables-nft, before or after its output. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "# Warning: table ip filter is managed by iptables-nft, do not touch!\n",
        "Warning: {\"x\": 1} [\n\n",
        "\n"
      })
  void ignoresWarnings(String warnings) throws IOException {
    assertEquals(parse(PROBES), parse(warnings + PROBES));
    assertEquals(parse(PROBES), parse(PROBES + warnings));
  }

  /** A part of the hosts must not be taken for all of them. */
  @Test
  void refusesTruncatedOutput() {
    int end = PROBES.lastIndexOf(']');
    for (int length = 0; length < end; length += 13) {
      String cut = PROBES.substring(0, length);
      assertThrows(IOException.class, () -> parse(cut), cut);
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "\0",
        "Error: No such file or directory",
        "{}",
        "[]",
        "{\"x\": []}",
        "{\"nftables\": {}}",
        "{\"nftables\": [1]}",
        "{\"nftables\": [{}]}",
        "{\"nftables\": [{\"set\": 1}]}",
        "{\"nftables\": [{\"set\": {\"name\": null}}]}",
        "{\"nftables\": [{\"set\": {\"name\": \"hosts4\", \"elem\": {}}}]}",
        "{\"nftables\": [{\"rule\": {\"comment\": {}}}]}"
      })
  void refusesOtherOutput(String text) {
    assertThrows(IOException.class, () -> parse(text));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          hosts4 | {"val": "10.9.0.2", "timeout": 86400, "expires": 1}
          hosts4 | {"val": "10.9.0.2", "timeout": "x", "expires": 1, "counter": {"packets": 1}}
          hosts4 | {"val": {"prefix": {}}, "timeout": 1, "expires": 1, "counter": {"packets": 1}}
          syn4   | {"timeout": 86400, "expires": 1}
          syn4   | {"val": "10.9.0.2", "timeout": 86400, "expires": 99999999999999999}
          tcp4   | {"val": "10.9.0.2", "timeout": 86400, "expires": 1}
          udp4   | {"val": {"concat": ["10.9.0.2"]}, "timeout": 86400, "expires": 1}
          served4 | {"val": "10.9.0.2", "timeout": 86400, "expires": 1, "counter": {"packets": 1}}
          served4 | {"val": {"concat": ["10.9.0.2", "sctp", 9]}, "timeout": 86400, "expires": 1, "counter": {"packets": 1}}
          latest6 | {"val": {"concat": ["fd09::2", "tcp"]}, "timeout": 86400, "expires": 1}
          kinds4 | {"val": "10.9.0.2", "timeout": 86400, "expires": 1}
          ''     | {"val": "10.9.0.2", "timeout": 86400, "expires": 1}
          """)
  void refusesInvalidElements(String set, String element) {
    String json =
        String.format(
            "%s, {\"set\": {\"name\": \"%s\", \"elem\": [{\"elem\": %s}]}}]}", HEAD, set, element);

    IOException e = assertThrows(IOException.class, () -> parse(json));

    assertTrue(e.getMessage().startsWith("the output of nft is not "), e.getMessage());
  }
}
