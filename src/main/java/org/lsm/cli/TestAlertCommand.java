package org.lsm.cli;

import java.util.List;
import java.util.Set;
import java.util.function.Consumer;
import org.lsm.alert.Alert;
import org.lsm.alert.AlertType;
import org.lsm.alert.Channel;
import org.lsm.alert.DeliveryException;
import org.lsm.config.Config;
import org.lsm.model.HostInfo;
import org.lsm.model.TextEscaper;
import org.lsm.report.DiffReport;
import picocli.CommandLine.Command;

/** {@code lsm test-alert}: tries every channel. */
@Command(
    name = "test-alert",
    description = "Send a test alert through every channel of the configuration.")
public final class TestAlertCommand extends BaseCommand {

  public TestAlertCommand(CommandContext context) {
    super(context);
  }

  @Override
  public Integer call() throws Exception {
    Config config = context.config();
    Consumer<String> trace = line -> err().println(TextEscaper.escape(line));
    List<Channel> channels = context.channels(config, context.verbose() ? trace : null);
    if (channels.isEmpty()) {
      warn("no channel is configured: see MAILER, SYSLOG and RUN_CMD in " + context.configFile());
      return ExitCode.ERROR;
    }
    HostInfo hostInfo = context.hostInfo(config);
    Alert alert =
        Alert.of(
            AlertType.TEST,
            hostInfo,
            DiffReport.test(hostInfo, context.zone()),
            config.subject(),
            context.zone());
    int exitCode = ExitCode.OK;
    for (Channel channel : channels) {
      if (!isSent(channel, alert)) {
        exitCode = ExitCode.ALERT_PENDING;
      }
    }
    return exitCode;
  }

  private boolean isSent(Channel channel, Alert alert) {
    try {
      String remark = channel.send(alert, Set.of());
      String said = remark.isEmpty() ? "" : ", it said: " + TextEscaper.escape(remark);
      out().println(channel.name() + ": accepted" + said);
      return true;
    } catch (DeliveryException e) {
      out().println(channel.name() + ": FAILED, " + e.getMessage());
      return false;
    }
  }
}
