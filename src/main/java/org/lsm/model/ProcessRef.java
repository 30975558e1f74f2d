package org.lsm.model;

import java.time.Instant;

/**
 * A process; its start, also in ticks after boot (proc(5)), distinguishes it from others with its
 * PID.
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
