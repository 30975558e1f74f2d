package org.lsm.proc;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
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

  /** A host may have thousands of such descriptors, and starting a program takes milliseconds. */
  @Test
  void findsDescriptorsOfOtherFilesByFewPrograms() throws IOException {
    Path programs = Files.createDirectory(folder.resolve("bin"));
    Path grep = programs.resolve("grep");
    Files.writeString(
        grep, "#!/bin/sh\necho run >>" + folder + "/runs\nexec /usr/bin/env grep \"$@\"\n");
    Files.setPosixFilePermissions(grep, PosixFilePermissions.fromString("rwxr-xr-x"));
    Path fdinfo = Files.createDirectories(folder.resolve("fdinfo"));
    List<Path> descriptors = new ArrayList<>();
    for (int fd = 0; fd < 500; fd++) {
      String mark = fd % 2 == 0 ? "scm_fds: 0\n" : "";
      Files.writeString(fdinfo.resolve("" + fd), "pos:\t0\n" + mark);
      descriptors.add(folder.resolve("fd/" + fd));
    }
    descriptors.add(folder.resolve("fd/closed"));
    ForeignFiles files = new ForeignFiles(processes, Set.of(), programs);

    Set<String> others = files.notUnixSockets(Map.of(process(1, 0), descriptors));

    Set<String> expected = new HashSet<>();
    for (int fd = 1; fd < 500; fd += 2) {
      expected.add(fdinfo.resolve("" + fd).toString());
    }
    assertEquals(expected, others);
    assertTrue(Files.readAllLines(folder.resolve("runs")).size() < 10);
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
    // More of them where two seconds are too short to start a hundred programs.
    assertTrue(names.keySet().stream().filter(files::isUnread).count() >= 50);
    String reason = "there was no time to identify all processes; 'lsm list' shows unknown owners";
    assertEquals(reason, files.reasons().get(0));
  }

  /** Users whose files there was no time to ask for have done nothing. */
  @Test
  void blamesNobodyForLackOfTime() throws IOException {
    ForeignFiles files = with("exec sleep 60");
    for (int uid = 1; uid <= 5; uid++) {
      files.commandLine(process(uid, uid));
    }
    String reasons = String.join("\n", files.reasons());
    assertTrue(reasons.contains("there was no time to identify all processes"), reasons);
    assertFalse(reasons.contains("user5"), reasons);
    assertTrue(files.isUnread(process(5, 5)));
  }

  @Test
  void slowAnswersUseUpTheTime() throws IOException {
    ForeignFiles files = with("sleep 1.5; echo answer");
    for (int pid = 1; pid <= 6; pid++) {
      files.commandLine(process(pid, 1000));
    }
    assertFalse(files.isUnread(process(1, 1000)));
    assertTrue(files.isUnread(process(6, 1000)));
  }

  /** File systems of users report what they like. */
  @ParameterizedTest
  @CsvSource({
    "18446744073709551615 18446744073709551614 5 1.000000000, true",
    "1 18446744073709551616 5 1.000000000, false",
    "1 2 5 99999999999.000000000, false",
    "1 2 5 -1.000000000, true"
  })
  void takesAnyNumber(String numbers, boolean known) throws IOException {
    ForeignFiles files = with("printf '" + numbers + " 0 755 /x\\0'");
    Map<String, Attributes> attributes = files.attributes(Map.of(process(7, 1000), List.of("/x")));
    assertEquals(known ? Set.of("/x") : Set.of(), attributes.keySet());
    for (Attributes it : attributes.values()) {
      assertEquals(it.file(), ProgramFile.parse(it.file().numbers()));
    }
  }

  @Test
  void readsDeepDirectoriesAtOnce() {
    String deep = "/tmp" + "/a".repeat(2000) + "/program";
    RunningProcess process =
        new RunningProcess(7, 1, 1, 1, 1000, "joe", Path.of("/proc/7/exe"), deep);
    List<String> directories = process.directories();
    assertEquals(List.of("/proc/7/root/tmp", "/proc/7/root/tmp/a"), directories.subList(0, 2));
    assertTrue(directories.stream().mapToInt(String::length).sum() < 16_000);
  }
}
