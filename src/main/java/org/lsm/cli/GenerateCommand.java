package org.lsm.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.util.Optional;
import org.lsm.alert.History;
import org.lsm.model.OwnerCache;
import org.lsm.model.Snapshot;
import org.lsm.monitor.Components;
import org.lsm.monitor.RepeatedScan;
import org.lsm.proc.SocketScanner.DetailsSelector;
import org.lsm.report.DiffReport;
import org.lsm.storage.SnapshotFile;
import org.lsm.storage.StateDirectory;
import picocli.CommandLine.Command;

@Command(
    name = "generate",
    aliases = "-g",
    description = "Take the present sockets as the baseline; the last 5 baselines are kept.")
public final class GenerateCommand extends BaseCommand {

  public GenerateCommand(CommandContext context) {
    super(context);
  }

  @Override
  public Integer call() throws Exception {
    Components components = context.components();
    StateDirectory.create(components.config().stateDirectory());
    try (StateDirectory state = components.openState()) {
      OwnerCache stored = state.readOwnerCache();
      RepeatedScan scans = new RepeatedScan(components.scanner(), stored);
      Optional<DiffReport> accepted = compareWithOld(components, state, scans);
      Snapshot baseline = components.ephemeralPorts().generalize(scans.open());
      state.storeBaseline(baseline);
      try {
        components.storeOwnerCache(state, scans.ownerCache(), stored);
        accepted.ifPresent(this::printAccepted);
        addToHistory(components.history(), accepted, baseline);
      } catch (OutOfMemoryError e) {
        context.warn("there is not enough memory to print and record all that was accepted");
      }
      out()
          .printf(
              "Baseline of %d sockets written to %s%n",
              baseline.sockets().size(), state.baseline());
      scans.notes().forEach(context::warn);
    }
    return ExitCode.OK;
  }

  /** Scans until stable; returns the differences to the old baseline, if there is one. */
  private Optional<DiffReport> compareWithOld(
      Components components, StateDirectory state, RepeatedScan scans) throws Exception {
    Optional<Snapshot> old = oldBaseline(state);
    if (old.isPresent()) {
      return Optional.of(components.comparison(scans, old.get()).compareStable());
    }
    scans.scanUntilStable(DetailsSelector.NONE);
    return Optional.empty();
  }

  /** The old baseline; a damaged one is replaced and kept for inspection. */
  private Optional<Snapshot> oldBaseline(StateDirectory state) throws IOException {
    if (!Files.exists(state.baseline())) {
      return Optional.empty();
    }
    try {
      return Optional.of(SnapshotFile.read(state.baseline()));
    } catch (SnapshotFile.DamagedException e) {
      context.warn("replaced a baseline that could not be read; it is kept as baseline.1");
      context.warn(e.getMessage());
      return Optional.empty();
    }
  }

  private static void addToHistory(
      History history, Optional<DiffReport> accepted, Snapshot baseline) {
    accepted.ifPresent(it -> history.append("accepted", it.diff().differences(), it));
    history.append("baseline", baseline.sockets().size() + " sockets");
  }

  private void printAccepted(DiffReport report) {
    if (!report.diff().isEmpty()) {
      out().println("Accepted into the baseline:");
      out().println();
      print(report.differencesText());
    }
  }
}
