package org.lsm.cli;

import static org.lsm.cli.Arguments.parameter;

import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;

final class HelpCommand extends BaseCommand {
  private String command;

  HelpCommand() {
    super("Print the help of lsm, or of one of its commands.", "help");
  }

  @Override
  void addArguments(CommandSpec spec) {
    spec.addPositional(
        parameter("COMMAND", String.class, it -> command = it)
            .arity("0..1")
            .description("The command.")
            .build());
  }

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
