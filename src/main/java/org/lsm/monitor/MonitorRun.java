package org.lsm.monitor;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.BiConsumer;
import java.util.function.Function;
import org.lsm.alert.Alert;
import org.lsm.alert.AlertState;
import org.lsm.alert.AlertState.Decision;
import org.lsm.alert.AlertType;
import org.lsm.alert.History;
import org.lsm.alert.Outbox;
import org.lsm.cli.BaseCommand;
import org.lsm.cli.CommandContext;
import org.lsm.cli.ExitCode;
import org.lsm.config.Config;
import org.lsm.model.HostInfo;
import org.lsm.model.Snapshot;
import org.lsm.model.TextEscaper;
import org.lsm.report.DiffReport;
import org.lsm.report.Metrics;
import org.lsm.report.PortScanReport;
import org.lsm.report.ReportDocument;
import org.lsm.storage.AtomicFile;
import org.lsm.storage.StateDirectory;
import org.lsm.storage.StateDirectory.NoBaselineException;

/**
 * One round of the monitor, as cron runs it: delivers what waits, compares, and sees to it that
 * what is to be told is told.
 */
public final class MonitorRun {

  private final BaseCommand command;
  private final CommandContext context;
  private final Config config;
  private final History history;
  private final Outbox outbox;
  private final Path told;

  // What the round has found out.
  private Optional<DiffReport> report = Optional.empty();
  private Optional<PortScanCheck> sentry = Optional.empty();
  private Optional<Exception> trouble = Optional.empty();
  private boolean speaks;
  private long ignored;

  public MonitorRun(BaseCommand command, Config config) {
    this.command = command;
    this.context = command.context;
    this.config = config;
    this.history = command.history(config);
    this.told = StateDirectory.told(config.stateDirectory());
    this.outbox = context.outbox(config, history, command::say);
  }

  /**
   * Runs to its end.
   *
   * @param show prints the comparison
   * @param quiet whether to say nothing of what was said before
   * @return one of {@link ExitCode}
   */
  public int run(BiConsumer<DiffReport, Optional<PortScanReport>> show, boolean quiet)
      throws Exception {
    long start = System.nanoTime();
    boolean delivered = outbox.deliver();
    StateDirectory.create(config.stateDirectory());
    try (StateDirectory state = context.openState(config)) {
      look(state, quiet);
    }
    // No lambdas here: nearly every run has nothing to tell, and each costs its start.
    Optional<PortScanReport> scans = sentry.isPresent() ? sentry.get().report() : Optional.empty();
    if (report.isPresent()) {
      show.accept(report.get(), scans);
    }
    if (speaks || scans.isPresent() || !delivered) {
      delivered = outbox.deliver();
    }
    measure(Duration.ofNanos(System.nanoTime() - start));
    if (!delivered && (!quiet || outbox.hasNews())) {
      command.warn(undelivered());
    }
    if (trouble.isPresent()) {
      if (quiet && !speaks) {
        return ExitCode.ERROR;
      }
      throw trouble.get();
    }
    if (!delivered) {
      return ExitCode.ALERT_PENDING;
    }
    return report.orElseThrow().diff().isEmpty() ? ExitCode.OK : ExitCode.DIFFERENT;
  }

  private String undelivered() throws IOException {
    Optional<Instant> oldest = outbox.oldest();
    if (oldest.isPresent()) {
      return String.format(
          "%d alerts wait in the outbox, the oldest since %s; the next run tries again",
          outbox.size(), context.when(oldest.get()));
    }
    return outbox.size() + outbox.damaged() > 0
        ? "alerts in " + outbox.directory() + " cannot be read; see 'lsm status'"
        : "an alert was neither stored nor delivered; the next run tells it again";
  }

  private void look(StateDirectory state, boolean quiet) throws Exception {
    AlertState before = AlertState.read(told);
    List<Snapshot> serving = List.of();
    try {
      RepeatedScan scans = context.scans(config, state.readScanState());
      Snapshot baseline = state.readBaseline();
      compare(before, context.comparison(config, scans, baseline));
      command.remember(state, scans.state());
      serving = List.of(baseline, scans.found());
    } catch (NoBaselineException e) {
      tell(before, AlertType.NO_BASELINE, e);
    } catch (Exception e) {
      tell(before, AlertType.SCAN_FAILED, e);
    } catch (OutOfMemoryError e) {
      tell(before, AlertType.SCAN_FAILED, ErrorMessages.outOfMemory(e));
    }
    if (PortScanCheck.isDue(config)) {
      sentry = Optional.of(new PortScanCheck(command, config, history, outbox));
      sentry.get().run(context.hostInfo(config), serving, quiet);
    }
  }

  /** Who brings the monitor to a stop must not silence it. */
  private void tell(AlertState before, AlertType type, Exception e) throws Exception {
    trouble = Optional.of(e);
    String reason = ErrorMessages.explain(e);
    HostInfo hostInfo = originOr(e);
    Decision decision =
        type == AlertType.NO_BASELINE
            ? before.decideWithoutBaseline(hostInfo.time(), config.remind())
            : before.decideInTrouble(reason, hostInfo.time(), config.remind());
    ReportDocument page =
        type == AlertType.NO_BASELINE
            ? DiffReport.withoutBaseline(hostInfo, reason, context.zone())
            : DiffReport.trouble(hostInfo, reason, context.zone());
    if (isSafe(decision, it -> Alert.of(it, hostInfo, page, config.subject(), context.zone()))) {
      if (speaks) {
        history.add("trouble", TextEscaper.escape(reason));
      }
      remember(before, decision);
    }
  }

  /** Where not even the name of the host can be found out, that it fails is all that is said. */
  private HostInfo originOr(Exception trouble) throws Exception {
    try {
      return context.hostInfo(config);
    } catch (IOException e) {
      throw trouble;
    }
  }

  private void compare(AlertState before, BaselineComparison comparison) throws IOException {
    DiffReport found = comparison.report(context::zone);
    report = Optional.of(found);
    ignored = config.metricsFile().isPresent() ? comparison.ignored() : 0;
    Decision decision =
        before.decide(
            found.diff().differences(),
            comparison.ephemeral(),
            found.after().hostInfo().time(),
            config.remind());
    DiffReport telling = found.telling(decision.told());
    if (isSafe(decision, it -> Alert.of(it, telling, config.subject()))) {
      history.addAll("appeared", decision.appeared(), found);
      history.addAll("ended", decision.ended());
      remember(before, decision);
    }
    touch(StateDirectory.lastCompare(config.stateDirectory()));
  }

  /** Stores what is to be told; what is not safely stored must not be remembered as told. */
  private boolean isSafe(Decision decision, Function<AlertType, Alert> alert) {
    speaks = decision.type().isPresent();
    return !speaks || outbox.put(alert.apply(decision.type().get()));
  }

  private void remember(AlertState before, Decision decision) {
    try {
      decision.next().write(told, before);
    } catch (IOException e) {
      command.warn("what is told now will be told again: " + e.getMessage());
    }
  }

  /** Its time says when a comparison succeeded last; not worth waiting for the disk. */
  private void touch(Path file) {
    try {
      if (!Files.exists(file)) {
        AtomicFile.write(file, new byte[0]);
      }
      Files.setLastModifiedTime(file, FileTime.from(context.host().clock().instant()));
    } catch (IOException e) {
      command.warn("the time of this run cannot be kept: " + e.getMessage());
    }
  }

  private void measure(Duration duration) {
    Optional<Path> file = config.metricsFile();
    if (file.isEmpty()) {
      return;
    }
    try {
      new Metrics(
              report,
              ignored,
              context.lastCompare(config),
              duration,
              outbox.size() + outbox.damaged(),
              sentry.map(PortScanCheck::counts).orElse(new TreeMap<>()))
          .write(file.get());
    } catch (IOException e) {
      command.warn("METRICS_FILE cannot be written: " + e.getMessage());
    }
  }
}
