package org.lsm.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.util.Optional;
import org.lsm.config.Config;
import org.lsm.proc.HostScanner.Scan;
import org.lsm.snapshot.Diff;
import org.lsm.snapshot.Snapshot;
import org.lsm.snapshot.SnapshotFile;
import org.lsm.snapshot.StateDirectory;
import org.lsm.snapshot.Untrusted;

/** {@code lsm generate}: makes the sockets of this moment the baseline. */
@picocli.CommandLine.Command(
    name = "generate",
    aliases = "-g",
    description = "Take the sockets there are now as the baseline; the last 5 baselines are kept.")
public final class GenerateCommand extends Command {

  public GenerateCommand(Context context) {
    super(context);
  }

  @Override
  public Integer call() throws Exception {
    Config config = context.config();
    StateDirectory.create(config.stateDirectory());
    try (StateDirectory state = context.openState(config)) {
      Scan scan = context.scan();
      Optional<Snapshot> replaced = replaced(state);
      state.storeBaseline(scan.snapshot());
      replaced.ifPresent(before -> printAccepted(before, scan));
      out()
          .printf(
              "Baseline of %d sockets written to %s%n",
              scan.snapshot().sockets().size(), state.baseline());
      scan.notes().forEach(note -> err().println("lsm: " + Untrusted.escape(note)));
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
      err().println("lsm: replaced a baseline that could not be read, it is kept as baseline.1");
      err().println("lsm: " + Untrusted.escape(e.getMessage()));
      return Optional.empty();
    }
  }

  private void printAccepted(Snapshot before, Scan scan) {
    Diff diff = Diff.between(before, scan.snapshot());
    if (!diff.isEmpty()) {
      out().println("Accepted into the baseline:");
      out().println();
      print(context.report(before, scan, diff).differences());
    }
  }
}
