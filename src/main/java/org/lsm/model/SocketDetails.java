package org.lsm.model;

import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * What a report adds to a socket that is new or changed. It is read in the scan that finds the
 * socket, because later the process may be gone. A string is empty if it is unknown.
 *
 * @param service name of the port in services(5)
 * @param peers at most five remote ends that are connected to it now
 * @param processes one process for each owner, the oldest
 * @param suspectedParent if its row may be forged, the socket whose name may contain the row
 */
public record SocketDetails(
    String service,
    List<String> peers,
    List<ProcessDetails> processes,
    Set<Flag> flags,
    Optional<Endpoint> suspectedParent) {

  public static final SocketDetails UNKNOWN =
      new SocketDetails("", List.of(), List.of(), Set.of(), Optional.empty());

  public SocketDetails with(Flag flag) {
    Set<Flag> more = EnumSet.of(flag);
    more.addAll(flags);
    return new SocketDetails(service, peers, processes, more, suspectedParent);
  }
}
