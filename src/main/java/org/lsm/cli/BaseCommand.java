package org.lsm.cli;

import java.io.PrintWriter;
import java.util.concurrent.Callable;
import java.util.regex.Pattern;
import picocli.CommandLine;
import picocli.CommandLine.Help.Ansi;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** The base of all commands. */
abstract class BaseCommand implements Callable<Integer> {

  private static final Pattern TITLE = Pattern.compile("(?m)^(NEW|GONE|CHANGED|SCAN)\\b");

  final CommandContext context;

  @Spec private CommandSpec spec;

  BaseCommand(CommandContext context) {
    this.context = context;
  }

  /** Runs the command and returns one of {@link ExitCode}. */
  @Override
  public abstract Integer call() throws Exception;

  CommandLine commandLine() {
    return spec.commandLine();
  }

  PrintWriter out() {
    return context.out();
  }

  /** Prints a report; on a terminal the types of difference are bold. */
  void print(String report) {
    boolean color = context.colorAllowed() && Ansi.AUTO.enabled();
    out().print(color ? TITLE.matcher(report).replaceAll("\033[1;31m$1\033[0m") : report);
  }
}
