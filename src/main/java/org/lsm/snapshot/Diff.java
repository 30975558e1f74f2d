package org.lsm.snapshot;

import java.util.ArrayList;
import java.util.List;

/**
 * What differs between two snapshots.
 *
 * @param differences NEW first, then GONE, then CHANGED, each in the order of their endpoints
 */
public record Diff(List<Difference> differences) {

  /** How an endpoint differs. */
  public enum Kind {
    NEW,
    GONE,
    CHANGED
  }

  /**
   * One endpoint that differs.
   *
   * @param kind how it differs
   * @param before its entry in the older snapshot; for NEW the same as {@code after}
   * @param after its entry in the newer snapshot; for GONE the same as {@code before}
   */
  public record Difference(Kind kind, SocketEntry before, SocketEntry after) {

    public Endpoint endpoint() {
      return after.endpoint();
    }
  }

  public Diff {
    differences = List.copyOf(differences);
  }

  /** Compares two snapshots by endpoint. */
  public static Diff between(Snapshot before, Snapshot after) {
    List<Difference> added = new ArrayList<>();
    List<Difference> gone = new ArrayList<>();
    List<Difference> changed = new ArrayList<>();
    after
        .sockets()
        .forEach(
            (endpoint, now) -> {
              SocketEntry was = before.sockets().get(endpoint);
              if (was == null) {
                added.add(new Difference(Kind.NEW, now, now));
              } else if (changedHands(was, now)) {
                changed.add(new Difference(Kind.CHANGED, was, now));
              }
            });
    before
        .sockets()
        .forEach(
            (endpoint, was) -> {
              if (!after.sockets().containsKey(endpoint)) {
                gone.add(new Difference(Kind.GONE, was, was));
              }
            });
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

  public boolean isEmpty() {
    return differences.isEmpty();
  }

  /** The number of differences of this kind. */
  public long count(Kind kind) {
    return differences.stream().filter(difference -> difference.kind() == kind).count();
  }
}
