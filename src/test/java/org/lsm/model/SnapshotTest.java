package org.lsm.model;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The sockets of a snapshot, by endpoint and in their order. */
class SnapshotTest {

  private static final HostInfo HOST = new HostInfo("web1", "6.1.0", Instant.EPOCH, "1.0.0");
  private static final Owner ROOT = new Owner("root", "/usr/sbin/sshd");

  private static SocketEntry entry(int port) {
    Endpoint at = new Endpoint("", Protocol.TCP, "0.0.0.0", port);
    return new SocketEntry(at, Set.of(ROOT), List.of());
  }

  private static Snapshot snapshot(int... ports) {
    return Snapshot.of(HOST, IntStream.of(ports).mapToObj(SnapshotTest::entry).toList());
  }

  private static String ports(Snapshot snapshot) {
    List<String> ports = new ArrayList<>();
    snapshot.sockets().forEach((at, entry) -> ports.add(at.port() + "=" + entry.endpoint().port()));
    return String.join(" ", ports);
  }

  @Test
  void sortsSocketsByEndpoint() {
    List<SocketEntry> entries = new ArrayList<>();
    IntStream.rangeClosed(1, 100).forEach(port -> entries.add(entry(port)));
    List<SocketEntry> sorted = List.copyOf(entries);
    Collections.reverse(entries);
    Map<Endpoint, SocketEntry> sockets = Snapshot.of(HOST, entries).sockets();
    assertEquals(sorted, List.copyOf(sockets.values()));
    for (SocketEntry entry : entries) {
      assertSame(entry, sockets.get(entry.endpoint()));
      assertTrue(sockets.keySet().contains(entry.endpoint()));
    }
    assertNull(sockets.get(entry(0).endpoint()));
    assertNull(sockets.get(entry(101).endpoint()));
    assertThrows(UnsupportedOperationException.class, () -> sockets.values().clear());
    assertThrows(UnsupportedOperationException.class, () -> sockets.remove(entry(1).endpoint()));
  }

  @Test
  void refusesTwoEntriesForOneEndpoint() {
    Exception e = assertThrows(IllegalArgumentException.class, () -> snapshot(22, 80, 22));
    assertEquals("two entries for tcp/0.0.0.0:22", e.getMessage());
  }

  @Test
  void keepsEntriesThatFulfilCondition() {
    Snapshot all = snapshot(22, 80, 443);
    assertEquals("22=22 443=443", ports(all.where(it -> it.endpoint().port() != 80)));
    assertSame(all, all.where(it -> true));
  }

  @Test
  void addsAndReplacesEntries() {
    Snapshot all = snapshot(22, 443).and(snapshot(80, 443));
    assertEquals("22=22 80=80 443=443", ports(all));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          ''     | ''     | ''
          1      | ''     | 1-
          ''     | 1      | -1
          1 2 3  | 1 2 3  | 1-1 2-2 3-3
          1 3    | 2 4    | 1- -2 3- -4
          2 4    | 1 3    | -1 2- -3 4-
          3      | 1 2    | -1 -2 3-
          1      | 1 2 3  | 1-1 -2 -3
          3      | 1 2 3  | -1 -2 3-3
          1 2 3  | 3      | 1- 2- 3-3
          """)
  void comparesEachEndpointOnce(String own, String others, String expected) {
    List<String> pairs = new ArrayList<>();
    parse(own).compare(parse(others), (a, b) -> pairs.add(port(a) + "-" + port(b)));
    assertEquals(expected, String.join(" ", pairs));
  }

  private static Snapshot parse(String ports) {
    return snapshot(
        List.of(ports.split(" ")).stream()
            .filter(it -> !it.isEmpty())
            .mapToInt(Integer::parseInt)
            .toArray());
  }

  private static String port(SocketEntry entry) {
    return entry == null ? "" : Integer.toString(entry.endpoint().port());
  }

  /** Numbered sockets that a program opened in a row: maps of thousands of them stay fast. */
  @Test
  void hashesOfNumberedSocketsDiffer() {
    Set<Integer> hashes = new HashSet<>();
    for (int i = 0; i < 10_000; i++) {
      Endpoint at = new Endpoint("", Protocol.UNIX, "listener" + i, 0);
      hashes.add(new SocketKey(700_000 + i, 0, at).hashCode());
    }
    assertTrue(hashes.size() > 9_900, "hashes: " + hashes.size());
  }
}
