package org.lsm.model;

import java.time.Instant;

/**
 * Where a snapshot comes from.
 *
 * @param host the host's name
 * @param kernel the kernel's release
 * @param time when the scan was made
 * @param version the version of lsm that made it
 */
public record HostInfo(String host, String kernel, Instant time, String version) {}
