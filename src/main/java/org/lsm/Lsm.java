package org.lsm;

import static java.util.Collections.disjoint;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.lsm.cli.AcceptCommand;
import org.lsm.cli.CompareCommand;
import org.lsm.cli.Context;
import org.lsm.cli.DeleteCommand;
import org.lsm.cli.DiffCommand;
import org.lsm.cli.ExitCode;
import org.lsm.cli.GenerateCommand;
import org.lsm.cli.HistoryCommand;
import org.lsm.cli.Host;
import org.lsm.cli.ListCommand;
import org.lsm.cli.StatusCommand;
import org.lsm.cli.TestAlertCommand;
import org.lsm.config.ConfigException;
import org.lsm.snapshot.Untrusted;
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
      "Tells which sockets appeared on this host since the baseline, and who opened them.",
      ""
    },
    mixinStandardHelpOptions = true,
    scope = ScopeType.INHERIT,
    versionProvider = Lsm.Version.class,
    synopsisSubcommandLabel = "COMMAND",
    usageHelpAutoWidth = true)
public final class Lsm {

  /** Read by picocli: the options that are given before the command. */
  @Mixin final Context context;

  private Lsm(Context context) {
    this.context = context;
  }

  /** Runs the program and exits with its exit code. */
  public static void main(String[] args) {
    PrintWriter out = new PrintWriter(System.out, false, StandardCharsets.UTF_8);
    PrintWriter err = new PrintWriter(System.err, true, StandardCharsets.UTF_8);
    System.exit(run(Host.real(), out, err, args));
  }

  /**
   * Runs one command.
   *
   * @param host the machine it looks at
   * @param out where its result goes
   * @param err where errors and notes go
   * @param args the command line
   * @return one of {@link ExitCode}
   */
  public static int run(Host host, PrintWriter out, PrintWriter err, String... args) {
    Context context = new Context(host);
    CommandLine commandLine =
        commandLine(context, args)
            .setExpandAtFiles(false) // "lsm @/etc/shadow" is no way to read a file
            .setOut(out)
            .setErr(err)
            .setExecutionStrategy(parsed -> execute(context, parsed))
            .setParameterExceptionHandler((e, arguments) -> misused(e))
            .setExecutionExceptionHandler((e, command, parsed) -> failed(context, e, err));
    int exitCode = execute(commandLine, err, args);
    err.flush();
    if (out.checkError()) {
      err.println("lsm: the output could not be written");
      err.flush();
      return ExitCode.TROUBLE;
    }
    return exitCode;
  }

  /** Every command, by its names. */
  private static final Map<List<String>, Function<Context, Object>> COMMANDS = commands();

  private static Map<List<String>, Function<Context, Object>> commands() {
    Map<List<String>, Function<Context, Object>> commands = new LinkedHashMap<>();
    commands.put(List.of("generate", "-g"), GenerateCommand::new);
    commands.put(List.of("compare", "-c"), CompareCommand::new);
    commands.put(List.of("delete", "-d"), DeleteCommand::new);
    commands.put(List.of("accept"), AcceptCommand::new);
    commands.put(List.of("list"), ListCommand::new);
    commands.put(List.of("history"), HistoryCommand::new);
    commands.put(List.of("status"), StatusCommand::new);
    commands.put(List.of("test-alert"), TestAlertCommand::new);
    commands.put(List.of("diff"), DiffCommand::new);
    return commands;
  }

  /**
   * The command line, with no more commands than these arguments may name: to build all of them
   * would take cron's run longer than its work.
   */
  static CommandLine commandLine(Context context, String... args) {
    CommandLine commandLine = new CommandLine(new Lsm(context));
    List<String> words = List.of(args);
    boolean none =
        !words.contains("--version")
            && COMMANDS.keySet().stream().allMatch(it -> disjoint(it, words));
    COMMANDS.forEach(
        (names, command) -> {
          if (none || !disjoint(names, words)) {
            commandLine.addSubcommand(command.apply(context));
          }
        });
    return commandLine;
  }

  /** Else an error of the virtual machine would exit with 1, which means that something differs. */
  private static int execute(CommandLine commandLine, PrintWriter err, String... args) {
    try {
      return commandLine.execute(args);
    } catch (StackOverflowError | OutOfMemoryError | LinkageError e) {
      err.println("lsm: internal error: " + e);
      return ExitCode.TROUBLE;
    }
  }

  private static int execute(Context context, ParseResult parsed) {
    if (context.verbose()) {
      System.setProperty("org.slf4j.simpleLogger.defaultLogLevel", "debug");
    }
    return new CommandLine.RunLast().execute(parsed);
  }

  private static int misused(ParameterException e) {
    PrintWriter err = e.getCommandLine().getErr();
    err.println("lsm: " + Untrusted.escape(e.getMessage()));
    CommandLine.UnmatchedArgumentException.printSuggestions(e, err);
    err.println(
        "Try '" + e.getCommandLine().getCommandSpec().qualifiedName() + " --help' for help.");
    return ExitCode.TROUBLE;
  }

  private static int failed(Context context, Exception e, PrintWriter err) {
    err.println("lsm: " + Untrusted.escape(explain(e)));
    if (context.verbose()) {
      err.println(Untrusted.stackTrace(e));
    }
    return ExitCode.TROUBLE;
  }

  private static String explain(Exception e) {
    if (e instanceof NoSuchFileException missing) {
      return missing.getFile() + ": no such file or directory";
    }
    if (e instanceof AccessDeniedException denied) {
      return denied.getFile() + ": permission denied; run lsm as root, or check who owns the file";
    }
    if (e instanceof FileAlreadyExistsException other) {
      return other.getFile() + ": exists and is no directory";
    }
    if (e instanceof FileSystemException failure) {
      String reason = failure.getReason(); // null where the class says it all
      return failure.getFile()
          + ": "
          + (reason == null ? failure.getClass().getSimpleName() : reason);
    }
    if (e instanceof IOException || e instanceof ConfigException) {
      return e.getMessage();
    }
    return "internal error: " + e + "; please report it with what --verbose adds";
  }

  /** The version that {@code --version} prints. */
  static final class Version implements IVersionProvider {
    @Override
    public String[] getVersion() {
      return new String[] {"lsm " + Context.version()};
    }
  }
}
