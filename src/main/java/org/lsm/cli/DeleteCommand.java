package org.lsm.cli;

import java.nio.file.Path;
import java.util.List;
import org.lsm.config.Config;
import org.lsm.snapshot.StateDirectory;

/** {@code lsm delete}: forgets the baselines. */
@picocli.CommandLine.Command(
    name = "delete",
    aliases = "-d",
    description = "Delete the baseline and its predecessors.")
public final class DeleteCommand extends Command {

  public DeleteCommand(Context context) {
    super(context);
  }

  @Override
  public Integer call() throws Exception {
    Config config = context.config();
    try (StateDirectory state = context.openState(config)) {
      List<Path> deleted = state.deleteBaselines();
      deleted.forEach(file -> out().println("Deleted " + file));
      if (deleted.isEmpty()) {
        out().println("There was no baseline in " + config.stateDirectory());
      }
    }
    return ExitCode.DONE;
  }
}
