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

/**
 * Runs the administrator's command, with the alert in its environment and as JSON on stdin.
 *
 * @param command a command of sh(1)
 * @param timeout after which it is killed
 */
public record CommandChannel(String command, Duration timeout) implements Channel {

  private static final Duration COMMAND_TIMEOUT = Duration.ofSeconds(30);

  /** Runs a command for 30 seconds at most. */
  public CommandChannel(String command) {
    this(command, COMMAND_TIMEOUT);
  }

  @Override
  public String name() {
    return "run_cmd";
  }

  @Override
  public String send(Alert alert, Set<String> served) throws DeliveryException {
    byte[] json = Json.print(alert.report()).getBytes(StandardCharsets.UTF_8);
    try {
      return new ExternalCommand(Path.of("/bin/sh"), timeout)
          .runSuccessfully(List.of("-c", command), json, variables(alert))
          .strip();
    } catch (IOException e) {
      throw ExternalCommand.deliveryFailure(
          "RUN_CMD", e, "run the command by hand to find the error", Set.of());
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
