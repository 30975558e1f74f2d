package org.lsm.model;

import java.util.Collection;
import java.util.Collections;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.SortedSet;
import java.util.TreeSet;

/** An endpoint with owners, {@link Owner#UNKNOWN} for hidden, and processes (none in files). */
public record SocketEntry(Endpoint endpoint, SortedSet<Owner> owners, List<ProcessRef> processes) {
  public SocketEntry {
    owners = Collections.unmodifiableSortedSet(new TreeSet<>(owners));
    processes = List.copyOf(processes);
  }

  /** Makes an entry with these processes, and whether they are all that hold the socket. */
  public static SocketEntry heldBy(Endpoint at, Collection<ProcessRef> processes, boolean all) {
    SortedSet<Owner> owners = new TreeSet<>();
    processes.forEach(process -> owners.add(process.owner()));
    if (!all) {
      owners.add(Owner.UNKNOWN);
    }
    return new SocketEntry(at, owners, List.copyOf(processes));
  }

  public SocketEntry at(Endpoint other) {
    return new SocketEntry(other, owners, processes);
  }

  /** Returns the entry with these instead of its processes, and their owners instead of theirs. */
  public SocketEntry with(List<ProcessRef> others) {
    SortedSet<Owner> all = new TreeSet<>(owners);
    processes.forEach(process -> all.remove(process.owner()));
    others.forEach(process -> all.add(process.owner()));
    return new SocketEntry(endpoint, all, others);
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
