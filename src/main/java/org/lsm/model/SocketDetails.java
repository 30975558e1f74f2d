package org.lsm.model;

import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * What can be told of a socket at the moment it is found, and perhaps never again. Strings are
 * empty where there is nothing to tell.
 *
 * @param service name of the port in services(5)
 * @param peers up to five remote ends that are connected to it now
 * @param processes the processes behind it, one for each owner, the oldest
 * @param flags what is odd about it
 * @param suspectedParent the socket whose name it may be a part of, where its row may be forged
 * @param inodeHolders the processes that hold the inode that such a row has, but perhaps not what
 *     it tells
 */
public record SocketDetails(
    String service,
    List<String> peers,
    List<ProcessDetails> processes,
    Set<Flag> flags,
    Optional<Endpoint> suspectedParent,
    List<ProcessRef> inodeHolders) {

  /** A story of which nothing is known. */
  public static final SocketDetails UNKNOWN =
      new SocketDetails("", List.of(), List.of(), Set.of(), Optional.empty(), List.of());

  /** The same story of a row that may be forged; see the parameters of a story. */
  public SocketDetails doubted(
      Endpoint suspectedParent, List<ProcessRef> inodeHolders, Flag doubt) {
    SocketDetails details =
        new SocketDetails(
            service, peers, processes, flags, Optional.of(suspectedParent), inodeHolders);
    return details.with(doubt);
  }

  /** The same story with one more flag. */
  public SocketDetails with(Flag flag) {
    Set<Flag> more = EnumSet.of(flag);
    more.addAll(flags);
    return new SocketDetails(service, peers, processes, more, suspectedParent, inodeHolders);
  }
}
