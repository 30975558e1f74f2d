package org.lsm.cli;

import static org.lsm.cli.Arguments.flag;
import static org.lsm.cli.Arguments.option;

import org.lsm.model.Connection;
import org.lsm.monitor.ConnectionScan;
import org.lsm.report.ConnectionListing;
import org.lsm.report.Json;
import picocli.CommandLine.Model.CommandSpec;

final class ConnectionsCommand extends BaseCommand {
  private static final int MAX_SECONDS = 3600;

  private int seconds;
  private boolean outbound;
  private Integer listen;
  private Integer port;
  private boolean detailed;
  private final OutputFormat format = new OutputFormat();

  ConnectionsCommand() {
    super(
        "Print the TCP connections with their processes and traffic, the busiest first.",
        "connections");
  }

  @Override
  void addArguments(CommandSpec spec) {
    spec.addOption(
        option("--seconds", "N", Integer.class, it -> seconds = it)
            .defaultValue("2")
            .description(
                "Measure the rates for so long (default: ${DEFAULT-VALUE}); 0 measures none.")
            .build());
    spec.addOption(
        flag("--outbound", it -> outbound = it)
            .description(
                "Only connections that this host began: no listener serves their local port.")
            .build());
    spec.addOption(
        option("--listen", "PORT", Integer.class, it -> listen = it)
            .description("Only connections to this port of this host.")
            .build());
    spec.addOption(
        option("--port", "PORT", Integer.class, it -> port = it)
            .description("Only connections with this port at either end.")
            .build());
    spec.addOption(
        flag("--details", it -> detailed = it)
            .description(
                "Print the names of remote hosts, and the command lines, units and parents of processes.")
            .build());
    format.addTo(spec);
  }

  @Override
  public Integer call() throws Exception {
    if (seconds < 0 || seconds > MAX_SECONDS) {
      throw usageError("--seconds: '" + seconds + "' is not a number from 0 to " + MAX_SECONDS);
    }
    requirePort("--listen", listen);
    requirePort("--port", port);
    if (listen != null && outbound) {
      throw usageError("--listen is for inbound connections; omit --outbound");
    }
    ConnectionScan scan = new ConnectionScan(context.readableComponents());
    ConnectionListing listing = scan.list(seconds, this::isSelected, detailed);
    print(format.isJson() ? Json.of(listing) : listing.text());
    listing.notes().forEach(context::warn);
    return ExitCode.OK;
  }

  private void requirePort(String option, Integer value) {
    if (value != null && (value < 1 || value > 0xFFFF)) {
      throw usageError(option + ": '" + value + "' is not a port from 1 to 65535");
    }
  }

  private boolean isSelected(Connection it) {
    int local = it.socket().endpoint().port();
    return (!outbound || it.outbound())
        && (listen == null || (!it.outbound() && local == listen))
        && (port == null || local == port || it.remote().port() == port);
  }
}
