package org.lsm.cli;

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
import org.lsm.alert.ScanReport;
import org.lsm.config.Config;
import org.lsm.config.Config.SentryMode;
import org.lsm.sentry.Names;
import org.lsm.sentry.Ruleset;
import org.lsm.sentry.Sentry;
import org.lsm.sentry.SentryState;
import org.lsm.sentry.SentryState.Decision;
import org.lsm.sentry.TableContent;
import org.lsm.snapshot.Prober;
import org.lsm.snapshot.Probes;
import org.lsm.snapshot.Snapshot;
import org.lsm.snapshot.Snapshot.Origin;
import org.lsm.snapshot.StateDirectory;

/**
 * What a round does about probes of unused ports: reads who has probed, tells of it, and sees to it
 * that the kernel watches the ports that nobody serves now.
 */
final class SentryRound {

  private final LsmCommand command;
  private final Context context;
  private final Config config;
  private final History history;
  private final Outbox outbox;
  private final Sentry sentry;
  private final Path file;

  // What the round has found out.
  private SentryState state = SentryState.empty();
  private Optional<SentryState> stored = Optional.empty();
  private Optional<Probes> probes = Optional.empty();
  private Optional<ScanReport> report = Optional.empty();

  SentryRound(LsmCommand command, Config config, History history, Outbox outbox) {
    this.command = command;
    this.context = command.context;
    this.config = config;
    this.history = history;
    this.outbox = outbox;
    this.sentry = context.sentry();
    this.file = StateDirectory.sentry(config.stateDirectory());
  }

  /** Whether there is anything to do: also where it was switched off, and its table is left. */
  static boolean isDue(Config config) {
    return config.sentry() != SentryMode.OFF
        || Files.exists(StateDirectory.sentry(config.stateDirectory()));
  }

  /** How many hosts have probed, for the metrics; nothing if that could not be read. */
  SortedMap<String, Long> counts() {
    SortedMap<String, Long> counts = new TreeMap<>();
    probes.ifPresent(
        it -> {
          counts.put("seen", (long) it.probers().size());
          counts.put("scanning", it.scanning(config.sentryTrigger()));
          counts.put("blocked", it.blocked());
        });
    return counts;
  }

  /** What was told in this round. */
  Optional<ScanReport> report() {
    return report;
  }

  /**
   * Does it. What keeps it from that is no reason not to watch sockets.
   *
   * @param serving snapshots whose ports are served; none if that could not be found out
   * @param quiet whether to say nothing of what was said before
   */
  void run(Origin origin, List<Snapshot> serving, boolean quiet) {
    state = SentryState.read(file);
    String before = state.trouble();
    try {
      if (config.sentry() == SentryMode.OFF) {
        sentry.remove();
        Files.deleteIfExists(file);
        return;
      }
      watch(origin, serving);
      state = state.troubled("");
    } catch (IOException | RuntimeException e) {
      trouble(Trouble.explain(e), before, quiet);
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

  private void watch(Origin origin, List<Snapshot> serving) throws IOException {
    Instant now = context.host().clock().instant();
    Optional<TableContent> found = sentry.read(now);
    boolean stored = true;
    if (found.isPresent()) {
      probes = Optional.of(found.get().probes());
      stored = tell(found.get().probes(), origin, now);
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
  private boolean tell(Probes found, Origin origin, Instant now) {
    Decision decision =
        state.decide(found, config.sentryTrigger(), ScanReport.MOST, now, config.sentryRemind());
    if (!decision.due()) {
      state = decision.next();
      return true;
    }
    ScanReport telling =
        new ScanReport(origin, named(decision.told()), notes(found), context::zone);
    report = Optional.of(telling);
    if (!outbox.put(Alert.of(telling, config.subject()))) {
      return false;
    }
    history.add("scan", telling);
    state = decision.next();
    return true;
  }

  private List<Prober> named(List<Prober> hosts) {
    if (!config.sentryResolves()) {
      return hosts;
    }
    int most = Math.min(hosts.size(), ScanReport.MOST);
    return Stream.concat(
            Names.with(hosts.subList(0, most)).stream(), hosts.subList(most, hosts.size()).stream())
        .toList();
  }

  static List<String> notes(Probes probes) {
    List<String> notes = new ArrayList<>();
    if (probes.overflowing()) {
      notes.add(
          "more hosts or ports than there is room for since the last run, or nearly so: there may be"
              + " others, and these addresses may be forged");
    }
    if (probes.blocked() >= Ruleset.MOST) {
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
