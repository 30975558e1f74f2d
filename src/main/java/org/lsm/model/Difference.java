package org.lsm.model;

import java.util.Set;
import java.util.stream.Collectors;

/** An endpoint that differs between two snapshots. A NEW or GONE one has the same entry twice. */
public record Difference(DifferenceType type, SocketEntry before, SocketEntry after) {
  public Endpoint endpoint() {
    return after.endpoint();
  }

  public Set<String> users() {
    return after.owners().stream().map(Owner::user).collect(Collectors.toSet());
  }
}
