package org.lsm.model;

import java.util.List;

/**
 * Who holds a socket.
 *
 * @param processes the processes that were found
 * @param complete whether all there may be could be found
 */
public record SocketOwners(List<ProcessRef> processes, boolean complete) {

  // By hand for the same reason as in Endpoint.

  @Override
  public boolean equals(Object other) {
    return other instanceof SocketOwners holding
        && complete == holding.complete
        && processes.equals(holding.processes);
  }

  @Override
  public int hashCode() {
    return processes.hashCode();
  }
}
