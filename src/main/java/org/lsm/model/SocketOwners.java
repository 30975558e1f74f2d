package org.lsm.model;

import java.util.List;

/** The processes that hold a socket, and whether these are all of them. */
public record SocketOwners(List<ProcessRef> processes, boolean complete) {
  /** Whether it may have owners, of which none was found. */
  public boolean isUnknown() {
    return processes.isEmpty() && !complete;
  }

  /** Whether it is not known what one of the processes executes. */
  public boolean hasUnknownProcess() {
    for (ProcessRef process : processes) {
      if (process.owner().equals(Owner.UNKNOWN)) {
        return true;
      }
    }
    return false;
  }

  // See Endpoint.equals.
  @Override
  public boolean equals(Object it) {
    return it instanceof SocketOwners o && complete == o.complete && processes.equals(o.processes);
  }

  @Override
  public int hashCode() {
    return processes.hashCode();
  }
}
