package org.lsm.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.util.concurrent.Callable;
import java.util.regex.Pattern;
import org.lsm.alert.History;
import org.lsm.alert.Outbox;
import org.lsm.config.Config;
import org.lsm.model.OwnerCache;
import org.lsm.model.TextEscaper;
import org.lsm.storage.StateDirectory;
import picocli.CommandLine;
import picocli.CommandLine.Help.Ansi;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** What the classes of the commands have in common. */
public abstract class BaseCommand implements Callable<Integer> {

  private static final Pattern KIND = Pattern.compile("(?m)^(NEW|GONE|CHANGED|SCAN)\\b");

  public final CommandContext context;

  @Spec private CommandSpec spec;

  public BaseCommand(CommandContext context) {
    this.context = context;
  }

  /** Does what the command is for and returns one of {@link ExitCode}. */
  @Override
  public abstract Integer call() throws Exception;

  CommandLine commandLine() {
    return spec.commandLine();
  }

  PrintWriter out() {
    return context.out();
  }

  PrintWriter err() {
    return context.err();
  }

  /** Prints lines of a report, on a terminal with the kinds of difference in bold. */
  void print(String report) {
    boolean color = context.colorAllowed() && Ansi.AUTO.enabled();
    out().print(color ? KIND.matcher(report).replaceAll("\033[1;31m$1\033[0m") : report);
  }

  /** Remembers a scan for the next run; that it cannot is no reason to fail. */
  public void remember(StateDirectory state, OwnerCache scan) {
    try {
      state.storeScanState(scan);
    } catch (IOException e) {
      warn("the next run has to look at all processes: " + e.getMessage());
    }
  }

  /** What happened. */
  public History history(Config config) {
    return context.history(config, this::say);
  }

  /** The alerts that wait. */
  public Outbox outbox(Config config) {
    return context.outbox(config, history(config), this::say);
  }

  /** Prints what the reader should know besides the result; escapes it. */
  public void warn(String note) {
    say(TextEscaper.escape(note));
  }

  /** Prints what is escaped already. */
  public void say(String note) {
    err().println("lsm: " + note);
  }
}
