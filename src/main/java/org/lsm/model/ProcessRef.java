package org.lsm.model;

import java.time.Instant;

/**
 * A process at the time of the scan. Its start time, in clock ticks after boot (proc(5), field 22
 * of stat) and as wall-clock time, distinguishes processes that had the same PID.
 */
public record ProcessRef(int pid, long startTicks, Instant startTime, Owner owner) {
  // See Endpoint.equals.
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
