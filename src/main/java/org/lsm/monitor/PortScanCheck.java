package org.lsm.monitor;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
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
import org.lsm.sentry.Dns;
import org.lsm.sentry.HostPorts;
import org.lsm.sentry.NftRuleset;
import org.lsm.sentry.NftTable;
import org.lsm.sentry.NftTableState;
import org.lsm.sentry.SentryState;
import org.lsm.sentry.SentryState.PortScanDecision;
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

  /**
   * What was there before the scan.
   *
   * @param lastCompare empty if it is unknown
   * @param table empty if there was none, or it was not read
   * @param failure why the table could not be read; else empty
   */
  private record Found(
      SentryState state,
      Optional<Instant> lastCompare,
      Optional<NftTableState> table,
      String failure) {

    static Found unread(SentryState state, String failure) {
      return new Found(state, Optional.empty(), Optional.empty(), failure);
    }

    /** The mark of its rules; empty if they are not lsm's, or there are none. */
    String mark() {
      return table.map(NftTableState::mark).orElse("");
    }
  }

  private final Components components;
  private final Config config;
  private final History history;
  private final Outbox outbox;
  private final NftTable table;
  private final Path file;
  private final Found found;

  /**
   * Reads the table, before the scan: what is served later is for the next run. Returns empty if
   * there is no work; after SENTRY was switched off there is as long as its table remains. {@link
   * #run} reports a failure.
   */
  static Optional<PortScanCheck> begin(Components components, History history, Outbox outbox) {
    Path file = components.config().stateDirectory().resolve(StateDirectory.SENTRY_STATE);
    boolean isOff = components.config().sentry() == SentryMode.OFF;
    if (isOff && !Files.exists(file)) {
      return Optional.empty();
    }
    SentryState state = SentryState.read(file);
    Found found = isOff ? Found.unread(state, "") : read(components, state, file);
    return Optional.of(new PortScanCheck(components, history, outbox, file, found));
  }

  private PortScanCheck(
      Components components, History history, Outbox outbox, Path file, Found found) {
    this.components = components;
    this.config = components.config();
    this.history = history;
    this.outbox = outbox;
    this.table = components.nftTable();
    this.file = file;
    this.found = found;
  }

  private static Found read(Components components, SentryState state, Path file) {
    try {
      Instant now = components.now();
      Optional<Instant> lastCompare = components.lastCompare().filter(it -> !it.isAfter(now));
      Found found = new Found(state, lastCompare, components.nftTable().read(components::now), "");
      if (state.hasRules(found.mark(), components.bootId())) {
        return found;
      }
      // Without the time of a compare: the state was written when the rules were set, or later.
      Instant since =
          lastCompare.isPresent() ? lastCompare.get() : Files.getLastModifiedTime(file).toInstant();
      return new Found(state.withLoss(since), lastCompare, found.table, "");
    } catch (IOException | RuntimeException | OutOfMemoryError e) {
      return Found.unread(state, explain(e));
    }
  }

  private static String explain(Throwable failure) {
    return failure instanceof Exception e
        ? ErrorMessages.explain(e)
        : "there is not enough memory to read the hosts that probe ports";
  }

  /** Adds to a report what was served since the last compare, on a host with these ports. */
  DiffReport addServed(DiffReport report, HostPorts ports) {
    Instant since = found.lastCompare.map(it -> it.minus(ROUNDING)).orElse(Instant.MIN);
    List<ServedPort> served =
        found.table.stream()
            .flatMap(it -> it.served().stream())
            .flatMap(it -> it.after(since).stream())
            .toList();
    if (served.isEmpty()) {
      return report;
    }
    List<String> notes =
        found.table.get().servedOverflowing() ? List.of(SERVED_OVERFLOW) : List.of();
    return ServedPortCheck.add(report, served, ports, notes);
  }

  /**
   * Runs the check, once. A failure is reported, unless {@code quiet} and the last run has reported
   * it, and stored for {@code lsm status}; it does not end the run. {@code ports} is empty if the
   * ports that are served are unknown.
   */
  PortScans run(HostInfo host, Optional<HostPorts> ports, boolean quiet) {
    if (config.sentry() == SentryMode.OFF) {
      removeTable(quiet);
      return PortScans.NONE;
    }
    SentryState state = found.state;
    if (!found.failure.isEmpty()) {
      storeState(state, found.failure, quiet);
      return PortScans.NONE;
    }
    Optional<ScanSummary> summary = found.table.map(NftTableState::summary);
    ScanSummary probes = summary.orElse(new ScanSummary(List.of(), false));
    PortScanDecision decision =
        state.decide(
            probes,
            config.sentryTrigger(),
            DiffReport.MAX_NAMED,
            components.now(),
            config.sentryRemind());
    // A run that does not know the ports cannot set the rules again.
    Optional<Instant> lostSince = ports.isPresent() ? state.rules().lostSince() : Optional.empty();
    Optional<PortScanReport> alert =
        decision.due() || lostSince.isPresent()
            ? Optional.of(report(host, decision.hosts(), probes, lostSince))
            : Optional.empty();
    boolean isStored = alert.isEmpty() || store(alert.get());
    SentryState next = isStored ? decision.next() : state;
    next = isStored && lostSince.isPresent() ? next.withoutLoss() : next;
    next = summary.isPresent() ? next.withBlocked(found.table.get().blocked()) : next;
    update(next, ports, isStored && probes.overflowing(), quiet);
    return new PortScans(summary, alert);
  }

  private PortScanReport report(
      HostInfo host, List<ScanningHost> hosts, ScanSummary probes, Optional<Instant> lostSince) {
    List<String> notes = new ArrayList<>(notes(probes));
    notes.addAll(found.state.unanswered());
    return new PortScanReport(host, named(hosts), notes, lostSince, components::zone);
  }

  private void removeTable(boolean quiet) {
    try {
      table.remove();
      Files.deleteIfExists(file);
    } catch (IOException | RuntimeException e) {
      storeState(found.state, ErrorMessages.explain(e), quiet);
    }
  }

  private void storeState(SentryState state, String problem, boolean quiet) {
    if (!problem.isEmpty() && !(quiet && problem.equals(state.failure()))) {
      components.warn(problem);
    }
    try {
      state.withFailure(problem).write(file);
    } catch (IOException e) {
      components.warn(
          "the port scans of this run will be alerted again: " + ErrorMessages.explain(e));
    }
  }

  /**
   * Has the kernel watch the ports that are unused now, and makes room where sets are full; stores
   * the state.
   */
  private void update(SentryState state, Optional<HostPorts> ports, boolean isFull, boolean quiet) {
    SentryState next = state;
    String problem = "";
    try {
      if (ports.isPresent()) {
        NftRuleset rules = components.nftRuleset(ports.get(), next);
        if (isLookupDue(next, rules)) {
          next = next.withAnswers(Dns.addresses(config.sentryIgnoreNames()), components.now());
          rules = components.nftRuleset(ports.get(), next);
        }
        next = found.mark().equals(rules.mark()) ? next : next.withRules("", "");
        next.write(file); // before there is a table: the file says that there may be one
        table.apply(rules, found.table, next.blocked(), components.now());
        next = next.withRules(rules.mark(), components.bootId());
        if (found.table.isPresent() && found.table.get().servedOverflowing()) {
          table.flushServed();
        }
      }
      if (isFull) {
        table.flushProbes();
      }
    } catch (IOException | RuntimeException | OutOfMemoryError e) {
      problem = explain(e);
    }
    for (String it : next.unanswered()) {
      if (!(quiet && state.unanswered().contains(it))) {
        components.warn(it);
      }
    }
    storeState(next, problem, quiet);
  }

  /** Whether to look up the names in SENTRY_IGNORE: the rules change, or one has no answer. */
  private boolean isLookupDue(SentryState state, NftRuleset rules) {
    List<String> names = config.sentryIgnoreNames();
    if (names.isEmpty() && state.answers().isEmpty()) {
      return false;
    }
    boolean isSame =
        state.answers().keySet().equals(Set.copyOf(names)) && rules.mark().equals(found.mark());
    return !isSame || state.isLookupDue(components.now());
  }

  /** Stores an alert; returns false if it could not be stored. */
  private boolean store(PortScanReport report) {
    if (!outbox.put(Alert.of(report, config.subject()))) {
      return false;
    }
    history.append(
        "port_scan", report.events().stream().map(LogEvent::message).toArray(String[]::new));
    return true;
  }

  /** The hosts, with the names of those that a report names if SENTRY_RESOLVE asks for it. */
  private List<ScanningHost> named(List<ScanningHost> hosts) {
    int count = config.sentryResolves() ? Math.min(hosts.size(), DiffReport.MAX_NAMED) : 0;
    Map<String, String> names =
        Dns.names(hosts.stream().limit(count).map(ScanningHost::address).toList());
    return hosts.stream().map(it -> it.withName(names.getOrDefault(it.address(), ""))).toList();
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
