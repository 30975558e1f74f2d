package org.lsm.cli;

import java.io.IOException;
import org.lsm.config.Config.OutboundMode;
import org.lsm.monitor.Components;
import org.lsm.monitor.OutboundCheck;
import org.lsm.report.OutboundListing;
import picocli.CommandLine.Model.CommandSpec;

final class OutboundCommand extends BaseCommand {
  private final OutputFormat format = new OutputFormat();

  OutboundCommand() {
    super("Print the known outbound connections with their users and units.", "outbound");
  }

  @Override
  void addArguments(CommandSpec spec) {
    format.addTo(spec);
  }

  @Override
  public Integer call() throws Exception {
    Components components = context.components();
    if (components.config().outbound() == OutboundMode.OFF) {
      String advice = "; set it to learn or report, and the next compare sets the rules";
      throw new IOException("OUTBOUND=\"off\" in " + context.configFile() + advice);
    }
    OutboundListing listing = OutboundCheck.list(components);
    print(format.isJson() ? listing.json() : listing.text(components.zone()));
    return ExitCode.OK;
  }
}
