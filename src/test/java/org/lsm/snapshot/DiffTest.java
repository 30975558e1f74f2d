package org.lsm.snapshot;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.lsm.snapshot.Diff.Difference;
import org.lsm.snapshot.Diff.Kind;
import org.lsm.snapshot.Snapshot.Origin;

/** What is a difference between two snapshots, and what is none. */
class DiffTest {

  private static final Origin ORIGIN =
      new Origin("web1", "6.1.0", Instant.parse("2026-01-01T00:00:00Z"), "1.0.0");

  /** Owners as user:program, "-" for no entry at all, "" for held by no process. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          # before             | after                | difference
          -                    | root:/bin/a          | NEW
          -                    | ''                   | NEW
          -                    | ?:?                  | NEW
          root:/bin/a          | -                    | GONE
          ''                   | -                    | GONE
          ?:?                  | -                    | GONE
          root:/bin/a          | root:/bin/a          |
          root:/bin/a          | root:/bin/b          | CHANGED
          root:/bin/a          | www:/bin/a           | CHANGED
          root:/bin/a          | ''                   | CHANGED
          ''                   | root:/bin/a          | CHANGED
          ''                   | ''                   |
          # a helper comes and goes; a stranger beside a known owner is not passed over
          root:/bin/a w:/bin/h | root:/bin/a          |
          root:/bin/a w:/bin/h | w:/bin/h             |
          root:/bin/a w:/bin/h | w:/bin/h root:/bin/a |
          root:/bin/a          | root:/bin/a w:/bin/h | CHANGED
          root:/bin/a w:/bin/h | root:/bin/a w:/bin/x | CHANGED
          root:/bin/a w:/bin/h | ''                   | CHANGED
          # what a scan was not allowed to see proves nothing
          root:/bin/a          | ?:?                  |
          ''                   | ?:?                  |
          ?:?                  | ?:?                  |
          root:/bin/a          | root:/bin/a ?:?      |
          root:/bin/a w:/bin/h | root:/bin/a ?:?      |
          # but what it was allowed to see does
          root:/bin/a          | w:/bin/x ?:?         | CHANGED
          ''                   | w:/bin/x ?:?         | CHANGED
          # who was unknown in the baseline is not who is known now
          ?:?                  | root:/bin/a          | CHANGED
          ?:?                  | ''                   | CHANGED
          root:/bin/a ?:?      | root:/bin/a          |
          root:/bin/a ?:?      | root:/bin/b          | CHANGED
          """)
  void ownersBeforeAndAfterMakeADifferenceOrNone(String before, String after, Kind kind) {
    Diff diff = Diff.between(sshd(before), sshd(after));
    assertEquals(
        kind == null ? List.of() : List.of(kind),
        diff.differences().stream().map(Difference::kind).toList());
    assertEquals(kind == null, diff.isEmpty());
  }

  @Test
  void aRestartUnderANewPidIsNoDifference() {
    assertTrue(Diff.between(heldBy(100, 0), heldBy(200, 3600)).isEmpty());
  }

  @Test
  void aDifferenceHasTheEntriesOfBothSides() {
    SocketEntry old = entry("tcp", "0.0.0.0:22", "root:/bin/a");
    SocketEntry now = entry("tcp", "0.0.0.0:22", "root:/bin/b");
    assertEquals(List.of(new Difference(Kind.CHANGED, old, now)), differences(old, now));
    SocketEntry other = entry("tcp", "0.0.0.0:23", "root:/bin/b");
    assertEquals(
        List.of(new Difference(Kind.NEW, other, other), new Difference(Kind.GONE, old, old)),
        differences(old, other));
  }

  @Test
  void newComesBeforeGoneBeforeChangedAndEachInTheOrderOfEndpoints() {
    Snapshot before =
        snapshot(
            entry("unix", "/gone", "root:/bin/a"),
            entry("tcp", "0.0.0.0:2", "root:/bin/a"),
            entry("tcp", "0.0.0.0:80", "root:/bin/a"),
            entry("udp", "0.0.0.0:9", "root:/bin/a"),
            entry("tcp", "0.0.0.0:100", "root:/bin/a"));
    Snapshot after =
        snapshot(
            entry("udp", "0.0.0.0:9", "root:/bin/b"),
            entry("tcp", "0.0.0.0:80", "root:/bin/b"),
            entry("unix", "/new", "root:/bin/a"),
            entry("tcp", "0.0.0.0:100", "root:/bin/a"),
            entry("tcp", "0.0.0.0:3", "root:/bin/a"));
    Diff diff = Diff.between(before, after);
    assertEquals(
        List.of(
            "NEW tcp/0.0.0.0:3",
            "NEW unix//new",
            "GONE tcp/0.0.0.0:2",
            "GONE unix//gone",
            "CHANGED tcp/0.0.0.0:80",
            "CHANGED udp/0.0.0.0:9"),
        diff.differences().stream().map(d -> d.kind() + " " + d.endpoint()).toList());
    assertEquals(List.of(2L, 2L, 2L), Stream.of(Kind.values()).map(diff::count).toList());
  }

  @Test
  void twoProtocolsAtOneAddressAreTwoSockets() {
    assertEquals(
        List.of(Kind.NEW, Kind.GONE),
        differences(entry("udp", "0.0.0.0:53", ""), entry("tcp", "0.0.0.0:53", "")).stream()
            .map(Difference::kind)
            .toList());
  }

  private static List<Difference> differences(SocketEntry before, SocketEntry after) {
    return Diff.between(snapshot(before), snapshot(after)).differences();
  }

  private static Snapshot sshd(String owners) {
    return owners.equals("-") ? snapshot() : snapshot(entry("tcp", "0.0.0.0:22", owners));
  }

  private static Snapshot heldBy(int pid, int seconds) {
    Holder holder =
        new Holder(pid, new Owner("root", "/bin/a"), ORIGIN.time().plusSeconds(seconds));
    return snapshot(
        SocketEntry.heldBy(Endpoint.of(Protocol.TCP, "0.0.0.0:22"), List.of(holder), true));
  }

  private static SocketEntry entry(String protocol, String local, String owners) {
    TreeSet<Owner> set = new TreeSet<>();
    for (String owner : owners.isEmpty() ? new String[0] : owners.split(" ", -1)) {
      int colon = owner.indexOf(':');
      set.add(new Owner(owner.substring(0, colon), owner.substring(colon + 1)));
    }
    return new SocketEntry(Endpoint.of(Protocol.of(protocol).orElseThrow(), local), set, List.of());
  }

  private static Snapshot snapshot(SocketEntry... entries) {
    return Snapshot.of(ORIGIN, Arrays.asList(entries));
  }
}
