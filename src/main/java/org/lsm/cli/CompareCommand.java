package org.lsm.cli;

import java.nio.file.Path;
import org.lsm.alert.DeliveryException;
import org.lsm.alert.Mail;
import org.lsm.alert.Report;
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

  @Override
  public Integer call() throws Exception {
    Config config = context.config();
    Report report;
    try (StateDirectory state = context.openState(config)) {
      Survey survey = context.survey(config, state.readScanState());
      Snapshot baseline =
          baselineFile == null ? state.readBaseline() : SnapshotFile.read(baselineFile);
      report = context.comparison(config, survey, baseline).report(context.zone());
      remember(state, survey.state());
    }
    if (!quiet) {
      print(format.of(report));
    }
    if (report.diff().isEmpty()) {
      return ExitCode.DONE;
    }
    return noAlert || baselineFile != null ? ExitCode.DIFFERS : alert(config, report);
  }

  private int alert(Config config, Report report) {
    Host host = context.host();
    try {
      new Mail(config, host.sendmail(), host.mailTimeout()).send(report.alert(config.subject()));
      return ExitCode.DIFFERS;
    } catch (DeliveryException e) {
      err().println("lsm: " + e.getMessage());
      if (context.verbose()) {
        e.printStackTrace(err());
      }
      return ExitCode.UNDELIVERED;
    }
  }
}
