package org.lsm.channel;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.lsm.alert.Alert;
import org.lsm.alert.Channel;
import org.lsm.alert.DeliveryException;
import org.lsm.report.LogEvent;

/**
 * Logs alerts through logger(1) of util-linux, one line for each event: a message, then its data as
 * {@code key="value"} pairs in which a backslash precedes {@code "} and {@code \}.
 */
public record SyslogChannel(Path logger) implements Channel {
  private static final Duration LOGGER_TIMEOUT = Duration.ofSeconds(10);
  private static final Duration ALERT_TIMEOUT = Duration.ofSeconds(30);
  private static final int MAX_VALUE = 1000; // characters; logger cuts longer lines within a pair

  @Override
  public String name() {
    return "syslog";
  }

  @Override
  public String send(Alert alert, Set<String> served) throws DeliveryException {
    Set<String> logged = new HashSet<>(served);
    ExternalCommand command = new ExternalCommand(logger, LOGGER_TIMEOUT);
    long deadline = System.nanoTime() + ALERT_TIMEOUT.toNanos();
    try {
      for (LogEvent event : alert.events()) {
        if (!logged.contains(event.message())) {
          command.run(arguments(event), new byte[0], Map.of());
          logged.add(event.message());
        }
        if (System.nanoTime() > deadline) {
          throw new IOException("it took too long");
        }
      }
      return "";
    } catch (IOException e) {
      String advice = "start a syslog daemon, or set SYSLOG=\"no\"";
      throw ExternalCommand.deliveryFailure("syslog through " + logger, e, advice, logged);
    }
  }

  private static List<String> arguments(LogEvent event) {
    // A quote in a name must not look like the start of a pair.
    StringBuilder line = new StringBuilder(event.message().replace("\"", "\\x22"));
    event.data().forEach((key, value) -> line.append(' ' + key + '=' + quote(value)));
    return List.of(
        "--socket-errors=on", // by default logger succeeds without a syslog daemon
        "--tag=lsm",
        "--id=" + ProcessHandle.current().pid(),
        "--priority=auth." + event.level(),
        "--size=8192",
        "--",
        line.toString());
  }

  private static String quote(String value) {
    String kept = value.length() <= MAX_VALUE ? value : value.substring(0, MAX_VALUE) + "…";
    return '"' + kept.replace("\\", "\\\\").replace("\"", "\\\"") + '"';
  }
}
