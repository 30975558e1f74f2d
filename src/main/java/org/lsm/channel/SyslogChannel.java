package org.lsm.channel;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.lsm.alert.Alert;
import org.lsm.alert.Channel;
import org.lsm.alert.DeliveryException;
import org.lsm.report.LogEvent;
import org.lsm.report.EscapedText;

/** Logs alerts through logger(1) of util-linux, one message an event. */
public final class SyslogChannel implements Channel {

  private static final Duration LIMIT = Duration.ofSeconds(10);

  /** For all events of an alert. */
  private static final Duration MOST_TIME = Duration.ofSeconds(30);

  /** The element of RFC 5424 structured data; 32473 is the number for examples (RFC 5612). */
  private static final String SD_ID = "lsm@32473";

  private final ExternalCommand logger;
  private final boolean structured;

  /**
   * @param logger the program
   * @param structured whether to log in the format of RFC 5424 with structured data. Hardly a
   *     daemon expects it on its local socket: without a setting of its own rsyslog, syslog-ng,
   *     busybox and journald take it for a part of the text.
   */
  public SyslogChannel(Path logger, boolean structured) {
    this.logger = new ExternalCommand(logger, LIMIT);
    this.structured = structured;
  }

  @Override
  public String name() {
    return "syslog";
  }

  @Override
  public String send(Alert alert, Set<String> served) throws DeliveryException {
    Set<String> logged = new HashSet<>(served);
    long deadline = System.nanoTime() + MOST_TIME.toNanos();
    try {
      for (LogEvent event : alert.events()) {
        if (!logged.contains(event.message())) {
          logger.runSuccessfully(arguments(event), new byte[0], Map.of());
          logged.add(event.message());
        }
        if (System.nanoTime() > deadline) {
          throw new IOException("it took too long");
        }
      }
      return "";
    } catch (IOException e) {
      throw new DeliveryException(
          "syslog through "
              + logger.executable()
              + " failed: "
              + EscapedText.escape(e.getMessage())
              + "; start a syslog daemon, or set SYSLOG=\"no\"",
          e,
          ExternalCommand.blame(e),
          logged);
    }
  }

  private List<String> arguments(LogEvent event) {
    List<String> arguments =
        new ArrayList<>(
            List.of(
                "--socket-errors=on", // else it is content with nobody to listen
                "--tag=lsm",
                "--id=" + ProcessHandle.current().pid(),
                "--priority=auth." + event.level(),
                "--size=8192"));
    if (structured) {
      arguments.add("--rfc5424");
      arguments.add("--sd-id=" + SD_ID);
      event.data().forEach((name, value) -> arguments.add(parameter(name, value)));
    }
    arguments.add("--");
    arguments.add(event.message());
    return arguments;
  }

  private static String parameter(String name, String value) {
    return "--sd-param=" + name + "=" + quote(value);
  }

  /** RFC 5424, section 6.3.3. */
  private static String quote(String value) {
    return '"' + value.replaceAll("[\\\\\"\\]]", "\\\\$0") + '"';
  }
}
