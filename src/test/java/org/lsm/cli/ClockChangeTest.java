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
 * differs is told at once all the same, and no command stumbles.
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
  void aDifferenceIsToldAtOnce(Duration step) throws IOException {
    now = now.plus(step);
    open(5555);
    Result result = lsm("compare", "--quiet");
    assertEquals(new Result(1, "", ""), result);
    String told = lines("alerts").get(1);
    assertTrue(told.startsWith("lsm: tcp/0.0.0.0:5555"), told);
  }

  @ParameterizedTest
  @ValueSource(strings = {"-P365D", "-PT1H", "-PT1M", "P365D"})
  void theAllClearIsToldOnce(Duration step) throws IOException {
    now = now.plus(step);
    proc.empty().tcp("0.0.0.0", 22, 101).udp("127.0.0.53", 53, 102);
    compare(0, "lsm: all clear:");
    compare(0);
  }

  @ParameterizedTest
  @ValueSource(strings = {"-P365D", "-PT1H", "-PT1M", "P365D"})
  void whatComesBackAfterItsAllClearIsToldOnce(Duration step) throws IOException {
    proc.empty().tcp("0.0.0.0", 22, 101).udp("127.0.0.53", 53, 102);
    compare(0, "lsm: all clear:");
    now = now.plus(step);
    open(4444);
    compare(1, "lsm: tcp/0.0.0.0:4444");
    compare(1);
  }

  /** What is set back and then right again must not make a reminder wait for a year. */
  @ParameterizedTest
  @ValueSource(strings = {"-P365D", "P365D"})
  void remindersComeEveryDayAfterwards(Duration step) throws IOException {
    now = now.plus(step);
    compare(1, "lsm: reminder: tcp/0.0.0.0:4444");
    for (int day = 0; day < 3; day++) {
      compare(1);
      now = now.plus(Duration.ofHours(24));
      compare(1, "lsm: reminder: tcp/0.0.0.0:4444");
    }
    now = now.minus(step);
    compare(1, "lsm: reminder: tcp/0.0.0.0:4444");
    compare(1);
  }

  @ParameterizedTest
  @ValueSource(strings = {"-P365D", "-PT1H", "P365D"})
  void theOtherCommandsWorkAsBefore(Duration step) throws IOException {
    String history = lsm("history").out();
    now = now.plus(step);
    assertEquals(new Result(0, history, ""), lsm("history"));
    Result status = lsm("status");
    assertTrue(status.exitCode() <= 1 && status.err().isEmpty(), status.toString());
    assertTrue(lsm("history", "--since", "1h").exitCode() == 0);
    assertEquals(0, lsm("list").exitCode());
    assertEquals(0, lsm("generate").exitCode());
    compare(0, "lsm: all clear:");
  }

  /** Runs lsm, which ends so, says nothing, and sends these alerts. */
  private void compare(int exitCode, String... alerts) throws IOException {
    List<String> expected = new ArrayList<>(lines("alerts"));
    expected.addAll(List.of(alerts));
    assertEquals(new Result(exitCode, "", ""), lsm("compare", "--quiet"));
    assertEquals(expected, lines("alerts"));
  }
}
