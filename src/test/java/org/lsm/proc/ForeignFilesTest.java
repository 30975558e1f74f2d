package org.lsm.proc;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.lsm.model.OwnerCache.StuckReader;
import org.lsm.model.ProgramFile;
import org.lsm.proc.ForeignFiles.Attributes;

class ForeignFilesTest {

  private static final int SELF = (int) ProcessHandle.current().pid();

  @TempDir private Path folder;
  private ProcessReader processes;

  @BeforeEach
  void readProc() throws IOException {
    processes = new ProcessReader(Path.of("/proc"), Path.of("/etc/passwd"));
  }

  private static RunningProcess process(int pid, long uid) {
    return new RunningProcess(
        pid, 1, 1, 1, uid, "user" + uid, Path.of("/proc", "" + SELF, "exe"), "/bin/x");
  }

  /** Writes stat and head, which run this command. */
  private ForeignFiles with(String command) throws IOException {
    for (String name : List.of("stat", "head")) {
      Path program = Files.writeString(folder.resolve(name), "#!/bin/sh\n" + command + "\n");
      Files.setPosixFilePermissions(program, PosixFilePermissions.fromString("rwxr-xr-x"));
    }
    return new ForeignFiles(processes, Set.of(), folder);
  }

  @Test
  void readsAttributes() throws IOException {
    Path open = Files.createDirectory(folder.resolve("a\n b"));
    Files.setPosixFilePermissions(open, PosixFilePermissions.fromString("rwxrwxrwx"));
    String missing = folder.resolve("missing").toString();
    ForeignFiles files = new ForeignFiles(processes, Set.of());
    Map<RunningProcess, List<String>> names =
        Map.of(process(1, 0), List.of("/etc/passwd", open.toString(), missing));

    Map<String, Attributes> attributes = files.attributes(names);

    assertEquals(Set.of("/etc/passwd", open.toString()), attributes.keySet());
    ProgramFile passwd = attributes.get("/etc/passwd").file();
    Map<String, Object> unix = Files.readAttributes(Path.of("/etc/passwd"), "unix:ino,size,dev");
    assertEquals(
        List.of(unix.get("ino"), unix.get("size")), List.of(passwd.inode(), passwd.size()));
    assertFalse(attributes.get("/etc/passwd").worldWritable());
    assertTrue(attributes.get(open.toString()).worldWritable());
    assertEquals(attributes, files.attributes(names), "it is known");
    assertEquals(List.of(), files.reasons());
  }

  @Test
  void waitsForNobody() throws IOException {
    ForeignFiles files = with("exec sleep 60");
    RunningProcess one = process(7, 1000);
    RunningProcess two = process(8, 1000);
    long start = System.nanoTime();
    Map<RunningProcess, List<String>> names = new LinkedHashMap<>();
    names.put(one, List.of("/etc/passwd"));
    names.put(two, List.of("/etc/passwd"));
    assertEquals(Map.of(), files.attributes(names));
    assertEquals("", files.commandLine(one), "of the same user, at once");
    assertTrue(System.nanoTime() - start < 30_000_000_000L);
    assertTrue(files.isUnread(one) && files.isUnread(two));
    assertFalse(files.isUnread(process(9, 1001)));
    assertEquals(
        List.of(
            "PID 7 and 8 of user user1000: a file system of theirs does not answer; see"
                + " /proc/7/mounts"),
        files.reasons());
    assertEquals(Set.of(), files.stuck(), "it could be killed");
  }

  @Test
  void limitsReasons() throws IOException {
    ForeignFiles files = with("exec sleep 60");
    Map<RunningProcess, List<String>> names = new LinkedHashMap<>();
    for (int uid = 1; uid <= 7; uid++) {
      for (int pid = 10 * uid; pid < 10 * uid + uid; pid++) {
        names.put(process(pid, uid), List.of("/"));
      }
    }
    files.attributes(names);
    List<String> reasons = files.reasons();
    assertEquals(6, reasons.size());
    assertTrue(reasons.get(0).startsWith("PID 10 of user user1: its file system does not answer;"));
    assertTrue(reasons.get(4).startsWith("PID 50, 51 and 3 more of user user5: a file system of"));
    assertEquals("2 more users have such processes", reasons.get(5));
  }

  /** While one that was left behind waits, no other one is started. */
  @Test
  void asksNoUserTwice() throws IOException {
    StuckReader waiting = new StuckReader(1000, SELF, processes.startTicks(SELF));
    StuckReader ended = new StuckReader(1001, SELF, 1);
    ForeignFiles files = new ForeignFiles(processes, Set.of(waiting, ended));
    assertEquals(Set.of(waiting), files.stuck());
    assertEquals(Map.of(), files.attributes(Map.of(process(7, 1000), List.of("/etc"))));
    assertTrue(files.isUnread(process(7, 1000)));
    assertEquals(
        Set.of("/etc"), files.attributes(Map.of(process(8, 1001), List.of("/etc"))).keySet());
  }

  @Test
  void saysWhatCannotBeRun() throws IOException {
    ForeignFiles files = new ForeignFiles(processes, Set.of(), folder.resolve("missing"));
    assertEquals("", files.commandLine(process(7, 1000)));
    assertTrue(files.isUnread(process(7, 1000)));
    assertEquals(
        List.of(
            "not all processes can be identified, as "
                + folder.resolve("missing/head")
                + " cannot be run"),
        files.reasons());
  }

  /** Anybody can have processes of thousands of users. */
  @Test
  void startsAHundredAtATime() throws IOException {
    ForeignFiles files = new ForeignFiles(processes, Set.of());
    Map<RunningProcess, List<String>> names = new LinkedHashMap<>();
    for (int uid = 1; uid <= 150; uid++) {
      names.put(process(uid, uid), List.of("/proc/" + SELF + "/../" + SELF + "/exe"));
    }
    files.attributes(names);
    assertEquals(50, names.keySet().stream().filter(files::isUnread).count());
    assertEquals(
        List.of("there was no time to identify all processes; see which users run so many"),
        files.reasons());
  }
}
