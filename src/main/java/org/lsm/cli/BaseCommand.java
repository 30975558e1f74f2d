package org.lsm.cli;

import java.io.PrintWriter;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.regex.Pattern;
import org.lsm.model.Difference;
import org.lsm.monitor.Components;
import org.lsm.report.DiffReport;
import picocli.CommandLine;
import picocli.CommandLine.Help.Ansi;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;

/** The base of all commands; each returns one of {@link ExitCode}. */
public abstract class BaseCommand implements Callable<Integer> {
  private static final Pattern TITLE =
      Pattern.compile("(?m)^(NEW|CHANGED|GONE|SCAN|SOCKET|PROCESS)\\b( +\\[high\\])?");
  private static final Pattern FLAG = Pattern.compile("(?m)^ {9}! .*$");

  CommandContext context;
  private final String description;
  private final List<String> names;
  private CommandSpec spec;

  /** Takes the description, a sentence, and the name with its aliases. */
  BaseCommand(String description, String... names) {
    this.description = description;
    this.names = List.of(names);
  }

  /** All commands, in the order of the help. */
  public static List<BaseCommand> all() {
    return List.of(
        new GenerateCommand(),
        new CompareCommand(),
        new DeleteCommand(),
        new AcceptCommand(),
        new ListCommand(),
        new ShowCommand(),
        new ConnectionsCommand(),
        new HistoryCommand(),
        new StatusCommand(),
        new CheckCommand(),
        new TestAlertCommand(),
        new DiffCommand(),
        new SentryCommand(),
        new OutboundCommand(),
        new HelpCommand());
  }

  /** Whether this is the name of the command or an alias. */
  public final boolean isNamed(String name) {
    return names.contains(name);
  }

  /** The command line of this command, for one run in this context. */
  public final CommandLine createCommandLine(CommandContext context) {
    this.context = context;
    spec = CommandSpec.wrapWithoutInspection(this);
    spec.name(names.get(0)).aliases(names.stream().skip(1).toArray(String[]::new));
    spec.usageMessage().description(description);
    addArguments(spec);
    return new CommandLine(spec);
  }

  /** Adds the options and parameters. */
  void addArguments(CommandSpec spec) {}

  final CommandLine commandLine() {
    return spec.commandLine();
  }

  ParameterException usageError(String message) {
    return new ParameterException(commandLine(), message);
  }

  PrintWriter out() {
    return context.out;
  }

  /** Prints a report; on a terminal the types of difference are bold, what is suspicious is red. */
  void print(String report) {
    boolean color = !context.noColor && Ansi.AUTO.enabled();
    String bold = color ? TITLE.matcher(report).replaceAll("\033[1m$0\033[0m") : report;
    out().print(color ? FLAG.matcher(bold).replaceAll("\033[1;31m$0\033[0m") : bold);
  }

  /**
   * Records and prints differences that went into the baseline, with the details of a report.
   *
   * @param how more words for the heading
   */
  void printAccepted(
      Components components, List<Difference> accepted, String how, DiffReport report) {
    if (!accepted.isEmpty()) {
      components.history().append("accepted", accepted, report);
      out().printf("Accepted into the baseline%s:%n%n", how);
      print(report.reporting(accepted, List.of()).differencesText());
    }
  }
}
