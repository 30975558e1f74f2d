package org.lsm.model;

import java.util.Set;
import java.util.stream.Collectors;

/**
 * An endpoint that differs between two snapshots.
 *
 * @param before the older entry; for NEW the same as {@code after}
 * @param after the newer entry; for GONE the same as {@code before}
 */
public record Difference(DifferenceType type, SocketEntry before, SocketEntry after) {

  public Endpoint endpoint() {
    return after.endpoint();
  }

  Set<Owner> owners() {
    return after.owners();
  }

  Set<String> users() {
    return owners().stream().map(Owner::user).collect(Collectors.toSet());
  }
}
