package org.lsm.model;

import java.time.Instant;

/** The origin of a snapshot: host name, kernel release, time of the scan, version of lsm. */
public record HostInfo(String host, String kernel, Instant time, String version) {
  /** The same host at another time. */
  public HostInfo at(Instant other) {
    return new HostInfo(host, kernel, other, version);
  }
}
