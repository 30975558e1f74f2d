package org.lsm.model;

import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/**
 * An endpoint with its owners, see {@link OwnerLimit}, {@link Owner#UNKNOWN} for hidden ones, and
 * its processes (none in files).
 *
 * @param owners in their order
 * @param optional in a baseline: whether the socket may be absent without being GONE
 */
public record SocketEntry(
    Endpoint endpoint, Set<Owner> owners, List<ProcessRef> processes, boolean optional) {
  public SocketEntry {
    owners = OwnerSet.copyOf(owners);
    processes = List.copyOf(processes);
  }

  /** An entry that is not optional. */
  public SocketEntry(Endpoint endpoint, Set<Owner> owners, List<ProcessRef> processes) {
    this(endpoint, owners, processes, false);
  }

  public static SocketEntry heldBy(Endpoint at, SocketOwners held) {
    Set<Owner> owners = new TreeSet<>(held.others());
    for (ProcessRef process : held.processes()) {
      owners.add(process.owner());
    }
    if (!held.complete()) {
      owners.add(Owner.UNKNOWN);
    }
    return new SocketEntry(at, owners, held.processes());
  }

  /** Returns the entry of another socket that shares its owners and processes. */
  public SocketEntry at(Endpoint other) {
    return new SocketEntry(other, owners, processes, optional);
  }

  public SocketEntry asOptional() {
    return new SocketEntry(endpoint, owners, processes, true);
  }

  /** Returns the entry with these processes and their owners in place of its own. */
  public SocketEntry with(List<ProcessRef> others) {
    Set<Owner> all = new TreeSet<>(owners);
    processes.forEach(process -> all.remove(process.owner()));
    others.forEach(process -> all.add(process.owner()));
    return new SocketEntry(endpoint, all, others, optional);
  }

  /** Returns the entry with the owners and processes of both; it is optional if one is. */
  public SocketEntry and(SocketEntry other) {
    Set<Owner> allOwners = new TreeSet<>(owners);
    allOwners.addAll(other.owners);
    Set<ProcessRef> allProcesses = new LinkedHashSet<>(processes);
    allProcesses.addAll(other.processes);
    return new SocketEntry(
        endpoint, allOwners, List.copyOf(allProcesses), optional || other.optional);
  }

  /** Whether it has more owners than are kept by name. */
  public boolean hasFurtherOwners() {
    return owners.stream().anyMatch(Owner::isFurther);
  }

  /** Whether it has no owner but the user who made it. */
  public boolean hasNoProcess() {
    for (Owner owner : owners) {
      if (!owner.isMaker()) {
        return false;
      }
    }
    return true;
  }

  /** The owners that an entry of a baseline lacks; one that this scan cannot see is not counted. */
  public List<Owner> ownersBeyond(SocketEntry was) {
    List<Owner> beyond = new ArrayList<>();
    for (Owner owner : owners) {
      if (!owner.equals(Owner.UNKNOWN) && !was.includes(owner)) {
        beyond.add(owner);
      }
    }
    return beyond;
  }

  /** Whether an owner belongs to this entry of a baseline: a maker does if its user does. */
  public boolean includes(Owner owner) {
    if (!owner.isMaker()) {
      return owners.contains(owner);
    }
    for (Owner known : owners) {
      if (known.user().equals(owner.user())) {
        return true;
      }
    }
    return false;
  }

  /** Whether all owners are known; an interpreter whose script is unknown may run anything. */
  boolean ownersKnown() {
    for (Owner owner : owners) {
      if (owner.equals(Owner.UNKNOWN) || owner.script().equals(Owner.UNKNOWN_SCRIPT)) {
        return false;
      }
    }
    return true;
  }

  /** Whether there may be owners that lsm lacks the privileges to see. */
  public boolean ownerUnknown() {
    return owners.contains(Owner.UNKNOWN);
  }

  /** Whether no process was found that holds it, because there is none or it was not seen. */
  public boolean ownerNotFound() {
    return hasNoProcess() || ownerUnknown();
  }
}
