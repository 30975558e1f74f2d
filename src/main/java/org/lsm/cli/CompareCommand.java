package org.lsm.cli;

import java.nio.file.Path;
import java.util.Optional;
import org.lsm.alert.Report;
import org.lsm.alert.ScanReport;
import org.lsm.config.Config;
import org.lsm.proc.Survey;
import org.lsm.snapshot.Snapshot;
import org.lsm.snapshot.SnapshotFile;
import org.lsm.snapshot.StateDirectory;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code lsm compare}: says what differs from the baseline, and alerts. */
@Command(
    name = "compare",
    aliases = "-c",
    description = "Compare the sockets there are now with the baseline, report and alert.")
public final class CompareCommand extends LsmCommand {

  @Option(names = "--quiet", description = "Print no report, only errors (for cron).")
  private boolean quiet;

  @Option(names = "--no-alert", description = "Only print, alert nobody.")
  private boolean noAlert;

  @Option(
      names = "--baseline",
      paramLabel = "FILE",
      description = "Compare with this snapshot instead, and alert nobody.")
  private Path baselineFile;

  @Mixin private Format format;

  public CompareCommand(Context context) {
    super(context);
  }

  /** {@code lsm compare --quiet}, which cron runs. */
  public static CompareCommand quiet(Context context) {
    CompareCommand command = new CompareCommand(context);
    command.quiet = true;
    return command;
  }

  @Override
  public Integer call() throws Exception {
    Config config = context.config();
    if (noAlert || baselineFile != null) {
      Report report = compare(config);
      show(report, Optional.empty());
      return report.diff().isEmpty() ? ExitCode.DONE : ExitCode.DIFFERS;
    }
    return new Round(this, config).run(this::show, quiet);
  }

  private Report compare(Config config) throws Exception {
    try (StateDirectory state = context.openState(config)) {
      Survey survey = context.survey(config, state.readScanState());
      Snapshot baseline =
          baselineFile == null ? state.readBaseline() : SnapshotFile.read(baselineFile);
      Report report = context.comparison(config, survey, baseline).report(context::zone);
      remember(state, survey.state());
      return report;
    }
  }

  private void show(Report report, Optional<ScanReport> scans) {
    if (!quiet) {
      print(format.of(report, scans));
      out().flush(); // before a mail server is waited for
    }
  }
}
