package org.lsm.model;

import java.time.Instant;

/**
 * One process, as it was at the moment of the scan.
 *
 * @param pid its process ID
 * @param startTicks when it was started, in clock ticks after boot: tells two processes apart that
 *     have had the same ID (proc(5), field 22 of stat)
 * @param startTime the same moment for people
 * @param owner its user and program
 */
public record ProcessRef(int pid, long startTicks, Instant startTime, Owner owner) {

  // By hand for the same reason as in Endpoint.

  @Override
  public boolean equals(Object other) {
    return other instanceof ProcessRef process
        && pid == process.pid
        && startTicks == process.startTicks
        && owner.equals(process.owner)
        && startTime.equals(process.startTime);
  }

  @Override
  public int hashCode() {
    return 31 * pid + Long.hashCode(startTicks);
  }
}
