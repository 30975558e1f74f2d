package org.lsm.cli;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.lsm.monitor.QuietRun;
import org.lsm.storage.FileLock;

/** Whether a run knows at once that it would find what the last one has found. */
class QuietRunTest extends CommandTestBase {
  private static final Result QUIET = done("");

  /** A change of the host or its configuration. */
  private interface Change {
    void apply(QuietRunTest test) throws IOException;
  }

  @BeforeEach
  void compareOnce() throws IOException {
    for (int pid : new int[] {700, 701}) {
      Path stat = proc.path().resolve(pid + "/stat");
      String fields = Files.readString(stat).strip();
      Files.writeString(stat, fields + " 3 4 5 14" + pid + " 7\n"); // with the start of its stack
    }
    proc.write("net/packet", "header\n0 3 3 0003 2 1 0 0 102\n");
    proc.write("net/dev_snmp6/eth0", "ifIndex                         \t2\n");
    proc.write("sys/net/ipv4/ip_local_reserved_ports", "\n");
    proc.write("net/if_inet6", "");
    ignore("udp *:5353");
    Files.createDirectories(directory.resolve("rules.d"));
    Files.createDirectories(state.resolve("outbox"));
    Files.setPosixFilePermissions(state, PosixFilePermissions.fromString("rwx------"));
    lsm("generate");
    assertEquals(QUIET, lsm("-c", "--quiet"));
    assertTrue(isQuiet());
  }

  private boolean isQuiet() {
    Path passwd = directory.resolve("passwd");
    return new QuietRun(config, proc.path(), passwd).isQuiet(now.toEpochMilli());
  }

  private void append(Path file, String text) throws IOException {
    Files.writeString(file, text, StandardOpenOption.CREATE, StandardOpenOption.APPEND);
  }

  @Test
  void knowsThatNothingHasChanged() throws IOException {
    now = now.plusSeconds(600);
    assertTrue(isQuiet());
    Path time = state.resolve("last-compare");
    assertEquals(FileTime.from(now), Files.getLastModifiedTime(time));
    now = now.plusSeconds(600);
    assertEquals(QUIET, lsm("compare", "--quiet"));
    assertEquals(FileTime.from(now), Files.getLastModifiedTime(time));
  }

  static Stream<Arguments> changes() {
    return Stream.of(
        change("a new listener", it -> it.proc.tcp("0.0.0.0", 23, 103)),
        change("a new UDP socket", it -> it.proc.udp("0.0.0.0", 23, 103)),
        change("a new unix socket", it -> it.proc.unix("/run/x", 103)),
        change("no socket", it -> it.proc.empty()),
        change("a table without header", it -> it.proc.headerless()),
        change("a line that is no row", it -> it.proc.append("net/unix", "x")),
        change("a process that ended", it -> it.proc.end(701)),
        change("an interface by another name", QuietRunTest::renameInterface),
        change("another program", it -> it.proc.link("700/exe", "/tmp/x")),
        change("a pipe", QuietRunTest::makePipe),
        change("another user", QuietRunTest::changeUser),
        change("another boot", it -> it.proc.write("sys/kernel/random/boot_id", "1-2\n")),
        change("other privileges", it -> it.proc.privileges("0")),
        change("the next hour", it -> it.now = it.now.plus(Duration.ofHours(1))),
        change("other ports", it -> it.proc.write("sys/net/ipv4/ip_local_port_range", "1 2\n")),
        change(
            "reserved ports",
            it -> it.proc.write("sys/net/ipv4/ip_local_reserved_ports", "40000\n")),
        change("an address", it -> it.proc.write("net/if_inet6", "00 02 40 00 80 eth0\n")),
        change("a user", it -> it.append(it.directory.resolve("passwd"), "joe:x:1:1::/:\n")),
        change("a comment in conf.lsm", it -> it.append(it.config, "#\n")),
        change("a comment in ignore.lsm", it -> it.ignore("udp *:5353 #")),
        change("no rules", it -> Files.delete(it.directory.resolve("ignore.lsm"))),
        change("further rules", it -> it.append(it.directory.resolve("rules.d/a.lsm"), "#\n")),
        change("a damaged baseline", it -> it.append(it.baseline, "x")),
        change("no baseline", it -> Files.delete(it.baseline)),
        change("an alert state", it -> it.append(it.state.resolve("alert-state"), "x")),
        change("a stuck run", it -> it.append(it.state.resolve("stuck-run"), "x")),
        change("state of SENTRY", it -> it.append(it.state.resolve("sentry-state"), "x")),
        change("no owner cache", it -> Files.delete(it.state.resolve("owner-cache"))),
        change("no time of a compare", it -> Files.delete(it.state.resolve("last-compare"))),
        change("a program cache", it -> it.append(it.state.resolve("program-cache"), "x")),
        change("a rest of a write", it -> it.append(it.state.resolve(".x.tmp"), "x")),
        change("an alert that waits", QuietRunTest::putAlert),
        change("a state that was cut short", QuietRunTest::truncate));
  }

  private static Arguments change(String name, Change change) {
    return Arguments.of(name, change);
  }

  /** The owner of /proc/PID is the effective user. */
  private static void changeUser(QuietRunTest it) throws IOException {
    boolean isRoot = (int) Files.getAttribute(Path.of("/proc/self"), "unix:uid") == 0;
    assumeTrue(isRoot, "only root can give a directory to another user");
    Files.setAttribute(it.proc.path().resolve("700"), "unix:uid", 33);
  }

  private static void makePipe(QuietRunTest it) throws IOException {
    Files.delete(it.baseline);
    try {
      new ProcessBuilder("mkfifo", "-m", "600", it.baseline.toString()).start().waitFor();
    } catch (InterruptedException e) {
      throw new IOException(e);
    }
  }

  private static void renameInterface(QuietRunTest it) throws IOException {
    Path names = it.proc.path().resolve("net/dev_snmp6");
    Files.move(names.resolve("eth0"), names.resolve("eth1"));
  }

  private static void putAlert(QuietRunTest it) throws IOException {
    it.append(it.state.resolve("outbox/1-mail.json"), "x");
  }

  private static void truncate(QuietRunTest it) throws IOException {
    Path file = it.state.resolve("quiet-run");
    String text = Files.readString(file, ISO_8859_1);
    Files.writeString(file, text.substring(0, text.length() - 4), ISO_8859_1);
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("changes")
  void comparesAfter(String name, Change change) throws IOException {
    change.apply(this);
    assertFalse(isQuiet());
  }

  @Test
  @SuppressWarnings("try") // the lock is only held
  void comparesWhileAnotherRunHasTheLock() throws IOException {
    assertTrue(isQuiet());
    try (var lock = FileLock.take(state.resolve("lock"), Duration.ZERO)) {
      assertFalse(isQuiet());
    }
    assertTrue(isQuiet());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "SENTRY=\"report\"",
        "OUTBOUND=\"learn\"",
        "NETNS=\"all\"",
        "METRICS_FILE=\"/nonexistent/lsm.prom\"",
        "ALERTMANAGER_URL=\"http://127.0.0.1:1\"",
      })
  void comparesAlwaysWith(String line) throws IOException {
    configure("MAILER=\"none\"", line);
    lsm("-c", "--quiet");
    lsm("-c", "--quiet");
    assertFalse(isQuiet());
  }

  /** What another configuration has left stays as long as nft fails to remove its table. */
  @ParameterizedTest
  @ValueSource(strings = {"sentry-state", "outbound-state"})
  void comparesWhileWorkIsLeft(String file) throws IOException {
    FakeNft.of(directory).setFailure("Operation not permitted\n");
    append(state.resolve(file), "");
    lsm("-c", "--quiet");
    lsm("-c", "--quiet");
    assertTrue(Files.exists(state.resolve(file)));
    assertFalse(isQuiet());
  }

  @Test
  void comparesWhileSomethingDiffers() throws IOException {
    proc.tcp("0.0.0.0", 23, 103).process(703, 0, "/usr/sbin/telnetd", 12, 103);
    assertEquals(1, lsm("-c", "--quiet").exitCode());
    assertFalse(isQuiet());
    assertEquals(1, lsm("-c", "--quiet").exitCode());
    assertFalse(isQuiet());
    lsm("accept", "tcp/0.0.0.0:23");
    now = now.plusSeconds(3600);
    lsm("-c", "--quiet");
    assertFalse(isQuiet()); // an all-clear is still to come, or was just sent
  }

  @Test
  void deletesWhatItKnows() {
    lsm("delete");
    assertFalse(Files.exists(state.resolve("quiet-run")));
    assertFalse(isQuiet());
    assertFalse(Files.exists(state.resolve("quiet-run")));
  }

  @Test
  void refusesWhatOthersCanWrite() throws IOException {
    assertTrue(isQuiet());
    Files.setAttribute(config, "unix:mode", 0666);
    assertFalse(isQuiet());
  }

  @ParameterizedTest
  @CsvSource({"'',2", "--config,2", "--verbose,0", "--no-alert,0", "-c,2", "--quiet,2"})
  void takesOtherCommandLinesForOthers(String further, int exitCode) {
    assertTrue(isQuiet());
    Result result = run("-c", "--config", config.toString(), "--quiet", further);
    assertEquals(exitCode, result.exitCode());
  }
}
