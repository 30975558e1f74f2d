package org.lsm.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.lsm.config.Config;
import org.lsm.storage.StateDirectory;
import picocli.CommandLine.Command;

/** {@code lsm delete}: forgets the baselines. */
@Command(name = "delete", aliases = "-d", description = "Delete the baseline and its predecessors.")
public final class DeleteCommand extends BaseCommand {

  public DeleteCommand(CommandContext context) {
    super(context);
  }

  @Override
  public Integer call() throws Exception {
    Config config = context.config();
    try (StateDirectory state = context.openState(config)) {
      List<Path> deleted = state.deleteAll();
      deleted.forEach(file -> out().println("Deleted " + file));
      history(config).addAll("deleted", deleted.stream().map(Path::toString).toList());
      if (deleted.isEmpty()) {
        out().println("There was no baseline in " + config.stateDirectory());
      }
      removeRules(config);
    }
    return ExitCode.OK;
  }

  /** Without a baseline no port is known to be unused. */
  private void removeRules(Config config) throws IOException {
    if (Files.exists(StateDirectory.sentry(config.stateDirectory()))) {
      context.sentry().remove();
      Files.delete(StateDirectory.sentry(config.stateDirectory()));
      out().println("Removed the table inet lsm from the packet filter");
    }
  }
}
