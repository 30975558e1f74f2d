package org.lsm.snapshot;

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
public record Holder(int pid, long startTicks, Instant startTime, Owner owner) {}
