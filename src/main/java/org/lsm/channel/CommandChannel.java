package org.lsm.channel;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.lsm.alert.Alert;
import org.lsm.alert.Channel;
import org.lsm.alert.DeliveryException;
import org.lsm.report.Json;
import org.lsm.report.EscapedText;

/** Runs the command of the administrator, with the alert in its environment and as JSON. */
public final class CommandChannel implements Channel {

  private static final Duration LIMIT = Duration.ofSeconds(30);

  private final String command;
  private final ExternalCommand shell;

  /** Runs this command of sh(1), which is the administrator's own text. */
  public CommandChannel(String command) {
    this(command, LIMIT);
  }

  CommandChannel(String command, Duration limit) {
    this.command = command;
    this.shell = new ExternalCommand(Path.of("/bin/sh"), limit);
  }

  @Override
  public String name() {
    return "run_cmd";
  }

  @Override
  public String send(Alert alert, Set<String> served) throws DeliveryException {
    byte[] json = Json.print(alert.report()).getBytes(StandardCharsets.UTF_8);
    try {
      return shell.runSuccessfully(List.of("-c", command), json, variables(alert)).strip();
    } catch (IOException e) {
      throw new DeliveryException(
          "RUN_CMD failed: " + EscapedText.escape(e.getMessage()) + "; try it by hand, or mend it",
          e,
          ExternalCommand.blame(e),
          Set.of());
    }
  }

  private static Map<String, String> variables(Alert alert) {
    return Map.of(
        "LSM_EVENT", Json.name(alert.type()),
        "LSM_HOST", alert.host(),
        "LSM_TIME", alert.time().toString(),
        "LSM_SUBJECT", alert.subject(),
        "LSM_SUMMARY", alert.summary(),
        "LSM_NEW", String.valueOf(alert.counts().added()),
        "LSM_GONE", String.valueOf(alert.counts().gone()),
        "LSM_CHANGED", String.valueOf(alert.counts().changed()),
        "LSM_TARGET", String.join(" ", alert.targets()),
        "LSM_PORT", String.join(" ", alert.ports()));
  }
}
