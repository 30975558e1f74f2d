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
  private final Map<OwnedEndpoint, List<SocketEntry>> current = new HashMap<>();

  /**
   * Takes the baseline, the sockets that are there now, and those of the baseline that are gone.
   */
  MovedSockets(
      SocketIdentity identity,
      Collection<SocketEntry> baseline,
      Collection<SocketEntry> now,
      Collection<SocketEntry> gone) {
    this.identity = identity;
    gone.forEach(it -> this.gone.put(it.endpoint(), it));
    index(baseline, known);
    index(gone.isEmpty() ? List.of() : now, current);
  }

  private void index(Collection<SocketEntry> entries, Map<OwnedEndpoint, List<SocketEntry>> index) {
    for (SocketEntry entry : entries) {
      List<Endpoint> all = identity.alternatives(entry.endpoint());
      all.add(atAnyAddress(entry.endpoint()));
      for (Endpoint alternative : all) {
        for (Owner owner : entry.owners()) {
          OwnedEndpoint key = new OwnedEndpoint(alternative, owner);
          index.computeIfAbsent(key, none -> new ArrayList<>()).add(entry);
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
      for (SocketEntry was : ofOwners(known, alternative, now)) {
        if (gone.remove(was.endpoint()) != null) {
          return true;
        }
        isFurther |=
            key.protocol() == Protocol.UNIX
                || identity.countsByOwner(was.endpoint())
                || (!alternative.address().equals(key.address())
                    && ofOwners(known, atAnyAddress(key), now).size() > 1);
      }
    }
    return isFurther;
  }

  /** The sockets that have at least the owners of this one. */
  private static List<SocketEntry> ofOwners(
      Map<OwnedEndpoint, List<SocketEntry>> index, Endpoint alternative, SocketEntry entry) {
    Owner first = entry.owners().iterator().next();
    return index.getOrDefault(new OwnedEndpoint(alternative, first), List.of()).stream()
        .filter(it -> it.owners().containsAll(entry.owners()))
        .toList();
  }

  private static Endpoint atAnyAddress(Endpoint key) {
    return key.with("", key.port());
  }

  /** The sockets that are gone and did not move, nor were one of several that others can reach. */
  List<SocketEntry> gone() {
    return gone.values().stream().filter(it -> !isHeldAtSimilarAddress(it)).toList();
  }

  /** Whether its owner still holds the port at another address that the same hosts can reach. */
  private boolean isHeldAtSimilarAddress(SocketEntry was) {
    return !was.hasNoProcess()
        && identity
            .atSimilarAddress(was.endpoint())
            .filter(it -> !ofOwners(current, it, was).isEmpty())
            .isPresent();
  }
}
