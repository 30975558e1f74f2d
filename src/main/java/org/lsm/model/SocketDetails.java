package org.lsm.model;

import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * What a report adds to a new or changed socket, read in the scan that finds it, as processes end:
 * the name of its port in services(5), up to five connected peers, the oldest process of each
 * owner, and, if its row may be forged, the socket whose name may contain it. Empty where unknown.
 *
 * @param clients the hosts that have sent packets to it since the last compare, if the packet
 *     filter records them
 */
public record SocketDetails(
    String service,
    List<String> peers,
    List<ProcessDetails> processes,
    Set<Flag> flags,
    Optional<Endpoint> suspectedParent,
    List<PortClient> clients,
    Facts facts) {
  public static final SocketDetails UNKNOWN =
      new SocketDetails("", List.of(), List.of(), Set.of(), Optional.empty());

  /** Details as a scan finds them. */
  public SocketDetails(
      String service,
      List<String> peers,
      List<ProcessDetails> processes,
      Set<Flag> flags,
      Optional<Endpoint> suspectedParent) {
    this(service, peers, processes, flags, suspectedParent, List.of(), Facts.NONE);
  }

  public SocketDetails with(List<PortClient> others) {
    return new SocketDetails(service, peers, processes, flags, suspectedParent, others, facts);
  }

  public SocketDetails with(Flag flag) {
    Set<Flag> more = EnumSet.of(flag);
    more.addAll(flags);
    return new SocketDetails(service, peers, processes, more, suspectedParent, clients, facts);
  }

  public SocketDetails with(List<ProcessDetails> others, Facts all) {
    return new SocketDetails(service, peers, others, flags, suspectedParent, clients, all);
  }
}
