package org.lsm.model;

import java.util.SortedMap;
import java.util.TreeMap;

/**
 * Which ports the kernel deals out to whoever does not ask for one
 * (Documentation/networking/ip-sysctl.rst, ip_local_port_range). Such a port differs each time, so
 * that the socket counts as "ephemeral" of its program and user rather than by its number. One
 * whose owner is not known counts by its number all the same: there is nothing else to know it by.
 *
 * @param scope the protocols it is done for
 * @param first the first such port
 * @param last the last such port
 */
public record EphemeralPorts(Scope scope, int first, int last) {

  /** The protocols whose ports may count as ephemeral. */
  public enum Scope {
    NONE,
    UDP,
    ALL
  }

  /** Every port by its number. */
  public static final EphemeralPorts NONE = new EphemeralPorts(Scope.NONE, 0, 0);

  /** Whether this socket counts by its owners instead of its port. */
  public boolean covers(SocketEntry entry) {
    return (scope != Scope.NONE && entry.endpoint().port() == Endpoint.EPHEMERAL)
        || (covers(entry.endpoint()) && !entry.owners().isEmpty() && !entry.ownerUnknown());
  }

  /** Whether this port is one that the kernel may have dealt out. */
  public boolean covers(Endpoint endpoint) {
    return inScope(endpoint.protocol()) && endpoint.port() >= first && endpoint.port() <= last;
  }

  private boolean inScope(Protocol protocol) {
    return switch (protocol) {
      case UDP, UDP6, UDPLITE, UDPLITE6 -> scope != Scope.NONE;
      case TCP, TCP6, SCTP -> scope == Scope.ALL;
      case RAW, RAW6, ICMP, ICMP6, PACKET, UNIX -> false;
    };
  }

  /** The endpoint that a covered socket counts as. */
  public static Endpoint generalize(Endpoint endpoint) {
    return new Endpoint(
        endpoint.netns(), endpoint.protocol(), endpoint.address(), Endpoint.EPHEMERAL);
  }

  /** The snapshot as a baseline has it: one entry for all ephemeral ports of an address. */
  public Snapshot generalize(Snapshot snapshot) {
    SortedMap<Endpoint, SocketEntry> sockets = new TreeMap<>();
    for (SocketEntry entry : snapshot.sockets().values()) {
      Endpoint endpoint = covers(entry) ? generalize(entry.endpoint()) : entry.endpoint();
      sockets.merge(endpoint, entry.at(endpoint), SocketEntry::and);
    }
    return new Snapshot(snapshot.hostInfo(), sockets);
  }
}
