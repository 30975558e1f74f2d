package org.lsm.cli;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.lsm.model.TextEscaper;
import org.lsm.monitor.Components;
import org.lsm.storage.StateDirectory;

final class DeleteCommand extends BaseCommand {
  DeleteCommand() {
    super("Delete the baseline and the older ones that are kept.", "delete", "-d");
  }

  @Override
  public Integer call() throws Exception {
    Components components = context.components();
    Path directory = components.config().stateDirectory();
    try (StateDirectory state = components.openState()) {
      List<Path> deleted = state.deleteAll();
      for (Path file : deleted) {
        out().println("Deleted " + file);
        components.history().append("deleted", TextEscaper.escape(file.toString()));
      }
      if (deleted.isEmpty()) {
        out().println("There was no baseline in " + directory);
      }
      // With Alertmanager, the next run needs these files to resolve the alerts.
      if (components.config().alertmanagerUrls().isEmpty()) {
        Files.deleteIfExists(directory.resolve(StateDirectory.ALERTMANAGER_STATE));
        Files.deleteIfExists(directory.resolve(StateDirectory.ALERTMANAGER_NODES));
      }
      Path outboundState = directory.resolve(StateDirectory.OUTBOUND_STATE);
      if (Files.exists(outboundState)) {
        components.outboundTable().remove();
        Files.delete(outboundState);
        out().println("Removed the table inet lsm_outbound from the packet filter");
      }
      Path sentryState = directory.resolve(StateDirectory.SENTRY_STATE);
      if (Files.exists(sentryState)) { // without a baseline no port is known to be unused
        components.nftTable().remove();
        Files.delete(sentryState);
        out().println("Removed the table inet lsm from the packet filter");
      }
    }
    return ExitCode.OK;
  }
}
