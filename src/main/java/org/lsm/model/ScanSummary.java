package org.lsm.model;

import java.util.List;

/** Hosts that probed unused ports within a day; overflowing if the kernel's table may lack some. */
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
