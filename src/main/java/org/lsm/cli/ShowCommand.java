package org.lsm.cli;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.AccessDeniedException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.TreeMap;
import org.lsm.config.Config;
import org.lsm.config.ConfigException;
import org.lsm.config.Rules;
import org.lsm.model.Diff;
import org.lsm.model.Difference;
import org.lsm.model.DifferenceType;
import org.lsm.model.Endpoint;
import org.lsm.model.Fact;
import org.lsm.model.ProcessDetails;
import org.lsm.model.Snapshot;
import org.lsm.model.SocketDetails;
import org.lsm.model.SocketEntry;
import org.lsm.model.SocketIdentity;
import org.lsm.monitor.Components;
import org.lsm.monitor.HostFacts;
import org.lsm.proc.SocketScanner.DetailsSelector;
import org.lsm.proc.SocketScanner.ScanResult;
import org.lsm.report.DiffReport;
import org.lsm.report.Json;
import org.lsm.report.ShowReport;
import org.lsm.storage.StateDirectory;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

@Command(name = "show", description = "Print all about sockets or a process, accepted or not.")
public final class ShowCommand extends BaseCommand {
  @Parameters(
      paramLabel = "SOCKET|PORT|PID",
      description =
          "A socket as reports name it, tcp/0.0.0.0:8080, or a pattern for such names; or a port,"
              + " port=8080 or 8080; or the PID of a process, pid=2001 or 2001.")
  private String name;

  @Mixin private OutputFormat format;

  /** Selects the named sockets; or the process, which is read in the same scan, while it runs. */
  private final class Selector implements DetailsSelector {
    private final Components components;
    private final SocketIdentity identity;
    private List<Difference> chosen = List.of();
    private Optional<ProcessDetails> process = Optional.empty();

    Selector(Components components) throws IOException {
      this.components = components;
      this.identity = components.socketIdentity();
    }

    @Override
    public Collection<SocketEntry> select(Snapshot scanned) {
      Collection<SocketEntry> all = scanned.sockets().values();
      Diff present = new Diff(all.stream().map(ShowCommand::asNew).toList());
      try {
        chosen = SocketNames.find(present, identity, name);
      } catch (IllegalArgumentException e) {
        throw usageError(e.getMessage());
      }
      if (chosen.size() > DiffReport.MAX_NAMED) {
        throw usageError(
            "'" + name + "' stands for " + chosen.size() + " sockets; 'lsm list' prints them");
      }
      OptionalInt pid = SocketNames.pid(name);
      if (chosen.isEmpty() && pid.isPresent()) {
        try {
          process = components.scanner().process(pid.getAsInt(), scanned);
        } catch (IOException e) {
          throw new UncheckedIOException(e);
        }
      }
      return chosen.stream().map(Difference::after).toList();
    }
  }

  private static Difference asNew(SocketEntry entry) {
    return new Difference(DifferenceType.NEW, entry, entry);
  }

  @Override
  public Integer call() throws Exception {
    Components components = context.components(Config.defaults());
    try {
      components = context.components();
    } catch (AccessDeniedException e) {
      context.warn(e.getFile() + ": only root can read it; the defaults are used");
    }
    Selector selector = new Selector(components);
    ScanResult scan = components.scan(selector);
    if (selector.chosen.isEmpty() && selector.process.isEmpty()) {
      throw usageError(
          "there is no socket or process '" + name + "'; 'lsm list --all' shows all sockets");
    }
    ShowReport report = report(components, selector, scan);
    print(format.isJson() ? Json.of(report) : report.document().text());
    return ExitCode.OK;
  }

  private static ShowReport report(Components components, Selector selector, ScanResult scan)
      throws IOException, ConfigException {
    Snapshot found = scan.snapshot();
    Map<Endpoint, SocketDetails> details = withBaseline(components, selector, scan);
    DiffReport sockets =
        new DiffReport(
            new Snapshot(found.hostInfo(), new TreeMap<>()),
            found,
            new Diff(selector.chosen),
            details,
            scan.notes(),
            components.environment().zone(),
            components.userNames());
    HostFacts facts = components.hostFacts();
    List<ProcessDetails> processes = selector.process.map(facts::addTo).stream().toList();
    return new ShowReport(facts.addTo(sockets), processes);
  }

  /** Adds whether the baseline has a socket, or which rule ignores it. */
  private static Map<Endpoint, SocketDetails> withBaseline(
      Components components, Selector selector, ScanResult scan)
      throws IOException, ConfigException {
    Map<Endpoint, SocketDetails> details = new TreeMap<>(scan.details());
    Rules rules;
    Snapshot baseline;
    try {
      rules = components.rules();
      baseline = StateDirectory.readBaseline(components.config().stateDirectory());
    } catch (IOException e) {
      return details; // this user may not read it, or there is none
    }
    Diff diff = Diff.between(baseline, scan.snapshot(), selector.identity);
    List<Endpoint> differing = new ArrayList<>();
    diff.differences().forEach(it -> differing.add(it.endpoint()));
    for (Difference it : selector.chosen) {
      String accepted = differing.contains(it.endpoint()) ? "differs from it" : "as in it";
      String state =
          rules.ignoring(it.after()).map(rule -> "ignored by " + rule.location()).orElse(accepted);
      details.computeIfPresent(
          it.endpoint(),
          (at, known) -> known.with(known.processes(), known.facts().with(Fact.BASELINE, state)));
    }
    return details;
  }
}
