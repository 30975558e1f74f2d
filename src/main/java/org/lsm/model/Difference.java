package org.lsm.model;

import java.util.Set;
import java.util.stream.Collectors;

/**
 * One endpoint that differs.
 *
 * @param type how it differs
 * @param before its entry in the older snapshot; for NEW the same as {@code after}
 * @param after its entry in the newer snapshot; for GONE the same as {@code before}
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
