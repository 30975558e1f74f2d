package org.lsm.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The clock of the host is set, by a year or by an hour, back or forward, after an alert: what
 * differs is alerted at once all the same, and no command fails.
 */
class ClockChangeTest extends ChannelTestBase {

  @BeforeEach
  void alert() throws IOException {
    configure(
        "MAILER=\"none\"",
        "SUB=\"lsm\"",
        "RUN_CMD=\""
            + script(
                "record",
                "sockets=$(sed -n 's/.*\"socket\": \"\\(.*\\)\",/ \\1/p' | tr -d '\\n')",
                "echo \"$LSM_SUBJECT:$sockets\" >> " + directory + "/alerts")
            + "\"");
    assertEquals(0, lsm("generate").exitCode());
    open(4444);
    compare(1, "lsm: tcp/0.0.0.0:4444");
  }

  @ParameterizedTest
  @ValueSource(strings = {"-P365D", "-PT1H", "-PT1M", "P365D"})
  void alertsNewDifferenceAtOnce(Duration step) throws IOException {
    now = now.plus(step);
    open(5555);
    assertEquals(new Result(1, "", ""), lsm("compare", "--quiet"));
    String alert = lines("alerts").get(1);
    assertTrue(alert.startsWith("lsm: tcp/0.0.0.0:5555"), alert);
  }

  @ParameterizedTest
  @ValueSource(strings = {"-P365D", "-PT1H", "-PT1M", "P365D"})
  void sendsOneAllClear(Duration step) throws IOException {
    now = now.plus(step);
    nothingDiffers();
    comparesToAllClear(step);
    compare(0);
  }

  @ParameterizedTest
  @ValueSource(strings = {"-P365D", "-PT1H", "-PT1M", "P365D"})
  void alertsWhatReturnsAfterAllClear(Duration step) throws IOException {
    nothingDiffers();
    comparesToAllClear(Duration.ofSeconds(-1));
    now = now.plus(step);
    open(4444);
    compare(1, "lsm: tcp/0.0.0.0:4444");
    compare(1);
  }

  /** What was alerted when the clock was a year ahead must not wait a year for its reminder. */
  @ParameterizedTest
  @ValueSource(strings = {"-P365D", "P365D"})
  void remindsEveryDayAfterwards(Duration step) throws IOException {
    now = now.plus(step);
    compare(1, reminderIfForward(step));
    for (int day = 0; day < 3; day++) {
      compare(1);
      now = now.plus(Duration.ofHours(24));
      compare(1, "lsm: reminder: tcp/0.0.0.0:4444");
    }
    now = now.minus(step);
    compare(1, reminderIfForward(step.negated()));
    compare(1);
    now = now.plus(Duration.ofHours(24));
    compare(1, "lsm: reminder: tcp/0.0.0.0:4444");
  }

  private static String[] reminderIfForward(Duration step) {
    return step.isNegative() ? new String[0] : new String[] {"lsm: reminder: tcp/0.0.0.0:4444"};
  }

  @ParameterizedTest
  @ValueSource(strings = {"-P365D", "-PT1H", "P365D"})
  void otherCommandsWork(Duration step) throws IOException {
    String history = lsm("history").out();
    now = now.plus(step);
    assertEquals(new Result(0, history, ""), lsm("history"));
    Result status = lsm("status");
    assertTrue(status.exitCode() <= 1 && status.err().isEmpty(), status.toString());
    assertTrue(lsm("history", "--since", "1h").exitCode() == 0);
    assertEquals(0, lsm("list").exitCode());
    assertEquals(0, lsm("generate").exitCode());
    comparesToAllClear(step);
  }

  private void nothingDiffers() {
    proc.empty().tcp("0.0.0.0", 22, 101).udp("127.0.0.53", 53, 102);
  }

  /** Half an hour passed long ago if the clock was set forward; else it begins now. */
  private void comparesToAllClear(Duration step) throws IOException {
    if (step.isNegative()) {
      compare(0);
      now = now.plus(Duration.ofMinutes(30));
    }
    compare(0, "lsm: all clear:");
  }

  /** Runs a compare that prints nothing and sends these alerts. */
  private void compare(int exitCode, String... alerts) throws IOException {
    List<String> expected = new ArrayList<>(lines("alerts"));
    expected.addAll(List.of(alerts));
    assertEquals(new Result(exitCode, "", ""), lsm("compare", "--quiet"));
    assertEquals(expected, lines("alerts"));
  }
}
