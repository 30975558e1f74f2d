package org.lsm.cli;

import static java.util.function.Predicate.not;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.IntPredicate;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Three days of runs every ten minutes, each some seconds late as those of cron are: every alert
 * that an administrator gets, with the sockets it reports.
 */
class ThreeDaysTest extends ChannelTestBase {

  private static final Instant START = Instant.parse("2026-01-02T00:00:00Z");
  private static final int RUNS = 3 * 24 * 6;
  private static final int LASTING = 4444;
  private static final int RECURRING = 5555;

  @ParameterizedTest(name = "{0}")
  @MethodSource("recurrences")
  void recurringDifference(String name, IntPredicate recurring, String alerts) throws IOException {
    assertEquals(alerts, threeDays("24h", run -> false, recurring));
  }

  private static Stream<Arguments> recurrences() {
    return Stream.of(
        recurrence(
            "for ten minutes every twenty, on the first day",
            run -> run % 2 == 0 && run < 144,
            """
            2026-01-02T00:00 lsm: tcp/0.0.0.0:5555
            2026-01-03T00:10 lsm: all clear:
            """),
        recurrence(
            "for ten minutes every half an hour, on three days",
            run -> run % 3 == 0,
            """
            2026-01-02T00:00 lsm: tcp/0.0.0.0:5555
            2026-01-03T00:00 lsm: reminder: tcp/0.0.0.0:5555
            2026-01-04T00:00 lsm: reminder: tcp/0.0.0.0:5555
            """),
        recurrence(
            "for five hours every ten, until the third day",
            run -> run / 30 % 2 == 1 && run < 300,
            """
            2026-01-02T05:00 lsm: tcp/0.0.0.0:5555
            2026-01-02T10:20 lsm: all clear:
            2026-01-02T15:00 lsm: tcp/0.0.0.0:5555
            2026-01-02T20:20 lsm: all clear:
            2026-01-03T01:00 lsm: tcp/0.0.0.0:5555
            2026-01-03T06:20 lsm: all clear:
            2026-01-03T11:00 lsm: tcp/0.0.0.0:5555
            2026-01-03T16:20 lsm: all clear:
            2026-01-03T21:00 lsm: tcp/0.0.0.0:5555
            2026-01-04T02:20 lsm: all clear:
            """),
        recurrence(
            "for ten minutes every 25 hours, which is longer than a reminder",
            run -> run % 150 == 0,
            """
            2026-01-02T00:00 lsm: tcp/0.0.0.0:5555
            2026-01-02T00:30 lsm: all clear:
            2026-01-03T01:00 lsm: tcp/0.0.0.0:5555
            2026-01-03T01:30 lsm: all clear:
            2026-01-04T02:00 lsm: tcp/0.0.0.0:5555
            2026-01-04T02:30 lsm: all clear:
            """));
  }

  private static Arguments recurrence(String name, IntPredicate recurring, String alerts) {
    return arguments(name, recurring, alerts);
  }

  @Test
  void lastingAndRecurringDifference() throws IOException {
    assertEquals(
        """
        2026-01-02T01:00 lsm: tcp/0.0.0.0:4444
        2026-01-02T03:00 lsm: tcp/0.0.0.0:5555
        2026-01-02T09:00 lsm: tcp/0.0.0.0:5555
        2026-01-02T15:00 lsm: tcp/0.0.0.0:5555
        2026-01-02T21:00 lsm: tcp/0.0.0.0:5555
        2026-01-03T01:00 lsm: reminder: tcp/0.0.0.0:4444
        2026-01-03T03:00 lsm: tcp/0.0.0.0:5555
        2026-01-03T09:00 lsm: tcp/0.0.0.0:5555
        2026-01-03T15:00 lsm: tcp/0.0.0.0:5555
        2026-01-03T21:00 lsm: tcp/0.0.0.0:5555
        2026-01-04T01:00 lsm: reminder: tcp/0.0.0.0:4444
        2026-01-04T03:00 lsm: tcp/0.0.0.0:5555
        2026-01-04T09:00 lsm: tcp/0.0.0.0:5555
        2026-01-04T15:00 lsm: tcp/0.0.0.0:5555
        2026-01-04T19:00 lsm: all clear:
        2026-01-04T21:00 lsm: tcp/0.0.0.0:5555
        """,
        threeDays("24h", run -> run >= 6 && run < 400, run -> run / 18 % 2 == 1));
  }

  /** REMIND="0": each run that finds differences alerts all of them, the new ones first. */
  @Test
  void alertsAtEveryRunWithoutRemind() throws IOException {
    IntPredicate lasting = run -> run >= 100 && run < 115;
    IntPredicate recurring = run -> run % 105 < 2;
    StringBuilder expected = new StringBuilder();
    Map<Integer, Integer> lastRuns = new TreeMap<>();
    for (int run = 0; run < RUNS; run++) {
      int now = run;
      List<Integer> differ = differ(run, lasting, recurring);
      List<Integer> fresh = differ.stream().filter(not(lastRuns::containsKey)).toList();
      List<Integer> known = differ.stream().filter(lastRuns::containsKey).toList();
      differ.forEach(port -> lastRuns.put(port, now));
      boolean resolved = lastRuns.values().removeIf(last -> last <= now - 3);
      if (!differ.isEmpty() || (resolved && lastRuns.isEmpty())) {
        expected.append(START.plus(Duration.ofMinutes(10L * run)).toString(), 0, 16);
        expected.append(differ.isEmpty() ? " lsm: all clear:" : " lsm:");
        expected.append(!differ.isEmpty() && fresh.isEmpty() ? " reminder:" : "");
        fresh.forEach(port -> expected.append(" tcp/0.0.0.0:").append(port));
        known.forEach(port -> expected.append(" tcp/0.0.0.0:").append(port));
        expected.append('\n');
      }
    }

    assertEquals(expected.toString(), threeDays("0", lasting, recurring));
  }

  private String threeDays(String remind, IntPredicate lasting, IntPredicate recurring)
      throws IOException {
    configure(
        "MAILER=\"none\"",
        "SUB=\"lsm\"",
        "REMIND=\"" + remind + "\"",
        "RUN_CMD=\""
            + script(
                "record",
                "sockets=$(sed -n 's/.*\"socket\": \"\\(.*\\)\",/ \\1/p' | tr -d '\\n')",
                "echo \"${LSM_TIME%:*} $LSM_SUBJECT:$sockets\" >> " + directory + "/alerts")
            + "\"");
    now = START.minus(Duration.ofMinutes(10));
    lsm("generate");
    proc.process(LASTING, 33, "/tmp/nc", 90, LASTING)
        .process(RECURRING, 33, "/tmp/nc", 90, RECURRING);
    List<Integer> before = List.of();
    for (int run = 0; run < RUNS; run++) {
      now = START.plusSeconds(run * 600L + run * 7L % 50);
      List<Integer> differ = differ(run, lasting, recurring);
      if (!differ.equals(before)) {
        proc.empty().tcp("0.0.0.0", 22, 101).udp("127.0.0.53", 53, 102);
        differ.forEach(port -> proc.tcp("0.0.0.0", port, port));
        before = differ;
      }
      assertEquals(new Result(differ.isEmpty() ? 0 : 1, "", ""), lsm("compare", "--quiet"));
    }
    return String.join("\n", lines("alerts")) + "\n";
  }

  private static List<Integer> differ(int run, IntPredicate lasting, IntPredicate recurring) {
    List<Integer> ports = new ArrayList<>();
    if (lasting.test(run)) {
      ports.add(LASTING);
    }
    if (recurring.test(run)) {
      ports.add(RECURRING);
    }
    return ports;
  }
}
