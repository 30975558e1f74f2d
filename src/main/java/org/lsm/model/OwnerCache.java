package org.lsm.model;

import java.util.HashMap;
import java.util.Map;
import java.util.Set;

/**
 * The owners that the last scan found. The next one searches only for those of other sockets.
 *
 * @param validity the boot, the privileges and the hour of the scan; where one of them differs, the
 *     cache is not used
 */
public record OwnerCache(String validity, Map<SocketKey, SocketOwners> owners) {

  public OwnerCache {
    owners = Map.copyOf(owners);
  }

  public static OwnerCache empty() {
    return new OwnerCache("", Map.of());
  }

  /** Returns the cache without the sockets of these endpoints. */
  public OwnerCache without(Set<Endpoint> endpoints) {
    Map<SocketKey, SocketOwners> rest = new HashMap<>(owners);
    rest.keySet().removeIf(socket -> endpoints.contains(socket.endpoint()));
    return new OwnerCache(validity, rest);
  }
}
