package org.lsm.cli;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;
import org.lsm.alert.Report;
import org.lsm.config.Config;
import org.lsm.config.Glob;
import org.lsm.proc.Survey;
import org.lsm.snapshot.Diff;
import org.lsm.snapshot.Diff.Difference;
import org.lsm.snapshot.EphemeralPorts;
import org.lsm.snapshot.Snapshot;
import org.lsm.snapshot.StateDirectory;
import org.lsm.snapshot.Untrusted;
import picocli.CommandLine.Command;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;

/** {@code lsm accept}: takes chosen differences into the baseline. */
@Command(name = "accept", description = "Take only these differences into the baseline.")
public final class AcceptCommand extends LsmCommand {

  @Parameters(
      arity = "1..*",
      paramLabel = "SOCKET",
      description = {
        "A socket as reports name it, tcp/0.0.0.0:8080, or a pattern: * stands for anything but /,",
        "** for anything, ? for one character. Quote patterns from the shell."
      })
  private List<String> patterns = new ArrayList<>();

  public AcceptCommand(Context context) {
    super(context);
  }

  @Override
  public Integer call() throws Exception {
    Config config = context.config();
    try (StateDirectory state = context.openState(config)) {
      Survey survey = context.survey(config, state.readScanState());
      Snapshot baseline = state.readBaseline();
      survey.settle();
      Report report = context.comparison(config, survey, baseline).reportLasting(context::zone);
      Diff chosen = choose(report.diff());
      EphemeralPorts ephemeral = survey.ephemeralPorts(config.ephemeral());
      state.storeBaseline(chosen.applyTo(baseline, ephemeral));
      remember(state, survey.state());
      history(config).addAll("accepted", chosen.differences(), report);
      out().println("Accepted into the baseline:");
      out().println();
      print(report.telling(chosen.differences()).differences());
      int left = report.diff().differences().size() - chosen.differences().size();
      out().printf("%d differences remain%n", left);
    }
    return ExitCode.DONE;
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
      List<Difference> matching = named(diff, name -> Untrusted.escape(name).equals(pattern));
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
