package org.lsm.monitor;

import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import org.lsm.model.ScanSummary;
import org.lsm.report.DiffReport;
import org.lsm.report.PortScanReport;
import org.lsm.sentry.HostPorts;

/**
 * The result of one run, before its alerts are delivered.
 *
 * @param report empty if nothing could be compared
 * @param ports of this host, for the packet filter; empty if they are unknown or it is not used
 * @param ignored the number of sockets that rules ignore; counted for metrics only, else 0
 * @param failure why nothing could be compared, or what is compared is incomplete
 * @param alerted whether an alert was due, or could not even be made
 */
public record RunResult(
    Optional<DiffReport> report,
    Optional<HostPorts> ports,
    long ignored,
    Optional<Exception> failure,
    boolean alerted,
    PortScans portScans) {

  /** The hosts in the packet filter, if it was read, and those that are alerted now. */
  public record PortScans(Optional<ScanSummary> summary, Optional<PortScanReport> alert) {
    static final PortScans NONE = new PortScans(Optional.empty(), Optional.empty());

    /** The hosts by state, for the metrics; empty if they are unknown. */
    SortedMap<String, Long> counts(int trigger) {
      SortedMap<String, Long> counts = new TreeMap<>();
      if (summary.isPresent()) {
        counts.put("seen", (long) summary.get().hosts().size());
        counts.put("scanning", summary.get().scanning(trigger));
        counts.put("blocked", summary.get().blocked());
      }
      return counts;
    }
  }

  /** A compare of the whole host, before its port scans are known. */
  static RunResult compared(
      DiffReport report, Optional<HostPorts> ports, long ignored, boolean alerted) {
    return new RunResult(
        Optional.of(report), ports, ignored, Optional.empty(), alerted, PortScans.NONE);
  }

  /** A run that could not compare. */
  static RunResult failed(Exception failure, boolean alerted) {
    return new RunResult(
        Optional.empty(), Optional.empty(), 0, Optional.of(failure), alerted, PortScans.NONE);
  }

  /** The result of a compare that is incomplete because of this failure. */
  RunResult with(RunResult failed) {
    return new RunResult(report, ports, ignored, failed.failure, failed.alerted, PortScans.NONE);
  }

  RunResult with(PortScans check) {
    return new RunResult(report, ports, ignored, failure, alerted, check);
  }
}
