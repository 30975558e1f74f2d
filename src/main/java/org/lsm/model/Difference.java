package org.lsm.model;

import java.util.Set;
import java.util.stream.Collectors;

/**
 * An endpoint that differs between two snapshots. A NEW or GONE one has the same entry twice, and
 * so has a CHANGED one of which only the file of a program was replaced.
 */
public record Difference(DifferenceType type, SocketEntry before, SocketEntry after) {
  public Endpoint endpoint() {
    return after.endpoint();
  }

  /** Whether it has the same owners, but the file of a program was replaced. */
  public boolean isReplaced() {
    return type == DifferenceType.CHANGED && before.owners().equals(after.owners());
  }

  Set<String> users() {
    return after.owners().stream().map(Owner::user).collect(Collectors.toSet());
  }
}
