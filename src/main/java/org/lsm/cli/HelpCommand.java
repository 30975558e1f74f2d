package org.lsm.cli;

import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

@Command(name = "help", description = "Print the help of lsm, or of one of its commands.")
public final class HelpCommand extends BaseCommand {
  @Parameters(arity = "0..1", paramLabel = "COMMAND", description = "The command.")
  private String command;

  @Override
  public Integer call() {
    CommandLine lsm = commandLine().getParent();
    CommandLine described = command == null ? lsm : lsm.getSubcommands().get(command);
    if (described == null) {
      throw usageError("there is no command '" + command + "'; 'lsm help' names all");
    }
    described.usage(out());
    return ExitCode.OK;
  }
}
