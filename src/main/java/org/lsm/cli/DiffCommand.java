package org.lsm.cli;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.lsm.alert.Report;
import org.lsm.snapshot.Diff;
import org.lsm.snapshot.EphemeralPorts;
import org.lsm.snapshot.Snapshot;
import org.lsm.snapshot.SnapshotFile;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/** {@code lsm diff}: compares two snapshot files. */
@Command(name = "diff", description = "Compare two snapshot files, from two hosts for example.")
public final class DiffCommand extends LsmCommand {

  @Parameters(index = "0", paramLabel = "OLD", description = "A baseline of lsm.")
  private Path oldFile;

  @Parameters(index = "1", paramLabel = "NEW", description = "Another one.")
  private Path newFile;

  @Mixin private Format format;

  public DiffCommand(Context context) {
    super(context);
  }

  @Override
  public Integer call() throws Exception {
    Snapshot before = SnapshotFile.read(oldFile);
    Snapshot after = SnapshotFile.read(newFile);
    Diff diff = Diff.between(before, after, EphemeralPorts.NONE);
    print(format.of(new Report(before, after, diff, Map.of(), List.of(), context::zone)));
    return diff.isEmpty() ? ExitCode.DONE : ExitCode.DIFFERS;
  }
}
