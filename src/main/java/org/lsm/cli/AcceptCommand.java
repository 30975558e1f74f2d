package org.lsm.cli;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;
import org.lsm.config.Config;
import org.lsm.config.Glob;
import org.lsm.model.Diff;
import org.lsm.model.Difference;
import org.lsm.model.EphemeralPorts;
import org.lsm.model.Snapshot;
import org.lsm.model.TextEscaper;
import org.lsm.monitor.RepeatedScan;
import org.lsm.report.DiffReport;
import org.lsm.storage.StateDirectory;
import picocli.CommandLine.Command;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;

/** {@code lsm accept}: takes chosen differences into the baseline. */
@Command(name = "accept", description = "Take only these differences into the baseline.")
public final class AcceptCommand extends BaseCommand {

  @Parameters(
      arity = "1..*",
      paramLabel = "SOCKET",
      description = {
        "A socket as reports name it, tcp/0.0.0.0:8080, or a pattern: * stands for anything but /,",
        "** for anything, ? for one character. Quote patterns from the shell."
      })
  private List<String> patterns = new ArrayList<>();

  public AcceptCommand(CommandContext context) {
    super(context);
  }

  @Override
  public Integer call() throws Exception {
    Config config = context.config();
    try (StateDirectory state = context.openState(config)) {
      RepeatedScan scans = context.scans(config, state.readScanState());
      Snapshot baseline = state.readBaseline();
      scans.settle();
      DiffReport report = context.comparison(config, scans, baseline).reportLasting(context::zone);
      Diff chosen = choose(report.diff());
      EphemeralPorts ephemeral = scans.ephemeralPorts(config.ephemeral());
      state.storeBaseline(chosen.applyTo(baseline, ephemeral));
      remember(state, scans.state());
      history(config).addAll("accepted", chosen.differences(), report);
      out().println("Accepted into the baseline:");
      out().println();
      print(report.telling(chosen.differences()).differences());
      int left = report.diff().differences().size() - chosen.differences().size();
      out().printf("%d differences remain%n", left);
    }
    return ExitCode.OK;
  }

  private Glob glob(String pattern) {
    try {
      return new Glob(pattern);
    } catch (IllegalArgumentException e) {
      throw new ParameterException(commandLine(), "'" + pattern + "' has " + e.getMessage());
    }
  }

  private static List<Difference> named(Diff diff, Predicate<String> name) {
    return diff.differences().stream().filter(it -> name.test(it.endpoint().toString())).toList();
  }

  /**
   * The differences that the patterns name; each pattern has to name one. A name that happens to be
   * a pattern means itself.
   */
  private Diff choose(Diff diff) {
    List<Difference> chosen = new ArrayList<>();
    for (String pattern : patterns) {
      List<Difference> matching = named(diff, name -> TextEscaper.escape(name).equals(pattern));
      if (matching.isEmpty()) {
        matching = named(diff, glob(pattern)::matches);
      }
      if (matching.isEmpty()) {
        throw new ParameterException(
            commandLine(),
            "no difference is named '" + pattern + "'; 'lsm compare --no-alert' shows all");
      }
      chosen.addAll(matching);
    }
    return new Diff(chosen.stream().distinct().toList());
  }
}
