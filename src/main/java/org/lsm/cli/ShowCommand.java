package org.lsm.cli;

import static org.lsm.cli.Arguments.parameter;

import java.io.IOException;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.TreeMap;
import org.lsm.model.Diff;
import org.lsm.model.Difference;
import org.lsm.model.DifferenceType;
import org.lsm.model.ProcessDetails;
import org.lsm.model.Snapshot;
import org.lsm.model.SocketIdentity;
import org.lsm.monitor.Components;
import org.lsm.monitor.HostFacts;
import org.lsm.proc.SocketScanner.ScanResult;
import org.lsm.report.DiffReport;
import org.lsm.report.ShowReport;
import picocli.CommandLine.Model.CommandSpec;

final class ShowCommand extends BaseCommand {
  private String name;
  private final OutputFormat format = new OutputFormat();

  ShowCommand() {
    super("Print all about sockets or a process, accepted or not.", "show");
  }

  @Override
  void addArguments(CommandSpec spec) {
    spec.addPositional(
        parameter("SOCKET|PORT|PID", String.class, it -> name = it)
            .required(true)
            .description(
                "A socket as reports name it, tcp/0.0.0.0:8080, or a pattern for such names; or a port,"
                    + " port=8080 or 8080; or the PID of a process, pid=2001 or 2001.")
            .build());
    format.addTo(spec);
  }

  @Override
  public Integer call() throws Exception {
    Components components = context.readableComponents();
    SocketIdentity identity = components.socketIdentity();
    ScanResult scan =
        components.scan(
            scanned -> find(scanned, identity).stream().map(Difference::after).toList());
    List<Difference> chosen = find(scan.snapshot(), identity);
    OptionalInt pid = SocketNames.pid(name);
    Optional<ProcessDetails> process = Optional.empty();
    if (chosen.isEmpty() && pid.isPresent()) {
      process = components.scanner().process(pid.getAsInt(), scan);
    }
    if (chosen.isEmpty() && process.isEmpty()) {
      throw usageError(
          "there is no socket or process '" + name + "'; 'lsm list --all' shows all sockets");
    }
    HostFacts facts = components.hostFacts(scan.snapshot(), scan.ownerCache());
    DiffReport sockets = facts.addTo(report(components, scan, chosen));
    ShowReport report = new ShowReport(sockets, process.map(facts::addTo).stream().toList());
    print(format.isJson() ? report.json() : report.document().text());
    return ExitCode.OK;
  }

  private List<Difference> find(Snapshot scanned, SocketIdentity identity) {
    var all = scanned.sockets().values().stream();
    var present = all.map(it -> new Difference(DifferenceType.NEW, it, it)).toList();
    List<Difference> chosen;
    try {
      chosen = SocketNames.find(new Diff(present), identity, name);
    } catch (IllegalArgumentException e) {
      throw usageError(e.getMessage());
    }
    if (chosen.size() > DiffReport.MAX_NAMED) {
      throw usageError(
          "'" + name + "' stands for " + chosen.size() + " sockets; 'lsm list' prints them");
    }
    return chosen;
  }

  private DiffReport report(Components components, ScanResult scan, List<Difference> chosen)
      throws IOException {
    Snapshot found = scan.snapshot();
    List<String> notes = new ArrayList<>(scan.notes());
    boolean isPort = chosen.stream().anyMatch(it -> name.equals("" + it.endpoint().port()));
    if (isPort && Files.exists(components.environment().sources().proc().resolve(name))) {
      notes.add(name + " is a PID, too; 'lsm show pid=" + name + "' shows that process");
    }
    return new DiffReport(
        new Snapshot(found.hostInfo(), new TreeMap<>()),
        found,
        new Diff(chosen),
        scan.details(),
        notes,
        components.environment().zone(),
        components.userNames());
  }
}
