package org.lsm.cli;

import java.time.ZoneId;
import java.util.List;
import java.util.Set;
import java.util.function.Consumer;
import org.lsm.alert.Alert;
import org.lsm.alert.AlertType;
import org.lsm.alert.Channel;
import org.lsm.alert.DeliveryException;
import org.lsm.alert.History;
import org.lsm.channel.Alertmanager;
import org.lsm.model.HostInfo;
import org.lsm.model.TextEscaper;
import org.lsm.monitor.Components;
import org.lsm.report.DiffReport;
import org.lsm.storage.StateDirectory;

final class TestAlertCommand extends BaseCommand {
  TestAlertCommand() {
    super("Send a test alert by every channel that is configured.", "test-alert");
  }

  @Override
  public Integer call() throws Exception {
    Components components = context.components();
    Consumer<String> trace = line -> context.err.println(TextEscaper.escape(line));
    List<Channel> channels = components.channels(context.verbose ? trace : null);
    boolean usesAlertmanager = !components.config().alertmanagerUrls().isEmpty();
    if (channels.isEmpty() && !usesAlertmanager) {
      String keys = "MAILER, SYSLOG, RUN_CMD and ALERTMANAGER_URL";
      context.warn("no channel is configured: see " + keys + " in " + context.configFile());
      return ExitCode.ERROR;
    }
    HostInfo host = components.hostInfo();
    ZoneId zone = components.zone();
    String subject = components.config().subject();
    StateDirectory.create(components.config().stateDirectory()); // for the history
    History history = components.history();
    Alert alert = Alert.of(AlertType.TEST, host, DiffReport.test(host, zone), subject, zone);
    boolean accepted = true;
    for (Channel channel : channels) {
      accepted &= send(alert, channel, history);
    }
    if (usesAlertmanager) {
      for (Alertmanager.Node node : components.alertmanager(history).test(host)) {
        accepted &= print(alert, node, history);
      }
    }
    return accepted ? ExitCode.OK : ExitCode.ALERT_PENDING;
  }

  /** Sends the alert and prints the outcome; returns whether the channel has accepted it. */
  private boolean send(Alert alert, Channel channel, History history) {
    try {
      String receipt = channel.send(alert, Set.of());
      history.appendDelivery(channel.name(), alert, receipt);
      String where = receipt.isEmpty() ? "" : "; " + TextEscaper.escape(receipt);
      out().println(channel.name() + ": accepted" + where);
      return true;
    } catch (DeliveryException e) {
      printFailure(channel.name(), TextEscaper.escape(e.getMessage()), history);
      return false;
    }
  }

  private boolean print(Alert alert, Alertmanager.Node node, History history) {
    if (!node.failure().isEmpty()) {
      printFailure(Alertmanager.NAME, node.failure(), history);
      return false;
    }
    history.appendDelivery(Alertmanager.NAME, alert, "to " + node.url());
    out().println(Alertmanager.NAME + ": accepted; to " + node.url());
    return true;
  }

  private void printFailure(String channel, String failure, History history) {
    history.append("failed", "test alert: " + failure);
    out().println(channel + ": FAILED, " + failure);
  }
}
