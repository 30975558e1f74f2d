package org.lsm.cli;

import org.lsm.config.Config;
import org.lsm.model.Connection;
import org.lsm.report.ConnectionListing;
import org.lsm.report.Json;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

@Command(
    name = "connections",
    description = "Print the TCP connections with their processes and traffic, the busiest first.")
public final class ConnectionsCommand extends BaseCommand {
  private static final int MAX_SECONDS = 3600;

  @Option(
      names = "--seconds",
      paramLabel = "N",
      defaultValue = "2",
      description = "Measure the rates for so long (default: ${DEFAULT-VALUE}); 0 measures none.")
  private int seconds;

  @Option(
      names = "--outbound",
      description = "Only connections that this host began: no listener serves their local port.")
  private boolean outbound;

  @Option(
      names = "--listen",
      paramLabel = "PORT",
      description = "Only connections to this port of this host.")
  private Integer port;

  @Mixin private OutputFormat format;

  @Override
  public Integer call() throws Exception {
    if (seconds < 0 || seconds > MAX_SECONDS) {
      throw usageError("--seconds: '" + seconds + "' is not a number from 0 to " + MAX_SECONDS);
    }
    if (port != null && (port < 1 || port > 0xFFFF)) {
      throw usageError("--listen: '" + port + "' is not a port from 1 to 65535");
    }
    if (port != null && outbound) {
      throw usageError("--listen is for inbound connections; omit --outbound");
    }
    ConnectionListing listing =
        context.components(Config.defaults()).connections(seconds, this::isSelected);
    print(format.isJson() ? Json.of(listing) : listing.text());
    listing.notes().forEach(context::warn);
    return ExitCode.OK;
  }

  private boolean isSelected(Connection it) {
    return port == null
        ? it.outbound() || !outbound
        : !it.outbound() && it.socket().endpoint().port() == port;
  }
}
