package org.lsm.model;

import java.util.SortedMap;
import java.util.TreeMap;

/**
 * The ports that the kernel assigns to sockets that ask for none (ip_local_port_range). They differ
 * each time, so sockets with a known owner are compared by their owners instead of their ports.
 */
public record EphemeralPorts(Scope scope, int first, int last) {
  /** The protocols whose ports may be ephemeral. */
  public enum Scope {
    NONE,
    UDP,
    ALL
  }

  public static final EphemeralPorts NONE = new EphemeralPorts(Scope.NONE, 0, 0);

  /** Whether a socket is compared by its owners. */
  public boolean covers(SocketEntry entry) {
    return (scope != Scope.NONE && entry.endpoint().port() == Endpoint.EPHEMERAL)
        || (covers(entry.endpoint()) && !entry.owners().isEmpty() && allKnown(entry));
  }

  /** An interpreter whose script is unknown may run anything. */
  private static boolean allKnown(SocketEntry entry) {
    boolean known = !entry.ownerUnknown();
    for (Owner owner : entry.owners()) {
      known &= !owner.script().equals(Owner.UNKNOWN_SCRIPT);
    }
    return known;
  }

  /** Whether the kernel may have assigned the port of an endpoint. */
  public boolean covers(Endpoint endpoint) {
    boolean inScope =
        switch (endpoint.protocol()) {
          case UDP, UDP6, UDPLITE, UDPLITE6 -> scope != Scope.NONE;
          case TCP, TCP6, SCTP -> scope == Scope.ALL;
          case RAW, RAW6, ICMP, ICMP6, PACKET, UNIX -> false;
        };
    return inScope && endpoint.port() >= first && endpoint.port() <= last;
  }

  /** The endpoint that stands for all ephemeral ports of an address. */
  public static Endpoint generalize(Endpoint at) {
    return new Endpoint(at.netns(), at.protocol(), at.address(), Endpoint.EPHEMERAL);
  }

  /** Merges the sockets on ephemeral ports of an address into one entry, as in a baseline. */
  public Snapshot generalize(Snapshot snapshot) {
    SortedMap<Endpoint, SocketEntry> sockets = new TreeMap<>();
    for (SocketEntry entry : snapshot.sockets().values()) {
      Endpoint endpoint = covers(entry) ? generalize(entry.endpoint()) : entry.endpoint();
      sockets.merge(endpoint, entry.at(endpoint), SocketEntry::and);
    }
    return new Snapshot(snapshot.hostInfo(), sockets);
  }
}
