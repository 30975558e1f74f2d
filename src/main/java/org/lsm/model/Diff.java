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

  /** Compares a baseline with what is there now. */
  public static Diff between(Snapshot before, Snapshot after, SocketIdentity identity) {
    List<Difference> differences = new ArrayList<>();
    List<Difference> changed = new ArrayList<>();
    List<SocketEntry> gone = new ArrayList<>();
    before.compare(
        after,
        (was, now) -> {
          boolean isSame = was != null && !identity.countsByOwner(was.endpoint());
          if (now == null) {
            if (isSame && !was.optional()) {
              gone.add(was);
            }
          } else if (isSame) {
            if (isChanged(was, now)) {
              changed.add(new Difference(DifferenceType.CHANGED, was, now));
            }
          } else if (isNew(before, now, identity)) {
            differences.add(new Difference(DifferenceType.NEW, now, now));
          }
        });
    List<SocketEntry> missing = gone;
    if (!(differences.isEmpty() && gone.isEmpty()) && !identity.isByName()) {
      MovedSockets moved =
          new MovedSockets(identity, before.sockets().values(), after.sockets().values(), gone);
      differences.removeIf(it -> moved.takeIfMoved(it.after()));
      missing = moved.gone();
    }
    differences.addAll(changed);
    missing.forEach(was -> differences.add(new Difference(DifferenceType.GONE, was, was)));
    return new Diff(differences);
  }

  /** Whether the baseline lacks a socket by its key, or knows none of its owner there. */
  private static boolean isNew(Snapshot baseline, SocketEntry now, SocketIdentity identity) {
    SocketEntry general = identity.generalize(now);
    SocketEntry was = baseline.sockets().get(general.endpoint());
    if (was == null || (now.ownerUnknown() && !was.ownerUnknown())) {
      return true;
    }
    // Of a port that was closed at once, only the user is known.
    boolean isAsMade = now.hasNoProcess() && !identity.shortLived().contains(now.endpoint());
    return isAsMade ? !was.owners().containsAll(general.owners()) : hasNewOwner(was, general);
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
  public Snapshot applyTo(Snapshot baseline, SocketIdentity identity, Instant time) {
    var sockets = new TreeMap<>(baseline.sockets());
    for (Difference difference : differences) {
      SocketEntry now = difference.after();
      SocketEntry was = sockets.get(now.endpoint());
      if (difference.type() == DifferenceType.GONE) {
        sockets.computeIfPresent(
            now.endpoint(), (at, it) -> now.optional() ? it.asOptional() : null);
      } else if (was == null || identity.countsByOwner(was.endpoint())) {
        SocketEntry general = identity.generalize(now);
        sockets.merge(general.endpoint(), general, SocketEntry::and);
      } else {
        // If an old owner is left, the other ones may come back.
        boolean replaced =
            !now.endpoint().isOutbound() && Collections.disjoint(was.owners(), now.owners());
        SocketEntry next = replaced ? now : was.and(now);
        sockets.put(now.endpoint(), was.optional() ? next.asOptional() : next);
      }
    }
    return new Snapshot(baseline.hostInfo().at(time), sockets, baseline.programs());
  }

  /** Returns these differences and the others of these sockets: their program was replaced. */
  public Diff withReplaced(List<SocketEntry> sockets) {
    return and(sockets.stream().map(it -> new Difference(DifferenceType.CHANGED, it, it)).toList());
  }

  /** Returns these differences, and those of other sockets. */
  public Diff and(List<Difference> others) {
    SortedMap<Endpoint, Difference> all = new TreeMap<>();
    others.forEach(it -> all.put(it.endpoint(), it));
    differences.forEach(it -> all.put(it.endpoint(), it));
    return new Diff(all.values().stream().sorted(Comparator.comparing(Difference::type)).toList());
  }

  /** Returns these differences without those that are GONE from these tables. */
  public Diff withoutGone(Set<String> tables) {
    return new Diff(
        differences.stream()
            .filter(
                it -> it.type() != DifferenceType.GONE || !tables.contains(it.endpoint().table()))
            .toList());
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
