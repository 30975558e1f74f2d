package org.lsm.cli;

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
import org.lsm.alert.History;
import org.lsm.alert.Metrics;
import org.lsm.alert.Occasion;
import org.lsm.alert.Outbox;
import org.lsm.alert.Page;
import org.lsm.alert.Report;
import org.lsm.alert.ScanReport;
import org.lsm.alert.Told;
import org.lsm.alert.Told.Decision;
import org.lsm.config.Config;
import org.lsm.proc.Survey;
import org.lsm.snapshot.DurableFile;
import org.lsm.snapshot.Snapshot;
import org.lsm.snapshot.Snapshot.Origin;
import org.lsm.snapshot.StateDirectory;
import org.lsm.snapshot.StateDirectory.NoBaselineException;
import org.lsm.snapshot.Untrusted;

/**
 * One round of the monitor, as cron runs it: delivers what waits, compares, and sees to it that
 * what is to be told is told.
 */
final class Round {

  private final LsmCommand command;
  private final Context context;
  private final Config config;
  private final History history;
  private final Outbox outbox;
  private final Path told;

  // What the round has found out.
  private Optional<Report> report = Optional.empty();
  private Optional<SentryRound> sentry = Optional.empty();
  private Optional<Exception> trouble = Optional.empty();
  private boolean speaks;
  private long ignored;

  Round(LsmCommand command, Config config) {
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
  int run(BiConsumer<Report, Optional<ScanReport>> show, boolean quiet) throws Exception {
    long start = System.nanoTime();
    boolean delivered = outbox.deliver();
    StateDirectory.create(config.stateDirectory());
    try (StateDirectory state = context.openState(config)) {
      look(state, quiet);
    }
    // No lambdas here: nearly every run has nothing to tell, and each costs its start.
    Optional<ScanReport> scans = sentry.isPresent() ? sentry.get().report() : Optional.empty();
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
        return ExitCode.TROUBLE;
      }
      throw trouble.get();
    }
    if (!delivered) {
      return ExitCode.UNDELIVERED;
    }
    return report.orElseThrow().diff().isEmpty() ? ExitCode.DONE : ExitCode.DIFFERS;
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
    Told before = Told.read(told);
    List<Snapshot> serving = List.of();
    try {
      Survey survey = context.survey(config, state.readScanState());
      Snapshot baseline = state.readBaseline();
      compare(before, context.comparison(config, survey, baseline));
      command.remember(state, survey.state());
      serving = List.of(baseline, survey.found());
    } catch (NoBaselineException e) {
      tell(before, Occasion.NO_BASELINE, e);
    } catch (Exception e) {
      tell(before, Occasion.TROUBLE, e);
    } catch (OutOfMemoryError e) {
      tell(before, Occasion.TROUBLE, Trouble.outOfMemory(e));
    }
    if (SentryRound.isDue(config)) {
      sentry = Optional.of(new SentryRound(command, config, history, outbox));
      sentry.get().run(context.origin(config), serving, quiet);
    }
  }

  /** Who brings the monitor to a stop must not silence it. */
  private void tell(Told before, Occasion occasion, Exception e) throws Exception {
    trouble = Optional.of(e);
    String reason = Trouble.explain(e);
    Origin origin = originOr(e);
    Decision decision =
        occasion == Occasion.NO_BASELINE
            ? before.decideWithoutBaseline(origin.time(), config.remind())
            : before.decideInTrouble(reason, origin.time(), config.remind());
    Page page =
        occasion == Occasion.NO_BASELINE
            ? Report.withoutBaseline(origin, reason, context.zone())
            : Report.trouble(origin, reason, context.zone());
    if (isSafe(decision, it -> Alert.of(it, origin, page, config.subject(), context.zone()))) {
      if (speaks) {
        history.add("trouble", Untrusted.escape(reason));
      }
      remember(before, decision);
    }
  }

  /** Where not even the name of the host can be found out, that it fails is all that is said. */
  private Origin originOr(Exception trouble) throws Exception {
    try {
      return context.origin(config);
    } catch (IOException e) {
      throw trouble;
    }
  }

  private void compare(Told before, Comparison comparison) throws IOException {
    Report found = comparison.report(context::zone);
    report = Optional.of(found);
    ignored = config.metricsFile().isPresent() ? comparison.ignored() : 0;
    Decision decision =
        before.decide(
            found.diff().differences(),
            comparison.ephemeral(),
            found.after().origin().time(),
            config.remind());
    Report telling = found.telling(decision.told());
    if (isSafe(decision, it -> Alert.of(it, telling, config.subject()))) {
      history.addAll("appeared", decision.appeared(), found);
      history.addAll("ended", decision.ended());
      remember(before, decision);
    }
    touch(StateDirectory.lastCompare(config.stateDirectory()));
  }

  /** Stores what is to be told; what is not safely stored must not be remembered as told. */
  private boolean isSafe(Decision decision, Function<Occasion, Alert> alert) {
    speaks = decision.occasion().isPresent();
    return !speaks || outbox.put(alert.apply(decision.occasion().get()));
  }

  private void remember(Told before, Decision decision) {
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
        DurableFile.write(file, new byte[0]);
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
              sentry.map(SentryRound::counts).orElse(new TreeMap<>()))
          .write(file.get());
    } catch (IOException e) {
      command.warn("METRICS_FILE cannot be written: " + e.getMessage());
    }
  }
}
