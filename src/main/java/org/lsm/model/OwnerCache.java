package org.lsm.model;

import java.util.HashMap;
import java.util.Map;
import java.util.Set;

/** The owners that the last scan found, valid for one boot, set of privileges and hour. */
public record OwnerCache(String validity, Map<SocketKey, SocketOwners> owners) {
  public static final OwnerCache EMPTY = new OwnerCache("", Map.of());

  public OwnerCache {
    owners = Map.copyOf(owners);
  }

  /** Returns the cache without the sockets of these endpoints. */
  public OwnerCache without(Set<Endpoint> endpoints) {
    Map<SocketKey, SocketOwners> rest = new HashMap<>(owners);
    rest.keySet().removeIf(socket -> endpoints.contains(socket.endpoint()));
    return new OwnerCache(validity, rest);
  }

  // See Endpoint.equals.
  @Override
  public boolean equals(Object it) {
    return it instanceof OwnerCache c && validity.equals(c.validity) && owners.equals(c.owners);
  }

  @Override
  public int hashCode() {
    return owners.hashCode();
  }
}
