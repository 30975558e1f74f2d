package org.lsm;

import java.io.File;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.lsm.cli.BaseCommand;
import org.lsm.cli.CommandContext;
import org.lsm.cli.CompareCommand;
import org.lsm.cli.ExitCode;
import org.lsm.model.ErrorMessages;
import org.lsm.model.TextEscaper;
import org.lsm.monitor.MonitorRun;
import org.lsm.monitor.QuietRun;
import org.lsm.monitor.SystemEnvironment;
import org.lsm.monitor.Version;
import org.lsm.report.StatusReport.Severity;
import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParseResult;
import picocli.CommandLine.ScopeType;
import picocli.CommandLine.UnmatchedArgumentException;

/** The command {@code lsm}. */
public final class Lsm extends CommandContext {
  static final String NAME_AND_VERSION = "lsm " + Version.VERSION;

  /** The file by which the launcher knows that a run has not ended; empty if there is none. */
  private static final String IN_USE = System.getProperty("lsm.inUse", "");

  private static final Set<List<String>> DELIVER =
      Set.of(List.of(MonitorRun.DELIVER), List.of(MonitorRun.DELIVER, MonitorRun.QUIET));

  private QuietRun quietRun; // null unless cron may have started this

  private Lsm(SystemEnvironment environment, PrintWriter out, PrintWriter err) {
    super(environment, out, err);
  }

  /** What a mistyped command is never taken for: commands that delete or accept something. */
  private static final String UNSUGGESTED = "generate|accept|delete|-[gd]";

  /** Runs the program and exits with its exit code. */
  public static void main(String[] args) {
    // halt and not exit: lsm has no shutdown hooks, and exit first sets up the JDK's logging.
    Runtime.getRuntime().halt(exitCode(args));
  }

  private static int exitCode(String[] args) {
    try {
      int exitCode = run(args);
      new File(IN_USE).delete(); // the next run need not check the class-data archive
      return exitCode;
    } catch (LinkageError e) {
      boolean isChecked = new File(IN_USE).exists();
      String remedy = isChecked ? "the next run checks the class-data archive" : "run archive.sh";
      System.err.println("lsm: " + e + "; " + remedy);
      return ExitCode.ERROR;
    }
  }

  private static int run(String[] args) {
    QuietRun quietRun =
        quietRun(args, System.getenv(CONFIG), SystemEnvironment.PROC, SystemEnvironment.PASSWD);
    if (quietRun != null && quietRun.isQuiet(System.currentTimeMillis())) {
      return ExitCode.OK;
    }
    PrintWriter out = new PrintWriter(new StandardOutput(), false, StandardCharsets.UTF_8);
    PrintWriter err = new PrintWriter(System.err, true, StandardCharsets.UTF_8);
    return run(SystemEnvironment.real(), quietRun, out, err, args);
  }

  /** Standard output. A reader that has closed its end has read enough: that is not an error. */
  private static final class StandardOutput extends FileOutputStream {
    StandardOutput() {
      super(FileDescriptor.out);
    }

    @Override
    public void write(byte[] bytes, int offset, int length) throws IOException {
      try {
        super.write(bytes, offset, length);
      } catch (IOException e) {
        if (!"Broken pipe".equals(e.getMessage())) { // EPIPE, see strerror(3)
          throw e;
        }
      }
    }
  }

  /** Runs one command, with results to out and errors and notes to err; returns the exit code. */
  public static int run(SystemEnvironment host, PrintWriter out, PrintWriter err, String... args) {
    Path proc = host.sources().proc();
    Path passwd = host.sources().passwd();
    QuietRun quietRun = quietRun(args, host.variables().get(CONFIG), proc, passwd);
    return quietRun != null && quietRun.isQuiet(host.clock().millis())
        ? ExitCode.OK
        : run(host, quietRun, out, err, args);
  }

  private static int run(
      SystemEnvironment host, QuietRun quietRun, PrintWriter out, PrintWriter err, String... args) {
    Lsm lsm = new Lsm(host, out, err);
    lsm.quietRun = quietRun;
    int exitCode = lsm.execute(args);
    if (out.checkError()) {
      lsm.warn("the output could not be written");
      exitCode = ExitCode.ERROR;
    }
    err.flush();
    return exitCode;
  }

  /**
   * The quiet run that a command line of cron begins with; null for any other.
   *
   * @param variable the value of LSM_CONF, or null
   */
  private static QuietRun quietRun(String[] args, String variable, Path proc, Path passwd) {
    boolean compares = false;
    boolean isQuiet = false;
    String config = null;
    for (int i = 0; i < args.length; i++) {
      if (!compares && (args[i].equals("-c") || args[i].equals("compare"))) {
        compares = true;
      } else if (!isQuiet && args[i].equals(MonitorRun.QUIET)) {
        isQuiet = true;
      } else if (config == null && i + 1 < args.length && args[i].equals("--config")) {
        config = args[++i];
      } else {
        return null;
      }
    }
    try {
      return compares && isQuiet
          ? new QuietRun(config == null ? configFile(variable) : Path.of(config), proc, passwd)
          : null;
    } catch (InvalidPathException e) {
      return null; // an error as for any other command line
    }
  }

  private int execute(String... args) {
    try {
      // The command lines of cron need no picocli, which takes longer to load than the compare.
      if (quietRun != null) {
        configFile = quietRun.configFile();
        return CompareCommand.quiet(this, quietRun).call();
      }
      if (DELIVER.contains(List.of(args))) {
        return CompareCommand.deliver(this, args.length > 1);
      }
      if (List.of(args).equals(List.of("--version"))) {
        out.println(NAME_AND_VERSION);
        return ExitCode.OK;
      }
      return commandLine(args).execute(args);
    } catch (OutOfMemoryError e) {
      return failed(ErrorMessages.outOfMemory(e));
    } catch (LinkageError e) {
      throw e; // the archive may be why
    } catch (Error e) {
      // The virtual machine would exit with 1, which means a difference. No class is loaded for
      // the message: there may be no descriptors left.
      err.println("lsm: internal error: " + e);
      return ExitCode.ERROR;
    } catch (Exception e) {
      return failed(e);
    }
  }

  /**
   * Only the command that a command line names, because picocli takes a millisecond for each; all
   * where the others matter: for an overview, and what a mistyped one may mean.
   */
  private static List<BaseCommand> commands(String... args) {
    boolean isHelp = args.length > 0 && args[0].equals("help");
    int index = isHelp ? 1 : 0;
    String name = args.length > index ? args[index] : "";
    List<BaseCommand> all = BaseCommand.all();
    List<BaseCommand> named =
        all.stream().filter(it -> it.isNamed(name) || (isHelp && it.isNamed("help"))).toList();
    return named.size() > index ? named : all;
  }

  /**
   * The commands that a command line needs. Not public: java would load picocli at each start in
   * its search for main.
   */
  private CommandLine commandLine(String... args) {
    CommandSpec spec =
        CommandSpec.wrapWithoutInspection(this).name("lsm").version(NAME_AND_VERSION);
    spec.scopeType(ScopeType.INHERIT);
    addOptions(spec);
    spec.usageMessage()
        .description(
            "Reports the sockets that appeared on this host since the baseline, and their owners.",
            "")
        .synopsisSubcommandLabel("COMMAND")
        .exitCodeListHeading("%nExit status:%n")
        .exitCodeList(exitCodes())
        .autoWidth(true);
    CommandLine lsm = new CommandLine(spec);
    commands(args).forEach(it -> lsm.addSubcommand(it.createCommandLine(this)));
    return lsm.setCaseInsensitiveEnumValuesAllowed(true)
        .setExpandAtFiles(false) // so that "lsm @/etc/shadow" reads no file
        .setOut(out)
        .setErr(err)
        .setExecutionStrategy(this::execute)
        .setParameterExceptionHandler((e, arguments) -> usageError(e, List.of(arguments)))
        .setExecutionExceptionHandler((e, command, parsed) -> failed(e));
  }

  private static Map<String, String> exitCodes() {
    Map<String, String> codes = new LinkedHashMap<>();
    codes.put("0", "no difference, or done");
    codes.put("1", "differences; status: a fault");
    codes.put("2", "error: usage, configuration, scan, another run, a missing or damaged baseline");
    codes.put("3", "an alert could not be delivered and waits in the outbox for the next run");
    return codes;
  }

  private int execute(ParseResult parsed) {
    if (verbose) {
      System.setProperty("org.slf4j.simpleLogger.defaultLogLevel", "debug");
    }
    return new CommandLine.RunLast().execute(parsed);
  }

  private int usageError(ParameterException e, List<String> arguments) {
    String command = e.getCommandLine().getCommandSpec().qualifiedName();
    if (e instanceof UnmatchedArgumentException unmatched) {
      warn(explain(unmatched, command));
      // The most similar one, or none: others are hardly meant.
      unmatched.getSuggestions().stream()
          .limit(1)
          .filter(it -> !it.matches(UNSUGGESTED))
          .forEach(it -> err.println("Did you mean '" + it + "'?"));
    } else {
      warn(e.getMessage());
    }
    err.println("Try '" + command + " --help' for help.");
    boolean isPlugin = String.join(" ", arguments).matches("(?i).*--format[ =]nagios\\b.*");
    return isPlugin ? Severity.UNKNOWN.exitCode : ExitCode.ERROR;
  }

  private static String explain(UnmatchedArgumentException e, String command) {
    String argument = e.getUnmatched().get(0);
    if (e.isUnknownOption()) {
      return "there is no option '" + argument + "'";
    }
    return command.equals("lsm")
        ? "there is no command '" + argument + "'"
        : "'" + argument + "' is one argument too many";
  }

  private int failed(Exception e) {
    warn(ErrorMessages.explain(e));
    if (verbose) {
      err.println(TextEscaper.stackTrace(e));
    }
    return ExitCode.ERROR;
  }
}
