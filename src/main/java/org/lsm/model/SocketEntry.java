package org.lsm.model;

import java.util.Collection;
import java.util.Collections;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.SortedSet;
import java.util.TreeSet;

/**
 * One watched endpoint with everybody who holds it.
 *
 * @param endpoint where it can be reached
 * @param owners all its owners; empty if no process holds it, {@link Owner#UNKNOWN} if nobody could
 *     tell
 * @param processes the processes behind the owners; empty in an entry read from a file
 */
public record SocketEntry(Endpoint endpoint, SortedSet<Owner> owners, List<ProcessRef> processes) {

  public SocketEntry {
    owners = Collections.unmodifiableSortedSet(new TreeSet<>(owners));
    processes = List.copyOf(processes);
  }

  /**
   * An entry held by these processes.
   *
   * @param processes the processes that were found; if there is none, no process holds it
   * @param complete whether all there may be could be found
   */
  public static SocketEntry heldBy(
      Endpoint endpoint, Collection<ProcessRef> processes, boolean complete) {
    SortedSet<Owner> owners = new TreeSet<>();
    processes.forEach(process -> owners.add(process.owner()));
    if (!complete) {
      owners.add(Owner.UNKNOWN);
    }
    return new SocketEntry(endpoint, owners, List.copyOf(processes));
  }

  /** The same owners at another endpoint. */
  public SocketEntry at(Endpoint other) {
    return new SocketEntry(other, owners, processes);
  }

  /** This endpoint with the owners of both. */
  public SocketEntry and(SocketEntry other) {
    SortedSet<Owner> allOwners = new TreeSet<>(owners);
    allOwners.addAll(other.owners);
    Set<ProcessRef> allHolders = new LinkedHashSet<>(processes);
    allHolders.addAll(other.processes);
    return new SocketEntry(endpoint, allOwners, List.copyOf(allHolders));
  }

  /** Whether somebody holds it whom this scan was not allowed to see. */
  public boolean ownerUnknown() {
    return owners.contains(Owner.UNKNOWN);
  }
}
