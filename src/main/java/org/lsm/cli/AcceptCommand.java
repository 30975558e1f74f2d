package org.lsm.cli;

import static org.lsm.cli.Arguments.flag;
import static org.lsm.cli.Arguments.parameters;
import static org.lsm.cli.SocketNames.where;

import java.io.IOException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.lsm.model.Diff;
import org.lsm.model.Difference;
import org.lsm.model.DifferenceType;
import org.lsm.model.Plural;
import org.lsm.model.Snapshot;
import org.lsm.model.SocketIdentity;
import org.lsm.model.TextEscaper;
import org.lsm.monitor.BaselineComparison;
import org.lsm.monitor.Components;
import org.lsm.monitor.EndedDifferences;
import org.lsm.monitor.ProgramCheck;
import org.lsm.monitor.RepeatedScan;
import org.lsm.report.DiffReport;
import org.lsm.report.RuleText;
import org.lsm.storage.StateDirectory;
import picocli.CommandLine.Model.CommandSpec;

final class AcceptCommand extends BaseCommand {
  private boolean optional;
  private List<String> names = new ArrayList<>();

  AcceptCommand() {
    super("Accept only these differences into the baseline.", "accept");
  }

  @Override
  void addArguments(CommandSpec spec) {
    spec.addOption(
        flag("--optional", it -> optional = it)
            .description(
                "Accept them as optional: neither NEW when they are there, nor GONE when they are not."
                    + " Also takes sockets of the baseline.")
            .build());
    spec.addPositional(
        parameters("SOCKET|PORT|PID", String.class, it -> names = it)
            .arity("1..*")
            .required(true)
            .description(
                "A socket as reports name it, tcp/0.0.0.0:8080, or a pattern for such names; or a port,"
                    + " port=8080 or 8080; or the PID of a process, pid=2001 or 2001.")
            .build());
  }

  @Override
  public Integer call() throws Exception {
    Components components = context.components();
    try (StateDirectory state = components.openState()) {
      RepeatedScan scans = components.scans();
      Snapshot baseline = components.readBaseline(state);
      BaselineComparison comparison = components.comparison(scans, baseline);
      DiffReport report = comparison.compareStable();
      ProgramCheck programs = comparison.programs();
      List<Difference> chosen = choose(components, comparison, report);
      requireAcceptable(baseline, chosen);
      List<Difference> found = report.diff().differences();
      // What is over says nothing about the files that programs execute now.
      Diff current = new Diff(chosen.stream().filter(found::contains).toList());
      Diff same = programs.withSamePrograms(current, report.diff());
      List<Difference> all =
          Stream.concat(chosen.stream(), same.differences().stream()).distinct().toList();
      Diff accepted =
          new Diff(
              all.stream()
                  .map(it -> isOptional(it, chosen, found) ? it.asOptional() : it)
                  .toList());
      Instant time = report.after().hostInfo().time();
      Snapshot next = accepted.applyTo(baseline, comparison.identity(), time);
      state.storeBaseline(programs.addPrograms(next, report.after(), same.programs()::contains));
      components.storeOwnerCache(state, scans);
      print(components, accepted, report);
      long left = found.stream().filter(it -> !all.contains(it)).count();
      out().println(Plural.count(left, "difference") + (left == 1 ? " remains" : " remain"));
    }
    return ExitCode.OK;
  }

  /** What rules declare or require is not accepted into a baseline. */
  private void requireAcceptable(Snapshot baseline, List<Difference> chosen) {
    for (Difference it : chosen) {
      if (!it.requiredBy().isEmpty()) {
        throw usageError(
            TextEscaper.escape(it.endpoint() + " is required by " + it.requiredBy())
                + ": start its service, or change that rule");
      }
    }
    if (baseline.isDeclared()) {
      chosen.stream()
          .flatMap(it -> RuleText.allow(it.after()).stream())
          .distinct()
          .forEach(out()::println);
      throw usageError(
          "BASELINE is declared in "
              + context.configFile()
              + ": add a rule to a file in rules.d to accept a socket, such as the printed ones");
    }
  }

  /** An owner that is over is known from now on, but no reason to miss that the socket is GONE. */
  private boolean isOptional(Difference it, List<Difference> chosen, List<Difference> found) {
    boolean isOver = !found.contains(it) && it.type() != DifferenceType.CHANGED;
    return chosen.contains(it) && (optional || isOver);
  }

  /** What the names stand for, at least one each: what differs now, else what did lately. */
  private List<Difference> choose(
      Components components, BaselineComparison comparison, DiffReport report) throws IOException {
    Snapshot baseline = comparison.baseline();
    SocketIdentity identity = comparison.identity();
    List<Difference> chosen = new ArrayList<>();
    for (String name : names) {
      List<Difference> found = named(report.diff(), identity, name);
      if (found.isEmpty() && optional) {
        found = named(known(baseline, report.after()), identity, name);
      }
      if (found.isEmpty()) {
        found = named(EndedDifferences.read(components, comparison), identity, name);
      }
      if (found.isEmpty()) {
        throw usageError(
            "no difference is named '" + name + "'; 'lsm compare --no-alert' shows all");
      }
      chosen.addAll(found);
    }
    return chosen.stream().distinct().toList();
  }

  /** The accepted sockets that are there, as differences which only make them optional. */
  private static Diff known(Snapshot baseline, Snapshot now) {
    return new Diff(
        now.sockets().values().stream()
            .filter(it -> baseline.sockets().containsKey(it.endpoint()))
            .map(it -> new Difference(DifferenceType.GONE, it, it))
            .toList());
  }

  private void print(Components components, Diff accepted, DiffReport report) {
    printAccepted(components, where(accepted, it -> !it.after().optional()), "", report);
    Diff marked = new Diff(where(accepted, it -> it.after().optional()));
    List<Difference> added = where(marked, it -> it.type() != DifferenceType.GONE);
    printAccepted(components, added, " as optional", report);
    for (Difference it : marked.of(DifferenceType.GONE)) {
      String line = TextEscaper.escape(it.endpoint().toString()) + " is optional";
      components.history().append("accepted", line);
      out().println(line);
    }
  }

  private List<Difference> named(Diff diff, SocketIdentity identity, String name) {
    try {
      return SocketNames.find(diff, identity, name);
    } catch (IllegalArgumentException e) {
      throw usageError(e.getMessage());
    }
  }
}
