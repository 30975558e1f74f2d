package org.lsm.cli;

import static org.lsm.cli.Arguments.flag;

import java.nio.file.Files;
import java.util.List;
import java.util.Optional;
import org.lsm.model.Plural;
import org.lsm.model.Snapshot;
import org.lsm.monitor.BaselineComparison;
import org.lsm.monitor.Components;
import org.lsm.monitor.ProgramCheck;
import org.lsm.monitor.RepeatedScan;
import org.lsm.proc.HelperProcesses;
import org.lsm.proc.SocketScanner.DetailsSelector;
import org.lsm.report.DiffReport;
import org.lsm.report.RuleText;
import org.lsm.storage.SnapshotFile;
import org.lsm.storage.StateDirectory;
import picocli.CommandLine.Model.CommandSpec;

final class GenerateCommand extends BaseCommand {
  private boolean rules;

  GenerateCommand() {
    super(
        "Take the present sockets as the baseline; the last 5 baselines are kept.",
        "generate",
        "-g");
  }

  @Override
  void addArguments(CommandSpec spec) {
    spec.addOption(
        flag("--rules", it -> rules = it)
            .description("Only print the present sockets as rules to start from; see lsm-rules(5).")
            .build());
  }

  @Override
  public Integer call() throws Exception {
    Components components = context.components();
    if (rules) {
      return printRules(components);
    }
    if (components.config().declaredBaseline()) {
      throw usageError(
          "BASELINE is declared in "
              + context.configFile()
              + ": write rules into rules.d; 'lsm generate --rules' prints some to start from");
    }
    StateDirectory.create(components.config().stateDirectory());
    try (StateDirectory state = components.openState()) {
      RepeatedScan scans = components.scans();
      Optional<DiffReport> changes = scan(components, state, scans);
      Snapshot open = scans.open();
      ProgramCheck programs = components.programs(List.of());
      Snapshot sockets = scans.identityAfter(components.socketIdentity()).generalize(open);
      Snapshot baseline = programs.addPrograms(sockets, open, path -> true);
      state.storeBaseline(baseline);
      String size = Plural.count(baseline.sockets().size(), "socket");
      try {
        components.storeOwnerCache(state, scans);
        changes.ifPresent(it -> printAccepted(components, it.diff().differences(), "", it));
        components.history().append("baseline", size);
      } catch (OutOfMemoryError e) {
        context.warn("there is not enough memory to print and record all that was accepted");
      }
      out().println("Baseline of " + size + " written to " + state.baseline());
      scans.notes().forEach(context::warn);
      programs.notes().forEach(context::warn);
    }
    return ExitCode.OK;
  }

  private int printRules(Components components) throws Exception {
    RepeatedScan scans = components.scans();
    BaselineComparison comparison =
        components.comparison(scans, Snapshot.declared(components.hostInfo()));
    scans.scanUntilStable(DetailsSelector.NONE);
    HelperProcesses helpers = components.helpers();
    out()
        .print(
            RuleText.of(
                comparison.visible(scans.open()).sockets().values().stream()
                    .map(helpers::withoutHelpers)
                    .toList(),
                comparison.identity(),
                user -> !comparison.users().isLogin(user),
                components.config().allNetworkNamespaces()));
    scans.notes().forEach(context::warn);
    return ExitCode.OK;
  }

  /** Scans until stable; returns the differences to the old baseline, if it can be read. */
  private Optional<DiffReport> scan(Components components, StateDirectory state, RepeatedScan scans)
      throws Exception {
    if (Files.exists(state.baseline())) {
      try {
        Snapshot old = SnapshotFile.read(state.baseline());
        return Optional.of(components.comparison(scans, old).compareStable());
      } catch (SnapshotFile.DamagedException e) {
        context.warn("replaced a baseline that could not be read; it is kept as baseline.1");
        context.warn(e.getMessage());
      }
    }
    scans.scanUntilStable(DetailsSelector.NONE);
    return Optional.empty();
  }
}
