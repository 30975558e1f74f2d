package org.lsm.proc;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.lsm.FakeProc;
import org.lsm.model.Endpoint;
import org.lsm.model.Owner;
import org.lsm.model.OwnerCache;
import org.lsm.model.ProcessRef;
import org.lsm.model.ProgramFile;
import org.lsm.model.Protocol;
import org.lsm.model.SocketKey;
import org.lsm.model.SocketOwners;

class OwnerProcessesTest {
  private static final String STAT =
      "700 (a) 1 2) S 1 1 1 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 1000 4096 5 18446744073709551615"
          + " 94 95 140725 0 0\n";

  @TempDir Path directory;
  private FakeProc proc;
  private ProcessRef known;

  @BeforeEach
  void makeHost() throws IOException {
    proc = FakeProc.bare(directory.resolve("proc")).process(700, 33, "/usr/sbin/httpd", 10, 101);
    proc.write("../passwd", "www:x:33:33::/:\n").write("700/stat", STAT);
    Path passwd = directory.resolve("passwd");
    known = process(700, "www", new ProcessReader(proc.path(), passwd).running(700));
  }

  private ProcessRef process(int pid, String user, RunningProcess now) {
    Owner owner = new Owner(user, now.path());
    return new ProcessRef(
        pid,
        now.startTicks(),
        Instant.EPOCH,
        owner,
        now.startStack(),
        ProgramFile.UNKNOWN,
        now.parent());
  }

  private static byte[] lines(Path proc, Path passwd, ProcessRef... processes) throws IOException {
    Map<SocketKey, SocketOwners> owners = new HashMap<>();
    for (ProcessRef it : processes) {
      Endpoint at = new Endpoint("", Protocol.TCP, "0.0.0.0", it.pid());
      owners.put(new SocketKey(it.pid(), 0, at), new SocketOwners(List.of(it), true));
    }
    ByteArrayOutputStream lines = new ByteArrayOutputStream();
    OwnerProcesses.append(proc, passwd, new OwnerCache("", owners, Set.of()), lines);
    return lines.toByteArray();
  }

  private byte[] lines(ProcessRef... processes) throws IOException {
    return lines(proc.path(), directory.resolve("passwd"), processes);
  }

  private static boolean areSame(Path proc, byte[] lines) {
    ByteArrayOutputStream now = new ByteArrayOutputStream();
    try {
      OwnerProcesses.append(proc, lines, 0, now);
    } catch (IOException e) {
      return false;
    }
    return Arrays.equals(now.toByteArray(), lines);
  }

  private boolean areSame(byte[] lines) {
    return areSame(proc.path(), lines);
  }

  @Test
  void arePidStartAddressesAndUser() throws IOException {
    byte[] lines = lines(known);
    Object user = Files.getAttribute(proc.path(), "unix:uid");
    String line = "700 1000 94 95 140725 " + user + " /usr/sbin/httpd\nend\n";
    assertEquals(line, new String(lines, UTF_8));
    assertTrue(areSame(lines));
    assertTrue(areSame(lines()));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "' 1000 4096' | ' 1001 4096'", // another process
        "140725 | 140726", // execve(2)
      })
  void areNotSameAfter(String old, String changed) throws IOException {
    byte[] lines = lines(known);
    assertTrue(STAT.contains(old));
    proc.write("700/stat", STAT.replace(old, changed));
    assertFalse(areSame(lines));
    assertThrows(IOException.class, () -> lines(known));
  }

  @Test
  void areNotSameAfterEnd() throws IOException {
    byte[] lines = lines(known);
    proc.end(700);
    assertFalse(areSame(lines));
    assertThrows(IOException.class, () -> lines(known));
  }

  /** A process can set the addresses of another program to those of the first (prctl(2)). */
  @Test
  void areNotThoseOfAnotherProgram() throws IOException {
    byte[] lines = lines(known);
    proc.link("700/exe", "/tmp/httpd");
    assertFalse(areSame(lines));
    assertThrows(IOException.class, () -> lines(known));
  }

  @Test
  void areNotSameIfCutShort() throws IOException {
    byte[] lines = lines(known);
    for (int length = 0; length < lines.length; length++) {
      assertFalse(areSame(Arrays.copyOf(lines, length)), "length " + length);
    }
  }

  /** A process of this host that executes another program, or becomes another user. */
  @ParameterizedTest
  @CsvSource({"sh, read line; exec sleep 60", "perl, <STDIN>; $> = 65534; sleep 60"})
  void changeWithProgramAndUser(String program, String text) throws Exception {
    assumeTrue(!program.equals("perl") || isRoot(), "only root can become another user");
    String option = program.equals("perl") ? "-e" : "-c";
    Process child = new ProcessBuilder(program, option, text).redirectErrorStream(true).start();
    try {
      Path real = Path.of("/proc");
      Path passwd = Path.of("/etc/passwd");
      int pid = (int) child.pid();
      RunningProcess now = new ProcessReader(real, passwd).running(pid);
      byte[] lines = lines(real, passwd, process(pid, now.user(), now));
      assertTrue(areSame(real, lines));
      child.getOutputStream().write('\n');
      child.getOutputStream().flush();
      long deadline = System.nanoTime() + Duration.ofSeconds(20).toNanos();
      while (areSame(real, lines) && System.nanoTime() < deadline) {
        Thread.sleep(10);
      }
      assertFalse(areSame(real, lines));
      assertEquals(now.startTicks(), new ProcessReader(real, passwd).running(pid).startTicks());
    } finally {
      child.destroyForcibly().waitFor();
    }
  }

  private static boolean isRoot() throws IOException {
    return (int) Files.getAttribute(Path.of("/proc/self"), "unix:uid") == 0;
  }
}
