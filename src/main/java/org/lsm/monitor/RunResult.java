package org.lsm.monitor;

import java.util.List;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import org.lsm.model.ScanSummary;
import org.lsm.model.Snapshot;
import org.lsm.report.DiffReport;
import org.lsm.report.PortScanReport;

/**
 * The result of one run, before its alerts are delivered.
 *
 * @param report all differences; empty if nothing could be compared
 * @param serving the snapshots whose ports are served; empty if nothing could be compared
 * @param ignored the number of sockets that rules ignore; counted for metrics only, else 0
 * @param failure why nothing could be compared
 * @param alerted whether an alert was due
 * @param portScans the result of the check for port scans
 */
public record RunResult(
    Optional<DiffReport> report,
    List<Snapshot> serving,
    long ignored,
    Optional<Exception> failure,
    boolean alerted,
    PortScans portScans) {

  /**
   * The result of a check for port scans.
   *
   * @param summary the hosts in the packet filter; empty if it was not read
   * @param alert the hosts that are alerted now
   */
  public record PortScans(Optional<ScanSummary> summary, Optional<PortScanReport> alert) {

    /** The result where no check was made. */
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

  static RunResult compared(
      DiffReport report, List<Snapshot> serving, long ignored, boolean alerted) {
    return new RunResult(
        Optional.of(report), serving, ignored, Optional.empty(), alerted, PortScans.NONE);
  }

  static RunResult failed(Exception failure, boolean alerted) {
    return new RunResult(
        Optional.empty(), List.of(), 0, Optional.of(failure), alerted, PortScans.NONE);
  }

  RunResult with(PortScans check) {
    return new RunResult(report, serving, ignored, failure, alerted, check);
  }
}
