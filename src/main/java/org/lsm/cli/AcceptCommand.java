package org.lsm.cli;

import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.lsm.config.Glob;
import org.lsm.model.Diff;
import org.lsm.model.Difference;
import org.lsm.model.Plural;
import org.lsm.model.Snapshot;
import org.lsm.model.SocketIdentity;
import org.lsm.model.TextEscaper;
import org.lsm.monitor.BaselineComparison;
import org.lsm.monitor.Components;
import org.lsm.monitor.ProgramCheck;
import org.lsm.monitor.RepeatedScan;
import org.lsm.report.DiffReport;
import org.lsm.storage.StateDirectory;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

@Command(name = "accept", description = "Accept only these differences into the baseline.")
public final class AcceptCommand extends BaseCommand {
  private static final Pattern NUMBER = Pattern.compile("(port=|pid=|)(\\d{1,9})");

  @Parameters(
      arity = "1..*",
      paramLabel = "SOCKET|PORT|PID",
      description =
          "A socket as reports name it, tcp/0.0.0.0:8080, or a pattern for such names; or a port,"
              + " port=8080 or 8080; or the PID of a process, pid=2001 or 2001.")
  private List<String> names = new ArrayList<>();

  @Override
  public Integer call() throws Exception {
    Components components = context.components();
    try (StateDirectory state = components.openState()) {
      RepeatedScan scans = components.scans(state);
      Snapshot baseline = state.readBaseline();
      BaselineComparison comparison = components.comparison(scans, baseline);
      DiffReport report = comparison.compareStable();
      ProgramCheck programs = comparison.programs();
      Diff chosen =
          programs.withSamePrograms(choose(report.diff(), comparison.identity()), report.diff());
      Instant time = report.after().hostInfo().time();
      Snapshot next = chosen.applyTo(baseline, comparison.identity(), time);
      state.storeBaseline(programs.addPrograms(next, report.after(), chosen.programs()::contains));
      components.storeOwnerCache(state, scans);
      printAccepted(components, chosen.differences(), report);
      int left = report.diff().differences().size() - chosen.differences().size();
      out().println(Plural.count(left, "difference") + (left == 1 ? " remains" : " remain"));
    }
    return ExitCode.OK;
  }

  /** The differences that the names stand for, at least one each. */
  private Diff choose(Diff diff, SocketIdentity identity) {
    List<Difference> chosen = new ArrayList<>();
    for (String name : names) {
      Matcher number = NUMBER.matcher(name);
      List<Difference> found =
          number.matches() ? numbered(diff, number) : named(diff, identity, name);
      if (found.isEmpty()) {
        throw usageError(
            "no difference is named '" + name + "'; 'lsm compare --no-alert' shows all");
      }
      chosen.addAll(found);
    }
    return new Diff(chosen.stream().distinct().toList());
  }

  /** All differences on a port, or all sockets of a process; a number alone may be either. */
  private List<Difference> numbered(Diff diff, Matcher name) {
    String kind = name.group(1);
    int number = Integer.parseInt(name.group(2));
    List<Difference> onPort =
        kind.equals("pid=") ? List.of() : where(diff, it -> it.endpoint().hasPort(number));
    List<Difference> ofProcess =
        kind.equals("port=")
            ? List.of()
            : where(diff, it -> it.after().processes().stream().anyMatch(p -> p.pid() == number));
    if (!onPort.isEmpty() && !ofProcess.isEmpty()) {
      String port = onPort.get(0).endpoint().toString();
      String process = ofProcess.get(0).endpoint().toString();
      throw usageError(
          String.format(
              "%1$d is the port of %2$s and the PID of %3$s; write port=%1$d or pid=%1$d",
              number, port, process));
    }
    return onPort.isEmpty() ? ofProcess : onPort;
  }

  /** The sockets of this name, which may look like a pattern, or all that match the pattern. */
  private List<Difference> named(Diff diff, SocketIdentity identity, String name) {
    List<Difference> exact =
        where(
            diff,
            it ->
                TextEscaper.escape(it.endpoint().toString()).equals(name)
                    || TextEscaper.escape(identity.key(it.after()).toString()).equals(name));
    if (!exact.isEmpty()) {
      return exact;
    }
    try {
      Glob pattern = new Glob(name);
      return where(diff, it -> pattern.matches(it.endpoint().toString()));
    } catch (IllegalArgumentException e) {
      throw usageError("'" + name + "' has " + e.getMessage());
    }
  }

  private static List<Difference> where(Diff diff, Predicate<Difference> condition) {
    return diff.differences().stream().filter(condition).toList();
  }
}
