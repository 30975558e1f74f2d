package org.lsm.model;

import java.util.HashMap;
import java.util.Map;
import java.util.Set;

/**
 * The owners of each socket at the last scan, so that the next scan only has to search for the
 * owners of sockets that are not in it.
 *
 * @param validity what the cache depends on: the boot, the privileges of the scanning user, and the
 *     hour; a scan under another validity searches for all owners again
 * @param owners the owners by socket
 */
public record OwnerCache(String validity, Map<SocketKey, SocketOwners> owners) {

  public OwnerCache {
    owners = Map.copyOf(owners);
  }

  /** A cache without entries. */
  public static OwnerCache empty() {
    return new OwnerCache("", Map.of());
  }

  /** This cache without the sockets of these endpoints. */
  public OwnerCache without(Set<Endpoint> endpoints) {
    Map<SocketKey, SocketOwners> rest = new HashMap<>(owners);
    rest.keySet().removeIf(socket -> endpoints.contains(socket.endpoint()));
    return new OwnerCache(validity, rest);
  }
}
