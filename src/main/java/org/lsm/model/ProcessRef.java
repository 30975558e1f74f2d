package org.lsm.model;

import java.time.Instant;

/**
 * A process; its start, also in ticks after boot (proc(5)), distinguishes it from others with its
 * PID.
 *
 * @param startStack where its stack begins (proc(5)), which each execve(2) chooses anew; 0 if
 *     hidden
 * @param file what it executes; {@link ProgramFile#UNKNOWN} where that was not read
 * @param parent the PID of its parent when lsm first saw it; 0 if hidden
 */
public record ProcessRef(
    int pid,
    long startTicks,
    Instant startTime,
    Owner owner,
    long startStack,
    ProgramFile file,
    int parent) {

  /** A process of which no more is known. */
  public ProcessRef(int pid, long startTicks, Instant startTime, Owner owner) {
    this(pid, startTicks, startTime, owner, 0, ProgramFile.UNKNOWN, 0);
  }

  /** Returns the process as of a program at another path. */
  public ProcessRef at(String path) {
    Owner renamed = new Owner(owner.user(), path, owner.script());
    return new ProcessRef(pid, startTicks, startTime, renamed, startStack, file, parent);
  }

  // See Endpoint.equals. The parent may end first.
  @Override
  public boolean equals(Object other) {
    return other instanceof ProcessRef process
        && pid == process.pid
        && startTicks == process.startTicks
        && startStack == process.startStack
        && owner.equals(process.owner)
        && startTime.equals(process.startTime)
        && file.equals(process.file);
  }

  @Override
  public int hashCode() {
    return 31 * pid + Long.hashCode(startTicks);
  }
}
