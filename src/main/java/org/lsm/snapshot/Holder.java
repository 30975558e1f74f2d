package org.lsm.snapshot;

import java.time.Instant;

/**
 * One process that holds a socket at the moment of the scan.
 *
 * @param pid its process ID
 * @param owner its user and program
 * @param startTime when it was started
 */
public record Holder(int pid, Owner owner, Instant startTime) {}
