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
import org.lsm.model.EnumName;
import org.lsm.report.Json;

/** Runs the administrator's command of sh(1), with the alert in variables and as JSON on stdin. */
public record CommandChannel(String command, Duration timeout) implements Channel {
  private static final Duration COMMAND_TIMEOUT = Duration.ofSeconds(30);

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
    ExternalCommand shell = new ExternalCommand(Path.of("/bin/sh"), timeout);
    try {
      String output = shell.run(List.of("-c", command), json, variables(alert)).strip();
      return output.isEmpty() ? "" : "reply: " + output;
    } catch (IOException e) {
      String advice = "run the command by hand to find the error";
      throw ExternalCommand.deliveryFailure("RUN_CMD", e, advice, Set.of());
    }
  }

  private static Map<String, String> variables(Alert alert) {
    return Map.ofEntries(
        Map.entry("LSM_EVENT", EnumName.of(alert.type())),
        Map.entry("LSM_HOST", alert.host()),
        Map.entry("LSM_TIME", alert.time().toString()),
        Map.entry("LSM_SUBJECT", alert.subject()),
        Map.entry("LSM_SUMMARY", alert.summary()),
        Map.entry("LSM_SEVERITY", alert.severity()),
        Map.entry("LSM_NEW", String.valueOf(alert.counts().added())),
        Map.entry("LSM_GONE", String.valueOf(alert.counts().gone())),
        Map.entry("LSM_CHANGED", String.valueOf(alert.counts().changed())),
        Map.entry("LSM_TARGET", String.join(" ", alert.targets())),
        Map.entry("LSM_PORT", String.join(" ", alert.ports())));
  }
}
