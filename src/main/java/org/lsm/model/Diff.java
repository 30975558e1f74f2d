package org.lsm.model;

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
import java.util.function.Function;

/**
 * What differs between two snapshots.
 *
 * @param differences NEW first, then GONE, then CHANGED, each in the order of their endpoints
 */
public record Diff(List<Difference> differences) {

  public Diff {
    differences = List.copyOf(differences);
  }

  /**
   * Compares two snapshots by endpoint. Sockets with an ephemeral port are compared by their
   * owners: one that is new is NEW, and that a program has none at the moment is no difference.
   */
  public static Diff between(Snapshot before, Snapshot after, EphemeralPorts ephemeral) {
    SortedMap<Endpoint, SocketEntry> baseline = ephemeral.generalize(before).sockets();
    List<Difference> added = new ArrayList<>();
    List<Difference> gone = new ArrayList<>();
    List<Difference> changed = new ArrayList<>();
    for (SocketEntry now : after.sockets().values()) {
      boolean covered = ephemeral.covers(now);
      SocketEntry was =
          baseline.get(covered ? EphemeralPorts.generalize(now.endpoint()) : now.endpoint());
      if (was == null || (covered && !was.owners().containsAll(now.owners()))) {
        added.add(new Difference(DifferenceType.NEW, now, now));
      } else if (!covered && changedHands(was, now)) {
        changed.add(new Difference(DifferenceType.CHANGED, was, now));
      }
    }
    for (SocketEntry was : baseline.values()) {
      if (!ephemeral.covers(was) && !after.sockets().containsKey(was.endpoint())) {
        gone.add(new Difference(DifferenceType.GONE, was, was));
      }
    }
    added.addAll(gone);
    added.addAll(changed);
    return new Diff(added);
  }

  /**
   * Whether somebody holds the socket who did not, or nobody does who did. A server that shares its
   * socket with helpers which come and go (socket activation, Postfix) stays the same as long as
   * one of its known owners holds it and no stranger does. What this scan was not allowed to see
   * proves nothing.
   */
  private static boolean changedHands(SocketEntry was, SocketEntry now) {
    boolean stranger =
        now.owners().stream()
            .anyMatch(owner -> !owner.equals(Owner.UNKNOWN) && !was.owners().contains(owner));
    boolean abandoned = now.owners().isEmpty() && !was.owners().isEmpty();
    return stranger || abandoned;
  }

  /** The baseline with these differences accepted. */
  public Snapshot applyTo(Snapshot baseline, EphemeralPorts ephemeral) {
    SortedMap<Endpoint, SocketEntry> sockets =
        new TreeMap<>(ephemeral.generalize(baseline).sockets());
    for (Difference difference : differences) {
      SocketEntry now = difference.after();
      if (difference.type() == DifferenceType.GONE) {
        sockets.remove(difference.endpoint());
      } else if (ephemeral.covers(now)) {
        Endpoint endpoint = EphemeralPorts.generalize(now.endpoint());
        sockets.merge(endpoint, now.at(endpoint), SocketEntry::and);
      } else {
        SocketEntry was = sockets.get(now.endpoint());
        sockets.put(now.endpoint(), was == null || changedWholly(was, now) ? now : was.and(now));
      }
    }
    return new Snapshot(baseline.hostInfo(), sockets);
  }

  /** Whether none of the known owners is left; where one is, the others may come back. */
  private static boolean changedWholly(SocketEntry was, SocketEntry now) {
    return Collections.disjoint(was.owners(), now.owners());
  }

  /** The differences of this kind. */
  public List<Difference> of(DifferenceType kind) {
    return differences.stream().filter(difference -> difference.type() == kind).toList();
  }

  /**
   * So many of this kind at most, taken {@link #inTurns}: who opens thousands of sockets hides
   * nobody else's among them.
   */
  public List<Difference> of(DifferenceType kind, int most) {
    List<Difference> all = of(kind);
    if (all.size() <= most) {
      return all;
    }
    Set<Difference> chosen = Set.copyOf(inTurns(all).subList(0, most));
    return all.stream().filter(chosen::contains).toList();
  }

  /** Differences in turns from all users, and of a user from all programs. */
  public static List<Difference> inTurns(List<Difference> differences) {
    return inTurns(inTurns(differences, Difference::owners), Difference::users);
  }

  private static <K> List<Difference> inTurns(List<Difference> all, Function<Difference, K> whose) {
    Map<K, Integer> counts = new HashMap<>();
    IdentityHashMap<Difference, Integer> turns = new IdentityHashMap<>();
    all.forEach(it -> turns.put(it, counts.merge(whose.apply(it), 1, Integer::sum)));
    return all.stream().sorted(Comparator.comparing(turns::get)).toList();
  }

  public boolean isEmpty() {
    return differences.isEmpty();
  }

  /** The number of differences of this kind. */
  public long count(DifferenceType kind) {
    return of(kind).size();
  }
}
