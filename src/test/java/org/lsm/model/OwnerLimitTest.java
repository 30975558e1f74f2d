package org.lsm.model;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class OwnerLimitTest {
  private static final String LONG = "/x".repeat(1800);

  private final OwnerLimit limit = new OwnerLimit();

  /** So many programs of one user, with a process each. */
  private static List<ProcessRef> programs(int first, int last) {
    return IntStream.rangeClosed(first, last)
        .mapToObj(pid -> process(pid, new Owner("joe", LONG + pid)))
        .toList();
  }

  private static ProcessRef process(int pid, Owner owner) {
    return new ProcessRef(pid, pid, Instant.EPOCH, owner);
  }

  private Set<Owner> owners(List<ProcessRef> processes) {
    Endpoint at = Endpoint.of("unix", "@x");
    return SocketEntry.heldBy(at, limit.apply(processes, true)).owners();
  }

  private static Set<Owner> named(List<ProcessRef> processes) {
    Set<Owner> owners = new HashSet<>();
    processes.forEach(it -> owners.add(it.owner()));
    return owners;
  }

  @Test
  void keepsAllUpToTheLimit() {
    assertEquals(named(programs(1, 20)), owners(programs(1, 20)));
  }

  @Test
  void countsFurtherOwners() {
    Set<Owner> owners = new HashSet<>(owners(programs(1, 900)));

    assertEquals(21, owners.size());
    assertTrue(owners.removeIf(it -> it.program().matches("880 more owners .sha256 .{64}.")));
    assertTrue(named(programs(1, 900)).containsAll(owners));
  }

  @Test
  void anotherOwnerMakesADifference() {
    for (int last = 21; last <= 60; last++) {
      assertNotEquals(owners(programs(1, last - 1)), owners(programs(1, last)), "owner " + last);
    }
    assertNotEquals(owners(programs(1, 60)), owners(programs(2, 61)), "one instead of another");
  }

  @Test
  void orderMakesNone() {
    List<ProcessRef> reversed = new ArrayList<>(programs(1, 60));
    Collections.reverse(reversed);
    assertEquals(owners(programs(1, 60)), owners(reversed));
  }

  /** Two owners, of one of which there are thousands of processes: each keeps some. */
  @Test
  void keepsProcessesOfAllOwners() {
    List<ProcessRef> processes = new ArrayList<>();
    IntStream.rangeClosed(1, 5000).forEach(it -> processes.add(process(it, new Owner("a", "/a"))));
    processes.add(process(5001, new Owner("root", "/b")));

    List<ProcessRef> kept = limit.apply(processes, true).processes();

    assertEquals(200, kept.size());
    assertTrue(kept.contains(processes.get(5000)));
    assertTrue(kept.contains(processes.get(0)));
  }

  /** Sockets at one endpoint, held by different programs; one of them by nobody but its maker. */
  @Test
  void unitesSockets() {
    Owner maker = Owner.maker("eve");
    SocketOwners united =
        limit.union(
            List.of(
                limit.apply(programs(1, 2), true),
                new SocketOwners(List.of(), List.of(maker), true)));
    assertEquals(new SocketOwners(programs(1, 2), List.of(maker), true), united);

    united = limit.union(List.of(limit.apply(programs(1, 30), true), united));
    assertEquals(21, SocketEntry.heldBy(Endpoint.of("unix", "@x"), united).owners().size());
    // Programs 1 and 2 may be among the ten that stand for others already.
    assertTrue(
        united.others().stream().anyMatch(it -> it.program().matches("1[1-3] more owners .*")));

    SocketOwners both = limit.apply(programs(1, 30), true);
    assertEquals(both, limit.union(List.of(both, both)), "shared by the same");
  }

  /** 810,000 pairs; comparing their long names would take minutes. */
  @Test
  void limitsHundredsOfSocketsQuickly() {
    List<ProcessRef> processes = programs(1, 900);
    long start = System.nanoTime();
    for (int i = 0; i < 900; i++) {
      assertEquals(20, limit.apply(processes, true).processes().size());
    }
    long seconds = (System.nanoTime() - start) / 1_000_000_000;
    assertTrue(seconds < 4, seconds + " s");
  }

  @Test
  void longPathsAreCutButDiffer() {
    Owner owner = new Owner("joe", LONG + "/a" + LONG);
    assertTrue(owner.program().length() <= 512, owner.program());
    assertEquals(owner, new Owner("joe", LONG + "/a" + LONG));
    assertEquals(owner, new Owner(owner.user(), owner.program()), "as read from a file");
    assertNotEquals(owner, new Owner("joe", LONG + "/b" + LONG));
    // Bytes that are not UTF-8 differ, too.
    assertNotEquals(
        new Owner("joe", LONG + "\udcfe" + LONG), new Owner("joe", LONG + "\udcff" + LONG));
  }
}
