package org.lsm.alert;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.lsm.alert.AlertPolicy.AlertDecision;
import org.lsm.alert.AlertState.Status;
import org.lsm.model.Difference;
import org.lsm.model.DifferenceType;
import org.lsm.model.Endpoint;
import org.lsm.model.Owner;
import org.lsm.model.Protocol;
import org.lsm.model.Severity;
import org.lsm.model.SocketEntry;
import org.lsm.model.SocketIdentity;
import org.lsm.model.TextEscaper;
import org.lsm.storage.ChecksummedText;

/** When an alert is sent: each scenario is a table of runs, with what differs and what is sent. */
class AlertPolicyTest {

  private static final Instant MIDNIGHT = Instant.parse("2026-01-01T00:00:00Z");
  private static final Duration DAY = Duration.ofHours(24);
  private static final int MAX_NAMED = 200;
  private static final AlertPolicy DAILY = new AlertPolicy(DAY, DAY, MAX_NAMED);
  private static final SocketIdentity EPHEMERAL =
      new SocketIdentity(SocketIdentity.Scope.UDP, 32768, 60999);

  /** Day, time of day, what differs, {@code |}, and the alert with what it reports. */
  private static final Pattern RUN = Pattern.compile("(\\d+) (\\d+):(\\d+)(:\\d+)? (.*?) *\\|.*");

  /** Type, protocol, port and the programs that hold it. */
  private static final Pattern SOCKET =
      Pattern.compile("(\\w+):(tcp|udp|out-tcp|out-udp|out-x:tcp)(\\d+)=([a-z,]*)");

  private static final String NO_BASELINE = "no baseline";
  private static final String SCAN_FAILED = "failed";

  @ParameterizedTest(name = "{0}")
  @MethodSource({
    "rule",
    "reminders",
    "owners",
    "failures",
    "clocks",
    "floods",
    "digests",
    "outbound"
  })
  void alerts(String name, String remind, int maxNamed, String scenario) {
    String[] times = (remind + " PT24H").split(" ", -1);
    AlertPolicy policy =
        new AlertPolicy(Duration.parse(times[0]), Duration.parse(times[1]), maxNamed);
    AlertState state = AlertState.empty();
    StringBuilder happened = new StringBuilder();
    for (String run : scenario.lines().toList()) {
      AlertDecision decision = decide(policy, state, run);
      happened.append(run, 0, run.indexOf('|') + 1);
      decision.type().ifPresent(it -> happened.append(' ').append(it));
      decision.reported().forEach(it -> happened.append(' ').append(word(it)));
      decision.ended().forEach(it -> happened.append(" [").append(it).append(']'));
      happened.append('\n');
      state = decision.next();
    }
    assertEquals(scenario, happened.toString());
  }

  private static Arguments scenario(String name, String remind, String scenario) {
    return arguments(name, remind, MAX_NAMED, scenario);
  }

  private static Stream<Arguments> rule() {
    return Stream.of(
        scenario(
            "once, and an all-clear after 30 minutes",
            "PT24H",
            """
            1 03:00 NEW:tcp1=a | DIFFERENCES NEW:tcp1=a
            1 03:10 NEW:tcp1=a |
            1 03:20  |
            1 03:39  |
            1 03:40  | ALL_CLEAR
            1 03:50  |
            5 03:20  |
            """),
        scenario(
            "nothing where nothing differs",
            "PT24H",
            """
            1 03:00  |
            2 03:00  |
            """),
        scenario(
            "the 30 minutes count from the last compare that saw it",
            "PT24H",
            """
            1 03:00 NEW:tcp1=a | DIFFERENCES NEW:tcp1=a
            1 09:00 NEW:tcp1=a |
            1 09:29  |
            1 09:30  | ALL_CLEAR
            """),
        scenario(
            "cron is late by some seconds",
            "PT24H",
            """
            1 03:00:59 NEW:tcp1=a | DIFFERENCES NEW:tcp1=a
            1 03:10:30  |
            1 03:29:59  |
            1 03:30:01  | ALL_CLEAR
            """),
        scenario(
            "a host that compares once a day",
            "PT24H",
            """
            1 03:00 NEW:tcp1=a | DIFFERENCES NEW:tcp1=a
            2 03:00  | ALL_CLEAR
            3 03:00 NEW:tcp1=a | DIFFERENCES NEW:tcp1=a
            4 03:00 NEW:tcp1=a | REMINDER NEW:tcp1=a
            """),
        scenario(
            "one all-clear, when the last is resolved",
            "PT24H",
            """
            1 03:00 NEW:tcp1=a GONE:tcp2=b | DIFFERENCES NEW:tcp1=a GONE:tcp2=b
            1 03:10 GONE:tcp2=b |
            1 03:20 GONE:tcp2=b |
            1 03:30 GONE:tcp2=b |
            1 03:40  |
            1 03:50  |
            1 04:00  | ALL_CLEAR
            """),
        scenario(
            "what returns within 30 minutes was active all the time",
            "PT24H",
            """
            1 03:00 NEW:tcp1=a | DIFFERENCES NEW:tcp1=a
            1 03:10  |
            1 03:20  |
            1 03:29 NEW:tcp1=a |
            1 03:30  |
            1 03:40 NEW:tcp1=a |
            1 03:50  |
            1 04:00  |
            1 04:10  | ALL_CLEAR
            """),
        scenario(
            "what returns just when it would be resolved is active",
            "PT24H",
            """
            1 03:00 NEW:tcp1=a | DIFFERENCES NEW:tcp1=a
            1 03:10  |
            1 03:30 NEW:tcp1=a |
            1 04:00  | ALL_CLEAR
            """),
        scenario(
            "what returns after an all-clear is alerted again",
            "PT24H",
            """
            1 03:00 NEW:tcp1=a | DIFFERENCES NEW:tcp1=a
            1 03:30  | ALL_CLEAR
            1 03:40 NEW:tcp1=a | DIFFERENCES NEW:tcp1=a
            1 03:50  |
            1 04:10  | ALL_CLEAR
            """),
        scenario(
            "what was resolved while another lasted is alerted again",
            "PT24H",
            """
            1 03:00 NEW:tcp1=a NEW:tcp2=b | DIFFERENCES NEW:tcp1=a NEW:tcp2=b
            1 03:10 NEW:tcp1=a |
            1 03:30 NEW:tcp1=a |
            1 03:40 NEW:tcp1=a NEW:tcp2=b | DIFFERENCES NEW:tcp2=b
            """),
        scenario(
            "another type of difference of the same socket",
            "PT24H",
            """
            1 03:00 NEW:tcp1=a | DIFFERENCES NEW:tcp1=a
            1 03:10 CHANGED:tcp1=a | DIFFERENCES CHANGED:tcp1=a
            1 03:20 GONE:tcp1=a | DIFFERENCES GONE:tcp1=a
            1 03:30 CHANGED:tcp1=a |
            """));
  }

  private static Stream<Arguments> reminders() {
    return Stream.of(
        scenario(
            "each REMIND, which counts whole minutes",
            "PT24H",
            """
            1 03:00:59 NEW:tcp4444=nc | DIFFERENCES NEW:tcp4444=nc
            1 03:10:00 NEW:tcp4444=nc |
            2 02:59:59 NEW:tcp4444=nc |
            2 03:00:00 NEW:tcp4444=nc | REMINDER NEW:tcp4444=nc
            2 03:10:00 NEW:tcp4444=nc |
            3 02:59:59 NEW:tcp4444=nc |
            3 03:00:30 NEW:tcp4444=nc | REMINDER NEW:tcp4444=nc
            """),
        scenario(
            "a reminder reports all that differs, and so does not come again for each",
            "PT2H",
            """
            1 03:00 NEW:tcp1=a | DIFFERENCES NEW:tcp1=a
            1 03:10 NEW:tcp1=a GONE:tcp2=b | DIFFERENCES GONE:tcp2=b
            1 05:00 NEW:tcp1=a GONE:tcp2=b | REMINDER NEW:tcp1=a GONE:tcp2=b
            1 05:10 NEW:tcp1=a GONE:tcp2=b |
            1 07:00 NEW:tcp1=a GONE:tcp2=b | REMINDER NEW:tcp1=a GONE:tcp2=b
            """),
        scenario(
            "what is new at the time of a reminder comes before the rest",
            "PT2H",
            """
            1 03:00 NEW:tcp1=a | DIFFERENCES NEW:tcp1=a
            1 05:00 NEW:tcp1=a NEW:tcp2=b | DIFFERENCES NEW:tcp2=b NEW:tcp1=a
            1 05:10 NEW:tcp1=a NEW:tcp2=b |
            """),
        scenario(
            "none while it is absent, and one when it is back",
            "PT2H",
            """
            1 03:00 NEW:tcp1=a | DIFFERENCES NEW:tcp1=a
            1 04:50 NEW:tcp1=a |
            1 05:00  |
            1 05:10 NEW:tcp1=a | REMINDER NEW:tcp1=a
            1 05:20 NEW:tcp1=a |
            """),
        scenario(
            "what comes and goes is alerted once, then by reminders",
            "PT1H",
            """
            1 03:00 NEW:tcp1=a | DIFFERENCES NEW:tcp1=a
            1 03:20  |
            1 03:25 NEW:tcp1=a |
            1 03:45  |
            1 03:50 NEW:tcp1=a |
            1 04:10 NEW:tcp1=a | REMINDER NEW:tcp1=a
            1 04:30  |
            1 04:35 NEW:tcp1=a |
            """),
        scenario(
            "REMIND=0: at every run",
            "PT0S",
            """
            1 03:00 NEW:tcp1=a | DIFFERENCES NEW:tcp1=a
            1 03:00 NEW:tcp1=a | REMINDER NEW:tcp1=a
            1 03:10 NEW:tcp1=a NEW:tcp2=b | DIFFERENCES NEW:tcp2=b NEW:tcp1=a
            1 03:20 NEW:tcp2=b | REMINDER NEW:tcp2=b
            1 03:30  |
            1 03:40 NEW:tcp1=a | REMINDER NEW:tcp1=a
            1 03:50 failed | SCAN_FAILED
            1 03:55 failed | SCAN_FAILED
            1 04:00  |
            1 04:25  | ALL_CLEAR
            1 04:35  |
            1 04:45 NEW:tcp1=a | DIFFERENCES NEW:tcp1=a
            """));
  }

  private static Stream<Arguments> owners() {
    return Stream.of(
        scenario(
            "a new owner is alerted once",
            "PT24H",
            """
            1 03:00 NEW:tcp1=a | DIFFERENCES NEW:tcp1=a
            1 03:10 NEW:tcp1=a,b | DIFFERENCES NEW:tcp1=a,b
            1 03:20 NEW:tcp1=b |
            1 03:30 NEW:tcp1=a |
            1 03:40 NEW:tcp1= | DIFFERENCES NEW:tcp1=
            1 03:50 NEW:tcp1=c | DIFFERENCES NEW:tcp1=c
            1 04:00 NEW:tcp1=a,b,c |
            1 04:10 NEW:tcp1= |
            """),
        scenario(
            "an owner where there was no process",
            "PT24H",
            """
            1 03:00 NEW:tcp1= | DIFFERENCES NEW:tcp1=
            1 03:10 NEW:tcp1=a | DIFFERENCES NEW:tcp1=a
            """),
        scenario(
            "a new owner does not put off the reminder of others",
            "PT2H",
            """
            1 03:00 NEW:tcp1=a NEW:tcp2=b | DIFFERENCES NEW:tcp1=a NEW:tcp2=b
            1 04:00 NEW:tcp1=c NEW:tcp2=b | DIFFERENCES NEW:tcp1=c
            1 05:00 NEW:tcp1=c NEW:tcp2=b | REMINDER NEW:tcp1=c NEW:tcp2=b
            """),
        scenario(
            "owners are forgotten when the difference is resolved",
            "PT24H",
            """
            1 03:00 NEW:tcp1=a | DIFFERENCES NEW:tcp1=a
            1 03:10 NEW:tcp1=b | DIFFERENCES NEW:tcp1=b
            1 03:40  | ALL_CLEAR
            1 03:50 NEW:tcp1=b | DIFFERENCES NEW:tcp1=b
            1 04:00 NEW:tcp1=a | DIFFERENCES NEW:tcp1=a
            """),
        scenario(
            "ephemeral: a reported program on another port is not new, another program is",
            "PT24H",
            """
            1 03:00 NEW:udp40000=dig | DIFFERENCES NEW:udp40000=dig
            1 03:10 NEW:udp50000=dig NEW:udp50001=dig |
            1 03:20 NEW:udp50002=dig NEW:udp50003=nc | DIFFERENCES NEW:udp50002=dig NEW:udp50003=nc
            1 03:30 NEW:udp50004=nc |
            1 03:40 NEW:udp1000=nc NEW:udp50004=nc | DIFFERENCES NEW:udp1000=nc
            """),
        scenario(
            "ephemeral: ports without a process count by their user, who is reported once",
            "PT24H",
            """
            1 03:00 NEW:udp40000=dig | DIFFERENCES NEW:udp40000=dig
            1 03:10 NEW:udp40000=dig NEW:udp40001= | DIFFERENCES NEW:udp40000=dig NEW:udp40001=
            1 03:20 NEW:udp40000=dig NEW:udp40002= |
            1 03:30 NEW:udp40000=dig NEW:udp4000= | DIFFERENCES NEW:udp4000=
            """));
  }

  private static Stream<Arguments> failures() {
    return Stream.of(
        scenario(
            "failures are alerted like differences, and resolve none of them",
            "PT24H",
            """
            1 03:00 NEW:tcp4444=nc | DIFFERENCES NEW:tcp4444=nc
            1 03:10 failed | SCAN_FAILED
            1 03:20 failed |
            1 03:30 no baseline | NO_BASELINE
            1 03:40 failed |
            1 03:45 failed in line 7 | SCAN_FAILED
            1 03:46 failed in line 8 |
            1 03:50 NEW:tcp4444=nc |
            1 04:00 failed |
            2 03:10 failed | SCAN_FAILED
            2 03:20  |
            2 03:39  |
            2 03:40  | ALL_CLEAR
            2 03:50 failed | SCAN_FAILED
            """),
        scenario(
            "no baseline: once, by reminders, and an all-clear",
            "PT24H",
            """
            1 03:00 no baseline | NO_BASELINE
            1 03:10 no baseline |
            2 02:50 no baseline |
            2 03:00 no baseline | NO_BASELINE
            2 03:10  |
            2 03:20  |
            2 03:30  | ALL_CLEAR
            2 03:40  |
            2 03:50 no baseline | NO_BASELINE
            2 04:00  |
            2 04:10 no baseline |
            2 04:40  | ALL_CLEAR
            """),
        scenario(
            "a difference that was not seen before a long failure is resolved after it",
            "PT24H",
            """
            1 03:00 NEW:tcp1=a NEW:tcp2=b | DIFFERENCES NEW:tcp1=a NEW:tcp2=b
            1 03:10 failed | SCAN_FAILED
            1 05:00 failed |
            1 05:10 NEW:tcp1=a |
            1 05:20 NEW:tcp1=a NEW:tcp2=b | DIFFERENCES NEW:tcp2=b
            1 05:30  |
            1 05:50  | ALL_CLEAR
            """),
        scenario(
            "a failure keeps back the all-clear, and is no reason for a reminder",
            "PT1H",
            """
            1 03:00 failed | SCAN_FAILED
            1 03:10 NEW:tcp1=a | DIFFERENCES NEW:tcp1=a
            1 03:20 failed |
            1 03:30  |
            1 03:40  |
            1 03:50  | ALL_CLEAR
            """));
  }

  private static Stream<Arguments> clocks() {
    return Stream.of(
        scenario(
            "set back: reminders go on from there, the rest is alerted at once",
            "PT24H",
            """
            9 03:00 NEW:tcp1=a | DIFFERENCES NEW:tcp1=a
            1 03:00 NEW:tcp1=a |
            1 03:10 NEW:tcp1=a NEW:tcp2=a | DIFFERENCES NEW:tcp2=a
            2 02:50 NEW:tcp1=a |
            2 03:00 NEW:tcp1=a | REMINDER NEW:tcp1=a
            2 03:30  | ALL_CLEAR
            2 03:40 NEW:tcp1=a | DIFFERENCES NEW:tcp1=a
            """),
        scenario(
            "set back while it is absent: the all-clear comes",
            "PT24H",
            """
            300 03:00 NEW:tcp1=a | DIFFERENCES NEW:tcp1=a
            1 03:00  |
            1 03:10  |
            1 03:30  | ALL_CLEAR
            1 03:40  |
            """),
        scenario(
            "set back by a minute",
            "PT1H",
            """
            1 03:00 NEW:tcp1=a | DIFFERENCES NEW:tcp1=a
            1 02:59 NEW:tcp1=a |
            1 03:58 NEW:tcp1=a |
            1 03:59 NEW:tcp1=a | REMINDER NEW:tcp1=a
            """),
        scenario(
            "set forward, and right again",
            "PT24H",
            """
            1 03:00 NEW:tcp1=a | DIFFERENCES NEW:tcp1=a
            300 03:10 NEW:tcp1=a | REMINDER NEW:tcp1=a
            1 03:20 NEW:tcp1=a |
            2 03:20 NEW:tcp1=a | REMINDER NEW:tcp1=a
            """),
        scenario(
            "set forward while it is absent: resolved",
            "PT24H",
            """
            1 03:00 NEW:tcp1=a | DIFFERENCES NEW:tcp1=a
            300 03:10  | ALL_CLEAR
            1 03:20 NEW:tcp1=a | DIFFERENCES NEW:tcp1=a
            """),
        scenario(
            "set back amid failures",
            "PT24H",
            """
            300 03:00 failed | SCAN_FAILED
            1 03:00 failed |
            2 02:50 failed |
            2 03:00 failed | SCAN_FAILED
            """),
        scenario(
            "set back after failures",
            "PT24H",
            """
            300 03:00 failed | SCAN_FAILED
            1 03:00  |
            1 03:30  | ALL_CLEAR
            """));
  }

  /** The first time is REMIND, the second DIGEST. */
  private static Stream<Arguments> digests() {
    return Stream.of(
        scenario(
            "low ones wait for a day, then one digest has all, also what is over; no all-clear",
            "PT24H PT24H",
            """
            1 03:00 NEW:tcp1=low |
            1 03:10 NEW:tcp1=low NEW:tcp2=lowb |
            1 04:00 NEW:tcp2=lowb |
            1 05:00 NEW:tcp2=lowb |
            2 02:50 NEW:tcp2=lowb NEW:tcp3=lowc |
            2 03:00 NEW:tcp2=lowb NEW:tcp3=lowc | DIGEST NEW:tcp2=lowb NEW:tcp3=lowc [NEW tcp/0.0.0.0:1 by low (user)]
            2 03:10 NEW:tcp2=lowb NEW:tcp3=lowc |
            2 05:00  |
            9 05:00  |
            """),
        scenario(
            "what lasts is repeated with a digest, and causes none",
            "PT24H PT24H",
            """
            1 03:00 NEW:tcp1=low |
            2 03:00 NEW:tcp1=low | DIGEST NEW:tcp1=low
            3 03:00 NEW:tcp1=low |
            4 03:00 NEW:tcp1=low NEW:tcp2=low |
            5 02:50 NEW:tcp1=low NEW:tcp2=low |
            5 03:00 NEW:tcp1=low NEW:tcp2=low | DIGEST NEW:tcp1=low NEW:tcp2=low
            """),
        scenario(
            "another alert has those that wait, most severe first, and the day begins anew",
            "PT24H PT24H",
            """
            1 03:00 NEW:tcp1=low |
            1 04:00 NEW:tcp2=lowb |
            1 05:00 NEW:tcp2=lowb GONE:tcp3=a NEW:tcp4=high | DIFFERENCES NEW:tcp4=high GONE:tcp3=a NEW:tcp2=lowb [NEW tcp/0.0.0.0:1 by low (user)]
            1 05:10 NEW:tcp2=lowb GONE:tcp3=a NEW:tcp4=high |
            1 06:00 NEW:tcp2=lowb | ALL_CLEAR
            2 04:00 NEW:tcp2=lowb |
            2 05:00 NEW:tcp2=lowb |
            """),
        scenario(
            "a reminder has all, also the low ones",
            "PT2H PT24H",
            """
            1 03:00 NEW:tcp1=a | DIFFERENCES NEW:tcp1=a
            1 03:10 NEW:tcp1=a NEW:tcp2=low |
            1 05:00 NEW:tcp1=a NEW:tcp2=low | REMINDER NEW:tcp1=a NEW:tcp2=low
            1 07:00 NEW:tcp1=a NEW:tcp2=low | REMINDER NEW:tcp1=a NEW:tcp2=low
            1 07:10 NEW:tcp2=low |
            1 07:40 NEW:tcp2=low | ALL_CLEAR
            3 07:40 NEW:tcp2=low |
            """),
        scenario(
            "a higher severity or another owner is news, and a higher severity stays",
            "PT24H PT24H",
            """
            1 03:00 NEW:tcp1=low |
            1 03:10 NEW:tcp1=low,high | DIFFERENCES NEW:tcp1=high,low
            1 03:20 NEW:tcp1=lowb | DIFFERENCES NEW:tcp1=lowb
            1 03:30 NEW:tcp1=lowb NEW:tcp2=low |
            1 03:40 NEW:tcp1=lowb NEW:tcp2=a | DIFFERENCES NEW:tcp2=a
            1 03:50 NEW:tcp1=lowb NEW:tcp2=high | DIFFERENCES NEW:tcp2=high
            1 04:00 NEW:tcp1=lowb NEW:tcp2=a |
            """),
        scenario(
            "another owner of a low one waits, too",
            "PT24H PT24H",
            """
            1 03:00 NEW:tcp1=low |
            2 03:00 NEW:tcp1=low | DIGEST NEW:tcp1=low
            2 09:00 NEW:tcp1=lowb |
            2 09:10  |
            3 03:00  |
            3 08:50  |
            3 09:00  | DIGEST [NEW tcp/0.0.0.0:1 by lowb (user)]
            3 09:10  |
            """),
        scenario(
            "what comes and goes does not put off the digest, and returns as what waits",
            "PT24H PT24H",
            """
            1 03:00 NEW:tcp1=low |
            1 12:00  |
            1 13:00 NEW:tcp1=low |
            1 13:10 NEW:tcp1=lowb |
            2 02:00 NEW:tcp1=lowb NEW:tcp2=low |
            2 03:00 NEW:tcp2=low | DIGEST NEW:tcp2=low [NEW tcp/0.0.0.0:1 by lowb (user)]
            2 03:10 NEW:tcp1=lowb NEW:tcp2=low |
            """),
        scenario(
            "an all-clear comes before a digest that is due",
            "PT48H PT30M",
            """
            1 03:00 NEW:tcp1=a | DIFFERENCES NEW:tcp1=a
            1 03:10 NEW:tcp1=a NEW:tcp2=low |
            1 03:40 NEW:tcp2=low | ALL_CLEAR
            1 03:50 NEW:tcp2=low | DIGEST NEW:tcp2=low
            """),
        scenario(
            "a failure neither has them nor ends them",
            "PT24H PT24H",
            """
            1 03:00 NEW:tcp1=low |
            1 03:10 failed | SCAN_FAILED
            2 03:00 failed |
            2 03:10 failed | SCAN_FAILED
            2 03:20  | DIGEST [NEW tcp/0.0.0.0:1 by low (user)]
            2 03:40  | ALL_CLEAR
            """),
        scenario(
            "the clock is set back: a day from then on",
            "PT24H PT24H",
            """
            9 03:00 NEW:tcp1=low |
            1 03:00 NEW:tcp1=low |
            2 02:50  |
            2 03:00  | DIGEST [NEW tcp/0.0.0.0:1 by low (user)]
            """),
        scenario(
            "DIGEST=0: at once, with reminders and an all-clear",
            "PT24H PT0S",
            """
            1 03:00 NEW:tcp1=low | DIFFERENCES NEW:tcp1=low
            1 03:10 NEW:tcp1=low |
            2 03:00 NEW:tcp1=low | REMINDER NEW:tcp1=low
            2 03:30  | ALL_CLEAR
            """),
        arguments(
            "of too many, those that were only counted wait for the next digest",
            "PT96H PT24H",
            1,
            """
            1 03:00 NEW:tcp1=low NEW:tcp2=low |
            2 03:00 NEW:tcp1=low NEW:tcp2=low | DIGEST NEW:tcp1=low NEW:tcp2=low
            2 03:10 NEW:tcp2=low |
            3 03:00 NEW:tcp2=low |
            3 03:10 NEW:tcp2=low | DIGEST NEW:tcp2=low
            4 03:00 NEW:tcp2=low |
            """),
        arguments(
            "low ones take no room from others in an alert",
            "PT24H PT24H",
            1,
            """
            1 03:00 NEW:tcp1=low |
            1 03:10 NEW:tcp1=low NEW:tcp2=a | DIFFERENCES NEW:tcp2=a NEW:tcp1=low
            1 03:20 NEW:tcp2=a |
            1 03:30 NEW:tcp1=low |
            1 03:50 NEW:tcp1=low | ALL_CLEAR
            2 03:20 NEW:tcp1=low |
            2 03:30 NEW:tcp1=low | DIGEST NEW:tcp1=low
            """));
  }

  /** They are reported once; then they are known, and differ no more. */
  private static Stream<Arguments> outbound() {
    return Stream.of(
        scenario(
            "no all-clear",
            "PT24H PT24H",
            """
            1 03:00 NEW:out-tcp4444=high | DIFFERENCES NEW:out-tcp4444=high
            1 03:10  |
            1 03:30  |
            5 03:30  |
            """),
        scenario(
            "neither reminders nor a digest",
            "PT10M PT24H",
            """
            1 03:00 NEW:out-udp53=high | DIFFERENCES NEW:out-udp53=high
            1 03:10  |
            1 03:20  |
            2 03:00  |
            """),
        scenario(
            "another owner within 30 minutes",
            "PT24H PT24H",
            """
            1 03:00 NEW:out-tcp4444=high | DIFFERENCES NEW:out-tcp4444=high
            1 03:10 NEW:out-tcp4444=highb | DIFFERENCES NEW:out-tcp4444=highb
            1 03:40  |
            """),
        scenario(
            "a low one waits for the digest, which has it when it is over",
            "PT24H PT24H",
            """
            1 03:00 NEW:out-tcp443=low |
            1 03:10  |
            1 03:30  |
            2 02:50  |
            2 03:00  | DIGEST [NEW out-tcp/public:443 by low (user)]
            2 03:30  |
            9 03:00  |
            """),
        scenario(
            "DIGEST=0: at once",
            "PT24H PT0S",
            """
            1 03:00 NEW:out-tcp443=low | DIFFERENCES NEW:out-tcp443=low
            1 03:10  |
            1 03:30  |
            """),
        scenario(
            "an all-clear of a socket that is resolved at the same time",
            "PT24H PT24H",
            """
            1 03:00 NEW:tcp1=a NEW:out-tcp4444=high | DIFFERENCES NEW:out-tcp4444=high NEW:tcp1=a
            1 03:10  |
            1 03:30  | ALL_CLEAR
            1 03:40  |
            """),
        scenario(
            "an all-clear of a socket that is resolved while a connection counts as active",
            "PT24H PT24H",
            """
            1 03:00 NEW:tcp1=a | DIFFERENCES NEW:tcp1=a
            1 03:20 NEW:out-tcp4444=high | DIFFERENCES NEW:out-tcp4444=high
            1 03:30  | ALL_CLEAR
            1 03:50  |
            """),
        scenario(
            "the all-clear waits for a compare that has no alert",
            "PT24H PT24H",
            """
            1 03:00 NEW:tcp1=a | DIFFERENCES NEW:tcp1=a
            1 03:30 NEW:out-tcp4444=high | DIFFERENCES NEW:out-tcp4444=high
            1 03:40  | ALL_CLEAR
            1 04:00  |
            """),
        scenario(
            "no all-clear while a socket differs",
            "PT24H PT24H",
            """
            1 03:00 NEW:tcp1=a NEW:out-tcp4444=high | DIFFERENCES NEW:out-tcp4444=high NEW:tcp1=a
            1 03:30 NEW:tcp1=a |
            1 04:00  | ALL_CLEAR
            """),
        scenario(
            "an all-clear in a namespace of such a name",
            "PT24H PT24H",
            """
            1 03:00 NEW:out-x:tcp1=a | DIFFERENCES NEW:out-x:tcp1=a
            1 03:30  | ALL_CLEAR
            """));
  }

  private static Stream<Arguments> floods() {
    return Stream.of(
        arguments(
            "what was only counted is alerted when all of the type can be named",
            "PT24H",
            2,
            """
            1 03:00 NEW:tcp1=a NEW:tcp2=a NEW:tcp3=a | DIFFERENCES NEW:tcp1=a NEW:tcp2=a NEW:tcp3=a
            1 03:10 NEW:tcp1=a NEW:tcp2=a NEW:tcp3=a |
            1 03:20 NEW:tcp1=a NEW:tcp3=a | DIFFERENCES NEW:tcp3=a
            1 03:30 NEW:tcp1=a NEW:tcp3=a |
            """),
        arguments(
            "each type is named and counted apart",
            "PT24H",
            1,
            """
            1 03:00 NEW:tcp1=a NEW:tcp2=a GONE:tcp3=a | DIFFERENCES NEW:tcp1=a NEW:tcp2=a GONE:tcp3=a
            1 03:10 NEW:tcp2=a GONE:tcp3=a GONE:tcp4=a | DIFFERENCES NEW:tcp2=a GONE:tcp4=a
            1 03:20 NEW:tcp2=a GONE:tcp3=a GONE:tcp4=a |
            """),
        arguments(
            "a stranger is named before a second socket of the same owner",
            "PT24H",
            2,
            """
            1 03:00 NEW:tcp1=a NEW:tcp2=a NEW:tcp9=b | DIFFERENCES NEW:tcp1=a NEW:tcp2=a NEW:tcp9=b
            1 03:10 NEW:tcp1=a NEW:tcp9=b |
            1 03:20 NEW:tcp2=a NEW:tcp9=b | DIFFERENCES NEW:tcp2=a
            """),
        arguments(
            "a new owner that was only counted is alerted when it can be named",
            "PT24H",
            2,
            """
            1 03:00 NEW:tcp5=a | DIFFERENCES NEW:tcp5=a
            1 03:10 NEW:tcp1=x NEW:tcp2=y NEW:tcp5=b | DIFFERENCES NEW:tcp1=x NEW:tcp2=y NEW:tcp5=b
            1 03:20 NEW:tcp1=x NEW:tcp5=b | DIFFERENCES NEW:tcp5=b
            1 03:30 NEW:tcp1=x NEW:tcp5=b |
            """),
        arguments(
            "what a reminder only counts was named before",
            "PT1H",
            2,
            """
            1 03:00 NEW:tcp8=a NEW:tcp9=a | DIFFERENCES NEW:tcp8=a NEW:tcp9=a
            1 03:50 NEW:tcp1=a NEW:tcp8=a NEW:tcp9=a | DIFFERENCES NEW:tcp1=a
            1 04:00 NEW:tcp1=a NEW:tcp8=a NEW:tcp9=a | REMINDER NEW:tcp1=a NEW:tcp8=a NEW:tcp9=a
            1 04:10 NEW:tcp1=a NEW:tcp9=a |
            """));
  }

  @Test
  void reportsWhatAppearedAndWasResolved() {
    AlertState state =
        decide(DAILY, AlertState.empty(), "1 03:00 NEW:tcp1=a NEW:udp40000=dig |").next();
    AlertDecision first = decide(DAILY, state, "1 03:10 GONE:tcp2=b NEW:udp40001=dig |");
    AlertDecision second = decide(DAILY, first.next(), "1 03:20 NEW:tcp1=a NEW:udp40001=nc |");
    AlertDecision third = decide(DAILY, second.next(), "1 03:40 NEW:tcp1=a |");
    AlertDecision failed = decide(DAILY, third.next(), "1 03:45 failed |");
    AlertDecision last = decide(DAILY, failed.next(), "1 04:15 |");

    assertEquals(List.of("GONE:tcp2=b"), words(first.appeared()));
    assertEquals(List.of(), first.resolved());
    assertEquals(List.of(), words(second.appeared()));
    assertEquals(List.of("NEW:udp40001=nc"), words(second.reported()));
    assertEquals(List.of(), second.resolved());
    assertEquals(List.of("GONE tcp/0.0.0.0:2"), third.resolved());
    assertEquals(List.of(), failed.resolved());
    assertEquals(
        List.of("NEW tcp/0.0.0.0:1", "NEW udp/0.0.0.0:ephemeral", "scan failed: failed"),
        last.resolved());
  }

  @Test
  void decidesNothingWhileNothingIsActive() {
    AlertDecision decision = decide(DAILY, AlertState.empty(), "1 03:00 |");
    assertEquals(Optional.empty(), decision.type());
    assertEquals(AlertState.empty().entries(), decision.next().entries());
  }

  // ---- floods and bounds

  /** One alert counts them all, however few of them it names. */
  @Test
  void alertsThousandsOnce() {
    List<Difference> all = ports(1, 10_000, owner("joe", "/bin/a"));
    AlertDecision first = decide(AlertState.empty(), 0, all);

    assertEquals(all, first.reported());
    assertEquals(all, first.appeared());
    assertEquals(Optional.empty(), decide(first.next(), 1, all).type());
    assertEquals(
        ports(20_000, 20_000, owner("joe", "/bin/a")),
        decide(first.next(), 1, all, ports(20_000, 20_000, owner("joe", "/bin/a"))).reported());
  }

  @Test
  void namesStrangerAmongThousands() {
    List<Difference> flood = ports(1, 10_000, owner("joe", "/bin/a"));
    List<Difference> stranger = ports(20_000, 20_000, owner("root", "/bin/sh"));
    AlertDecision first = decide(AlertState.empty(), 0, flood, stranger);
    List<String> named =
        first.next().entries().entrySet().stream()
            .filter(it -> it.getValue().status() == Status.NAMED)
            .map(it -> it.getKey())
            .toList();

    assertEquals(MAX_NAMED, named.size());
    assertTrue(named.contains("NEW tcp/0.0.0.0:20000"), named.toString());
    // It is not alerted again with those that were only counted.
    List<Difference> rest = flood.subList(5_000, 5_000 + MAX_NAMED - 1);
    assertEquals(rest, decide(first.next(), 1, rest, stranger).reported());
  }

  /** Else a back door could come amid 200 other sockets, and stay unnamed when they end. */
  @Test
  void namesCountedOnesLater() {
    List<Difference> all = ports(1, 300, owner("joe", "/bin/a"));
    AlertState state = decide(AlertState.empty(), 0, all).next();
    List<Difference> left = all.subList(100, 300);

    AlertDecision less = decide(state, 1, left);

    assertEquals(all.subList(200, 300), less.reported());
    assertEquals(List.of(), less.appeared());
    assertEquals(Optional.of(AlertType.DIFFERENCES), less.type());
    assertEquals(Optional.empty(), decide(less.next(), 2, left).type());
    assertEquals(Optional.empty(), decide(state, 1, all).type());
    assertEquals(Optional.empty(), decide(state, 1, all.subList(99, 300)).type());
  }

  /** Whoever opens and closes low sockets in masses gets a digest before its day. */
  @Test
  void thousandEndedAreEnough() {
    Owner low = owner("joe", "low");
    List<Difference> all = ports(1, AlertPolicy.MAX_ENDED, low);
    List<Difference> more = ports(2000, 4000, low);
    AlertState state = decideRated(AlertState.empty(), 0, all).next();
    AlertDecision enough = decideRated(state, 40, more);
    assertEquals(Optional.empty(), enough.type());
    assertEquals(all.size(), enough.resolved().size());
    assertEquals(all.size() + more.size(), enough.next().entries().size());
    assertEquals(more.size(), enough.next().activeDifferences());

    AlertDecision digest = decideRated(enough.next(), 80, List.of());
    assertEquals(Optional.of(AlertType.DIGEST), digest.type());
    assertEquals(all.size() + more.size(), digest.ended().size());
    assertTrue(digest.ended().contains("NEW tcp/0.0.0.0:7 by low (joe)"));
    assertTrue(
        digest.ended().contains("NEW tcp/0.0.0.0:3999"), "no room for a line, not forgotten");
    assertEquals(AlertState.empty(), digest.next());
  }

  private static AlertDecision decideRated(
      AlertState state, int minute, List<Difference> differences) {
    Instant time = MIDNIGHT.plus(Duration.ofMinutes(minute));
    return DAILY.decide(state, differences, AlertPolicyTest::severity, EPHEMERAL, time);
  }

  /** One more entry stands for the rest; it is alerted like any other. */
  @Test
  void boundsEntries() {
    int max = AlertPolicy.MAX_ENTRIES;
    Owner joe = owner("joe", "/bin/a");
    List<Difference> all = ports(1, max + 100, joe);
    AlertDecision first = decide(AlertState.empty(), 0, all);
    assertEquals(all, first.reported());
    assertEquals(all, first.appeared());
    assertEquals(max + 1, first.next().entries().size());

    AlertDecision second = decide(first.next(), 10, all);
    assertEquals(Optional.empty(), second.type());
    assertEquals(max + 1, second.next().entries().size());

    List<Difference> stranger = ports(30_000, 30_000, owner("root", "/bin/sh"));
    AlertDecision third = decide(second.next(), 20, all, stranger);
    assertEquals(List.of(), third.appeared());
    assertTrue(third.reported().contains(stranger.get(0)));
    assertEquals(101, third.reported().size());
    assertEquals(Optional.empty(), decide(third.next(), 30, all, stranger).type());

    AlertDecision reminder = decide(third.next(), 24 * 60 + 20, all, stranger);
    assertEquals(max + 101, reminder.reported().size());

    // Entries of their own are free again: a repetition, not a silence.
    List<Difference> rest = all.subList(max, max + 100);
    AlertDecision less = decide(third.next(), 50, rest);
    assertEquals(max, less.resolved().size());
    AlertDecision own = decide(less.next(), 60, rest);
    assertEquals(rest, own.appeared());
    assertEquals(List.of("further differences"), decide(own.next(), 80, rest).resolved());
  }

  @Test
  void boundsFailures() {
    List<Difference> all = ports(1, AlertPolicy.MAX_ENTRIES, owner("joe", "/bin/a"));
    AlertState state = decide(AlertState.empty(), 0, all).next();
    for (String reason : List.of("failed", "failed otherwise")) {
      AlertDecision decision = decide(DAILY, state, "1 03:00 " + reason + " |");
      assertEquals(Optional.of(AlertType.SCAN_FAILED), decision.type());
      assertEquals(AlertPolicy.MAX_ENTRIES + 1, decision.next().entries().size());
    }
    state = decide(DAILY, state, "1 03:00 failed |").next();
    assertEquals(Optional.empty(), decide(DAILY, state, "1 03:10 failed otherwise |").type());
  }

  /** Programs first; then any program of a user counts as that user, and each user is alerted. */
  @Test
  void boundsOwnersOfAnEntry() {
    int max = AlertPolicy.MAX_OWNERS;
    AlertState state = decide(AlertState.empty(), 0, port(1, programs(max))).next();
    assertEquals(max, owners(state));

    AlertDecision decision = decide(state, 1, port(1, List.of(owner("joe", "/bin/further"))));
    assertEquals(Optional.of(AlertType.DIFFERENCES), decision.type());
    state = decision.next();
    assertEquals(max + 1, owners(state));

    decision = decide(state, 2, port(1, programs(2 * max)));
    assertEquals(Optional.empty(), decision.type());
    assertEquals(state.entries().keySet(), decision.next().entries().keySet());
    assertEquals(max + 1, owners(decision.next()));

    decision = decide(state, 3, port(1, users(max - 1)));
    assertEquals(Optional.of(AlertType.DIFFERENCES), decision.type());
    assertEquals(2 * max, owners(decision.next()));
    assertEquals(Optional.empty(), decide(decision.next(), 4, port(1, users(2 * max))).type());
  }

  @Test
  void boundsOwnersOfAllEntries() {
    int max = AlertPolicy.MAX_OWNERS;
    List<Difference> all = new ArrayList<>();
    for (int port = 1; port <= AlertPolicy.MANY_OWNERS / max; port++) {
      all.addAll(port(port, programs(max)));
    }
    AlertState state = decide(AlertState.empty(), 0, all, port(10_000, programs(max))).next();
    // The last entry knows few programs, and the user of the others.
    assertEquals(AlertPolicy.MANY_OWNERS + AlertPolicy.MAX_OWNERS_IF_MANY + 1, owners(state));
    state = decide(AlertState.empty(), 0, all).next();
    assertEquals(AlertPolicy.MANY_OWNERS, owners(state));

    AlertDecision decision = decide(state, 1, all, port(10_000, users(max)));
    assertEquals(Optional.of(AlertType.DIFFERENCES), decision.type());
    assertEquals(
        AlertPolicy.MANY_OWNERS + 2 * AlertPolicy.MAX_OWNERS_IF_MANY, owners(decision.next()));
    assertEquals(
        Optional.empty(), decide(decision.next(), 2, all, port(10_000, users(2 * max))).type());

    // They are known when there is room again for more than users.
    List<Difference> few = port(10_000, users(2 * AlertPolicy.MAX_OWNERS_IF_MANY));
    AlertState left = decide(decision.next(), 31, few).next();
    assertEquals(2 * AlertPolicy.MAX_OWNERS_IF_MANY, owners(left));
    assertEquals(Optional.empty(), decide(left, 32, few).type());
  }

  /** A user who fills all room for owners must not hide the user who joins his socket. */
  @Test
  void alertsNewUserIfOwnersAreFull() {
    int max = AlertPolicy.MAX_OWNERS;
    List<Difference> all = new ArrayList<>();
    for (int port = 1; port <= AlertPolicy.MANY_OWNERS / max; port++) {
      all.addAll(port(port, programs(max)));
    }
    AlertState state = decide(AlertState.empty(), 0, all).next();
    List<Difference> joined = new ArrayList<>(all.subList(1, all.size()));
    List<Owner> owners = new ArrayList<>(programs(max));
    owners.add(owner("stranger", "/bin/a"));
    joined.addAll(port(1, owners));
    assertEquals(Optional.of(AlertType.DIFFERENCES), decide(state, 1, joined).type());
  }

  /** Whose next port may be closed before its program is found. */
  @Test
  void alertsAClientThatGoesFromPortToPortOnce() {
    Endpoint first = Endpoint.of("udp", "0.0.0.0:40000");
    Endpoint next = Endpoint.of("udp", "0.0.0.0:40001");
    List<Owner> hopper = List.of(owner("joe", "/bin/a"));
    AlertState state =
        decide(AlertState.empty(), 0, List.of(difference(DifferenceType.NEW, first, hopper)))
            .next();
    SocketEntry made = difference(DifferenceType.NEW, next, List.of(Owner.maker("joe"))).after();
    List<Difference> again = List.of(new Difference(DifferenceType.NEW, made, made));
    assertEquals(Optional.empty(), decide(state, 10, again).type());
    List<Difference> other =
        List.of(difference(DifferenceType.NEW, next, List.of(Owner.maker("eve"))));
    assertEquals(Optional.of(AlertType.DIFFERENCES), decide(state, 10, other).type());
  }

  /** A network namespace may have a label as long as the name of a file. */
  @Test
  void boundsNames() {
    String label = TextEscaper.decode(new byte[] {-1}).repeat(255);
    Endpoint endpoint = new Endpoint(label, Protocol.UNIX, label.substring(0, 108), 0);
    List<Owner> owners = List.of(owner("joe", "/bin/a"));
    AlertState state =
        decide(AlertState.empty(), 0, List.of(difference(DifferenceType.NEW, endpoint, owners)))
            .next();
    state = DAILY.decideFailure(state, AlertType.SCAN_FAILED, label, MIDNIGHT).next();

    String text = state.format().seal();
    int longest = text.lines().mapToInt(String::length).max().orElseThrow();
    assertTrue(longest < 300, text);
  }

  /** Two programs whose names are no UTF-8 are two owners. */
  @Test
  void distinguishesOwnersThatAreNotUtf8() {
    String[] programs = {TextEscaper.decode(new byte[] {-1}), TextEscaper.decode(new byte[] {-2})};
    AlertState state =
        decide(AlertState.empty(), 0, port(1, List.of(owner("joe", programs[0])))).next();

    AlertDecision decision = decide(state, 1, port(1, List.of(owner("joe", programs[1]))));
    assertEquals(Optional.of(AlertType.DIFFERENCES), decision.type());
  }

  /**
   * Names as long as the kernel allows, of bytes that are stored as four, and all bounds reached.
   */
  @Test
  void worstCaseFileIsBelow16MiB() {
    List<Difference> all = new ArrayList<>();
    byte[] path = new byte[108];
    Arrays.fill(path, (byte) 0xff);
    byte[] label = new byte[8];
    Arrays.fill(label, (byte) 0xfe);
    String netns = TextEscaper.decode(label);
    for (int i = 0; i < AlertPolicy.MAX_ENTRIES + 1000; i++) {
      path[0] = (byte) (0x80 | i >> 14);
      path[1] = (byte) (0x80 | i >> 7);
      path[2] = (byte) (0x80 | i);
      Endpoint endpoint = new Endpoint(netns, Protocol.UNIX, TextEscaper.decode(path), 0);
      all.add(difference(DifferenceType.CHANGED, endpoint, users(i < 250 ? 200 : 12)));
    }
    Function<Difference, Severity> rate = it -> Severity.LOW; // these store a text
    AlertState state = DAILY.decide(AlertState.empty(), all, rate, EPHEMERAL, MIDNIGHT).next();
    for (int i = 0; i < 100; i++) {
      String reason = netns + "x".repeat(i);
      state = DAILY.decideFailure(state, AlertType.SCAN_FAILED, reason, MIDNIGHT).next();
    }

    int size = state.format().seal().getBytes(StandardCharsets.UTF_8).length;
    assertEquals(AlertPolicy.MAX_ENTRIES + 2, state.entries().size());
    assertTrue(size > 14 << 20 && size < 16 << 20, size + " bytes");
    assertEquals(state, read(state.format().seal()));
    assertEquals(Optional.empty(), DAILY.decide(state, all, rate, EPHEMERAL, MIDNIGHT).type());
  }

  private static int owners(AlertState state) {
    return state.entries().values().stream().mapToInt(it -> it.ownerDigests().size()).sum();
  }

  private static List<Owner> programs(int count) {
    return IntStream.range(0, count).mapToObj(i -> owner("joe", "/bin/" + i)).toList();
  }

  private static List<Owner> users(int count) {
    return IntStream.range(0, count).mapToObj(i -> owner("user" + (1000 + i), "/bin/a")).toList();
  }

  private static Owner owner(String user, String program) {
    return new Owner(user, program);
  }

  private static List<Difference> ports(int first, int last, Owner owner) {
    return IntStream.rangeClosed(first, last)
        .mapToObj(port -> port(port, List.of(owner)).get(0))
        .toList();
  }

  private static List<Difference> port(int port, List<Owner> owners) {
    Endpoint endpoint = new Endpoint("", Protocol.TCP, "0.0.0.0", port);
    return List.of(difference(DifferenceType.NEW, endpoint, owners));
  }

  private static AlertDecision decide(
      AlertState state, int minute, List<Difference> differences, List<Difference> others) {
    return decide(state, minute, Stream.of(differences, others).flatMap(List::stream).toList());
  }

  private static AlertDecision decide(AlertState state, int minute, List<Difference> differences) {
    return DAILY.decide(
        state,
        differences,
        it -> Severity.NORMAL,
        EPHEMERAL,
        MIDNIGHT.plus(Duration.ofMinutes(minute)));
  }

  // ---- scenarios

  /** What a policy makes of one line of a scenario. */
  static AlertDecision decide(AlertPolicy policy, AlertState state, String run) {
    Matcher matcher = RUN.matcher(run);
    if (!matcher.matches()) {
      throw new IllegalArgumentException(run);
    }
    Instant time =
        MIDNIGHT
            .plus(Duration.ofDays(Integer.parseInt(matcher.group(1))))
            .plus(Duration.ofHours(Integer.parseInt(matcher.group(2))))
            .plus(Duration.ofMinutes(Integer.parseInt(matcher.group(3))))
            .plusSeconds(
                matcher.group(4) == null ? 0 : Integer.parseInt(matcher.group(4).substring(1)));
    String what = matcher.group(5).strip();
    if (what.startsWith(SCAN_FAILED)) {
      return policy.decideFailure(state, AlertType.SCAN_FAILED, what, time);
    }
    if (what.equals(NO_BASELINE)) {
      return policy.decideFailure(state, AlertType.NO_BASELINE, "there is none", time);
    }
    List<Difference> differences =
        Stream.of(what.split(" ", -1))
            .filter(word -> !word.isEmpty())
            .map(AlertPolicyTest::difference)
            .toList();
    return policy.decide(state, differences, AlertPolicyTest::severity, EPHEMERAL, time);
  }

  /** A program whose name begins with low or high gives its socket this severity. */
  private static Severity severity(Difference difference) {
    List<String> programs = difference.after().owners().stream().map(Owner::program).toList();
    boolean isLow = !programs.isEmpty() && programs.stream().allMatch(it -> it.startsWith("low"));
    boolean isHigh = programs.stream().anyMatch(it -> it.startsWith("high"));
    return isHigh ? Severity.HIGH : isLow ? Severity.LOW : Severity.NORMAL;
  }

  private static Difference difference(String word) {
    Matcher matcher = SOCKET.matcher(word);
    if (!matcher.matches()) {
      throw new IllegalArgumentException(word);
    }
    List<Owner> owners =
        Stream.of(matcher.group(4).split(",", -1))
            .filter(program -> !program.isEmpty())
            .map(program -> owner("user", program))
            .toList();
    String table = matcher.group(2);
    String address = table.matches("out-(tcp|udp)") ? "public:" : "0.0.0.0:";
    return difference(
        DifferenceType.valueOf(matcher.group(1)),
        Endpoint.of(table, address + matcher.group(3)),
        owners);
  }

  static Difference difference(DifferenceType type, Endpoint endpoint, List<Owner> owners) {
    SortedSet<Owner> sorted = new TreeSet<>(owners);
    SocketEntry entry = new SocketEntry(endpoint, sorted, List.of());
    return new Difference(type, entry, entry);
  }

  /** The reverse of {@link #difference(String)}. */
  private static String word(Difference difference) {
    return String.format(
        Locale.ROOT,
        "%s:%s%d=%s",
        difference.type(),
        difference.endpoint().table(),
        difference.endpoint().port(),
        difference.after().owners().stream().map(Owner::program).collect(Collectors.joining(",")));
  }

  private static List<String> words(List<Difference> differences) {
    return differences.stream().map(AlertPolicyTest::word).toList();
  }

  private static AlertState read(String text) {
    return AlertState.parse(ChecksummedText.open(text, "lsm-alert-state", "1"));
  }
}
