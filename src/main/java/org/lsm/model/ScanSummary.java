package org.lsm.model;

import java.util.List;

/**
 * The hosts that sent probes to unused ports within the last day.
 *
 * @param overflowing whether the kernel's table is full or nearly full: hosts may be missing
 */
public record ScanSummary(List<ScanningHost> hosts, boolean overflowing) {
  public ScanSummary {
    hosts = List.copyOf(hosts);
  }

  /** The number of hosts that scan, see {@link ScanningHost#scans}. */
  public long scanning(int trigger) {
    return hosts.stream().filter(it -> it.scans(trigger)).count();
  }

  public long blocked() {
    return hosts.stream().filter(it -> it.blockedUntil().isPresent()).count();
  }
}
