package org.lsm.cli;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.lsm.model.Diff;
import org.lsm.model.Snapshot;
import org.lsm.model.SocketIdentity;
import org.lsm.report.DiffReport;
import org.lsm.report.Json;
import org.lsm.storage.SnapshotFile;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

@Command(name = "diff", description = "Compare two snapshot files, for example of two hosts.")
public final class DiffCommand extends BaseCommand {
  @Parameters(index = "0", paramLabel = "OLD", description = "A baseline.")
  private Path oldFile;

  @Parameters(index = "1", paramLabel = "NEW", description = "Another baseline.")
  private Path newFile;

  @Mixin private OutputFormat format;

  @Override
  public Integer call() throws Exception {
    Snapshot before = SnapshotFile.read(oldFile);
    Snapshot after = SnapshotFile.read(newFile);
    Diff diff = Diff.between(before, after, SocketIdentity.NONE);
    var zone = context.environment.zone();
    DiffReport report =
        new DiffReport(before, after, diff, Map.of(), List.of(), zone, user -> user);
    print(format.isJson() ? Json.of(report, Optional.empty()) : report.document(false).text());
    return diff.isEmpty() ? ExitCode.OK : ExitCode.DIFFERENT;
  }
}
