package org.lsm.cli;

import static java.util.stream.Collectors.joining;
import static org.lsm.cli.Arguments.flag;
import static org.lsm.cli.Arguments.format;

import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.lsm.config.ConfigException;
import org.lsm.config.Rules;
import org.lsm.config.Rules.Rule;
import org.lsm.model.Endpoint;
import org.lsm.model.EnumName;
import org.lsm.model.Snapshot;
import org.lsm.model.SocketEntry;
import org.lsm.monitor.Components;
import org.lsm.monitor.RepeatedScan;
import org.lsm.monitor.RuleCheck;
import org.lsm.proc.SocketScanner.DetailsSelector;
import org.lsm.proc.SocketScanner.ScanResult;
import org.lsm.report.EscapedText;
import org.lsm.report.Json;
import org.lsm.report.SocketListing;
import org.lsm.storage.SnapshotFile;
import org.lsm.storage.StateDirectory;
import picocli.CommandLine.Model.CommandSpec;

final class ListCommand extends BaseCommand {
  private boolean all;
  private boolean names;

  private enum Format {
    TEXT,
    JSON,
    SNAPSHOT;

    @Override
    public String toString() {
      return EnumName.of(this);
    }
  }

  private Format format;

  ListCommand() {
    super("Print the present sockets with their owners.", "list");
  }

  @Override
  void addArguments(CommandSpec spec) {
    spec.addOption(
        flag("--all", it -> all = it)
            .description(
                "Print the ignored sockets, too, and the rules that ignore, allow or require sockets.")
            .build());
    spec.addOption(
        flag("--names", it -> names = it)
            .hidden(true)
            .description("For completion: patterns for show, each for one socket.")
            .build());
    spec.addOption(
        format(Format.class, it -> format = it)
            .description(
                "The format of the output: ${COMPLETION-CANDIDATES}; snapshot is that of a baseline.")
            .build());
  }

  @Override
  public Integer call() throws Exception {
    Components components = context.readableComponents();
    Rules rules = rules(components);
    if (format == Format.SNAPSHOT) {
      return printSnapshot(components, rules);
    }
    ScanResult scan = components.scan();
    if (names) {
      scan.snapshot().sockets().keySet().forEach(it -> out().println(EscapedText.pattern(it)));
      return ExitCode.OK;
    }
    Snapshot found = scan.snapshot().withOptional(optional(components));
    RuleCheck check = new RuleCheck(rules, components.helpers());
    Map<Endpoint, String> ignored = new HashMap<>();
    Map<Endpoint, String> allowed = new HashMap<>();
    for (SocketEntry entry : found.sockets().values()) {
      Optional<Rule> ignoring = rules.ignoring(entry);
      if (ignoring.isPresent()) {
        ignored.put(entry.endpoint(), ignoring.get().location());
      } else if (all && check.accepts(entry)) {
        allowed.put(entry.endpoint(), locations(rules.allowing(entry)));
      }
    }
    Snapshot shown = all ? found : found.where(entry -> !ignored.containsKey(entry.endpoint()));
    SocketListing listing = new SocketListing(shown, ignored, allowed, scan.notes());
    print(format == Format.JSON ? Json.of(listing) : listing.text());
    scan.notes().forEach(context::warn);
    return ExitCode.OK;
  }

  /** The rules; none where only root can read them. */
  private Rules rules(Components components) throws IOException, ConfigException {
    try {
      return components.rules();
    } catch (AccessDeniedException e) {
      context.warn(e.getFile() + ": only root can read it; going on without rules");
      return new Rules(List.of());
    }
  }

  /** Prints the sockets by the names that a baseline has, for {@code lsm diff}. */
  private int printSnapshot(Components components, Rules rules) throws IOException {
    RepeatedScan scans = components.scans();
    scans.scanUntilStable(DetailsSelector.NONE);
    Snapshot open = scans.open().where(entry -> all || !rules.ignores(entry));
    Snapshot general = scans.identityAfter(components.socketIdentity()).generalize(open);
    out().print(SnapshotFile.content(general.withOptional(optional(components))));
    scans.notes().forEach(context::warn);
    return ExitCode.OK;
  }

  private static String locations(List<Rule> rules) {
    return rules.stream().map(Rule::location).collect(joining(", "));
  }

  /** What the baseline has as optional; this user may not read it, and there may be none. */
  private static Set<Endpoint> optional(Components components) {
    try {
      return StateDirectory.readBaseline(components.config().stateDirectory()).optional();
    } catch (IOException e) {
      return Set.of();
    }
  }
}
