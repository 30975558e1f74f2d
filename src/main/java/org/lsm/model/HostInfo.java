package org.lsm.model;

import java.time.Instant;

/**
 * The origin of a snapshot.
 *
 * @param host host name
 * @param kernel release of the kernel
 * @param time time of the scan
 * @param version version of lsm
 */
public record HostInfo(String host, String kernel, Instant time, String version) {}
