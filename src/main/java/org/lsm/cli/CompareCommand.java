package org.lsm.cli;

import static org.lsm.cli.Arguments.flag;
import static org.lsm.cli.Arguments.option;

import java.nio.file.Path;
import java.util.Optional;
import java.util.stream.Stream;
import org.lsm.alert.Outbox;
import org.lsm.model.Diff;
import org.lsm.model.Snapshot;
import org.lsm.monitor.BaselineComparison;
import org.lsm.monitor.Components;
import org.lsm.monitor.EndedDifferences;
import org.lsm.monitor.MonitorRun;
import org.lsm.monitor.QuietRun;
import org.lsm.monitor.RepeatedScan;
import org.lsm.monitor.RunResult;
import org.lsm.report.DiffReport;
import org.lsm.report.EscapedText;
import org.lsm.report.Json;
import org.lsm.report.PortScanReport;
import org.lsm.storage.SnapshotFile;
import org.lsm.storage.StateDirectory;
import picocli.CommandLine.Model.CommandSpec;

public final class CompareCommand extends BaseCommand {
  private boolean quiet;
  private boolean noAlert;
  private Path baselineFile;
  private boolean names;
  private final OutputFormat format = new OutputFormat();

  private QuietRun quietRun; // null unless cron may have started this

  CompareCommand() {
    super(
        "Compare the sockets with the baseline; report and alert the differences.",
        "compare",
        "-c");
  }

  /** {@code lsm compare --quiet}, which cron runs, after it was found not to be quiet. */
  public static CompareCommand quiet(CommandContext context, QuietRun quietRun) {
    CompareCommand command = new CompareCommand();
    command.context = context;
    command.quiet = true;
    command.quietRun = quietRun;
    return command;
  }

  /** What a compare starts to deliver its alerts. */
  public static int deliver(CommandContext context, boolean quiet) throws Exception {
    new MonitorRun(context.components(), quiet, Outbox.CHANNEL_TIMEOUT).deliverWaiting();
    return ExitCode.OK;
  }

  @Override
  void addArguments(CommandSpec spec) {
    spec.addOption(
        flag("--quiet", it -> quiet = it).description("Print errors only (for cron).").build());
    spec.addOption(
        flag("--no-alert", it -> noAlert = it)
            .description("Print the differences, send no alert.")
            .build());
    spec.addOption(
        option("--baseline", "FILE", Path.class, it -> baselineFile = it)
            .description("Compare with this snapshot instead; send no alert.")
            .build());
    spec.addOption(
        flag("--names", it -> names = it)
            .hidden(true)
            .description("For completion: patterns for accept, each for one socket.")
            .build());
    format.addTo(spec);
  }

  @Override
  public Integer call() throws Exception {
    Components components = context.components();
    if (noAlert || baselineFile != null || names) {
      return print(components);
    }
    MonitorRun run = new MonitorRun(components, quiet, quietRun);
    RunResult result = run.compare();
    if (result.report().isPresent()) {
      show(result.report().get(), result.portScans().alert());
    }
    boolean delivered = run.deliver(result);
    if (result.failure().isPresent()) {
      if (quiet && !result.alerted()) {
        return ExitCode.ERROR; // an earlier run has reported it
      }
      throw result.failure().get();
    }
    if (!delivered) {
      return ExitCode.ALERT_PENDING;
    }
    return result.report().get().diff().isEmpty() ? ExitCode.OK : ExitCode.DIFFERENT;
  }

  private int print(Components components) throws Exception {
    RepeatedScan scans;
    DiffReport report;
    Diff ended;
    try (StateDirectory state = components.openState()) {
      scans = components.scans();
      Snapshot baseline =
          baselineFile == null ? components.readBaseline(state) : SnapshotFile.read(baselineFile);
      BaselineComparison comparison = components.comparison(scans, baseline);
      report = comparison.compare();
      components.storeOwnerCache(state, scans);
      ended = names ? EndedDifferences.read(components, comparison) : report.diff();
    }
    if (names) {
      Stream.of(report.diff(), ended)
          .flatMap(it -> it.differences().stream())
          .map(it -> EscapedText.pattern(it.endpoint()))
          .distinct()
          .forEach(out()::println);
    } else {
      if (baselineFile == null && !quiet) {
        report = components.hostFacts(scans.found(), scans.ownerCache()).addTo(report);
      }
      show(report, Optional.empty());
    }
    scans.requireComplete();
    return report.diff().isEmpty() ? ExitCode.OK : ExitCode.DIFFERENT;
  }

  private void show(DiffReport report, Optional<PortScanReport> portScans) {
    if (!quiet) {
      String scans = portScans.map(it -> "\n" + it.document().text()).orElse("");
      print(
          format.isJson()
              ? Json.of(report, portScans)
              : report.document(baselineFile == null).text() + scans);
      out().flush(); // before a mail server keeps the run waiting
    }
  }
}
