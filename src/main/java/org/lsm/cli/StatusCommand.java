package org.lsm.cli;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.lsm.alert.AlertState;
import org.lsm.alert.Channel;
import org.lsm.alert.Outbox;
import org.lsm.config.Config;
import org.lsm.config.Config.SentryMode;
import org.lsm.config.ConfigException;
import org.lsm.config.IgnoreRules;
import org.lsm.config.IgnoreRules.Rule;
import org.lsm.model.OwnerCache;
import org.lsm.model.ScanSummary;
import org.lsm.model.Snapshot;
import org.lsm.model.SocketEntry;
import org.lsm.model.TextEscaper;
import org.lsm.monitor.RepeatedScan;
import org.lsm.report.StatusReport;
import org.lsm.report.StatusReport.Item;
import org.lsm.sentry.NftTableState;
import org.lsm.sentry.SentryState;
import org.lsm.storage.AtomicFile;
import org.lsm.storage.SecureFiles;
import org.lsm.storage.SnapshotFile;
import org.lsm.storage.StateDirectory;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** {@code lsm status}: whether the monitor does its work. */
@Command(
    name = "status",
    description = "Tell whether the monitor works; exit with 1 where something is wrong.")
public final class StatusCommand extends BaseCommand {

  /** Even where cron compares only once a day, something is wrong after so long. */
  private static final Duration TOO_LONG = Duration.ofHours(25);

  /** Of so many alerts that wait each has its line. */
  private static final int MOST_NAMED = 10;

  private static final Pattern CRON_ENTRY =
      Pattern.compile("[^#]*[\\s/]lsm(\\s+\\S+){0,20}?\\s+(-c|compare)\\b.*");

  @Mixin private OutputFormat format;

  private final List<Item> items = new ArrayList<>();

  public StatusCommand(CommandContext context) {
    super(context);
  }

  @Override
  public Integer call() throws Exception {
    good("lsm", CommandContext.version());
    try {
      Config config = context.config();
      good("Config", context.configFile().toString());
      rules(config);
      baseline(config);
      lastCompare(config);
      alerts(config);
      sentry(config);
    } catch (ConfigException | SecureFiles.RefusedException e) {
      fault("Config", e.getMessage());
    }
    cron();
    StatusReport status = new StatusReport(items);
    print(format.of(status));
    return status.isGood() ? ExitCode.OK : ExitCode.DIFFERENT;
  }

  private void good(String name, String text) {
    items.add(new Item(name, TextEscaper.escape(text), false));
  }

  private void fault(String name, String text) {
    items.add(new Item(name, TextEscaper.escape(text), true));
  }

  /** A rule that covers nothing may be mistyped, or for a service that does not run now. */
  private void rules(Config config) throws IOException {
    try {
      IgnoreRules rules = context.rules();
      RepeatedScan scans = context.scans(config, OwnerCache.empty());
      scans.look();
      Collection<SocketEntry> sockets = scans.found().sockets().values();
      for (Rule rule : rules.rules()) {
        if (sockets.stream().noneMatch(rule.matches())) {
          good("Ignore", "line " + rule.line() + " covers no socket now: " + rule.text());
        }
      }
    } catch (ConfigException | SecureFiles.RefusedException e) {
      fault("Ignore", e.getMessage());
    }
  }

  private void baseline(Config config) {
    try {
      Snapshot baseline = SnapshotFile.read(StateDirectory.baseline(config.stateDirectory()));
      Instant time = baseline.hostInfo().time();
      good("Baseline", baseline.sockets().size() + " sockets, " + context.when(time));
    } catch (NoSuchFileException e) {
      fault("Baseline", "there is none; run 'lsm generate' to take one");
    } catch (IOException e) {
      fault("Baseline", e.getMessage());
    }
  }

  private void lastCompare(Config config) throws IOException {
    Optional<Instant> last = context.lastCompare(config);
    if (last.isEmpty()) {
      fault("Compare", "there was none yet; cron runs it, or 'lsm compare' does");
      return;
    }
    AlertState told = AlertState.read(StateDirectory.told(config.stateDirectory()));
    String text = context.when(last.get()) + ", " + told.lasting() + " differences";
    if (told.isBlind()) {
      fault("Compare", text + "; since then nothing could be compared, run 'lsm compare'");
    } else if (last.get().plus(TOO_LONG).isBefore(now())) {
      fault("Compare", text + "; see whether cron runs, and what it says");
    } else {
      good("Compare", text);
    }
  }

  private void alerts(Config config) throws IOException {
    List<String> names = context.channels(config, null).stream().map(Channel::name).toList();
    good("Channels", names.isEmpty() ? "none" : String.join(", ", names));
    Outbox outbox = outbox(config);
    List<Outbox.Entry> waiting = outbox.waiting();
    for (Outbox.Entry entry : waiting.subList(0, Math.min(MOST_NAMED, waiting.size()))) {
      String why = String.join("; ", entry.failures().values());
      String text =
          context.when(entry.alert().time())
              + " waits for "
              + String.join(", ", entry.owed())
              + (why.isEmpty() ? "" : ": " + why);
      items.add(new Item("Alert", text, true)); // escaped already
    }
    if (waiting.size() > MOST_NAMED) {
      fault("Alerts", waiting.size() - MOST_NAMED + " more wait");
    }
    int damaged = outbox.damaged() + outbox.size() - waiting.size();
    if (damaged > 0) {
      String where = " damaged in " + outbox.directory();
      fault("Alerts", damaged + where + "; look at them, then remove them");
    } else if (waiting.isEmpty()) {
      good("Alerts", "none waits");
    }
  }

  private void sentry(Config config) {
    if (config.sentry() == SentryMode.OFF) {
      return;
    }
    String mode = config.sentry() == SentryMode.BLOCK ? "block" : "report";
    // What kept the last compare from setting the rules: to read the table may go well.
    String trouble = SentryState.read(StateDirectory.sentry(config.stateDirectory())).trouble();
    if (!trouble.isEmpty()) {
      fault("Sentry", trouble);
      return;
    }
    try {
      Optional<ScanSummary> probes = context.sentry().read(now()).map(NftTableState::probes);
      good(
          "Sentry",
          probes.isEmpty()
              ? mode + ", there are no rules yet, the next compare sets them"
              : String.format(
                  "%s; hosts that probed unused ports within a day: %d, that scan: %d, blocked: %d",
                  mode,
                  probes.get().hosts().size(),
                  probes.get().scanning(config.sentryTrigger()),
                  probes.get().blocked()));
    } catch (IOException e) {
      fault("Sentry", e.getMessage());
    }
  }

  private void cron() {
    for (Path file : crontabs()) {
      Optional<String> entry = cronEntry(file);
      if (entry.isPresent()) {
        good("Cron", file + ": " + entry.get());
        return;
      }
    }
    fault("Cron", "no entry runs lsm; ./install.sh writes /etc/cron.d/lsm");
  }

  private List<Path> crontabs() {
    List<Path> files = new ArrayList<>();
    for (Path path : context.host().crontabs()) {
      if (!Files.isDirectory(path)) {
        files.add(path);
        continue;
      }
      try (Stream<Path> list = Files.list(path)) {
        // cron passes over all other names (cron(8)): backups, what packages leave behind
        list.filter(file -> file.getFileName().toString().matches("[A-Za-z0-9_-]+"))
            .sorted()
            .forEach(files::add);
      } catch (IOException e) {
        warn("cannot read " + path + ": " + e.getMessage());
      }
    }
    return files;
  }

  private static Optional<String> cronEntry(Path file) {
    try {
      return new String(AtomicFile.read(file), StandardCharsets.ISO_8859_1)
          .lines()
          .filter(line -> CRON_ENTRY.matcher(line).matches())
          .findFirst();
    } catch (IOException e) {
      return Optional.empty();
    }
  }

  private Instant now() {
    return context.host().clock().instant();
  }
}
