package org.lsm.cli;

import java.util.List;
import java.util.Set;
import java.util.function.Consumer;
import org.lsm.alert.Alert;
import org.lsm.alert.Channel;
import org.lsm.alert.DeliveryException;
import org.lsm.alert.Occasion;
import org.lsm.alert.Report;
import org.lsm.config.Config;
import org.lsm.snapshot.Snapshot.Origin;
import org.lsm.snapshot.Untrusted;
import picocli.CommandLine.Command;

/** {@code lsm test-alert}: tries every channel. */
@Command(
    name = "test-alert",
    description = "Send a test alert through every channel of the configuration.")
public final class TestAlertCommand extends LsmCommand {

  public TestAlertCommand(Context context) {
    super(context);
  }

  @Override
  public Integer call() throws Exception {
    Config config = context.config();
    Consumer<String> trace = line -> err().println(Untrusted.escape(line));
    List<Channel> channels = context.channels(config, context.verbose() ? trace : null);
    if (channels.isEmpty()) {
      warn("no channel is configured: see MAILER, SYSLOG and RUN_CMD in " + context.configFile());
      return ExitCode.TROUBLE;
    }
    Origin origin = context.origin(config);
    Alert alert =
        Alert.of(
            Occasion.TEST,
            origin,
            Report.test(origin, context.zone()),
            config.subject(),
            context.zone());
    int exitCode = ExitCode.DONE;
    for (Channel channel : channels) {
      if (!isSent(channel, alert)) {
        exitCode = ExitCode.UNDELIVERED;
      }
    }
    return exitCode;
  }

  private boolean isSent(Channel channel, Alert alert) {
    try {
      String remark = channel.send(alert, Set.of());
      String said = remark.isEmpty() ? "" : ", it said: " + Untrusted.escape(remark);
      out().println(channel.name() + ": accepted" + said);
      return true;
    } catch (DeliveryException e) {
      out().println(channel.name() + ": FAILED, " + e.getMessage());
      return false;
    }
  }
}
