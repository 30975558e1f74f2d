package org.lsm.cli;

import java.nio.file.AccessDeniedException;
import java.util.SortedMap;
import java.util.TreeMap;
import org.lsm.config.Config;
import org.lsm.config.IgnoreRules;
import org.lsm.model.Endpoint;
import org.lsm.model.OwnerCache;
import org.lsm.model.Snapshot;
import org.lsm.model.SocketEntry;
import org.lsm.monitor.RepeatedScan;
import org.lsm.report.SocketListing;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code lsm list}: the sockets there are now, with their owners. */
@Command(name = "list", description = "Print the sockets there are now, with their owners.")
public final class ListCommand extends BaseCommand {

  @Option(
      names = "--all",
      description = "Print the ignored ones too, and the line of ignore.lsm that covers each.")
  private boolean all;

  @Mixin private OutputFormat format;

  public ListCommand(CommandContext context) {
    super(context);
  }

  @Override
  public Integer call() throws Exception {
    Config config = Config.defaults();
    IgnoreRules rules = IgnoreRules.none();
    try {
      config = context.config();
      rules = context.rules();
    } catch (AccessDeniedException e) {
      warn(e.getFile() + " is for root alone; listing with the defaults");
    }
    RepeatedScan scans = context.scans(config, OwnerCache.empty());
    scans.look();
    print(format.of(listing(scans, rules)));
    scans.notes().forEach(this::warn);
    return ExitCode.OK;
  }

  private SocketListing listing(RepeatedScan scans, IgnoreRules rules) {
    SortedMap<Endpoint, Integer> ignored = new TreeMap<>();
    for (SocketEntry entry : scans.found().sockets().values()) {
      rules.covering(entry).ifPresent(rule -> ignored.put(entry.endpoint(), rule.line()));
    }
    Snapshot shown = all ? scans.found() : scans.found().where(rules::isOpen);
    return new SocketListing(shown, ignored, scans.notes());
  }
}
