package org.lsm.model;

import java.util.List;

/**
 * Who has knocked at unused ports within the last day, as far as the kernel has kept it.
 *
 * @param hosts every host
 * @param overflowing whether there are more, or soon will be, than there is room for
 */
public record ScanSummary(List<ScanningHost> hosts, boolean overflowing) {

  /** What is known where nothing was looked at. */
  public static final ScanSummary NONE = new ScanSummary(List.of(), false);

  public ScanSummary {
    hosts = List.copyOf(hosts);
  }

  /** The hosts that scan. */
  public long scanning(int trigger) {
    return hosts.stream().filter(it -> it.scans(trigger)).count();
  }

  /** The hosts that are blocked. */
  public long blocked() {
    return hosts.stream().filter(it -> it.blockedUntil().isPresent()).count();
  }
}
