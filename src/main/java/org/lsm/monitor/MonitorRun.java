package org.lsm.monitor;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.SortedMap;
import java.util.concurrent.CompletableFuture;
import org.lsm.alert.Alert;
import org.lsm.alert.AlertPolicy;
import org.lsm.alert.AlertPolicy.AlertDecision;
import org.lsm.alert.AlertState;
import org.lsm.alert.AlertType;
import org.lsm.alert.History;
import org.lsm.alert.Outbox;
import org.lsm.config.Config;
import org.lsm.model.EnumName;
import org.lsm.model.ErrorMessages;
import org.lsm.model.HostInfo;
import org.lsm.model.Plural;
import org.lsm.model.Snapshot;
import org.lsm.model.SocketIdentity;
import org.lsm.model.TextEscaper;
import org.lsm.proc.WaitingProcess;
import org.lsm.report.DiffReport;
import org.lsm.report.FailureReport;
import org.lsm.report.Metrics;
import org.lsm.report.ReportDocument;
import org.lsm.sentry.HostPorts;
import org.lsm.storage.AtomicFile;
import org.lsm.storage.FileLock;
import org.lsm.storage.StateDirectory;
import org.lsm.storage.StateDirectory.NoBaselineException;

/**
 * One run of the monitor, as cron starts it: {@link #compare} scans, compares and stores the alerts
 * that are due; {@link #deliver} delivers them, after those that wait from earlier runs.
 */
public final class MonitorRun {
  /** The arguments of lsm for {@link #deliverWaiting} alone, and for little output. */
  public static final String DELIVER = "deliver";

  public static final String QUIET = "--quiet";
  private static final Duration MAX_LOCK_AGE = Duration.ofMinutes(30); // three intervals

  private final Components components;
  private final Config config;
  private final boolean quiet;
  private QuietRun quietRun; // null where no run of cron follows
  private final History history;
  private final Outbox outbox;
  private final AlertPolicy policy;
  private final Path alertState;
  private final Path stuckRun;
  private final Optional<AlertmanagerUpdate> alertmanager;
  private final long start = System.nanoTime();

  /** A report, and whether an alert of it is due, and stored. */
  private record Alerted(DiffReport report, boolean isDue, boolean isStored) {}

  /**
   * A run of cron, or of a person. The former is silent about failures that an earlier run has
   * reported, and the next one may end early by what this stores.
   */
  public MonitorRun(Components components, boolean quiet, QuietRun quietRun) {
    this(components, quiet, DeliveryProcess.RUN_TIMEOUT);
    this.quietRun = quietRun;
  }

  /** A run whose deliveries through one channel take at most {@code limit}. */
  public MonitorRun(Components components, boolean quiet, Duration limit) {
    this.components = components;
    this.config = components.config();
    this.quiet = quiet;
    this.history = components.history();
    this.outbox = components.outbox(history, limit);
    this.policy = new AlertPolicy(config.remind(), config.digest(), DiffReport.MAX_NAMED);
    this.alertState = config.stateDirectory().resolve(StateDirectory.ALERT_STATE);
    this.stuckRun = config.stateDirectory().resolve(StateDirectory.STUCK_RUN);
    this.alertmanager =
        config.alertmanagerUrls().isEmpty()
            ? Optional.empty()
            : Optional.of(new AlertmanagerUpdate(components, history));
  }

  /**
   * Compares the host with the baseline and stores the alerts that are due. What was not stored
   * counts as not alerted: a crash at any moment repeats an alert, and loses none. A scan that
   * failed, a missing baseline, or another run that keeps the lock is a result, too.
   */
  public RunResult compare() {
    try {
      StateDirectory.create(config.stateDirectory());
      try {
        return compareLocked();
      } catch (FileLock.HeldException e) {
        return alertStuckRun(e);
      }
    } catch (Exception e) {
      // No alert can be made; but the alerts that wait are still to be delivered.
      return RunResult.failed(e, true);
    }
  }

  private RunResult compareLocked() throws Exception {
    try (StateDirectory state = components.openState()) {
      Instant began = components.now();
      Optional<PortScanCheck> portScans = PortScanCheck.begin(components, history, outbox);
      RunResult result = compareOrAlertFailure(state, portScans, began);
      if (portScans.isPresent()) {
        result = result.with(portScans.get().run(components.hostInfo(), result.ports(), quiet));
      }
      storeActive(result);
      return result;
    }
  }

  private void storeActive(RunResult result) {
    if (alertmanager.isPresent()) { // a lambda takes longer to load
      alertmanager.get().store(result);
    }
  }

  private RunResult compareOrAlertFailure(
      StateDirectory state, Optional<PortScanCheck> portScans, Instant began) throws Exception {
    AlertState before = readAlertState();
    try {
      return compare(state, before, portScans, began);
    } catch (Exception e) {
      return alertFailure(e, AlertState.read(alertState));
    } catch (OutOfMemoryError e) {
      return alertFailure(ErrorMessages.outOfMemory(e), AlertState.read(alertState));
    }
  }

  private RunResult compare(
      StateDirectory state, AlertState before, Optional<PortScanCheck> portScans, Instant began)
      throws Exception {
    RepeatedScan scans = components.scans();
    Snapshot baseline = components.readBaseline(state);
    BaselineComparison comparison = components.comparison(scans, baseline);
    OutboundCheck outbound = OutboundCheck.begin(components, began);
    DiffReport report = outbound.addTo(comparison.compare(), baseline, comparison.rules());
    Optional<HostPorts> ports = Optional.empty();
    if (portScans.isPresent()) {
      ports = Optional.of(comparison.ports(baseline));
      report = portScans.get().addServed(report, ports.get());
    }
    Alerted alerted = new Alerted(report, false, true);
    // A quiet run loads no class of the policy.
    if (!before.entries().isEmpty() || !report.diff().isEmpty()) {
      alerted = alert(report, before, comparison);
    }
    components.storeOwnerCache(state, scans);
    components.storePrograms(state, comparison.programs(), report.after().hostInfo());
    long ignored = config.metricsFile().isPresent() ? comparison.ignored() : 0;
    RunResult result = RunResult.compared(alerted.report(), ports, ignored, alerted.isDue());
    try {
      scans.requireComplete(outbound.store(alerted.isStored()));
      if (alerted.isStored()) {
        components.storeTimeOfCompare(began);
        boolean isNothingActive = report.diff().isEmpty() && before.entries().isEmpty();
        if (quietRun != null && isNothingActive && outbox.isEmpty()) {
          quietRun.store(config, comparison, components.now().toEpochMilli());
        }
      }
      return result;
    } catch (RepeatedScan.IncompleteException e) {
      // A user must not hide a socket by making a part of the scan take too long.
      return result.with(alertFailure(e, AlertState.read(alertState)));
    }
  }

  /** Alerts what is due, and adds facts to the report if somebody reads it. */
  private Alerted alert(DiffReport found, AlertState before, BaselineComparison comparison)
      throws IOException {
    SocketIdentity identity = comparison.identity();
    Instant time = found.after().hostInfo().time();
    AlertDecision decision =
        policy.decide(before, found.diff().differences(), found::severity, identity, time);
    DiffReport report =
        decision.appeared().isEmpty()
            ? found
            : found.withAbsentAt(decision.appeared(), components.lastCompare());
    if (decision.type().isPresent() || !quiet) {
      RepeatedScan scans = comparison.scans();
      HostFacts facts = components.hostFacts(scans.found(), scans.ownerCache());
      report = facts.addTo(report, decision.reported(), !quiet);
    }
    boolean isStored = storeAlert(report, decision, before);
    if (alertmanager.isPresent()) {
      alertmanager.get().add(report, decision.next(), identity);
    }
    return new Alerted(report, decision.type().isPresent(), isStored);
  }

  static AlertType type(Exception failure) {
    return failure instanceof NoBaselineException ? AlertType.NO_BASELINE : AlertType.SCAN_FAILED;
  }

  /** The state of the last run, and what runs without the lock have alerted since then. */
  private AlertState readAlertState() {
    AlertState before = AlertState.read(alertState);
    if (!Files.exists(stuckRun)) {
      return before;
    }
    AlertState all = before.with(AlertState.read(stuckRun));
    if (write(all, before, alertState)) {
      stuckRun.toFile().delete();
    }
    return all;
  }

  /**
   * Alerts that another run has held the lock for three intervals. That run may continue at any
   * moment, so this one writes only {@link StateDirectory#STUCK_RUN}, under its own lock.
   */
  @SuppressWarnings("try") // the lock is only held
  private RunResult alertStuckRun(FileLock.HeldException held) throws Exception {
    if (Duration.between(held.since(), components.now()).compareTo(MAX_LOCK_AGE) < 0) {
      throw held;
    }
    String reason =
        String.format(
            "lsm with PID %s has held the lock of %s since %s (%s), and no run can compare; see what it"
                + " waits for, then continue it with 'kill -CONT %1$s' or end it with 'kill -KILL"
                + " %1$s'",
            held.pid(),
            config.stateDirectory(),
            components.timeWithAge(held.since()),
            WaitingProcess.describe(components.environment().sources().proc(), held.pid()));
    Path lock = stuckRun.resolveSibling(StateDirectory.STUCK_RUN + ".lock");
    try (FileChannel channel = FileLock.take(lock, Duration.ZERO)) {
      AlertState before = AlertState.read(stuckRun);
      RunResult result =
          alertFailure(new IOException(reason), "another run is stuck", before, stuckRun);
      storeActive(result);
      return result;
    }
  }

  /** Stores the alert that is due, if any, and the state; returns false if it was not stored. */
  private boolean storeAlert(DiffReport report, AlertDecision decision, AlertState before) {
    if (decision.type().isPresent()
        && !outbox.put(
            Alert.of(
                decision.type().get(),
                report.reporting(decision.reported(), decision.ended()),
                config.subject()))) {
      return false;
    }
    history.append("appeared", decision.appeared(), report);
    history.append(
        "resolved", decision.resolved().stream().map(TextEscaper::escape).toArray(String[]::new));
    return write(decision.next(), before, alertState);
  }

  /** Alerts what keeps lsm from comparing: an attacker must not silence lsm by making it fail. */
  private RunResult alertFailure(Exception failure, AlertState before) throws Exception {
    return alertFailure(failure, ErrorMessages.explain(failure), before, alertState);
  }

  /** Alerts a failure; those with the same key are one. */
  private RunResult alertFailure(Exception failure, String key, AlertState before, Path file)
      throws Exception {
    AlertType type = type(failure);
    String reason = ErrorMessages.explain(failure);
    HostInfo host;
    try {
      host = components.hostInfo();
    } catch (IOException e) {
      throw failure; // without the name of the host there is nothing to alert about
    }
    var zone = components.zone();
    boolean isIncomplete = failure instanceof RepeatedScan.IncompleteException;
    ReportDocument document =
        type == AlertType.SCAN_FAILED
            ? FailureReport.scanFailed(host, reason, isIncomplete, zone)
            : FailureReport.withoutBaseline(host, reason, config.stateDirectory(), zone);
    AlertDecision decision = policy.decideFailure(before, type, key, host.time());
    boolean due = decision.type().isPresent();
    if (!due || outbox.put(Alert.of(type, host, document, config.subject(), zone))) {
      if (due) {
        history.append(EnumName.of(type), TextEscaper.escape(reason));
      }
      write(decision.next(), before, file);
    }
    return RunResult.failed(failure, due);
  }

  /** Writes a state; returns whether that has succeeded. */
  private boolean write(AlertState next, AlertState before, Path file) {
    try {
      next.writeIfChanged(file, before);
      return true;
    } catch (IOException e) {
      components.warn("the alerts of this run will be repeated: " + ErrorMessages.explain(e));
      return false;
    }
  }

  /**
   * Has the alerts that wait delivered and writes the metrics; returns whether no alert waits. It
   * waits half a minute for the delivery, which goes on without this run. What cannot be delivered
   * that way it delivers itself, in half a minute for each channel.
   */
  public boolean deliver(RunResult result) throws IOException {
    boolean sent = outbox.deliverUnstored();
    outbox.removeTemporaryFiles();
    if (!isDelivered()) {
      deliverInBackground();
    }
    if (config.metricsFile().isPresent()) {
      writeMetrics(config.metricsFile().get(), result);
    }
    if (!sent && (!quiet || outbox.hasNewFailure())) {
      components.warn("an alert was neither stored nor delivered; the next run repeats it");
    }
    return sent && isDelivered();
  }

  private boolean isDelivered() throws IOException {
    return outbox.isEmpty() && !isPostPending();
  }

  private boolean isPostPending() throws IOException {
    return alertmanager.isPresent() && alertmanager.get().isPending();
  }

  private void deliverInBackground() throws IOException {
    Optional<Path> launcher = components.environment().launcher();
    if (launcher.isEmpty()) {
      deliverWaiting();
      return;
    }
    try {
      components.deliveryProcess(launcher.get(), quiet).run();
    } catch (IOException e) {
      String problem = "the process that delivers alerts cannot be started, so this run delivers: ";
      components.warn(problem + e.getMessage());
      deliverWaiting();
    }
  }

  /** Delivers the alerts that wait, and posts what fires to Alertmanager at the same time. */
  public void deliverWaiting() throws IOException {
    CompletableFuture<Void> posting =
        alertmanager.isPresent()
            ? alertmanager.get().post(quiet)
            : CompletableFuture.completedFuture(null);
    try {
      deliverOutbox();
    } finally {
      posting.join();
    }
  }

  private void deliverOutbox() throws IOException {
    boolean delivered;
    try {
      delivered = outbox.deliver();
    } catch (OutOfMemoryError e) {
      String what = waiting() + ", and there is not enough memory to deliver the next one";
      throw new IOException(what + "; see 'lsm status', and remove it from " + outbox.directory());
    }
    if (!delivered && (!quiet || outbox.hasNewFailure())) {
      components.warn(undelivered());
    }
  }

  private String undelivered() throws IOException {
    List<Outbox.Waiting> oldest = outbox.oldest(1);
    if (!oldest.isEmpty()) {
      return String.format(
          "%s, the oldest since %s; %s",
          waiting(),
          components.timeWithAge(oldest.get(0).time()),
          outbox.deliverers().isEmpty()
              ? "the next run tries again"
              : "lsm with PID " + String.join(", ", outbox.deliverers()) + " is delivering");
    }
    return "alerts in " + outbox.directory() + " cannot be read; see 'lsm status'";
  }

  private String waiting() {
    int size = outbox.size();
    return Plural.count(size, "alert") + (size == 1 ? " waits" : " wait") + " in the outbox";
  }

  private void writeMetrics(Path file, RunResult result) {
    try {
      Optional<Instant> last = components.lastCompare();
      Duration duration = Duration.ofNanos(System.nanoTime() - start);
      int waiting = outbox.size() + outbox.damaged() + (isPostPending() ? 1 : 0);
      SortedMap<String, Long> probing = result.portScans().counts(config.sentryTrigger());
      Metrics metrics =
          new Metrics(result.report(), result.ignored(), last, duration, waiting, probing);
      AtomicFile.writeReadable(file, metrics.text().getBytes(StandardCharsets.UTF_8));
    } catch (IOException e) {
      components.warn("METRICS_FILE cannot be written: " + ErrorMessages.explain(e));
    }
  }
}
