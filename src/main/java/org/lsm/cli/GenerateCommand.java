package org.lsm.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.util.Optional;
import org.lsm.alert.History;
import org.lsm.alert.Report;
import org.lsm.config.Config;
import org.lsm.proc.Survey;
import org.lsm.snapshot.EphemeralPorts;
import org.lsm.snapshot.Snapshot;
import org.lsm.snapshot.SnapshotFile;
import org.lsm.snapshot.StateDirectory;
import picocli.CommandLine.Command;

/** {@code lsm generate}: makes the sockets of this moment the baseline. */
@Command(
    name = "generate",
    aliases = "-g",
    description = "Take the sockets there are now as the baseline; the last 5 baselines are kept.")
public final class GenerateCommand extends LsmCommand {

  public GenerateCommand(Context context) {
    super(context);
  }

  @Override
  public Integer call() throws Exception {
    Config config = context.config();
    StateDirectory.create(config.stateDirectory());
    try (StateDirectory state = context.openState(config)) {
      Survey survey = context.survey(config, state.readScanState());
      Optional<Snapshot> replaced = replaced(state);
      survey.settle();
      Optional<Report> accepted = Optional.empty();
      if (replaced.isPresent()) {
        Comparison comparison = context.comparison(config, survey, replaced.get());
        accepted = Optional.of(comparison.reportLasting(context::zone));
      }
      EphemeralPorts ephemeral = survey.ephemeralPorts(config.ephemeral());
      Snapshot baseline = ephemeral.generalize(survey.lasting());
      state.storeBaseline(baseline);
      try {
        remember(state, survey.state());
        accepted.ifPresent(this::printAccepted);
        History history = history(config);
        accepted.ifPresent(it -> history.addAll("accepted", it.diff().differences(), it));
        history.add("baseline", baseline.sockets().size() + " sockets");
      } catch (OutOfMemoryError e) {
        warn("there is not enough memory to tell and to remember all that was accepted");
      }
      out()
          .printf(
              "Baseline of %d sockets written to %s%n",
              baseline.sockets().size(), state.baseline());
      survey.notes().forEach(this::warn);
    }
    return ExitCode.DONE;
  }

  /** The baseline there was; a damaged one is replaced as well, and kept for a look at it. */
  private Optional<Snapshot> replaced(StateDirectory state) throws IOException {
    if (!Files.exists(state.baseline())) {
      return Optional.empty();
    }
    try {
      return Optional.of(SnapshotFile.read(state.baseline()));
    } catch (SnapshotFile.DamagedException e) {
      warn("replaced a baseline that could not be read, it is kept as baseline.1");
      warn(e.getMessage());
      return Optional.empty();
    }
  }

  private void printAccepted(Report report) {
    if (!report.diff().isEmpty()) {
      out().println("Accepted into the baseline:");
      out().println();
      print(report.differences());
    }
  }
}
