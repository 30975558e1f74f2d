package org.lsm.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.time.Duration;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What was reported and is over can be accepted, and sockets that come and go as optional. */
class AcceptOptionalTest extends CommandTestBase {
  private static final String JOBS = "unix//run/a b\\x0ax";

  @BeforeEach
  void takeBaseline() {
    lsm("generate");
  }

  /** Before, what accept prints, and what compare finds: absent, there, there with a stranger. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          new          |                     |                           | NEW     | NEW
          new over     | tcp/127.0.0.1:8080  |                           |         | CHANGED
          new over     | 8080                |                           |         | CHANGED
          new over     | pid=800             |                           |         | CHANGED
          new over     | tcp/*:80*           |                           |         | CHANGED
          new over     | --optional 8080     |                           |         | CHANGED
          new          | 8080                | GONE                      |         | CHANGED
          new          | --optional pid=800  |                           |         | CHANGED
          accepted     | --optional 8080     |                           |         | CHANGED
          accepted     | --optional 'tcp/**' |                           |         | CHANGED
          accepted     | --optional pid=800  |                           |         | CHANGED
          gone         | --optional 8080     |                           |         | CHANGED
          gone         | 8080                |                           | NEW     | NEW
          gone over    | 8080                |                           |         | CHANGED
          changed      | --optional 8080     |                           |         |
          changed over | 8080                | GONE                      |         |
          changed over | --optional 8080     |                           |         | CHANGED
          new twice    | 8080                |                           |         |
          """)
  void takes(String before, String accept, String absent, String there, String stranger)
      throws IOException {
    happen(before);
    if (accept != null) {
      Result result = lsm(("accept " + accept.replace("'", "")).split(" ", -1));
      assertEquals(0, result.exitCode(), result.err());
    }
    assertEquals(absent, differences(false));
    assertEquals(there, differences(true, 800));
    assertEquals(stranger, differences(true, 800, 801));
  }

  private void happen(String what) {
    switch (what) {
      case "new" -> differences(true, 800);
      case "new over" -> {
        differences(true, 800);
        differences(false);
      }
      case "new twice" -> {
        differences(true, 800, 801);
        differences(true, 800);
        differences(false);
      }
      default -> {
        differences(true, 800);
        lsm("generate");
        if (what.startsWith("gone")) {
          assertEquals("GONE", differences(false));
        }
        if (what.startsWith("changed")) {
          assertEquals("CHANGED", differences(true, 800, 801));
        }
        if (what.endsWith("over")) {
          differences(true, 800);
        }
      }
    }
  }

  /** Opens or closes the socket; returns the type of its difference, null if there is none. */
  private String differences(boolean isOpen, int... pids) {
    proc.empty().tcp("0.0.0.0", 22, 101).udp("127.0.0.53", 53, 102);
    if (isOpen) {
      proc.tcp("127.0.0.1", 8080, 103).process(800, 33, "/fake/web", 90, 103);
    }
    if (pids.length > 1) {
      proc.process(801, 0, "/fake/stranger", 91, 103);
    } else if (Files.exists(proc.path().resolve("801"))) {
      proc.end(801);
    }
    state.resolve("owner-cache").toFile().delete(); // a search finds the stranger at once
    return lsm("compare")
        .out()
        .lines()
        .filter(line -> line.matches("(NEW|GONE|CHANGED) .*"))
        .map(line -> line.replaceFirst(" .*", ""))
        .findFirst()
        .orElse(null);
  }

  /** How long ago it was reported, whether it was there until an hour ago, and REMIND. */
  @ParameterizedTest
  @CsvSource({
    "PT47H, false, 24h, true",
    "PT50H, false, 24h, false",
    "PT50H, false, 72h, true",
    "PT47H, false, 10m, true",
    "PT47H, false, 0,   true",
    "PT99H, true,  24h, true",
  })
  void knowsWhatWasReportedLately(Duration age, boolean isLasting, String remind, boolean taken)
      throws IOException {
    configure("MAILER=\"none\"", "REMIND=\"" + remind + "\"");
    differences(true, 800);
    if (isLasting) {
      now = now.plus(age).minusSeconds(3600);
      differences(true, 800);
      now = now.plusSeconds(600);
      differences(false);
      now = now.plusSeconds(3000); // it is resolved by now
    } else {
      now = now.plusSeconds(3600);
      differences(false);
      now = now.plus(age).minusSeconds(3600);
    }
    differences(false);
    assertEquals(taken ? 0 : 2, lsm("accept", "8080").exitCode());
    assertEquals(taken ? null : "NEW", differences(true, 800));
  }

  /** The history has the real port, the baseline the name that stands for all of its owner. */
  @Test
  void takesEphemeralPortThatIsOverByItsReportedName() throws IOException {
    proc.tcp("0.0.0.0", 45001, 104).process(800, 33, "/fake/web", 90, 104);
    assertEquals(1, lsm("compare").exitCode());
    now = now.plus(Duration.ofDays(3));
    assertEquals(1, lsm("compare").exitCode());
    differences(false);
    now = now.plusSeconds(3000);
    differences(false);
    assertEquals(done("tcp/0.0.0.0:45001\n"), lsm("compare", "--names"));
    assertEquals(0, lsm("accept", "tcp/0.0.0.0:45001").exitCode());
    assertTrue(Files.readString(baseline).contains("tcp\t0.0.0.0:ephemeral\toptional\twww-data"));
    assertEquals(done(""), lsm("compare", "--names"));
  }

  @Test
  void printsWhatIsOptional() throws IOException {
    proc.unix("/run/a b\nx", 104).process(800, 33, "/fake/web", 90, 104);
    lsm("compare");
    differences(false);

    assertEquals(done(JOBS + "\n"), lsm("compare", "--names"));
    String expected =
        """
        Accepted into the baseline as optional:

        NEW      unix//run/a b\\x0ax
                 program    /fake/web
                 user       www-data

        0 differences remain
        """;
    assertEquals(done(expected), lsm("accept", JOBS));
    assertTrue(
        Files.readString(baseline).contains("\toptional\twww-data\t/fake/web\t\n"),
        Files.readString(baseline));
    assertEquals(done(""), lsm("compare", "--names"));
    assertEquals(
        done("tcp/0.0.0.0:22 is optional\n0 differences remain\n"),
        lsm("accept", "--optional", "22"));
    String history = lsm("history").out();
    assertTrue(history.contains("tcp/0.0.0.0:22 is optional"), history);
    assertEquals(
        """
        SOCKET             USER  PID  PROGRAM
        tcp/0.0.0.0:22     root  700  /usr/sbin/sshd  (optional)
        udp/127.0.0.53:53  101   701  /usr/lib/systemd/systemd-resolved
        """,
        lsm("list").out());
    assertTrue(lsm("list", "--format", "json").out().contains("\"optional\": true"));
  }

  /** What differs now comes first: the same number may stand for more that is over. */
  @Test
  void takesPresentDifferencesOnly() {
    differences(true, 800);
    differences(false);
    proc.tcp("127.0.0.2", 8080, 105).process(802, 0, "/fake/other", 92, 105);

    assertEquals(0, lsm("accept", "8080").exitCode());

    proc.tcp("127.0.0.1", 8080, 103);
    String out = lsm("compare").out();
    assertTrue(out.contains("NEW      tcp/127.0.0.1:8080"), out);
  }

  @Test
  void generateStartsAfresh() {
    differences(true, 800);
    lsm("accept", "--optional", "8080");
    differences(false);
    lsm("generate");
    assertEquals("NEW", differences(true, 800));
    lsm("generate");
    assertEquals("GONE", differences(false));
  }
}
