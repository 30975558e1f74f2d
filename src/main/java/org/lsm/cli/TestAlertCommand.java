package org.lsm.cli;

import java.time.ZoneId;
import java.util.List;
import java.util.Set;
import java.util.function.Consumer;
import org.lsm.alert.Alert;
import org.lsm.alert.AlertType;
import org.lsm.alert.Channel;
import org.lsm.alert.DeliveryException;
import org.lsm.model.HostInfo;
import org.lsm.model.TextEscaper;
import org.lsm.monitor.Components;
import org.lsm.report.DiffReport;
import picocli.CommandLine.Command;

@Command(
    name = "test-alert",
    description = "Send a test alert by every channel that is configured.")
public final class TestAlertCommand extends BaseCommand {
  @Override
  public Integer call() throws Exception {
    Components components = context.components();
    Consumer<String> trace = line -> context.err.println(TextEscaper.escape(line));
    List<Channel> channels = components.channels(context.verbose ? trace : null);
    if (channels.isEmpty()) {
      context.warn(
          "no channel is configured: see MAILER, SYSLOG and RUN_CMD in " + context.configFile());
      return ExitCode.ERROR;
    }
    HostInfo host = components.hostInfo();
    ZoneId zone = components.zone();
    String subject = components.config().subject();
    Alert alert = Alert.of(AlertType.TEST, host, DiffReport.test(host, zone), subject, zone);
    int exitCode = ExitCode.OK;
    for (Channel channel : channels) {
      try {
        String remark = channel.send(alert, Set.of());
        String reply = remark.isEmpty() ? "" : "; reply: " + TextEscaper.escape(remark);
        out().println(channel.name() + ": accepted" + reply);
      } catch (DeliveryException e) {
        out().println(channel.name() + ": FAILED, " + TextEscaper.escape(e.getMessage()));
        exitCode = ExitCode.ALERT_PENDING;
      }
    }
    return exitCode;
  }
}
