package org.lsm.cli;

import static java.util.function.Predicate.not;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.function.IntPredicate;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Three days of runs every ten minutes, each some seconds late as those of cron are: every alert
 * that an administrator gets, with the sockets it tells of.
 */
class ThreeDaysTest extends ChannelTestBase {

  private static final Instant START = Instant.parse("2026-01-02T00:00:00Z");
  private static final int RUNS = 3 * 24 * 6;
  private static final int LASTING = 4444;
  private static final int FLAPPING = 5555;

  @ParameterizedTest(name = "{0}")
  @MethodSource("flaps")
  void aDifferenceThatFlaps(String name, IntPredicate flapping, String alerts) throws IOException {
    assertEquals(alerts, threeDays("24h", run -> false, flapping));
  }

  private static Stream<Arguments> flaps() {
    return Stream.of(
        flap(
            "for ten minutes every twenty, on the first day",
            run -> run % 2 == 0 && run < 144,
            """
            2026-01-02T00:00 lsm: tcp/0.0.0.0:5555
            2026-01-02T00:10 lsm: all clear:
            2026-01-02T00:20 lsm: tcp/0.0.0.0:5555
            2026-01-03T23:50 lsm: all clear:
            """),
        flap(
            "for five hours every ten, until the third day",
            run -> run / 30 % 2 == 1 && run < 300,
            """
            2026-01-02T05:00 lsm: tcp/0.0.0.0:5555
            2026-01-02T10:00 lsm: all clear:
            2026-01-02T15:00 lsm: tcp/0.0.0.0:5555
            2026-01-03T15:00 lsm: reminder: tcp/0.0.0.0:5555
            """),
        flap(
            "for ten minutes every 25 hours, which is longer than a reminder",
            run -> run % 150 == 0,
            """
            2026-01-02T00:00 lsm: tcp/0.0.0.0:5555
            2026-01-02T00:10 lsm: all clear:
            2026-01-03T01:00 lsm: tcp/0.0.0.0:5555
            2026-01-03T01:10 lsm: all clear:
            2026-01-04T02:00 lsm: tcp/0.0.0.0:5555
            2026-01-04T02:10 lsm: all clear:
            """));
  }

  private static Arguments flap(String name, IntPredicate flapping, String alerts) {
    return arguments(name, flapping, alerts);
  }

  @Test
  void aDifferenceThatLastsAndOneThatFlaps() throws IOException {
    assertEquals(
        """
        2026-01-02T01:00 lsm: tcp/0.0.0.0:4444
        2026-01-02T03:00 lsm: tcp/0.0.0.0:5555
        2026-01-03T01:00 lsm: reminder: tcp/0.0.0.0:4444
        2026-01-03T03:00 lsm: reminder: tcp/0.0.0.0:4444 tcp/0.0.0.0:5555
        2026-01-04T03:00 lsm: reminder: tcp/0.0.0.0:4444 tcp/0.0.0.0:5555
        2026-01-04T18:40 lsm: all clear:
        2026-01-04T21:00 lsm: tcp/0.0.0.0:5555
        """,
        threeDays("24h", run -> run >= 6 && run < 400, run -> run / 18 % 2 == 1));
  }

  /** Then every run tells what differs, and the first one that finds nothing says so. */
  @Test
  void withoutReminders() throws IOException {
    IntPredicate lasting = run -> run >= 100 && run < 115;
    IntPredicate flapping = run -> run % 105 < 2;
    StringBuilder expected = new StringBuilder();
    List<Integer> before = List.of();
    for (int run = 0; run < RUNS; run++) {
      List<Integer> differ = differ(run, lasting, flapping);
      if (!differ.isEmpty() || !before.isEmpty()) {
        String what =
            differ.isEmpty() ? ": all clear" : before.containsAll(differ) ? ": reminder" : "";
        expected.append(START.plus(Duration.ofMinutes(10L * run)).toString(), 0, 16);
        expected.append(" lsm").append(what).append(':');
        // What is new comes first.
        Stream.concat(
                differ.stream().filter(not(before::contains)),
                differ.stream().filter(before::contains))
            .forEach(port -> expected.append(" tcp/0.0.0.0:").append(port));
        expected.append('\n');
      }
      before = differ;
    }

    assertEquals(expected.toString(), threeDays("0", lasting, flapping));
  }

  private String threeDays(String remind, IntPredicate lasting, IntPredicate flapping)
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
        .process(FLAPPING, 33, "/tmp/nc", 90, FLAPPING);
    List<Integer> before = List.of();
    for (int run = 0; run < RUNS; run++) {
      now = START.plusSeconds(run * 600L + run * 7L % 50);
      List<Integer> differ = differ(run, lasting, flapping);
      if (!differ.equals(before)) {
        proc.empty().tcp("0.0.0.0", 22, 101).udp("127.0.0.53", 53, 102);
        differ.forEach(port -> proc.tcp("0.0.0.0", port, port));
        before = differ;
      }
      assertEquals(new Result(differ.isEmpty() ? 0 : 1, "", ""), lsm("compare", "--quiet"));
    }
    return String.join("\n", lines("alerts")) + "\n";
  }

  private static List<Integer> differ(int run, IntPredicate lasting, IntPredicate flapping) {
    List<Integer> ports = new ArrayList<>();
    if (lasting.test(run)) {
      ports.add(LASTING);
    }
    if (flapping.test(run)) {
      ports.add(FLAPPING);
    }
    return ports;
  }
}
