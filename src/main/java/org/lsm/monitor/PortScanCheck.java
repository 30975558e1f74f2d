package org.lsm.monitor;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.lsm.alert.Alert;
import org.lsm.alert.History;
import org.lsm.alert.Outbox;
import org.lsm.config.Config;
import org.lsm.config.Config.SentryMode;
import org.lsm.model.ErrorMessages;
import org.lsm.model.HostInfo;
import org.lsm.model.ScanSummary;
import org.lsm.model.ScanningHost;
import org.lsm.model.ServedPort;
import org.lsm.monitor.RunResult.PortScans;
import org.lsm.report.DiffReport;
import org.lsm.report.LogEvent;
import org.lsm.report.PortScanReport;
import org.lsm.report.Times;
import org.lsm.sentry.Dns;
import org.lsm.sentry.HostPorts;
import org.lsm.sentry.NftRuleset;
import org.lsm.sentry.NftTable;
import org.lsm.sentry.NftTableState;
import org.lsm.sentry.SentryState;
import org.lsm.storage.StateDirectory;

/**
 * The part of a run for the packet filter: reads which hosts have probed unused ports, and which
 * ports were served since the last compare, stores the alert that is due, and has the kernel watch
 * the ports that are unused now.
 */
public final class PortScanCheck {
  private static final Duration ROUNDING = Duration.ofSeconds(3); // of the times of nft

  private static final String SERVED_OVERFLOW =
      "the sets of the clients of new ports are full or nearly full: ports and clients may be missing";

  private final Components components;
  private final Config config;
  private final History history;
  private final Outbox outbox;
  private final NftTable table;
  private final Path file;
  private final boolean hadTable;
  private SentryState state;
  private String failure = "";
  private Optional<NftTableState> found = Optional.empty();
  private Optional<HostPorts> ports = Optional.empty();
  private Optional<Instant> lastCompare = Optional.empty();
  private Optional<ScanSummary> summary = Optional.empty();
  private Optional<PortScanReport> alert = Optional.empty();

  PortScanCheck(Components components, History history, Outbox outbox) {
    this.components = components;
    this.config = components.config();
    this.history = history;
    this.outbox = outbox;
    this.table = components.nftTable();
    this.file = config.stateDirectory().resolve(StateDirectory.SENTRY_STATE);
    this.state = SentryState.read(file);
    this.hadTable = Files.exists(file) && state.failure().isEmpty();
  }

  /** Whether there is work: also after SENTRY was switched off, while its table remains. */
  static boolean isDue(Config config) {
    return config.sentry() != SentryMode.OFF
        || Files.exists(config.stateDirectory().resolve(StateDirectory.SENTRY_STATE));
  }

  private interface Step {
    void run() throws IOException;
  }

  /** Runs a step, unless an earlier one has failed. */
  private void attempt(Step step) {
    if (!failure.isEmpty()) {
      return;
    }
    try {
      step.run();
    } catch (IOException | RuntimeException e) {
      failure = ErrorMessages.explain(e);
    } catch (OutOfMemoryError e) {
      failure = "there is not enough memory to read the hosts that probe ports";
    }
  }

  /** Reads the table. {@link #run} reports a failure. */
  void read() {
    if (config.sentry() != SentryMode.OFF) {
      attempt(() -> found = table.read(components.now()));
    }
  }

  /** Adds to a report what was served since the last compare, on a host with these ports. */
  DiffReport addServed(DiffReport report, HostPorts known) throws IOException {
    ports = Optional.of(known);
    Instant now = components.now();
    lastCompare = components.lastCompare().filter(it -> !it.isAfter(now));
    Instant since = lastCompare.map(it -> it.minus(ROUNDING)).orElse(Instant.MIN);
    List<ServedPort> served =
        found.stream()
            .flatMap(it -> it.served().stream())
            .flatMap(it -> it.after(since).stream())
            .toList();
    if (served.isEmpty()) {
      return report;
    }
    List<String> notes = found.get().servedOverflowing() ? List.of(SERVED_OVERFLOW) : List.of();
    return ServedPortCheck.add(report, served, known, notes);
  }

  /**
   * Runs the check, once. A failure is reported, unless {@code quiet} and the last run has reported
   * it, and stored for {@code lsm status}; it does not end the run. Without {@link #addServed} the
   * ports that are served are unknown.
   */
  PortScans run(HostInfo host, boolean quiet) {
    if (config.sentry() == SentryMode.OFF) {
      attempt(table::remove);
      attempt(() -> Files.deleteIfExists(file));
      if (failure.isEmpty()) {
        return PortScans.NONE;
      }
    } else {
      attempt(() -> check(host));
    }
    if (!failure.isEmpty() && !(quiet && failure.equals(state.failure()))) {
      components.warn(failure);
    }
    try {
      state.withFailure(failure).write(file);
    } catch (IOException e) {
      components.warn(
          "the port scans of this run will be alerted again: " + ErrorMessages.explain(e));
    }
    return new PortScans(summary, alert);
  }

  private void check(HostInfo host) throws IOException {
    Instant now = components.now();
    summary = found.map(NftTableState::summary);
    ScanSummary probes = summary.orElse(new ScanSummary(List.of(), false));
    boolean full = storeAlert(probes, loss(), host, now) && probes.overflowing();
    if (found.isPresent()) {
      state = state.withBlocked(found.get().blocked());
    }
    if (ports.isPresent()) {
      NftRuleset rules = rules(ports.get());
      state.write(file); // before there is a table: the file says that there may be one
      table.apply(rules, found, state.blocked(), now);
      if (found.isPresent() && found.get().servedOverflowing()) {
        table.flushServed();
      }
    }
    if (full) {
      table.flushProbes();
    }
    for (var it : state.answers().entrySet()) {
      if (it.getValue().isEmpty()) {
        throw new IOException(
            "SENTRY_IGNORE has no effect for "
                + it.getKey()
                + ": no name server has an address for it");
      }
    }
  }

  /** The rules; where they change, with new answers for the names in SENTRY_IGNORE. */
  private NftRuleset rules(HostPorts known) throws IOException {
    List<String> names = config.sentryIgnoreNames();
    NftRuleset rules = components.nftRuleset(known, state);
    boolean isSame = found.isPresent() && found.get().mark().equals(rules.mark());
    boolean isAnswered =
        state.answers().keySet().equals(Set.copyOf(names)) && !state.answers().containsValue("");
    if (isSame && isAnswered) {
      return rules;
    }
    state = state.withAnswers(Dns.addresses(names));
    return components.nftRuleset(known, state);
  }

  /** What is unknown because somebody has removed the rules; they do not survive a boot either. */
  private List<String> loss() throws IOException {
    boolean hasRules = found.isPresent() && !found.get().mark().isEmpty();
    if (ports.isEmpty() || hasRules || !hadTable || lastCompare.isEmpty()) {
      return List.of();
    }
    Instant since = lastCompare.get();
    String time = Times.format(since, components.zone());
    return components.wasStartedSince(since)
        ? List.of()
        : List.of(PortScanReport.RULES_REMOVED + ": probes since " + time + " may be lost");
  }

  /** Stores the alert that is due, if any; returns false if it could not be stored. */
  private boolean storeAlert(ScanSummary found, List<String> loss, HostInfo host, Instant now) {
    SentryState.PortScanDecision decision =
        state.decide(
            found, config.sentryTrigger(), DiffReport.MAX_NAMED, now, config.sentryRemind());
    if (decision.due() || !loss.isEmpty()) {
      List<String> notes = new ArrayList<>(loss);
      notes.addAll(notes(found));
      PortScanReport report =
          new PortScanReport(host, named(decision.hosts()), notes, components.environment().zone());
      alert = Optional.of(report);
      if (!outbox.put(Alert.of(report, config.subject()))) {
        return false;
      }
      history.append(
          "port_scan", report.events().stream().map(LogEvent::message).toArray(String[]::new));
    }
    state = decision.next();
    return true;
  }

  /** The hosts, with the names of those that a report names if SENTRY_RESOLVE asks for it. */
  private List<ScanningHost> named(List<ScanningHost> hosts) {
    int count = config.sentryResolves() ? Math.min(hosts.size(), DiffReport.MAX_NAMED) : 0;
    List<ScanningHost> named = new ArrayList<>(Dns.reverse(hosts.subList(0, count)));
    named.addAll(hosts.subList(count, hosts.size()));
    return named;
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
