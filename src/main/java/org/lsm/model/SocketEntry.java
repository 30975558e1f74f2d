package org.lsm.model;

import java.util.Collection;
import java.util.Collections;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.SortedSet;
import java.util.TreeSet;

/**
 * A watched endpoint with its owners (none if no process holds the socket, {@link Owner#UNKNOWN} if
 * there may be more) and their processes (none in an entry from a file).
 */
public record SocketEntry(Endpoint endpoint, SortedSet<Owner> owners, List<ProcessRef> processes) {
  public SocketEntry {
    owners = Collections.unmodifiableSortedSet(new TreeSet<>(owners));
    processes = List.copyOf(processes);
  }

  /** Makes an entry with these processes, and whether they are all that hold the socket. */
  public static SocketEntry heldBy(
      Endpoint endpoint, Collection<ProcessRef> processes, boolean complete) {
    SortedSet<Owner> owners = new TreeSet<>();
    processes.forEach(process -> owners.add(process.owner()));
    if (!complete) {
      owners.add(Owner.UNKNOWN);
    }
    return new SocketEntry(endpoint, owners, List.copyOf(processes));
  }

  public SocketEntry at(Endpoint other) {
    return new SocketEntry(other, owners, processes);
  }

  /** Returns the entry with the owners and processes of both. */
  public SocketEntry and(SocketEntry other) {
    SortedSet<Owner> allOwners = new TreeSet<>(owners);
    allOwners.addAll(other.owners);
    Set<ProcessRef> allProcesses = new LinkedHashSet<>(processes);
    allProcesses.addAll(other.processes);
    return new SocketEntry(endpoint, allOwners, List.copyOf(allProcesses));
  }

  /** Whether there may be owners that lsm lacks the privileges to see. */
  public boolean ownerUnknown() {
    return owners.contains(Owner.UNKNOWN);
  }
}
