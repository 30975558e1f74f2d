package org.lsm.snapshot;

import java.util.Collection;
import java.util.Collections;
import java.util.List;
import java.util.SortedSet;
import java.util.TreeSet;

/**
 * One watched endpoint with everybody who holds it.
 *
 * @param endpoint where it can be reached
 * @param owners all its owners; empty if no process holds it, {@link Owner#UNKNOWN} if nobody could
 *     tell
 * @param holders the processes behind the owners; empty in an entry read from a file
 */
public record SocketEntry(Endpoint endpoint, SortedSet<Owner> owners, List<Holder> holders) {

  public SocketEntry {
    owners = Collections.unmodifiableSortedSet(new TreeSet<>(owners));
    holders = List.copyOf(holders);
  }

  /**
   * An entry held by these processes.
   *
   * @param holders the processes that were found; if there is none, no process holds it
   * @param complete whether all there may be could be found
   */
  public static SocketEntry heldBy(
      Endpoint endpoint, Collection<Holder> holders, boolean complete) {
    SortedSet<Owner> owners = new TreeSet<>();
    holders.forEach(holder -> owners.add(holder.owner()));
    if (!complete) {
      owners.add(Owner.UNKNOWN);
    }
    return new SocketEntry(endpoint, owners, List.copyOf(holders));
  }

  /** Whether somebody holds it whom this scan was not allowed to see. */
  public boolean ownerUnknown() {
    return owners.contains(Owner.UNKNOWN);
  }
}
