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
import org.lsm.report.Times;
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

  private final Components components;
  private final Config config;
  private final History history;
  private final Outbox outbox;
  private final NftTable table;
  private final Path file;
  private final String failure; // to read the table
  private Optional<Instant> lastCompare = Optional.empty();
  private Optional<NftTableState> found = Optional.empty();
  private List<String> loss = List.of(); // what is unknown because somebody has removed the rules
  private SentryState state;

  /**
   * Reads the table, before the scan: what is served later is for the next run. Returns empty if
   * there is no work; after SENTRY was switched off there is as long as its table remains. {@link
   * #run} reports a failure.
   */
  static Optional<PortScanCheck> begin(Components components, History history, Outbox outbox) {
    Config config = components.config();
    Path file = config.stateDirectory().resolve(StateDirectory.SENTRY_STATE);
    return config.sentry() != SentryMode.OFF || Files.exists(file)
        ? Optional.of(new PortScanCheck(components, history, outbox, file))
        : Optional.empty();
  }

  private PortScanCheck(Components components, History history, Outbox outbox, Path file) {
    this.components = components;
    this.config = components.config();
    this.history = history;
    this.outbox = outbox;
    this.table = components.nftTable();
    this.file = file;
    this.state = SentryState.read(file);
    this.failure = config.sentry() == SentryMode.OFF ? "" : attempt(this::read);
  }

  private interface Step {
    void run() throws IOException;
  }

  /** Runs a step; returns why it has failed, else an empty text. */
  private static String attempt(Step step) {
    try {
      step.run();
      return "";
    } catch (IOException | RuntimeException e) {
      return ErrorMessages.explain(e);
    } catch (OutOfMemoryError e) {
      return "there is not enough memory to read the hosts that probe ports";
    }
  }

  private void read() throws IOException {
    Instant now = components.now();
    lastCompare = components.lastCompare().filter(it -> !it.isAfter(now));
    found = table.read(now);
    boolean hasRules = found.isPresent() && !found.get().mark().isEmpty();
    boolean hadRules = Files.exists(file) && state.failure().isEmpty() && lastCompare.isPresent();
    if (hadRules
        && !hasRules
        && !components.wasStartedSince(lastCompare.get())) { // they do not survive a boot
      String since = Times.format(lastCompare.get(), components.zone());
      loss = List.of(PortScanReport.RULES_REMOVED + ": probes since " + since + " may be lost");
    }
  }

  /** Adds to a report what was served since the last compare, on a host with these ports. */
  DiffReport addServed(DiffReport report, HostPorts ports) {
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
    return ServedPortCheck.add(report, served, ports, notes);
  }

  /**
   * Runs the check, once. A failure is reported, unless {@code quiet} and the last run has reported
   * it, and stored for {@code lsm status}; it does not end the run. {@code ports} is empty if the
   * ports that are served are unknown.
   */
  PortScans run(HostInfo host, Optional<HostPorts> ports, boolean quiet) {
    boolean isOff = config.sentry() == SentryMode.OFF;
    String problem = isOff ? attempt(this::removeTable) : failure;
    if (!problem.isEmpty()) {
      storeState(problem, quiet);
    }
    if (isOff || !problem.isEmpty()) {
      return PortScans.NONE;
    }
    Optional<ScanSummary> summary = found.map(NftTableState::summary);
    ScanSummary probes = summary.orElse(new ScanSummary(List.of(), false));
    PortScanDecision decision =
        state.decide(
            probes,
            config.sentryTrigger(),
            DiffReport.MAX_NAMED,
            components.now(),
            config.sentryRemind());
    List<String> notes = new ArrayList<>(ports.isPresent() ? loss : List.of());
    boolean isDue = decision.due() || !notes.isEmpty();
    notes.addAll(notes(probes));
    Optional<PortScanReport> alert =
        isDue
            ? Optional.of(
                new PortScanReport(host, named(decision.hosts()), notes, components::zone))
            : Optional.empty();
    boolean isStored = alert.isEmpty() || store(alert.get());
    state = isStored ? decision.next() : state;
    state = found.isPresent() ? state.withBlocked(found.get().blocked()) : state;
    storeState(attempt(() -> update(ports, isStored && probes.overflowing())), quiet);
    return new PortScans(summary, alert);
  }

  private void removeTable() throws IOException {
    table.remove();
    Files.deleteIfExists(file);
  }

  private void storeState(String problem, boolean quiet) {
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

  /** Has the kernel watch the ports that are unused now, and makes room where sets are full. */
  private void update(Optional<HostPorts> ports, boolean isFull) throws IOException {
    if (ports.isPresent()) {
      NftRuleset rules = rules(ports.get());
      state.write(file); // before there is a table: the file says that there may be one
      table.apply(rules, found, state.blocked(), components.now());
      if (found.isPresent() && found.get().servedOverflowing()) {
        table.flushServed();
      }
    }
    if (isFull) {
      table.flushProbes();
    }
    for (var it : state.answers().entrySet()) {
      if (it.getValue().isEmpty()) {
        String problem = "SENTRY_IGNORE has no effect for " + it.getKey();
        throw new IOException(problem + ": no name server has an address for it");
      }
    }
  }

  /** The rules; where they change, with new answers for the names in SENTRY_IGNORE. */
  private NftRuleset rules(HostPorts ports) throws IOException {
    List<String> names = config.sentryIgnoreNames();
    NftRuleset rules = components.nftRuleset(ports, state);
    boolean isSame = found.isPresent() && found.get().mark().equals(rules.mark());
    boolean isAnswered =
        state.answers().keySet().equals(Set.copyOf(names)) && !state.answers().containsValue("");
    if (isSame && isAnswered) {
      return rules;
    }
    state = state.withAnswers(Dns.addresses(names));
    return components.nftRuleset(ports, state);
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
