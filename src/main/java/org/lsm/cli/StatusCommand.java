package org.lsm.cli;

import static org.lsm.cli.Arguments.format;

import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import org.lsm.alert.AlertState;
import org.lsm.alert.Channel;
import org.lsm.alert.History;
import org.lsm.alert.Outbox;
import org.lsm.channel.Alertmanager;
import org.lsm.config.Config;
import org.lsm.config.Config.OutboundMode;
import org.lsm.config.Config.SentryMode;
import org.lsm.config.ConfigException;
import org.lsm.config.Rules.Rule;
import org.lsm.config.Rules.Verb;
import org.lsm.model.EnumName;
import org.lsm.model.ErrorMessages;
import org.lsm.model.Plural;
import org.lsm.model.ScanSummary;
import org.lsm.model.Snapshot;
import org.lsm.model.SocketEntry;
import org.lsm.model.TextEscaper;
import org.lsm.monitor.Components;
import org.lsm.monitor.Schedule;
import org.lsm.monitor.Version;
import org.lsm.proc.SocketScanner.ScanResult;
import org.lsm.report.Json;
import org.lsm.report.StatusReport;
import org.lsm.report.StatusReport.Item;
import org.lsm.report.StatusReport.Measure;
import org.lsm.report.StatusReport.Severity;
import org.lsm.report.Times;
import org.lsm.sentry.NftTableState;
import org.lsm.sentry.OutboundState;
import org.lsm.sentry.SentryState;
import org.lsm.storage.StateDirectory;
import picocli.CommandLine.Model.CommandSpec;

final class StatusCommand extends BaseCommand {
  private static final int MAX_MISSED = 3; // runs
  private static final int MAX_NAMED_ALERTS = 10; // waiting alerts with a line of their own

  private enum Format {
    TEXT,
    JSON,
    NAGIOS;

    @Override
    public String toString() {
      return EnumName.of(this);
    }
  }

  private static final String NO_RULES = ", there are no rules yet, the next compare sets them";

  /** One part of the check; what keeps it from an answer is a fault like any other. */
  private interface Check {
    void run() throws IOException, ConfigException;
  }

  private Format format;

  private final List<Item> items = new ArrayList<>();
  private final List<Measure> measures = new ArrayList<>();
  private Optional<Schedule> schedule = Optional.empty();

  StatusCommand() {
    super("Check that the monitor works; exit with 1 if there is a fault.", "status");
  }

  @Override
  void addArguments(CommandSpec spec) {
    spec.addOption(format(Format.class, it -> format = it).build());
  }

  @Override
  public Integer call() {
    good("lsm", Version.VERSION);
    check("Cron", Severity.CRITICAL, () -> schedule = context.schedule());
    check("Config", Severity.CRITICAL, () -> check(context.components()));
    checkSchedule();
    StatusReport status = new StatusReport(items, measures);
    if (format == Format.NAGIOS) {
      out().print(status.nagios());
      return status.severity().exitCode;
    }
    print(format == Format.JSON ? Json.of(status) : status.text());
    return status.isGood() ? ExitCode.OK : ExitCode.DIFFERENT;
  }

  private void check(Components components) {
    good("Config", context.configFile().toString());
    check("Rules", Severity.CRITICAL, () -> checkRules(components));
    check("Baseline", Severity.CRITICAL, () -> checkBaseline(components));
    check("Compare", Severity.CRITICAL, () -> checkLastCompare(components));
    check("Channels", Severity.CRITICAL, () -> checkChannels(components));
    check("Alerts", Severity.WARNING, () -> checkAlerts(components));
    check("Sentry", Severity.WARNING, () -> checkSentry(components));
    check("Outbound", Severity.WARNING, () -> checkOutbound(components));
  }

  private void check(String name, Severity severity, Check check) {
    try {
      check.run();
    } catch (IOException | ConfigException e) {
      boolean isUnknown = e instanceof AccessDeniedException;
      add(name, isUnknown ? Severity.UNKNOWN : severity, ErrorMessages.explain(e));
    }
  }

  private void good(String name, String text) {
    add(name, Severity.OK, text);
  }

  private void fault(String name, String text) {
    add(name, Severity.CRITICAL, text);
  }

  private void add(String name, Severity severity, String text) {
    items.add(new Item(name, TextEscaper.escape(text), severity));
  }

  /** A rule that matches nothing is mistyped, or its service does not run now: not a fault. */
  private void checkRules(Components components) throws IOException, ConfigException {
    List<Rule> unused = new ArrayList<>(components.rules().rules());
    ScanResult scan = components.scan();
    Collection<SocketEntry> sockets = scan.snapshot().sockets().values();
    unused.removeIf(Rule::isOutbound); // what they ignore is not kept
    unused.removeIf(rule -> sockets.stream().anyMatch(rule::matches));
    if (unused.size() == 1) {
      Rule rule = unused.get(0);
      good("Rules", rule.location() + " matches no socket now: " + rule.text());
    } else if (!unused.isEmpty()) {
      List<String> lines = unused.stream().map(Rule::location).toList();
      good("Rules", String.join(", ", lines) + " match no socket now");
    }
  }

  private void checkBaseline(Components components) throws IOException, ConfigException {
    if (components.config().declaredBaseline()) {
      List<Rule> rules = components.rules().rules();
      long accepting = rules.stream().filter(it -> it.verb() != Verb.IGNORE).count();
      good("Baseline", "declared by " + Plural.count(accepting, "rule"));
      return;
    }
    Snapshot baseline = StateDirectory.readBaseline(components.config().stateDirectory());
    int sockets = baseline.sockets().size();
    measures.add(new Measure("sockets", sockets, ";;;0"));
    String time = components.timeWithAge(baseline.hostInfo().time());
    good("Baseline", Plural.count(sockets, "socket") + ", " + time);
  }

  private void checkLastCompare(Components components) throws IOException {
    Optional<Instant> last = components.lastCompare();
    if (last.isEmpty()) {
      fault("Compare", "there was none yet; cron runs it, or 'lsm compare'");
      return;
    }
    Path directory = components.config().stateDirectory();
    AlertState alerts = AlertState.read(directory.resolve(StateDirectory.ALERT_STATE));
    Optional<Duration> interval =
        schedule.map(Schedule::interval).orElse(Optional.of(Schedule.DEFAULT_INTERVAL));
    // Not multipliedBy, which calculates with BigDecimal: that takes 6 ms to load.
    Optional<Duration> max = interval.map(it -> Duration.ofMillis(MAX_MISSED * it.toMillis()));
    String limit = max.map(it -> "" + it.toSeconds()).orElse("");
    Duration age = Duration.between(last.get(), components.now());
    long active = alerts.activeDifferences();
    measures.add(new Measure("compare_age", age.toSeconds(), "s;;" + limit + ";0"));
    measures.add(new Measure("differences", active, ";;;0"));
    String differences = Plural.count(active, "difference") + " in the 30 minutes before";
    String text = components.timeWithAge(last.get()) + ", " + differences;
    if (alerts.isFailing(last.get())) {
      fault("Compare", text + "; since then every compare has failed, run 'lsm compare'");
    } else if (age.isNegative()) {
      fault("Compare", text + "; the clock was wrong then, run 'lsm compare'");
    } else if (max.isPresent() && age.compareTo(max.get()) > 0) {
      String every = "every " + Plural.count(interval.get().toMinutes(), "minute");
      fault("Compare", text + "; it is due " + every + ", see what its last runs have logged");
    } else {
      good("Compare", text + (interval.isEmpty() ? ", interval unknown" : ""));
    }
  }

  private void checkChannels(Components components) throws IOException {
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
    Config config = components.config();
    List<Alertmanager.Node> nodes =
        config.alertmanagerUrls().isEmpty()
            ? List.of()
            : components.alertmanager(components.history()).nodes();
    nodes.forEach(it -> checkNode(components, it));
    if (!nodes.isEmpty()) {
      return;
    }
    if (channels.isEmpty() && config.metricsFile().isEmpty()) {
      String keys = "MAILER and USER, SYSLOG, RUN_CMD, ALERTMANAGER_URL or METRICS_FILE";
      fault("Channels", "none is set: set " + keys + " in " + context.configFile());
    } else if (channels.isEmpty()) {
      good("Channels", "only METRICS_FILE");
    }
  }

  private void checkNode(Components components, Alertmanager.Node node) {
    String last =
        node.accepted().equals(Instant.EPOCH)
            ? "nothing accepted yet"
            : "last accepted " + components.timeWithAge(node.accepted());
    String failure = node.failure().isEmpty() ? "" : "; last failure: " + node.failure();
    Severity severity = failure.isEmpty() ? Severity.OK : Severity.WARNING;
    String name = Alertmanager.NAME + " " + node.url() + "; ";
    items.add(new Item("Channel", name + last + failure, severity)); // escaped already
  }

  private void checkAlerts(Components components) throws IOException {
    Outbox outbox = components.outbox(components.history(), Outbox.CHANNEL_TIMEOUT);
    List<Outbox.Waiting> waiting = outbox.oldest(MAX_NAMED_ALERTS);
    for (Outbox.Waiting alert : waiting) {
      String text = components.timeWithAge(alert.time()) + " waits for " + alert.channel();
      String reason = alert.failure().isEmpty() ? "" : ": " + alert.failure();
      items.add(new Item("Alert", text + reason, Severity.WARNING)); // escaped already
    }
    int size = outbox.size();
    measures.add(new Measure("waiting_alerts", size + outbox.damaged(), ";0;;0"));
    if (size > MAX_NAMED_ALERTS) {
      int more = size - MAX_NAMED_ALERTS;
      add("Alerts", Severity.WARNING, more + (more == 1 ? " more waits" : " more wait"));
    }
    // What cannot be read is damaged as well; the next delivery sets it aside.
    int damaged = outbox.damaged() + Math.min(size, MAX_NAMED_ALERTS) - waiting.size();
    if (damaged > 0) {
      String where = " damaged in " + outbox.directory();
      add("Alerts", Severity.WARNING, damaged + where + "; inspect them, then remove them");
    } else if (size == 0) {
      good("Alerts", "none waits");
    }
  }

  private void checkSentry(Components components) throws IOException {
    Config config = components.config();
    if (config.sentry() == SentryMode.OFF) {
      return;
    }
    // The failure of the last compare: reading the table may succeed where setting rules fails.
    Path file = config.stateDirectory().resolve(StateDirectory.SENTRY_STATE);
    SentryState state = SentryState.read(file);
    if (!state.failure().isEmpty()) {
      fault("Sentry", state.failure());
      return;
    }
    Optional<NftTableState> table = components.nftTable().read(components::now);
    String text = table.map(it -> summary(it.summary(), config.sentryTrigger())).orElse(NO_RULES);
    good("Sentry", EnumName.of(config.sentry()) + text);
    state.unanswered().forEach(it -> fault("Sentry", it));
  }

  private void checkOutbound(Components components) throws IOException {
    Config config = components.config();
    if (config.outbound() == OutboundMode.OFF) {
      return;
    }
    Path file = config.stateDirectory().resolve(StateDirectory.OUTBOUND_STATE);
    OutboundState state = OutboundState.read(file, components.now());
    Instant end = state.since().plus(config.outboundLearn());
    boolean isLearning = config.outbound() == OutboundMode.REPORT && end.isAfter(components.now());
    String until = isLearning ? ", learning until " + Times.format(end, components.zone()) : "";
    String known = state.rules().isEmpty() ? NO_RULES : "; known: " + state.known().size();
    good("Outbound", EnumName.of(config.outbound()) + until + known);
  }

  private static String summary(ScanSummary summary, int trigger) {
    return String.format(
        "; hosts that probed unused ports within a day: %d, that scan: %d, blocked: %d",
        summary.hosts().size(), summary.scanning(trigger), summary.blocked());
  }

  private void checkSchedule() {
    if (schedule.isPresent()) {
      String name = schedule.get().isTimer() ? "Timer" : "Cron";
      String text = schedule.get().text();
      if (schedule.get().isRunning()) {
        good(name, text);
      } else {
        fault(name, text + "; but no cron daemon runs, so start one");
      }
    } else if (context.isDefaultConfig()) {
      fault("Cron", "no entry runs lsm; ./install.sh writes /etc/cron.d/lsm");
    } else { // crontabs of users are theirs; the last compare shows whether one works
      good("Cron", "no entry of root runs lsm with --config " + context.configFile());
    }
  }
}
