package org.lsm.monitor;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.lsm.alert.Alert;
import org.lsm.alert.History;
import org.lsm.alert.Outbox;
import org.lsm.config.Config;
import org.lsm.config.Config.SentryMode;
import org.lsm.model.HostInfo;
import org.lsm.model.ScanSummary;
import org.lsm.model.ScanningHost;
import org.lsm.model.Snapshot;
import org.lsm.monitor.RunResult.PortScans;
import org.lsm.report.LogEvent;
import org.lsm.report.PortScanReport;
import org.lsm.sentry.NftRuleset;
import org.lsm.sentry.NftTable;
import org.lsm.sentry.NftTableState;
import org.lsm.sentry.ReverseDns;
import org.lsm.sentry.SentryState;
import org.lsm.storage.StateDirectory;

/**
 * The part of a run that deals with port scans: reads which hosts have probed unused ports, stores
 * the alert that is due, and has the kernel watch the ports that are unused now.
 */
public final class PortScanCheck {

  private final Components components;
  private final Config config;
  private final History history;
  private final Outbox outbox;
  private final boolean quiet;
  private final NftTable table;
  private final Path file;

  PortScanCheck(Components components, History history, Outbox outbox, boolean quiet) {
    this.components = components;
    this.config = components.config();
    this.history = history;
    this.outbox = outbox;
    this.quiet = quiet;
    this.table = components.nftTable();
    this.file = StateDirectory.sentryState(config.stateDirectory());
  }

  /** Whether there is work: also after SENTRY was switched off, while its table remains. */
  static boolean isDue(Config config) {
    return config.sentry() != SentryMode.OFF
        || Files.exists(StateDirectory.sentryState(config.stateDirectory()));
  }

  /** The hosts that have probed ports by state, for the metrics; empty if they are unknown. */
  static SortedMap<String, Long> counts(Optional<ScanSummary> summary, int trigger) {
    SortedMap<String, Long> counts = new TreeMap<>();
    if (summary.isPresent()) {
      counts.put("seen", (long) summary.get().hosts().size());
      counts.put("scanning", summary.get().scanning(trigger));
      counts.put("blocked", summary.get().blocked());
    }
    return counts;
  }

  /**
   * Runs the check. A failure is reported and stored for {@code lsm status}; it does not end the
   * run, which goes on to watch the sockets.
   *
   * @param serving the snapshots whose ports are served; empty if they are unknown
   */
  PortScans run(HostInfo host, List<Snapshot> serving) {
    Progress progress = new Progress(SentryState.read(file));
    String reported = progress.state.failure();
    try {
      if (config.sentry() == SentryMode.OFF) {
        table.remove();
        Files.deleteIfExists(file);
        return PortScans.NONE;
      }
      check(progress, host, serving);
      progress.state = progress.state.withFailure("");
    } catch (IOException | RuntimeException e) {
      progress.fail(ErrorMessages.explain(e), reported);
    } catch (OutOfMemoryError e) {
      progress.fail("there is not enough memory to read the hosts that probe ports", reported);
    }
    try {
      progress.store();
    } catch (IOException e) {
      components.warn("the port scans of this run will be alerted again: " + e.getMessage());
    }
    return new PortScans(progress.summary, progress.alert);
  }

  /** What the check has done so far; a failure at any point keeps it. */
  private final class Progress {
    private SentryState state;
    private Optional<SentryState> stored = Optional.empty();
    private Optional<ScanSummary> summary = Optional.empty();
    private Optional<PortScanReport> alert = Optional.empty();

    Progress(SentryState state) {
      this.state = state;
    }

    void store() throws IOException {
      if (!stored.equals(Optional.of(state))) {
        state.write(file);
        stored = Optional.of(state);
      }
    }

    void fail(String reason, String reported) {
      state = state.withFailure(reason);
      if (!quiet || !reported.equals(reason)) {
        components.warn(reason);
      }
    }
  }

  private void check(Progress progress, HostInfo host, List<Snapshot> serving) throws IOException {
    Instant now = components.now();
    Optional<NftTableState> found = table.read(now);
    boolean stored = true;
    if (found.isPresent()) {
      progress.summary = Optional.of(found.get().summary());
      stored = alert(progress, found.get().summary(), host, now);
      progress.state = progress.state.withBlocked(found.get().blocked());
    }
    if (!serving.isEmpty()) {
      progress.store(); // before there is a table: the file says that there may be one
      table.apply(components.nftRuleset(serving), found, progress.state.blocked(), now);
    }
    if (stored && found.isPresent() && found.get().summary().overflowing()) {
      table.flushProbes();
    }
  }

  /** Stores the alert that is due, if any; returns false if it could not be stored. */
  private boolean alert(Progress progress, ScanSummary found, HostInfo host, Instant now) {
    SentryState.PortScanDecision decision =
        progress.state.decide(
            found, config.sentryTrigger(), PortScanReport.MAX_NAMED, now, config.sentryRemind());
    if (decision.due()) {
      PortScanReport report =
          new PortScanReport(
              host, named(decision.hosts()), notes(found), components.environment().zone());
      progress.alert = Optional.of(report);
      if (!outbox.put(Alert.of(report, config.subject()))) {
        return false;
      }
      history.append("port_scan", report.events().stream().map(LogEvent::message).toList());
    }
    progress.state = decision.next();
    return true;
  }

  /** The hosts, with the names of those that a report names if SENTRY_RESOLVE asks for it. */
  private List<ScanningHost> named(List<ScanningHost> hosts) {
    if (!config.sentryResolves()) {
      return hosts;
    }
    int count = Math.min(hosts.size(), PortScanReport.MAX_NAMED);
    return Stream.concat(
            ReverseDns.resolve(hosts.subList(0, count)).stream(),
            hosts.subList(count, hosts.size()).stream())
        .toList();
  }

  /** What limits the trust in the hosts that were read. */
  public static List<String> notes(ScanSummary summary) {
    List<String> notes = new ArrayList<>();
    if (summary.overflowing()) {
      notes.add(
          "the sets of hosts and ports are full or nearly full: other hosts may be missing, and"
              + " these addresses may be forged");
    }
    if (summary.blocked() >= NftRuleset.MAX_ELEMENTS) {
      notes.add("the set of blocked hosts is full: further hosts may not be blocked");
    }
    return notes;
  }
}
