package org.lsm.monitor;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.lsm.alert.Alert;
import org.lsm.alert.History;
import org.lsm.alert.Outbox;
import org.lsm.cli.BaseCommand;
import org.lsm.cli.CommandContext;
import org.lsm.config.Config;
import org.lsm.config.Config.SentryMode;
import org.lsm.model.HostInfo;
import org.lsm.model.ScanSummary;
import org.lsm.model.ScanningHost;
import org.lsm.model.Snapshot;
import org.lsm.report.PortScanReport;
import org.lsm.sentry.NftRuleset;
import org.lsm.sentry.NftTable;
import org.lsm.sentry.NftTableState;
import org.lsm.sentry.ReverseDns;
import org.lsm.sentry.SentryState;
import org.lsm.sentry.SentryState.Decision;
import org.lsm.storage.StateDirectory;

/**
 * What a round does about probes of unused ports: reads who has probed, tells of it, and sees to it
 * that the kernel watches the ports that nobody serves now.
 */
public final class PortScanCheck {

  private final BaseCommand command;
  private final CommandContext context;
  private final Config config;
  private final History history;
  private final Outbox outbox;
  private final NftTable sentry;
  private final Path file;

  // What the round has found out.
  private SentryState state = SentryState.empty();
  private Optional<SentryState> stored = Optional.empty();
  private Optional<ScanSummary> probes = Optional.empty();
  private Optional<PortScanReport> report = Optional.empty();

  public PortScanCheck(BaseCommand command, Config config, History history, Outbox outbox) {
    this.command = command;
    this.context = command.context;
    this.config = config;
    this.history = history;
    this.outbox = outbox;
    this.sentry = context.sentry();
    this.file = StateDirectory.sentry(config.stateDirectory());
  }

  /** Whether there is anything to do: also where it was switched off, and its table is left. */
  public static boolean isDue(Config config) {
    return config.sentry() != SentryMode.OFF
        || Files.exists(StateDirectory.sentry(config.stateDirectory()));
  }

  /** How many hosts have probed, for the metrics; nothing if that could not be read. */
  public SortedMap<String, Long> counts() {
    SortedMap<String, Long> counts = new TreeMap<>();
    probes.ifPresent(
        it -> {
          counts.put("seen", (long) it.hosts().size());
          counts.put("scanning", it.scanning(config.sentryTrigger()));
          counts.put("blocked", it.blocked());
        });
    return counts;
  }

  /** What was told in this round. */
  Optional<PortScanReport> report() {
    return report;
  }

  /**
   * Does it. What keeps it from that is no reason not to watch sockets.
   *
   * @param serving snapshots whose ports are served; none if that could not be found out
   * @param quiet whether to say nothing of what was said before
   */
  public void run(HostInfo hostInfo, List<Snapshot> serving, boolean quiet) {
    state = SentryState.read(file);
    String before = state.trouble();
    try {
      if (config.sentry() == SentryMode.OFF) {
        sentry.remove();
        Files.deleteIfExists(file);
        return;
      }
      watch(hostInfo, serving);
      state = state.troubled("");
    } catch (IOException | RuntimeException e) {
      trouble(ErrorMessages.explain(e), before, quiet);
    } catch (OutOfMemoryError e) {
      trouble("there is not enough memory to read who has probed ports", before, quiet);
    }
    remember();
  }

  private void trouble(String reason, String before, boolean quiet) {
    state = state.troubled(reason);
    if (!quiet || !before.equals(reason)) {
      command.warn(reason);
    }
  }

  private void watch(HostInfo hostInfo, List<Snapshot> serving) throws IOException {
    Instant now = context.host().clock().instant();
    Optional<NftTableState> found = sentry.read(now);
    boolean stored = true;
    if (found.isPresent()) {
      probes = Optional.of(found.get().probes());
      stored = tell(found.get().probes(), hostInfo, now);
      state = state.blocking(found.get().blocked());
    }
    if (!serving.isEmpty()) {
      store(); // that there is a table is known before there is one
      sentry.apply(context.rules(config, serving), found, state.blocked(), now);
    }
    if (stored && probes.isPresent() && probes.get().overflowing()) {
      sentry.forget();
    }
  }

  /** Tells of who scans; returns false if that could not be stored. */
  private boolean tell(ScanSummary found, HostInfo hostInfo, Instant now) {
    Decision decision =
        state.decide(
            found, config.sentryTrigger(), PortScanReport.MOST, now, config.sentryRemind());
    if (!decision.due()) {
      state = decision.next();
      return true;
    }
    PortScanReport telling =
        new PortScanReport(hostInfo, named(decision.told()), notes(found), context::zone);
    report = Optional.of(telling);
    if (!outbox.put(Alert.of(telling, config.subject()))) {
      return false;
    }
    history.add("scan", telling);
    state = decision.next();
    return true;
  }

  private List<ScanningHost> named(List<ScanningHost> hosts) {
    if (!config.sentryResolves()) {
      return hosts;
    }
    int most = Math.min(hosts.size(), PortScanReport.MOST);
    return Stream.concat(
            ReverseDns.with(hosts.subList(0, most)).stream(),
            hosts.subList(most, hosts.size()).stream())
        .toList();
  }

  public static List<String> notes(ScanSummary probes) {
    List<String> notes = new ArrayList<>();
    if (probes.overflowing()) {
      notes.add(
          "more hosts or ports than there is room for since the last run, or nearly so: there may be"
              + " others, and these addresses may be forged");
    }
    if (probes.blocked() >= NftRuleset.MOST) {
      notes.add("so many hosts are blocked that there may be no room for more");
    }
    return notes;
  }

  private void store() throws IOException {
    if (!stored.equals(Optional.of(state))) {
      state.write(file);
      stored = Optional.of(state);
    }
  }

  private void remember() {
    try {
      store();
    } catch (IOException e) {
      command.warn("who scans will be told again: " + e.getMessage());
    }
  }
}
