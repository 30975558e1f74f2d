package org.lsm.model;

import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * Finds the sockets that are not NEW, as their owner has one in the baseline that differs only in
 * what was chosen for it: the port, the address or a random part of the name.
 */
final class MovedSockets {
  /** What stands for an endpoint and those that its owner may have instead. */
  private record OwnedEndpoint(Endpoint endpoint, Owner owner) {}

  private final SocketIdentity identity;
  private final SortedMap<Endpoint, SocketEntry> gone = new TreeMap<>();
  private final Map<OwnedEndpoint, List<SocketEntry>> known = new HashMap<>();

  /** Takes the baseline and those of its sockets that are gone. */
  MovedSockets(
      SocketIdentity identity, Collection<SocketEntry> baseline, Collection<SocketEntry> gone) {
    this.identity = identity;
    gone.forEach(it -> this.gone.put(it.endpoint(), it));
    for (SocketEntry was : baseline) {
      List<Endpoint> all = identity.alternatives(was.endpoint());
      all.add(atAnyAddress(was.endpoint()));
      for (Endpoint alternative : all) {
        for (Owner owner : was.owners()) {
          known
              .computeIfAbsent(new OwnedEndpoint(alternative, owner), none -> new ArrayList<>())
              .add(was);
        }
      }
    }
  }

  /**
   * Whether a socket that the baseline lacks is one of it that moved, which is gone for no other,
   * or one more of its owner: at a further address or with another random name.
   */
  boolean takeIfMoved(SocketEntry now) {
    if (now.hasNoProcess() || !now.ownersKnown()) {
      return false;
    }
    Endpoint key = identity.key(now);
    boolean isFurther = false;
    for (Endpoint alternative : identity.alternatives(key)) {
      for (SocketEntry was : ofOwners(alternative, now)) {
        if (gone.remove(was.endpoint()) != null) {
          return true;
        }
        isFurther |=
            key.protocol() == Protocol.UNIX
                || identity.countsByOwner(was.endpoint())
                || (!alternative.address().equals(key.address())
                    && ofOwners(atAnyAddress(key), now).size() > 1);
      }
    }
    return isFurther;
  }

  /** The sockets of the baseline that have at least the owners of this one. */
  private List<SocketEntry> ofOwners(Endpoint alternative, SocketEntry now) {
    List<SocketEntry> all =
        known.getOrDefault(new OwnedEndpoint(alternative, now.owners().first()), List.of());
    return all.stream().filter(was -> was.owners().containsAll(now.owners())).toList();
  }

  private static Endpoint atAnyAddress(Endpoint key) {
    return key.with("", key.port());
  }

  Collection<SocketEntry> gone() {
    return gone.values();
  }
}
