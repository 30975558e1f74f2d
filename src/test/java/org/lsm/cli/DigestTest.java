package org.lsm.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.function.IntPredicate;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Days of runs every ten minutes, each some seconds late, on a host where joe logs in. */
class DigestTest extends ChannelTestBase {
  private static final Instant START = Instant.parse("2026-01-02T00:00:00Z");
  private static final int HOUR = 6;
  private static final int DAY = 24 * HOUR;

  /** A socket of these runs. */
  private record Source(int inode, IntPredicate isOpen) {}

  private final List<Source> sources = new ArrayList<>();
  private int run;

  @BeforeEach
  void makeUser() throws IOException {
    Files.writeString(
        directory.resolve("passwd"), "joe:x:1000:1000::/home/joe:\n", StandardOpenOption.APPEND);
    proc.process(900, 1000, "/usr/bin/tmux", 90, 900)
        .process(901, 1000, "/usr/bin/ssh", 90, 901)
        .process(902, 33, "/usr/sbin/nginx", 90, 902)
        .process(903, 1000, "/usr/bin/nc", 90, 903);
    configureDigest("24h");
    now = START.minus(Duration.ofMinutes(10));
    lsm("generate");
  }

  private void configureDigest(String digest) throws IOException {
    String words = "${LSM_TIME%:*} $LSM_EVENT, $LSM_SEVERITY: $LSM_SUBJECT$ended";
    configure(
        "MAILER=\"none\"",
        "SUB=\"$SUMMARY\"",
        "DIGEST=\"" + digest + "\"",
        "RUN_CMD=\""
            + script(
                "record",
                "ended=$(sed -n '/\"ended\": \\[$/,/]/s/^ *\"\\(.*\\)\"$/ [\\1]/p')",
                "echo \"" + words + "\" >> " + directory + "/alerts")
            + "\"");
  }

  /** A socket of tmux, ssh, nginx or nc by its number, while a condition on the run holds. */
  private DigestTest open(int inode, IntPredicate isOpen) {
    sources.add(new Source(inode, isOpen));
    return this;
  }

  private static IntPredicate from(int first, int last) {
    return run -> run >= first && run < last;
  }

  private void runUntil(int last) {
    for (; run < last; run++) {
      now = START.plusSeconds(run * 600L + run * 7L % 50);
      proc.empty().tcp("0.0.0.0", 22, 101).udp("127.0.0.53", 53, 102);
      int differ = 0;
      for (Source source : sources) {
        if (source.isOpen.test(run)) {
          differ = 1;
          switch (source.inode) {
            case 900 -> proc.unix("/tmp/tmux-1000/default", 900);
            case 901 -> proc.tcp("127.0.0.1", 6010, 901);
            case 902 -> proc.tcp("0.0.0.0", 8080, 902);
            default -> proc.tcp("0.0.0.0", 4444, 903);
          }
        }
      }
      assertEquals(new Result(differ, "", ""), lsm("compare", "--quiet"));
    }
  }

  /** What is low comes once a day, with what is over; a day without news has no alert. */
  @Test
  void threeDaysOfSessions() throws IOException {
    open(900, from(3 * HOUR, 70 * HOUR)).open(901, run -> run % DAY == 10 * HOUR);
    runUntil(3 * DAY);
    String tmux = "NEW unix//tmp/tmux-1000/default tmux (joe)";
    String ssh = " [NEW tcp/127.0.0.1:6010 by /usr/bin/ssh (joe), PID 901]";
    assertEquals(
        List.of(
            "2026-01-03T03:00 digest, low: digest: " + tmux + ", 1 ended" + ssh,
            "2026-01-04T10:00 digest, low: digest: 2 NEW"),
        lines("alerts"));
  }

  /** Whoever opens and closes low sockets neither keeps the digest back nor adds one. */
  @Test
  void comesAndGoes() throws IOException {
    open(900, run -> run % 2 == 0).open(901, run -> run % 5 == 0);
    runUntil(2 * DAY + HOUR);
    String ssh = " [NEW tcp/127.0.0.1:6010 by /usr/bin/ssh (joe), PID 901]";
    String tmux = "NEW unix//tmp/tmux-1000/default tmux (joe), 1 ended";
    assertEquals(
        List.of(
            "2026-01-03T00:00 digest, low: digest: " + tmux + ssh,
            "2026-01-04T00:10 digest, low: digest: 1 ended" + ssh),
        lines("alerts"));
  }

  /** Another alert has what waits; the all-clear is for what was alerted at once. */
  @Test
  void joinsAnotherAlert() throws IOException {
    open(900, from(HOUR, 4 * DAY)).open(902, from(9 * HOUR, 11 * HOUR));
    runUntil(2 * DAY);
    assertEquals(
        List.of(
            "2026-01-02T09:00 differences, normal: 2 NEW",
            "2026-01-02T11:20 all_clear, : all clear: no difference to the baseline but 1 low, 3"
                + " sockets"),
        lines("alerts"));
  }

  /** A program that others can reach, deleted or not, does not wait. */
  @Test
  void riseOfSeverityIsNews() throws IOException {
    open(901, from(HOUR, DAY));
    runUntil(2 * HOUR);
    proc.link("901/exe", "/usr/bin/ssh (deleted)");
    runUntil(3 * HOUR);
    assertEquals(
        List.of("2026-01-02T02:00 differences, high: [high] NEW tcp/127.0.0.1:6010 ssh (joe)"),
        lines("alerts"));
  }

  @Test
  void zeroSendsAtOnce() throws IOException {
    configureDigest("0");
    open(900, from(HOUR, 2 * HOUR)).open(903, from(HOUR, 2 * HOUR));
    runUntil(4 * HOUR);
    assertEquals(
        List.of(
            "2026-01-02T01:00 differences, normal: 2 NEW",
            "2026-01-02T02:20 all_clear, : all clear: no difference to the baseline, 2 sockets"),
        lines("alerts"));
  }

  @Test
  void saysWhyNothingIsLow() throws IOException {
    Files.createDirectory(directory.resolve("login.defs"));
    proc.tcp("0.0.0.0", 8080, 103);
    String out = lsm("compare").out();
    assertTrue(out.contains("Note      no difference is low: "), out);
  }

  /** UID_MIN decides who logs in. */
  @Test
  void whoseNumberIsBelowUidMinIsNotLow() throws IOException {
    Files.writeString(directory.resolve("login.defs"), "UID_MIN 1001\n");
    open(900, from(HOUR, DAY));
    runUntil(2 * HOUR);
    assertEquals(
        List.of("2026-01-02T01:00 differences, normal: NEW unix//tmp/tmux-1000/default tmux (joe)"),
        lines("alerts"));
  }
}
