package org.lsm.cli;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;
import org.lsm.config.Glob;
import org.lsm.model.Diff;
import org.lsm.model.Difference;
import org.lsm.model.OwnerCache;
import org.lsm.model.Snapshot;
import org.lsm.model.TextEscaper;
import org.lsm.monitor.BaselineComparison;
import org.lsm.monitor.Components;
import org.lsm.monitor.RepeatedScan;
import org.lsm.report.DiffReport;
import org.lsm.storage.StateDirectory;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

@Command(name = "accept", description = "Accept only these differences into the baseline.")
public final class AcceptCommand extends BaseCommand {
  @Parameters(
      arity = "1..*",
      paramLabel = "SOCKET",
      description = {
        "A socket as reports name it, tcp/0.0.0.0:8080, or a pattern: * matches all but /,",
        "** anything, ? one character. Quote patterns in the shell."
      })
  private List<String> patterns = new ArrayList<>();

  @Override
  public Integer call() throws Exception {
    Components components = context.components();
    try (StateDirectory state = components.openState()) {
      OwnerCache stored = state.readOwnerCache();
      RepeatedScan scans = new RepeatedScan(components.scanner(), stored);
      Snapshot baseline = state.readBaseline();
      BaselineComparison comparison = components.comparison(scans, baseline);
      DiffReport report = comparison.compareStable();
      Diff chosen = choose(report.diff());
      state.storeBaseline(chosen.applyTo(baseline, comparison.ephemeral()));
      components.storeOwnerCache(state, scans.ownerCache(), stored);
      printAccepted(components, chosen.differences(), report);
      int left = report.diff().differences().size() - chosen.differences().size();
      out().printf("%d differences remain%n", left);
    }
    return ExitCode.OK;
  }

  private static List<Difference> named(Diff diff, Predicate<String> name) {
    return diff.differences().stream().filter(it -> name.test(it.endpoint().toString())).toList();
  }

  /** What the patterns match, at least one each; the name of a socket means only that socket. */
  private Diff choose(Diff diff) {
    List<Difference> chosen = new ArrayList<>();
    for (String pattern : patterns) {
      List<Difference> matching = named(diff, name -> TextEscaper.escape(name).equals(pattern));
      if (matching.isEmpty()) {
        try {
          matching = named(diff, new Glob(pattern)::matches);
        } catch (IllegalArgumentException e) {
          throw usageError("'" + pattern + "' has " + e.getMessage());
        }
      }
      if (matching.isEmpty()) {
        throw usageError(
            "no difference is named '" + pattern + "'; 'lsm compare --no-alert' shows all");
      }
      chosen.addAll(matching);
    }
    return new Diff(chosen.stream().distinct().toList());
  }
}
