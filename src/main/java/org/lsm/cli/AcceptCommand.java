package org.lsm.cli;

import java.util.ArrayList;
import java.util.List;
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
      Report report = context.compare(config, survey, baseline);
      Diff chosen = choose(report.diff());
      EphemeralPorts ephemeral = survey.ephemeralPorts(config.ephemeral());
      state.storeBaseline(chosen.applyTo(baseline, ephemeral));
      state.storeScanState(survey.state());
      out().println("Accepted into the baseline:");
      out().println();
      print(report.with(chosen).differences());
      int left = report.diff().differences().size() - chosen.differences().size();
      out().printf("%d differences remain%n", left);
    }
    return ExitCode.DONE;
  }

  /** The differences that the patterns name; each pattern has to name one. */
  private Diff choose(Diff diff) {
    List<Difference> chosen = new ArrayList<>();
    for (String pattern : patterns) {
      Glob glob = new Glob(pattern);
      List<Difference> matching =
          diff.differences().stream()
              .filter(it -> glob.matches(Untrusted.escape(it.endpoint().toString())))
              .toList();
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
