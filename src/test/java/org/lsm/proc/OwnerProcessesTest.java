package org.lsm.proc;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
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

  @BeforeEach
  void makeHost() {
    proc = FakeProc.bare(directory.resolve("proc")).process(700, 33, "/usr/sbin/httpd", 10, 101);
    proc.write("../passwd", "www:x:33:33::/:\n").write("700/stat", STAT);
  }

  private byte[] lines(int... pids) throws IOException {
    Map<SocketKey, SocketOwners> owners = new HashMap<>();
    for (int pid : pids) {
      Owner owner = new Owner("www", "/usr/sbin/httpd");
      ProcessRef process =
          new ProcessRef(pid, 1000, java.time.Instant.EPOCH, owner, 140725, ProgramFile.UNKNOWN, 1);
      SocketKey socket = new SocketKey(pid, 0, new Endpoint("", Protocol.TCP, "0.0.0.0", pid));
      owners.put(socket, new SocketOwners(List.of(process), true));
    }
    return OwnerProcesses.lines(
        proc.path(), directory.resolve("passwd"), new OwnerCache("", owners, Set.of()));
  }

  private boolean areSame(byte[] lines) {
    try {
      return OwnerProcesses.areSame(proc.path(), lines, 0);
    } catch (IOException e) {
      return false;
    }
  }

  @Test
  void arePidStartStackUserAndProgram() throws IOException {
    assertEquals("700 1000 140725 33 /usr/sbin/httpd\nend\n", new String(lines(700), UTF_8));
    assertTrue(areSame(lines(700)));
    assertTrue(areSame(lines()));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "stat   | ' 1000 4096' | ' 1001 4096'", // another process
        "stat   | 140725 | 140726", // execve(2)
        "status | '\t33' | '\t0'", // setuid(2)
      })
  void areNotSameAfter(String file, String old, String changed) throws IOException {
    byte[] lines = lines(700);
    String text = ProcFile.read(proc.path().resolve("700/" + file));
    assertTrue(text.contains(old));
    proc.write("700/" + file, text.replace(old, changed));
    assertFalse(areSame(lines));
    assertThrows(IOException.class, () -> lines(700));
  }

  @Test
  void areNotSameWithAnotherProgram() throws IOException {
    byte[] lines = lines(700);
    proc.link("700/exe", "/tmp/httpd");
    assertFalse(areSame(lines));
    proc.link("700/exe", "/usr/sbin/httpd");
    assertTrue(areSame(lines));
    proc.end(700);
    assertFalse(areSame(lines));
  }

  @Test
  void areNotSameIfCutShort() throws IOException {
    byte[] lines = lines(700);
    for (int length = 0; length < lines.length; length++) {
      assertFalse(areSame(Arrays.copyOf(lines, length)), "length " + length);
    }
  }

  @Test
  void haveNoNewlines() {
    proc.link("700/exe", "/usr/sbin/httpd\nend");
    assertThrows(IOException.class, () -> lines(700));
  }

  @Test
  void areThoseOfThisHost() throws IOException {
    Path real = Path.of("/proc");
    int pid = (int) ProcessHandle.current().pid();
    RunningProcess now = new ProcessReader(real, Path.of("/etc/passwd")).running(pid);
    Owner owner = new Owner(now.user(), now.path());
    ProcessRef process =
        new ProcessRef(
            pid,
            now.startTicks(),
            java.time.Instant.EPOCH,
            owner,
            now.startStack(),
            ProgramFile.UNKNOWN,
            1);
    SocketKey socket = new SocketKey(1, 0, new Endpoint("", Protocol.TCP, "0.0.0.0", 1));
    Map<SocketKey, SocketOwners> owners = Map.of(socket, new SocketOwners(List.of(process), true));
    byte[] lines =
        OwnerProcesses.lines(real, Path.of("/etc/passwd"), new OwnerCache("", owners, Set.of()));
    assertTrue(OwnerProcesses.areSame(real, lines, 0));
  }
}
