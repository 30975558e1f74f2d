package org.lsm.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Clock;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.lsm.ScriptedClock;
import org.lsm.monitor.Version;

/** {@code lsm generate}, as a whole. */
class GenerateCommandTest extends CommandTestBase {

  private ScriptedClock clock;

  @ParameterizedTest
  @ValueSource(strings = {"generate", "-g"})
  void writesFirstBaseline(String command) throws IOException {
    Result result = lsm(command);

    assertEquals(done("Baseline of 2 sockets written to " + baseline + "\n"), result);
    String expected =
        "lsm-snapshot\t1\n"
            + "host\tweb1\n"
            + "kernel\t6.1.0-test\n"
            + "time\t2026-01-02T03:04:05Z\n"
            + ("lsm\t" + Version.VERSION + "\n")
            + "tcp\t0.0.0.0:22\troot\t/usr/sbin/sshd\t\n"
            + "udp\t127.0.0.53:53\t101\t/usr/lib/systemd/systemd-resolved\t\n";
    String written = Files.readString(baseline);
    assertEquals(expected, written.substring(0, written.indexOf("crc32c\t")));
    assertEquals("rw-------", mode(baseline));
    assertEquals("rwx------", mode(state));
  }

  @Test
  void createsStateDirectory() throws IOException {
    state = directory.resolve("a/b/c");
    configure("MAILER=\"none\"");

    assertEquals(
        done("Baseline of 2 sockets written to " + state.resolve("baseline") + "\n"),
        lsm("generate"));
    assertEquals("rwx------", mode(state));
  }

  @Test
  void sameSocketsAcceptNothing() {
    lsm("generate");

    assertEquals(done("Baseline of 2 sockets written to " + baseline + "\n"), lsm("generate"));
  }

  @Test
  void reportsAndKeepsOldBaseline() throws IOException {
    lsm("generate");
    byte[] replaced = Files.readAllBytes(baseline);
    proc.tcp("127.0.0.1", 8080, 103).process(800, 33, "/usr/bin/python3", 90, 103);

    String expected =
        """
        Accepted into the baseline:

        NEW      tcp/127.0.0.1:8080
                 program    /usr/bin/python3 (script unknown)
                 PID        800
                 user       www-data
                 started    2026-01-01 00:01:30 +00:00 (1 d 3 h ago)
                 parents    /fake/init (root), PID 1
                 note       shell or interpreter

        Baseline of 3 sockets written to <>
        """;
    assertEquals(done(expected.replace("<>", baseline.toString())), lsm("generate"));
    assertArrayEquals(replaced, Files.readAllBytes(state.resolve("baseline.1")));
    assertEquals(0, lsm("compare").exitCode());
  }

  @Test
  void replacesDamagedBaseline() throws IOException {
    Files.createDirectory(state);
    Files.writeString(baseline, "rubbish\n");

    assertEquals(
        new Result(
            0,
            "Baseline of 2 sockets written to " + baseline + "\n",
            "lsm: replaced a baseline that could not be read; it is kept as baseline.1\n"
                + ("lsm: " + baseline + ": not an lsm-snapshot file")
                + "; restore it from a backup or a predecessor, or run 'lsm generate' to replace"
                + " it\n"),
        lsm("generate"));
    assertEquals("rubbish\n", Files.readString(state.resolve("baseline.1")));
    assertEquals(0, lsm("compare").exitCode());
  }

  @Test
  void headerlessTablesKeepBaseline() throws IOException {
    lsm("generate");
    byte[] before = Files.readAllBytes(baseline);
    proc.headerless();

    assertEquals(error(headerlessTables()), lsm("generate"));
    assertArrayEquals(before, Files.readAllBytes(baseline));
    assertFalse(Files.exists(state.resolve("baseline.1")));
  }

  @Test
  void failsWithoutProc() {
    proc.delete("net");

    assertEquals(
        error(
            "cannot read " + proc.path().resolve("net") + ": no such directory; is /proc mounted?"),
        lsm("generate"));
    assertFalse(Files.exists(baseline));
  }

  @Test
  void notesSkippedRows() {
    proc.append("net/unix", "forged \033[31mrow").unix("/run/x", 104);

    assertEquals(
        new Result(
            0,
            "Baseline of 3 sockets written to " + baseline + "\n",
            "lsm: skipped 1 malformed of 2 rows in "
                + proc.path().resolve("net/unix")
                + "; line 2: not a row: 'forged \\x1b[31mrow'\n"),
        lsm("generate"));
  }

  @Test
  void failsIfStateDirectoryIsFile() throws IOException {
    Files.writeString(state, "");

    Result result = lsm("generate");

    assertEquals(error(state + ": exists and is not a directory"), result);
  }

  @Test
  void generatesWithoutInit() {
    proc.end(1).privileges("0").tcp("127.0.0.1", 9, 999);

    Result result = lsm("generate");

    assertEquals(
        new Result(
            0,
            "Baseline of 3 sockets written to " + baseline + "\n",
            "lsm: the owners of 1 of 3 sockets are hidden from this user; run lsm as root, in"
                + " a container with CAP_SYS_PTRACE\n"),
        result);
    assertTrue(Files.exists(baseline));
  }

  @Test
  void omitsClosedKeepsMissed() throws IOException {
    proc.tcp("127.0.0.1", 8080, 103);
    clock =
        new ScriptedClock(now)
            .then(() -> proc.empty().tcp("0.0.0.0", 22, 101))
            .then(() -> proc.udp("127.0.0.53", 53, 102));

    assertEquals(done("Baseline of 2 sockets written to " + baseline + "\n"), lsm("generate"));
    assertEquals(6, clock.asked(), "five scans, and the history");
    clock = null;
    assertEquals(0, lsm("compare").exitCode());
  }

  @ParameterizedTest
  @ValueSource(ints = {4000, 40000})
  void omitsPortsThatOneScanSaw(int port) throws IOException {
    hopFrom(port);

    assertEquals(done("Baseline of 2 sockets written to " + baseline + "\n"), lsm("generate"));
    assertEquals(6, clock.asked(), "five scans, and the history");
  }

  /** One who goes from port to port is in the baseline, as that user. */
  @Test
  void storesUserOfPortsThatEachScanSaw() throws IOException {
    proc.udpOf(1000, "0.0.0.0", 39999, 200);
    hopFrom(40000);

    assertEquals(done("Baseline of 3 sockets written to " + baseline + "\n"), lsm("generate"));
    String line = "udp\t0.0.0.0:ephemeral\t1000\t(maker)\t\n";
    assertTrue(Files.readString(baseline).contains(line));
  }

  /** The second to fifth scan see one UDP port of a user, always another one. */
  private void hopFrom(int port) {
    clock = new ScriptedClock(now);
    for (int i = 0; i < 4; i++) {
      int next = port + i;
      clock.then(
          () ->
              proc.write("net/udp", "header\n")
                  .udp("127.0.0.53", 53, 102)
                  .udpOf(1000, "0.0.0.0", next, next));
    }
  }

  @Test
  void storesEphemeralPortsByOwner() throws IOException {
    proc.udp("0.0.0.0", 40001, 103)
        .udp("0.0.0.0", 40002, 104)
        .process(800, 33, "/fake/client", 90, 103, 104);

    assertEquals(done("Baseline of 3 sockets written to " + baseline + "\n"), lsm("generate"));
    String line = "udp\t0.0.0.0:ephemeral\twww-data\t/fake/client\t\n";
    assertTrue(Files.readString(baseline).contains(line));

    proc.empty()
        .tcp("0.0.0.0", 22, 101)
        .udp("127.0.0.53", 53, 102)
        .udp("0.0.0.0", 50000, 105)
        .process(801, 33, "/fake/client", 91, 105);
    assertEquals(0, lsm("compare").exitCode());
    configure("MAILER=\"none\"", "EPHEMERAL=\"none\"");
    assertEquals(1, lsm("compare").exitCode());
  }

  @Override
  protected Clock clock() {
    return clock == null ? super.clock() : clock;
  }

  private String headerlessTables() {
    return "all socket tables under "
        + proc.path().resolve("net")
        + " are empty, so the sockets of this host are unknown; is this a sandbox without them?";
  }

  private static String mode(Path file) throws IOException {
    return PosixFilePermissions.toString(Files.getPosixFilePermissions(file));
  }
}
