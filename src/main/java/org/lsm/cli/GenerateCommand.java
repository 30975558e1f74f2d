package org.lsm.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.util.Optional;
import org.lsm.alert.History;
import org.lsm.config.Config;
import org.lsm.model.EphemeralPorts;
import org.lsm.model.Snapshot;
import org.lsm.monitor.BaselineComparison;
import org.lsm.monitor.RepeatedScan;
import org.lsm.report.DiffReport;
import org.lsm.storage.SnapshotFile;
import org.lsm.storage.StateDirectory;
import picocli.CommandLine.Command;

/** {@code lsm generate}: makes the sockets of this moment the baseline. */
@Command(
    name = "generate",
    aliases = "-g",
    description = "Take the sockets there are now as the baseline; the last 5 baselines are kept.")
public final class GenerateCommand extends BaseCommand {

  public GenerateCommand(CommandContext context) {
    super(context);
  }

  @Override
  public Integer call() throws Exception {
    Config config = context.config();
    StateDirectory.create(config.stateDirectory());
    try (StateDirectory state = context.openState(config)) {
      RepeatedScan scans = context.scans(config, state.readScanState());
      Optional<Snapshot> replaced = replaced(state);
      scans.settle();
      Optional<DiffReport> accepted = Optional.empty();
      if (replaced.isPresent()) {
        BaselineComparison comparison = context.comparison(config, scans, replaced.get());
        accepted = Optional.of(comparison.reportLasting(context::zone));
      }
      EphemeralPorts ephemeral = scans.ephemeralPorts(config.ephemeral());
      Snapshot baseline = ephemeral.generalize(scans.lasting());
      state.storeBaseline(baseline);
      try {
        remember(state, scans.state());
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
      scans.notes().forEach(this::warn);
    }
    return ExitCode.OK;
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

  private void printAccepted(DiffReport report) {
    if (!report.diff().isEmpty()) {
      out().println("Accepted into the baseline:");
      out().println();
      print(report.differences());
    }
  }
}
