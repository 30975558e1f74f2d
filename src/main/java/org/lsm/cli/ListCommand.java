package org.lsm.cli;

import org.lsm.alert.Report;
import org.lsm.proc.HostScanner.Scan;
import org.lsm.snapshot.Untrusted;

/** {@code lsm list}: the sockets there are now, with their owners. */
@picocli.CommandLine.Command(
    name = "list",
    description = "Print the sockets there are now, with their owners.")
public final class ListCommand extends Command {

  public ListCommand(Context context) {
    super(context);
  }

  @Override
  public Integer call() throws Exception {
    Scan scan = context.scan();
    out().print(Report.table(scan.snapshot()));
    scan.notes().forEach(note -> err().println("lsm: " + Untrusted.escape(note)));
    return ExitCode.DONE;
  }
}
