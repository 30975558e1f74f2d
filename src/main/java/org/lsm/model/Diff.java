package org.lsm.model;

import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Function;

/** The differences of two snapshots: NEW, CHANGED, then GONE, each in the order of endpoints. */
public record Diff(List<Difference> differences) {
  public Diff {
    differences = List.copyOf(differences);
  }

  /** Compares snapshots. A socket with an ephemeral port is NEW if its owner had none before. */
  public static Diff between(Snapshot before, Snapshot after, EphemeralPorts ephemeral) {
    SortedMap<Endpoint, SocketEntry> baseline = ephemeral.generalize(before).sockets();
    List<Difference> differences = new ArrayList<>();
    List<Difference> changed = new ArrayList<>();
    List<Difference> gone = new ArrayList<>();
    for (SocketEntry now : after.sockets().values()) {
      boolean covered = ephemeral.covers(now);
      SocketEntry was =
          baseline.get(covered ? EphemeralPorts.generalize(now.endpoint()) : now.endpoint());
      if (was == null || (covered && hasNewOwner(was, now))) {
        differences.add(new Difference(DifferenceType.NEW, now, now));
      } else if (!covered && isChanged(was, now)) {
        changed.add(new Difference(DifferenceType.CHANGED, was, now));
      }
    }
    for (SocketEntry was : baseline.values()) {
      if (!was.optional()
          && !ephemeral.covers(was)
          && !after.sockets().containsKey(was.endpoint())) {
        gone.add(new Difference(DifferenceType.GONE, was, was));
      }
    }
    differences.addAll(changed);
    differences.addAll(gone);
    return new Diff(differences);
  }

  /**
   * Whether a socket has a new owner, or lost all. Fewer are not a change: servers share sockets
   * with helpers that come and go (Postfix). Nor is an unknown one, which this scan may not see.
   */
  private static boolean isChanged(SocketEntry was, SocketEntry now) {
    return hasNewOwner(was, now) || (now.hasNoProcess() && !was.hasNoProcess());
  }

  private static boolean hasNewOwner(SocketEntry was, SocketEntry now) {
    return !now.ownersBeyond(was).isEmpty();
  }

  /** Returns the baseline with these differences accepted, as of a time. */
  public Snapshot applyTo(Snapshot baseline, EphemeralPorts ephemeral, Instant time) {
    var sockets = new TreeMap<>(ephemeral.generalize(baseline).sockets());
    for (Difference difference : differences) {
      SocketEntry now = difference.after();
      if (difference.type() == DifferenceType.GONE) {
        sockets.computeIfPresent(
            now.endpoint(), (at, was) -> now.optional() ? was.asOptional() : null);
      } else if (ephemeral.covers(now)) {
        Endpoint endpoint = EphemeralPorts.generalize(now.endpoint());
        sockets.merge(endpoint, now.at(endpoint), SocketEntry::and);
      } else {
        SocketEntry was = sockets.get(now.endpoint());
        // If an old owner is left, the other ones may come back.
        boolean replaced = was == null || Collections.disjoint(was.owners(), now.owners());
        SocketEntry next = replaced ? now : was.and(now);
        sockets.put(now.endpoint(), was != null && was.optional() ? next.asOptional() : next);
      }
    }
    return new Snapshot(baseline.hostInfo().at(time), sockets, baseline.programs());
  }

  /** Returns these differences and the others of these sockets: their program was replaced. */
  public Diff withReplaced(List<SocketEntry> sockets) {
    SortedMap<Endpoint, Difference> all = new TreeMap<>();
    sockets.forEach(it -> all.put(it.endpoint(), new Difference(DifferenceType.CHANGED, it, it)));
    differences.forEach(it -> all.put(it.endpoint(), it));
    return new Diff(all.values().stream().sorted(Comparator.comparing(Difference::type)).toList());
  }

  /** The paths of the programs that hold the sockets that differ. */
  public Set<String> programs() {
    Set<String> programs = new TreeSet<>();
    for (Difference it : differences) {
      if (it.type() != DifferenceType.GONE) {
        it.after().owners().forEach(owner -> programs.add(owner.program()));
      }
    }
    return programs;
  }

  public List<Difference> of(DifferenceType type) {
    return differences.stream().filter(difference -> difference.type() == type).toList();
  }

  /** Up to {@code max} of them, chosen {@link #inTurns}: no user can hide those of others. */
  public List<Difference> of(DifferenceType type, int max) {
    List<Difference> all = of(type);
    if (all.size() <= max) {
      return all;
    }
    Set<Difference> chosen = Set.copyOf(inTurns(all).subList(0, max));
    return all.stream().filter(chosen::contains).toList();
  }

  /** Orders differences so that users take turns, and within each user the programs. */
  public static List<Difference> inTurns(List<Difference> differences) {
    return inTurns(inTurns(differences, it -> it.after().owners()), Difference::users);
  }

  /** Orders a list so that the groups of its elements take turns. */
  public static <T, K> List<T> inTurns(List<T> all, Function<T, K> group) {
    Map<K, Integer> counts = new HashMap<>();
    IdentityHashMap<T, Integer> turns = new IdentityHashMap<>();
    all.forEach(it -> turns.put(it, counts.merge(group.apply(it), 1, Integer::sum)));
    return all.stream().sorted(Comparator.comparing(turns::get)).toList();
  }

  public boolean isEmpty() {
    return differences.isEmpty();
  }
}
