package org.lsm.cli;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.lsm.alert.AlertState;
import org.lsm.alert.Channel;
import org.lsm.alert.History;
import org.lsm.alert.Outbox;
import org.lsm.config.Config;
import org.lsm.config.Config.SentryMode;
import org.lsm.config.ConfigException;
import org.lsm.config.IgnoreRules.Rule;
import org.lsm.model.OwnerCache;
import org.lsm.model.ScanSummary;
import org.lsm.model.Snapshot;
import org.lsm.model.TextEscaper;
import org.lsm.monitor.Components;
import org.lsm.monitor.Version;
import org.lsm.proc.SocketScanner.DetailsSelector;
import org.lsm.proc.SocketScanner.ScanResult;
import org.lsm.report.Json;
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

@Command(
    name = "status",
    description = "Check that the monitor works; exit with 1 if there is a fault.")
public final class StatusCommand extends BaseCommand {
  private static final Duration MAX_AGE = Duration.ofHours(25); // above any sensible interval
  private static final int MAX_NAMED_ALERTS = 10; // waiting alerts with a line of their own
  private static final Pattern CRON_ENTRY =
      Pattern.compile("[^#]*[\\s/]lsm(\\s+\\S+){0,20}?\\s+(-c|compare)\\b.*");

  @Mixin private OutputFormat format;

  private final List<Item> items = new ArrayList<>();

  @Override
  public Integer call() throws Exception {
    good("lsm", Version.VERSION);
    try {
      Components components = context.components();
      good("Config", context.configFile().toString());
      checkRules(components);
      checkBaseline(components);
      checkLastCompare(components);
      checkAlerts(components);
      checkSentry(components);
    } catch (ConfigException | SecureFiles.RefusedException e) {
      fault("Config", e.getMessage());
    }
    checkCron();
    StatusReport status = new StatusReport(items);
    print(format.isJson() ? Json.of(status) : status.text());
    return status.isGood() ? ExitCode.OK : ExitCode.DIFFERENT;
  }

  private void good(String name, String text) {
    items.add(new Item(name, TextEscaper.escape(text), false));
  }

  private void fault(String name, String text) {
    items.add(new Item(name, TextEscaper.escape(text), true));
  }

  /** A rule that matches nothing is mistyped, or its service does not run now: not a fault. */
  private void checkRules(Components components) throws IOException {
    try {
      List<Rule> rules = components.ignoreRules().rules();
      ScanResult scan = components.scanner().scan(OwnerCache.EMPTY, DetailsSelector.NONE);
      for (Rule rule : rules) {
        if (scan.snapshot().sockets().values().stream().noneMatch(rule.matches())) {
          good("Ignore", "line " + rule.line() + " matches no socket now: " + rule.text());
        }
      }
    } catch (ConfigException | SecureFiles.RefusedException e) {
      fault("Ignore", e.getMessage());
    }
  }

  private void checkBaseline(Components components) {
    try {
      Path file = components.config().stateDirectory().resolve(StateDirectory.BASELINE);
      Snapshot baseline = SnapshotFile.read(file);
      String time = components.timeWithAge(baseline.hostInfo().time());
      good("Baseline", baseline.sockets().size() + " sockets, " + time);
    } catch (NoSuchFileException e) {
      fault("Baseline", "there is none; run 'lsm generate' to take one");
    } catch (IOException e) {
      fault("Baseline", e.getMessage());
    }
  }

  private void checkLastCompare(Components components) throws IOException {
    Optional<Instant> last = components.lastCompare();
    if (last.isEmpty()) {
      fault("Compare", "there was none yet; cron runs it, or 'lsm compare'");
      return;
    }
    Path directory = components.config().stateDirectory();
    AlertState alerts = AlertState.read(directory.resolve(StateDirectory.ALERT_STATE));
    String age = components.timeWithAge(last.get());
    String text = age + ", " + alerts.activeDifferences() + " differences in the 30 minutes before";
    if (alerts.isFailing(last.get())) {
      fault("Compare", text + "; since then every compare has failed, run 'lsm compare'");
    } else if (last.get().isAfter(components.now())) {
      fault("Compare", text + "; the clock was wrong then, run 'lsm compare'");
    } else if (last.get().plus(MAX_AGE).isBefore(components.now())) {
      fault("Compare", text + "; check that cron runs, and what it logs");
    } else {
      good("Compare", text);
    }
  }

  private void checkAlerts(Components components) throws IOException {
    List<Channel> channels = components.channels(null);
    List<History.Event> history = components.history().since(Instant.MIN);
    for (Channel channel : channels) {
      String last =
          history.stream()
              .filter(it -> it.isDelivery(channel.name()))
              .reduce((earlier, later) -> later)
              .map(it -> "last delivered " + components.timeWithAge(it.time()))
              .orElse("nothing delivered yet");
      good("Channel", (channel.name() + " " + channel.destination()).strip() + "; " + last);
    }
    if (channels.isEmpty()) {
      good("Channels", "none");
    }
    Outbox outbox = components.outbox(components.history());
    List<Outbox.Waiting> waiting = outbox.oldest(MAX_NAMED_ALERTS);
    for (Outbox.Waiting alert : waiting) {
      String text = components.timeWithAge(alert.time()) + " waits for " + alert.channel();
      String reason = alert.failure().isEmpty() ? "" : ": " + alert.failure();
      items.add(new Item("Alert", text + reason, true)); // escaped already
    }
    int size = outbox.size();
    if (size > MAX_NAMED_ALERTS) {
      fault("Alerts", size - MAX_NAMED_ALERTS + " more wait");
    }
    int damaged = outbox.damaged() + Math.min(size, MAX_NAMED_ALERTS) - waiting.size();
    if (damaged > 0) {
      String where = " damaged in " + outbox.directory();
      fault("Alerts", damaged + where + "; inspect them, then remove them");
    } else if (size == 0) {
      good("Alerts", "none waits");
    }
  }

  private void checkSentry(Components components) {
    Config config = components.config();
    if (config.sentry() == SentryMode.OFF) {
      return;
    }
    // The failure of the last compare: reading the table may succeed where setting rules fails.
    Path file = config.stateDirectory().resolve(StateDirectory.SENTRY_STATE);
    String failure = SentryState.read(file).failure();
    if (!failure.isEmpty()) {
      fault("Sentry", failure);
      return;
    }
    try {
      Optional<NftTableState> table = components.nftTable().read(components.now());
      String none = ", there are no rules yet, the next compare sets them";
      String text = table.map(it -> summary(it.summary(), config.sentryTrigger())).orElse(none);
      good("Sentry", Json.name(config.sentry()) + text);
    } catch (IOException e) {
      fault("Sentry", e.getMessage());
    }
  }

  private static String summary(ScanSummary summary, int trigger) {
    return String.format(
        "; hosts that probed unused ports within a day: %d, that scan: %d, blocked: %d",
        summary.hosts().size(), summary.scanning(trigger), summary.blocked());
  }

  private void checkCron() {
    for (Path file : crontabs()) {
      try {
        String text = new String(AtomicFile.read(file), StandardCharsets.ISO_8859_1);
        Optional<String> entry = text.lines().filter(CRON_ENTRY.asMatchPredicate()).findFirst();
        if (entry.isPresent()) {
          good("Cron", file + ": " + entry.get());
          return;
        }
      } catch (IOException e) {
        // hardly any host has all of these files
      }
    }
    fault("Cron", "no entry runs lsm; ./install.sh writes /etc/cron.d/lsm");
  }

  private List<Path> crontabs() {
    List<Path> files = new ArrayList<>();
    for (Path path : context.environment.crontabs()) {
      try (Stream<Path> list = Files.isDirectory(path) ? Files.list(path) : Stream.of(path)) {
        // cron(8) skips all other names: backups, and what packages leave behind
        list.filter(file -> file.getFileName().toString().matches("[A-Za-z0-9_-]+"))
            .sorted()
            .forEach(files::add);
      } catch (IOException e) {
        context.warn("cannot read " + path + ": " + e.getMessage());
      }
    }
    return files;
  }
}
