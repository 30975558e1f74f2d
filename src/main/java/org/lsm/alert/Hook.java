package org.lsm.alert;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.lsm.snapshot.Diff.Kind;

/** Runs the command of the administrator, with the alert in its environment and as JSON. */
public final class Hook implements Channel {

  private static final Duration LIMIT = Duration.ofSeconds(30);

  private final String command;
  private final Program shell;

  /** Runs this command of sh(1), which is the administrator's own text. */
  public Hook(String command) {
    this(command, LIMIT);
  }

  Hook(String command, Duration limit) {
    this.command = command;
    this.shell = new Program(Path.of("/bin/sh"), limit);
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
          "RUN_CMD failed: " + Report.escape(e.getMessage()) + "; try it by hand, or mend it",
          e,
          Program.blame(e),
          Set.of());
    }
  }

  private static Map<String, String> variables(Alert alert) {
    return Map.of(
        "LSM_EVENT", Json.name(alert.occasion()),
        "LSM_HOST", alert.host(),
        "LSM_TIME", alert.time().toString(),
        "LSM_SUBJECT", alert.subject(),
        "LSM_SUMMARY", alert.summary(),
        "LSM_NEW", alert.count(Kind.NEW),
        "LSM_GONE", alert.count(Kind.GONE),
        "LSM_CHANGED", alert.count(Kind.CHANGED),
        "LSM_TARGET", alert.targets(),
        "LSM_PORT", alert.targetPorts());
  }
}
