package org.lsm;

import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Set;
import org.lsm.cli.AcceptCommand;
import org.lsm.cli.CommandContext;
import org.lsm.cli.CompareCommand;
import org.lsm.cli.DeleteCommand;
import org.lsm.cli.DiffCommand;
import org.lsm.cli.ExitCode;
import org.lsm.cli.GenerateCommand;
import org.lsm.cli.HistoryCommand;
import org.lsm.cli.ListCommand;
import org.lsm.cli.SentryCommand;
import org.lsm.cli.StatusCommand;
import org.lsm.cli.TestAlertCommand;
import org.lsm.model.TextEscaper;
import org.lsm.monitor.ErrorMessages;
import org.lsm.monitor.SystemEnvironment;
import org.lsm.monitor.Version;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.IVersionProvider;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParseResult;
import picocli.CommandLine.ScopeType;

/** The command {@code lsm}. */
@Command(
    name = "lsm",
    description = {
      "Reports the sockets that appeared on this host since the baseline, and their owners.",
      ""
    },
    mixinStandardHelpOptions = true,
    scope = ScopeType.INHERIT,
    versionProvider = Lsm.VersionProvider.class,
    synopsisSubcommandLabel = "COMMAND",
    exitCodeListHeading = "%nExit status:%n",
    exitCodeList = {
      "0:no difference, or done",
      "1:differences; status: a fault",
      "2:error: usage, configuration, scan, another run, a missing or damaged baseline",
      "3:an alert could not be delivered and waits in the outbox for the next run"
    },
    usageHelpAutoWidth = true)
public final class Lsm {

  private static final Set<List<String>> CRON =
      Set.of(List.of("-c", "--quiet"), List.of("compare", "--quiet"));

  private static final List<String> VERSION = List.of("--version");

  /** The options that may stand before the command, for picocli. */
  @Mixin final CommandContext context;

  private Lsm(CommandContext context) {
    this.context = context;
  }

  /** Runs the program and exits with its exit code. */
  public static void main(String[] args) {
    PrintWriter out = new PrintWriter(System.out, false, StandardCharsets.UTF_8);
    PrintWriter err = new PrintWriter(System.err, true, StandardCharsets.UTF_8);
    // halt and not exit: lsm has no shutdown hooks, and exit first sets up the JDK's logging.
    Runtime.getRuntime().halt(run(SystemEnvironment.real(), out, err, args));
  }

  /**
   * Runs one command.
   *
   * @param environment the host
   * @param out takes the result
   * @param err takes errors and notes
   * @param args the command line
   * @return one of {@link ExitCode}
   */
  public static int run(
      SystemEnvironment environment, PrintWriter out, PrintWriter err, String... args) {
    CommandContext context = new CommandContext(environment, out, err);
    int exitCode = execute(context, args);
    err.flush();
    if (out.checkError()) {
      err.println("lsm: the output could not be written");
      err.flush();
      return ExitCode.ERROR;
    }
    return exitCode;
  }

  private static int execute(CommandContext context, String... args) {
    try {
      // The command lines of cron need no picocli, which takes longer to load than the compare.
      if (CRON.contains(List.of(args))) {
        return CompareCommand.quiet(context).call();
      }
      return List.of(args).equals(VERSION)
          ? printVersion(context)
          : commandLine(context).execute(args);
    } catch (OutOfMemoryError e) {
      return failed(context, ErrorMessages.outOfMemory(e));
    } catch (Error e) {
      // The virtual machine would exit with 1, which means a difference.
      context.err().println("lsm: internal error: " + e);
      return ExitCode.ERROR;
    } catch (Exception e) {
      return failed(context, e);
    }
  }

  private static int printVersion(CommandContext context) {
    context.out().println(version());
    return ExitCode.OK;
  }

  private static String version() {
    return "lsm " + Version.VERSION;
  }

  /** All commands. Not public: java would load picocli at each start in its search for main. */
  static CommandLine commandLine(CommandContext context) {
    return new CommandLine(new Lsm(context))
        .addSubcommand(new GenerateCommand(context))
        .addSubcommand(new CompareCommand(context))
        .addSubcommand(new DeleteCommand(context))
        .addSubcommand(new AcceptCommand(context))
        .addSubcommand(new ListCommand(context))
        .addSubcommand(new HistoryCommand(context))
        .addSubcommand(new StatusCommand(context))
        .addSubcommand(new TestAlertCommand(context))
        .addSubcommand(new DiffCommand(context))
        .addSubcommand(new SentryCommand(context))
        .setExpandAtFiles(false) // so that "lsm @/etc/shadow" reads no file
        .setOut(context.out())
        .setErr(context.err())
        .setExecutionStrategy(parsed -> execute(context, parsed))
        .setParameterExceptionHandler((e, arguments) -> usageError(e))
        .setExecutionExceptionHandler((e, command, parsed) -> failed(context, e));
  }

  private static int execute(CommandContext context, ParseResult parsed) {
    if (context.verbose()) {
      System.setProperty("org.slf4j.simpleLogger.defaultLogLevel", "debug");
    }
    return new CommandLine.RunLast().execute(parsed);
  }

  private static int usageError(ParameterException e) {
    PrintWriter err = e.getCommandLine().getErr();
    err.println("lsm: " + TextEscaper.escape(e.getMessage()));
    CommandLine.UnmatchedArgumentException.printSuggestions(e, err);
    err.println(
        "Try '" + e.getCommandLine().getCommandSpec().qualifiedName() + " --help' for help.");
    return ExitCode.ERROR;
  }

  private static int failed(CommandContext context, Exception e) {
    PrintWriter err = context.err();
    err.println("lsm: " + TextEscaper.escape(ErrorMessages.explain(e)));
    if (context.verbose()) {
      err.println(TextEscaper.stackTrace(e));
    }
    return ExitCode.ERROR;
  }

  /** The version that {@code --version} prints. */
  static final class VersionProvider implements IVersionProvider {
    @Override
    public String[] getVersion() {
      return new String[] {version()};
    }
  }
}
