package org.lsm.cli;

import org.lsm.alert.DeliveryException;
import org.lsm.alert.Mail;
import org.lsm.alert.Report;
import org.lsm.config.Config;
import org.lsm.proc.HostScanner.Scan;
import org.lsm.snapshot.Diff;
import org.lsm.snapshot.Snapshot;
import org.lsm.snapshot.StateDirectory;
import picocli.CommandLine.Option;

/** {@code lsm compare}: says what differs from the baseline, and alerts. */
@picocli.CommandLine.Command(
    name = "compare",
    aliases = "-c",
    description = "Compare the sockets there are now with the baseline, report and alert.")
public final class CompareCommand extends Command {

  @Option(names = "--quiet", description = "Print no report, only errors (for cron).")
  private boolean quiet;

  @Option(names = "--no-alert", description = "Only print, alert nobody.")
  private boolean noAlert;

  public CompareCommand(Context context) {
    super(context);
  }

  @Override
  public Integer call() throws Exception {
    Config config = context.config();
    Report report = compare(config);
    if (!quiet) {
      print(report.text());
    }
    if (report.diff().isEmpty()) {
      return ExitCode.DONE;
    }
    return noAlert ? ExitCode.DIFFERS : alert(config, report);
  }

  private Report compare(Config config) throws Exception {
    try (StateDirectory state = context.openState(config)) {
      Snapshot baseline = state.readBaseline();
      Scan scan = context.scan();
      return context.report(baseline, scan, Diff.between(baseline, scan.snapshot()));
    }
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
