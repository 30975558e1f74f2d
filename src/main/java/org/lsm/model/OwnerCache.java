package org.lsm.model;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;

/**
 * The owners that the last scan found, valid for one boot, set of privileges and hour.
 *
 * @param owners in the order of endpoints if they were read from a file; not changed afterwards
 * @param stuck what scans have left behind because it waits for a file system
 */
public record OwnerCache(
    String validity, Map<SocketKey, SocketOwners> owners, Set<StuckReader> stuck) {
  public static final OwnerCache EMPTY = new OwnerCache("", Map.of(), Set.of());

  /** A process of lsm that reads a file of a user and cannot be ended. */
  public record StuckReader(long uid, int pid, long startTicks) {}

  public OwnerCache {
    owners = Collections.unmodifiableMap(owners); // a copy would take time in each run
    stuck = Set.copyOf(stuck);
  }

  /** Returns the cache without the sockets of these endpoints. */
  public OwnerCache without(Set<Endpoint> endpoints) {
    Map<SocketKey, SocketOwners> rest = new LinkedHashMap<>(owners);
    rest.keySet().removeIf(socket -> endpoints.contains(socket.endpoint()));
    return new OwnerCache(validity, rest, stuck);
  }

  // See Endpoint.equals.
  @Override
  public boolean equals(Object it) {
    return it instanceof OwnerCache c
        && validity.equals(c.validity)
        && owners.equals(c.owners)
        && stuck.equals(c.stuck);
  }

  @Override
  public int hashCode() {
    return owners.hashCode();
  }
}
