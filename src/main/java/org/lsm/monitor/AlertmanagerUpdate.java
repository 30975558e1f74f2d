package org.lsm.monitor;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import org.lsm.alert.ActiveAlert;
import org.lsm.alert.AlertState;
import org.lsm.alert.History;
import org.lsm.model.ErrorMessages;
import org.lsm.model.HostInfo;
import org.lsm.model.ScanSummary;
import org.lsm.model.SocketIdentity;
import org.lsm.report.DiffReport;
import org.lsm.storage.StateDirectory;

/**
 * What a run does for Alertmanager: it stores what is active, and posts it. While nothing is, it
 * loads no class of the channel.
 */
final class AlertmanagerUpdate {
  private final Components components;
  private final History history;
  private final Path state;
  private final List<ActiveAlert> active = new ArrayList<>();
  private boolean unstored;

  AlertmanagerUpdate(Components components, History history) {
    this.components = components;
    this.history = history;
    this.state = components.config().stateDirectory().resolve(StateDirectory.ALERTMANAGER_STATE);
  }

  /** Takes the differences of a compare, with their severity in the state after it. */
  void add(DiffReport report, AlertState next, SocketIdentity identity) {
    active.addAll(ActiveAlert.of(report, next, identity));
  }

  /** Stores what is active after a run: its differences, its port scans and its failure. */
  void store(RunResult result) {
    int trigger = components.config().sentryTrigger();
    Optional<ScanSummary> scans =
        result.portScans().summary().filter(it -> it.scanning(trigger) > 0);
    boolean isActive = !active.isEmpty() || scans.isPresent() || result.failure().isPresent();
    if (!isActive && !Files.exists(state)) {
      return;
    }
    try {
      HostInfo host = components.hostInfo().at(components.now());
      scans.ifPresent(it -> active.addAll(ActiveAlert.of(it, trigger, host)));
      if (result.failure().isPresent()) {
        Exception e = result.failure().get();
        String reason = ErrorMessages.explain(e);
        active.add(ActiveAlert.failure(MonitorRun.type(e), reason, host.time()));
      }
      components.alertmanager(history).store(active, result.report().isPresent(), host);
    } catch (IOException e) {
      unstored = true;
      components.warn(
          "Alertmanager does not get the alerts of this run: " + ErrorMessages.explain(e));
    }
  }

  /** Whether something could not be stored, or no node has accepted what was. */
  boolean isPending() throws IOException {
    return unstored || isPostPending();
  }

  private boolean isPostPending() throws IOException {
    return Files.exists(state) && components.alertmanager(history).isPending();
  }

  /** Posts in a thread of its own what no node has accepted yet. */
  CompletableFuture<Void> post(boolean quiet) throws IOException {
    return isPostPending()
        ? CompletableFuture.runAsync(
            () -> components.alertmanager(history).post(quiet), it -> new Thread(it).start())
        : CompletableFuture.completedFuture(null);
  }
}
