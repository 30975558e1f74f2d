package org.lsm.cli;

import java.nio.file.Path;
import java.util.Optional;
import org.lsm.config.Config;
import org.lsm.model.Snapshot;
import org.lsm.monitor.MonitorRun;
import org.lsm.monitor.RepeatedScan;
import org.lsm.report.DiffReport;
import org.lsm.report.PortScanReport;
import org.lsm.storage.SnapshotFile;
import org.lsm.storage.StateDirectory;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code lsm compare}: says what differs from the baseline, and alerts. */
@Command(
    name = "compare",
    aliases = "-c",
    description = "Compare the sockets there are now with the baseline, report and alert.")
public final class CompareCommand extends BaseCommand {

  @Option(names = "--quiet", description = "Print no report, only errors (for cron).")
  private boolean quiet;

  @Option(names = "--no-alert", description = "Only print, alert nobody.")
  private boolean noAlert;

  @Option(
      names = "--baseline",
      paramLabel = "FILE",
      description = "Compare with this snapshot instead, and alert nobody.")
  private Path baselineFile;

  @Mixin private OutputFormat format;

  public CompareCommand(CommandContext context) {
    super(context);
  }

  /** {@code lsm compare --quiet}, which cron runs. */
  public static CompareCommand quiet(CommandContext context) {
    CompareCommand command = new CompareCommand(context);
    command.quiet = true;
    return command;
  }

  @Override
  public Integer call() throws Exception {
    Config config = context.config();
    if (noAlert || baselineFile != null) {
      DiffReport report = compare(config);
      show(report, Optional.empty());
      return report.diff().isEmpty() ? ExitCode.OK : ExitCode.DIFFERENT;
    }
    return new MonitorRun(this, config).run(this::show, quiet);
  }

  private DiffReport compare(Config config) throws Exception {
    try (StateDirectory state = context.openState(config)) {
      RepeatedScan scans = context.scans(config, state.readScanState());
      Snapshot baseline =
          baselineFile == null ? state.readBaseline() : SnapshotFile.read(baselineFile);
      DiffReport report = context.comparison(config, scans, baseline).report(context::zone);
      remember(state, scans.state());
      return report;
    }
  }

  private void show(DiffReport report, Optional<PortScanReport> scans) {
    if (!quiet) {
      print(format.of(report, scans));
      out().flush(); // before a mail server is waited for
    }
  }
}
