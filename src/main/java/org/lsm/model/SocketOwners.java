package org.lsm.model;

import java.util.List;

/**
 * The processes that hold a socket, and whether these are all of them.
 *
 * @param others its owners that are none of these processes, see {@link OwnerLimit}
 */
public record SocketOwners(List<ProcessRef> processes, List<Owner> others, boolean complete) {
  /** The owners of a socket that has no others. */
  public SocketOwners(List<ProcessRef> processes, boolean complete) {
    this(processes, List.of(), complete);
  }

  /** Whether it may have owners, of which none was found. */
  public boolean isUnknown() {
    return processes.isEmpty() && !complete;
  }

  /** Whether a process of this user holds it, or one that is not kept by name may. */
  public boolean mayInclude(String user) {
    for (ProcessRef process : processes) {
      if (process.owner().user().equals(user)) {
        return true;
      }
    }
    return !complete || !others.isEmpty();
  }

  // See Endpoint.equals.
  @Override
  public boolean equals(Object it) {
    return it == this
        || (it instanceof SocketOwners o
            && complete == o.complete
            && processes.equals(o.processes)
            && others.equals(o.others));
  }

  @Override
  public int hashCode() {
    return processes.hashCode();
  }
}
