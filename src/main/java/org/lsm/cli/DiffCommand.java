package org.lsm.cli;

import static org.lsm.cli.Arguments.parameters;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.lsm.model.Diff;
import org.lsm.model.HostComparison;
import org.lsm.model.Snapshot;
import org.lsm.model.SocketIdentity;
import org.lsm.report.DiffReport;
import org.lsm.report.HostsReport;
import org.lsm.report.Json;
import org.lsm.storage.SnapshotFile;
import picocli.CommandLine.Model.CommandSpec;

final class DiffCommand extends BaseCommand {
  private List<Path> files;
  private final OutputFormat format = new OutputFormat();

  DiffCommand() {
    super("Compare an old snapshot file with a new one, or those of several hosts.", "diff");
  }

  @Override
  void addArguments(CommandSpec spec) {
    spec.addPositional(
        parameters("SNAPSHOT", Path.class, it -> files = it)
            .arity("1..*")
            .required(true)
            .description("A baseline, or what lsm list --format snapshot has printed.")
            .build());
    format.addTo(spec);
  }

  @Override
  public Integer call() throws Exception {
    if (files.size() < 2) {
      throw usageError("there is nothing to compare '" + files.get(0) + "' with");
    }
    return files.size() == 2 ? compareTwo() : compareHosts();
  }

  private int compareTwo() throws IOException {
    Snapshot before = SnapshotFile.read(files.get(0));
    Snapshot after = SnapshotFile.read(files.get(1));
    Diff diff = Diff.between(before, after, SocketIdentity.NONE);
    var zone = context.environment.zone();
    DiffReport report =
        new DiffReport(before, after, diff, Map.of(), List.of(), zone, user -> user);
    print(format.isJson() ? Json.of(report, Optional.empty()) : report.document(false).text());
    return diff.isEmpty() ? ExitCode.OK : ExitCode.DIFFERENT;
  }

  private int compareHosts() throws IOException {
    HostComparison comparison = new HostComparison();
    List<String> hosts = new ArrayList<>();
    for (Path file : files) {
      Snapshot snapshot = SnapshotFile.read(file);
      comparison.add(snapshot);
      hosts.add(snapshot.hostInfo().host());
    }
    List<String> names = new ArrayList<>();
    for (String host : hosts) {
      boolean isUnique = Collections.frequency(hosts, host) == 1;
      names.add(isUnique ? host : files.get(names.size()).toString());
    }
    HostsReport report = new HostsReport(names, comparison.differences());
    print(format.isJson() ? Json.of(report) : report.document().text());
    return report.differing().isEmpty() ? ExitCode.OK : ExitCode.DIFFERENT;
  }
}
