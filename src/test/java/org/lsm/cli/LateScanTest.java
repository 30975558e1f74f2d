package org.lsm.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.lsm.ScriptedClock;
import org.lsm.monitor.RepeatedScan;

/** A read below /proc that never ends: a table is a pipe that nobody writes to. */
@Timeout(120)
class LateScanTest extends CommandTestBase {

  private static final String LATE =
      "the scan took more than 1 s; see with 'top' and 'dmesg' whether the host is overloaded or"
          + " hangs";

  private Path table;
  private Path alerts;
  private ScriptedClock clock;

  @BeforeEach
  void takeBaseline() throws IOException {
    alerts = directory.resolve("alerts");
    configure("MAILER=\"none\"", "RUN_CMD=\"echo $LSM_SUMMARY >>" + alerts + "\"");
    table = proc.path().resolve("net/udplite");
    assertEquals(0, lsm("generate").exitCode());
    scanTimeout = Duration.ofSeconds(1);
  }

  @AfterEach
  void endRead() throws IOException {
    if (Files.exists(table)) {
      Files.newOutputStream(table, StandardOpenOption.WRITE).close();
    }
  }

  @Override
  protected Clock clock() {
    return clock == null ? super.clock() : clock;
  }

  @Test
  void alertsThatNothingWasCompared() throws IOException {
    hang();
    assertEquals(error(LATE), lsm("compare"));
    assertEquals(
        new Result(2, "", ""), lsm("compare", "--quiet"), "an earlier run has reported it");
    assertEquals(List.of("web1: nothing could be compared"), Files.readAllLines(alerts));
    endHang();
    assertEquals(0, lsm("compare").exitCode());
  }

  @Test
  void reportsWhatItHas() throws IOException {
    proc.tcp("0.0.0.0", 4444, 103).process(800, 33, "/tmp/nc", 90, 103);
    clock = new ScriptedClock(now).then(() -> {}).then(this::hang); // it begins, it scans
    scanTimeout = Duration.ofSeconds(5); // for the first scan, too

    Result result = lsm("compare");

    assertEquals(2, result.exitCode());
    assertEquals("lsm: " + LATE.replace("1 s", "5 s") + "\n", result.err());
    assertTrue(result.out().startsWith("web1: NEW tcp/0.0.0.0:4444 nc (www-data)"), result.out());
    assertEquals(
        List.of("web1: NEW tcp/0.0.0.0:4444 nc (www-data)", "web1: the compare is incomplete"),
        Files.readAllLines(alerts));
    endHang();
    clock = null;
    assertEquals(1, lsm("compare").exitCode());
    assertEquals(2, Files.readAllLines(alerts).size());
  }

  @Test
  void leavesNoThreadThatStores() throws Exception {
    byte[] before = Files.readAllBytes(state.resolve("owner-cache"));
    hang();
    assertEquals(2, lsm("compare").exitCode());
    long written = Files.getLastModifiedTime(state.resolve("alert-state")).toMillis();
    endHang();
    Thread.sleep(500);
    assertArrayEquals(before, Files.readAllBytes(state.resolve("owner-cache")));
    assertEquals(written, Files.getLastModifiedTime(state.resolve("alert-state")).toMillis());
    assertFalse(
        Stream.of(Thread.getAllStackTraces().keySet().toArray(Thread[]::new))
            .anyMatch(it -> it.getName().equals("scan")));
  }

  @ParameterizedTest
  @ValueSource(strings = {"generate", "accept *", "list", "compare --no-alert", "compare --names"})
  void endsWithAnError(String command) throws IOException {
    byte[] before = Files.readAllBytes(baseline);
    hang();
    assertEquals(error(LATE), lsm(command.split(" ")));
    assertArrayEquals(before, Files.readAllBytes(baseline));
  }

  @ParameterizedTest
  @ValueSource(strings = {"generate", "accept **"})
  void storesNoBaselineOfHalfAScan(String command) throws IOException {
    byte[] before = Files.readAllBytes(baseline);
    proc.tcp("0.0.0.0", 4444, 103).process(800, 33, "/tmp/nc", 90, 103);
    clock = new ScriptedClock(now).then(this::hang);
    assertEquals(error(LATE), lsm(command.split(" ")));
    assertArrayEquals(before, Files.readAllBytes(baseline));
  }

  @Test
  void statusReportsIt() throws IOException {
    hang();
    assertTrue(lsm("status").out().contains("Rules    ! " + LATE));
  }

  private void hang() {
    try {
      Files.deleteIfExists(table);
      assertEquals(0, new ProcessBuilder("mkfifo", table.toString()).start().waitFor());
    } catch (IOException | InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  /** What is scanned then has the time that it needs. */
  private void endHang() throws IOException {
    scanTimeout = RepeatedScan.TIMEOUT;
    endRead();
    Files.delete(table);
    proc.write("net/udplite", "header\n");
  }
}
