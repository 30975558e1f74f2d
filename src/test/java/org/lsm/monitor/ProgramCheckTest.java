package org.lsm.monitor;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.MessageDigest;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.lsm.alert.History;
import org.lsm.channel.ExternalCommand;
import org.lsm.model.Diff;
import org.lsm.model.Difference;
import org.lsm.model.DifferenceType;
import org.lsm.model.Endpoint;
import org.lsm.model.HostInfo;
import org.lsm.model.Owner;
import org.lsm.model.ProcessRef;
import org.lsm.model.ProgramDigest;
import org.lsm.model.ProgramFile;
import org.lsm.model.Snapshot;
import org.lsm.model.SocketEntry;
import org.lsm.model.SocketOwners;
import org.lsm.storage.StateDirectory;

/** Real files, and the tools that read them; only dpkg is a table. */
class ProgramCheckTest {

  private static final HostInfo HOST = new HostInfo("web1", "6.1.0", Instant.EPOCH, "1.0.0");
  private static final Duration NO_WAIT = Duration.ZERO;

  @TempDir private Path folder;
  private Path app;
  private Path state;
  private long ctime; // of all files: a clock that only changes move on
  private final List<String> started = new ArrayList<>();
  private final Map<String, String> dpkg = new HashMap<>();

  @BeforeEach
  void makeProgram() throws IOException {
    state = folder.resolve("state");
    StateDirectory.create(state);
    app = Files.writeString(folder.resolve("app"), "one");
  }

  // ---- whether a program was replaced

  @Test
  void sameFileStartsNothing() throws IOException {
    ProgramCheck check = check(baseline(process(1, app)));
    assertEquals(List.of(), replaced(check, process(2, app)));
    assertEquals(List.of(), started);
    assertEquals(List.of(), check.notes());
  }

  @Test
  void copyOfSameContentIsReadOnce() throws IOException {
    List<ProgramDigest> programs = baseline(process(1, app));
    replace(app, "one");
    ProgramCheck check = check(programs);
    assertEquals(List.of(), replaced(check, process(2, app), process(3, app)));
    assertEquals(List.of("sha256sum"), started);
    assertEquals("", store(check));
    started.clear();
    assertEquals(List.of(), replaced(check(programs), process(2, app)));
    assertEquals(List.of(), started);
  }

  @Test
  void otherContentIsReplacedAndReadOnce() throws IOException {
    List<ProgramDigest> programs = baseline(process(1, app));
    replace(app, "two");
    ProgramCheck check = check(programs);
    assertEquals(List.of("tcp/0.0.0.0:2"), replaced(check, process(2, app)));
    assertEquals(List.of("sha256sum", "dpkg-query", "dpkg-query", "rpm"), started);
    store(check);
    started.clear();
    assertEquals(List.of("tcp/0.0.0.0:2"), replaced(check(programs), process(2, app)));
    assertEquals(List.of("dpkg-query", "dpkg-query", "rpm"), started);
  }

  @Test
  void putBackIsNotReplaced() throws IOException {
    List<ProgramDigest> programs = baseline(process(1, app));
    replace(app, "two");
    assertEquals(List.of("tcp/0.0.0.0:2"), replaced(check(programs), process(2, app)));
    replace(app, "one");
    assertEquals(List.of(), replaced(check(programs), process(2, app)));
  }

  @Test
  void onlyTheProgramsOfTheBaselineCount() throws IOException {
    List<ProgramDigest> programs = baseline(process(1, app));
    Path other = Files.writeString(folder.resolve("other"), "two");
    ProcessRef hidden = process(3, app, ProgramFile.UNKNOWN);
    assertEquals(List.of(), replaced(check(programs), process(2, other), hidden));
    assertEquals(List.of(), started);
  }

  @Test
  void endedProcessIsUnknown() throws IOException {
    List<ProgramDigest> programs = baseline(process(1, app));
    replace(app, "two");
    ProcessRef ended = process(2, app);
    Files.delete(folder.resolve("proc/2/exe"));
    Files.delete(folder.resolve("proc/2/stat"));
    assertEquals(List.of(), replaced(check(programs), ended));
  }

  @Test
  void unreadableFileCountsAsReplaced() throws IOException {
    List<ProgramDigest> programs = baseline(process(1, app));
    replace(app, "two");
    ProcessRef process = process(2, app);
    Files.delete(folder.resolve("proc/2/exe"));
    ProgramCheck check = check(programs);
    assertEquals(List.of("tcp/0.0.0.0:2"), replaced(check, process));
    assertEquals(List.of("1 program file could not be read"), check.notes());
  }

  @Test
  void readsTheFileThatWasFoundOnly() throws IOException {
    List<ProgramDigest> programs = baseline(process(1, app));
    Path copy = Files.copy(app, folder.resolve("copy"));
    replace(app, "two");
    ProcessRef process = process(2, app);
    link(2, copy); // it executes the old content by now
    assertEquals(List.of("tcp/0.0.0.0:2"), replaced(check(programs), process));
  }

  // ---- packages

  @Test
  void upgradeByPackageIsRecordedOnce() throws Exception {
    List<ProgramDigest> programs = baseline(process(1, app));
    replace(app, "two");
    install("two");
    ProgramCheck check = check(programs);
    assertEquals(List.of(), replaced(check, process(2, app), process(3, app)));
    assertEquals(app + " is a new file of package app", store(check));
    assertEquals("", store(check(programs)));
    started.clear();
    assertEquals(List.of(), replaced(check(programs), process(2, app)));
    assertEquals(List.of(), started);
  }

  @Test
  void olderPackageStillRunsAfterAnUpgrade() throws Exception {
    List<ProgramDigest> programs = baseline(process(1, app));
    replace(app, "two");
    install("two");
    ProcessRef second = process(2, app);
    ProgramCheck check = check(programs);
    assertEquals(List.of(), replaced(check, second));
    store(check);
    Path deleted = Files.createLink(folder.resolve("deleted"), app);
    replace(app, "three");
    install("three");
    ProcessRef third = process(3, app);
    link(2, deleted);
    check = check(programs);
    assertEquals(List.of(), replaced(check, second, third));
    assertEquals(app + " is a new file of package app", store(check));
    ProcessRef deletedNow = process(2, app, file(deleted));
    link(2, deleted);
    assertEquals(List.of(), replaced(check(programs), deletedNow, third));
  }

  @Test
  void changedAfterUpgradeIsReplaced() throws Exception {
    List<ProgramDigest> programs = baseline(process(1, app));
    replace(app, "two");
    install("two");
    ProgramCheck check = check(programs);
    replaced(check, process(2, app));
    store(check);
    replace(app, "evil");
    assertEquals(List.of("tcp/0.0.0.0:3"), replaced(check(programs), process(3, app)));
  }

  // ---- renamed files

  @Test
  void renamedFileHasItsOldPath() throws IOException {
    List<ProgramDigest> programs = baseline(process(1, app));
    Path old = Files.move(app, folder.resolve("app.old"));
    ctime++;
    replace(app, "two");
    ProgramCheck check = check(programs);
    assertEquals(
        "[" + app + ", " + app + "]", programs(check, process(1, old), process(2, app)).toString());
    assertEquals(List.of("sha256sum"), started);
  }

  @Test
  void fileWithReusedInodeKeepsItsPath() throws IOException {
    List<ProgramDigest> programs = baseline(process(1, app));
    Path evil = Files.move(app, folder.resolve("evil"));
    Files.writeString(evil, "two"); // the same inode and size
    ctime++;
    assertEquals("[" + evil + "]", programs(check(programs), process(1, evil)).toString());
  }

  @Test
  void otherFilesAreNotRead() throws IOException {
    List<ProgramDigest> programs = baseline(process(1, app));
    Path copy = Files.copy(app, folder.resolve("copy"));
    ProgramCheck check = check(programs);
    ProcessRef hidden = process(3, copy, ProgramFile.UNKNOWN);
    assertEquals(
        "[" + copy + ", " + copy + "]", programs(check, process(2, copy), hidden).toString());
    assertEquals(List.of(), started);
  }

  @Test
  void renamedFileOfEndedProcessKeepsItsPath() throws IOException {
    List<ProgramDigest> programs = baseline(process(1, app));
    Path old = Files.move(app, folder.resolve("app.old"));
    ctime++;
    ProcessRef ended = process(1, old);
    Files.delete(folder.resolve("proc/1/exe"));
    Files.delete(folder.resolve("proc/1/stat"));
    assertEquals("[" + old + "]", programs(check(programs), ended).toString());
  }

  @Test
  void programThatLeftTheBaselineGivesNoPath() throws Exception {
    List<ProgramDigest> programs = baseline(process(1, app));
    replace(app, "one");
    ProgramCheck check = check(programs);
    replaced(check, process(1, app));
    store(check);
    Path other = Files.writeString(folder.resolve("other"), "x");
    programs = baseline(process(2, other));
    Path old = Files.move(app, folder.resolve("app.old"));
    assertEquals("[" + old + "]", programs(check(programs), process(1, old)).toString());
  }

  /** A process that waits for a file system for good would be left behind by each run. */
  @Test
  void fileThatHangsIsNotReadAgain() throws Exception {
    List<ProgramDigest> programs = baseline(process(1, app));
    Files.delete(app);
    new ProcessBuilder("mkfifo", app.toString()).start().waitFor();
    ctime++;
    ProgramCheck check = check(programs);
    assertEquals(List.of("tcp/0.0.0.0:2"), replaced(check, process(2, app)));
    assertEquals(List.of("1 program file could not be read"), check.notes());
    store(check);
    started.clear();
    assertEquals(List.of("tcp/0.0.0.0:2"), replaced(check(programs), process(2, app)));
    assertEquals(List.of(), started);
  }

  // ---- the baseline

  @Test
  void acceptTakesTheFilesOfAcceptedPrograms() throws Exception {
    Path other = Files.writeString(folder.resolve("other"), "x");
    Snapshot old = snapshot(process(1, app), process(2, other), process(4, app));
    Snapshot baseline = old.with(baseline(process(1, app), process(2, other)));
    replace(app, "two");
    replace(other, "y");
    Snapshot now = snapshot(process(1, app), process(2, other), process(4, app));
    ProgramCheck check = check(baseline.programs());
    Diff diff = new Diff(List.of()).withReplaced(check.replaced(now));
    assertEquals(3, diff.differences().size());
    Diff chosen = check.withSamePrograms(new Diff(diff.differences().subList(0, 1)), diff);
    assertEquals(
        List.of("tcp/0.0.0.0:1", "tcp/0.0.0.0:4"),
        chosen.differences().stream().map(it -> it.endpoint().toString()).toList());
    Snapshot next = check.addPrograms(baseline, now, chosen.programs()::contains);
    assertEquals(List.of("two", "x"), contents(next));
    assertEquals(List.of("tcp/0.0.0.0:2"), replaced(check(next.programs()), entries(now)));
  }

  @Test
  void programsWithoutSocketsLeaveTheBaseline() throws Exception {
    Path other = Files.writeString(folder.resolve("other"), "x");
    List<ProgramDigest> programs = baseline(process(1, app), process(2, other));
    Snapshot next = snapshot(process(1, app)).with(programs);
    SocketEntry entry = snapshot(process(2, other)).sockets().values().iterator().next();
    Diff gone = new Diff(List.of(new Difference(DifferenceType.GONE, entry, entry)));
    assertEquals(
        List.of("one"),
        contents(
            check(programs)
                .addPrograms(next, snapshot(process(1, app)), gone.programs()::contains)));
  }

  @Test
  void missingToolsLeaveTheContentOpen() throws IOException {
    ProgramCheck check =
        new ProgramCheck(
            List.of(),
            state,
            folder.resolve("proc"),
            (command, timeout) -> {
              throw new IOException("there is no program " + command.get(0));
            });
    Snapshot found = snapshot(process(1, app));
    List<ProgramDigest> programs = check.addPrograms(found, found, path -> true).programs();
    assertEquals(List.of(""), programs.stream().map(ProgramDigest::sha256).toList());
    assertEquals(List.of("1 program file could not be read"), check.notes());
    assertEquals(List.of(), replaced(check(programs), process(1, app)));
    replace(app, "one");
    assertEquals(List.of("tcp/0.0.0.0:1"), replaced(check(programs), process(1, app)));
  }

  // ---- helpers

  private ProgramCheck check(List<ProgramDigest> programs) {
    return new ProgramCheck(
        programs,
        state,
        folder.resolve("proc"),
        (command, timeout) -> {
          boolean isScript = command.get(0).equals("/bin/sh");
          String tool = isScript ? command.get(4) : command.get(0).replaceAll(".*/", "");
          started.add(tool);
          if (!isScript) {
            return dpkg.getOrDefault(String.join(" ", command), "");
          }
          return new ExternalCommand(Path.of("/bin/sh"), timeout)
              .run(command.subList(1, command.size()), new byte[0], Map.of());
        });
  }

  /** The files of processes as a baseline has them. */
  private List<ProgramDigest> baseline(ProcessRef... processes) throws IOException {
    Snapshot found = snapshot(processes);
    List<ProgramDigest> programs =
        check(List.of()).addPrograms(found, found, path -> true).programs();
    started.clear();
    return programs;
  }

  private ProcessRef process(int pid, Path program) throws IOException {
    link(pid, program);
    Files.writeString(folder.resolve("proc/" + pid + "/stat"), "");
    return process(pid, program, file(program));
  }

  private ProgramFile file(Path path) throws IOException {
    Map<String, Object> numbers = Files.readAttributes(path, "unix:dev,ino,size");
    return new ProgramFile(
        (long) numbers.get("dev"), (long) numbers.get("ino"), (long) numbers.get("size"), ctime);
  }

  private static ProcessRef process(int pid, Path program, ProgramFile file) {
    return new ProcessRef(
        pid, 1, Instant.EPOCH, new Owner("root", program.toString(), ""), 0, file, 0);
  }

  private void link(int pid, Path program) throws IOException {
    Path link = folder.resolve("proc/" + pid + "/exe");
    Files.createDirectories(link.getParent());
    Files.deleteIfExists(link);
    Files.createSymbolicLink(link, program);
  }

  /** As a package manager does it: the new file has another inode. */
  private void replace(Path file, String content) throws IOException {
    ctime++;
    Path temporary = Files.writeString(folder.resolve("new"), content);
    Files.move(temporary, file, StandardCopyOption.REPLACE_EXISTING);
  }

  private void install(String content) throws Exception {
    dpkg.put("/usr/bin/dpkg-query --search " + app, "app: " + app + "\n");
    dpkg.put("/usr/bin/dpkg-query --control-show app md5sums", sum("MD5", content) + "  x/app\n");
  }

  private static String sum(String algorithm, String content) throws Exception {
    MessageDigest digest = MessageDigest.getInstance(algorithm);
    return HexFormat.of().formatHex(digest.digest(content.getBytes(StandardCharsets.UTF_8)));
  }

  private static Snapshot snapshot(ProcessRef... processes) {
    return Snapshot.of(
        HOST,
        Arrays.stream(processes)
            .map(
                it ->
                    SocketEntry.heldBy(
                        Endpoint.of("tcp", "0.0.0.0:" + it.pid()),
                        new SocketOwners(List.of(it), true)))
            .toList());
  }

  private static ProcessRef[] entries(Snapshot snapshot) {
    return snapshot.sockets().values().stream()
        .flatMap(it -> it.processes().stream())
        .toArray(ProcessRef[]::new);
  }

  private static List<String> replaced(ProgramCheck check, ProcessRef... processes) {
    return check.replaced(snapshot(processes)).stream()
        .map(it -> it.endpoint().toString())
        .toList();
  }

  /** The programs of processes once renamed files have their old path. */
  private static List<String> programs(ProgramCheck check, ProcessRef... processes) {
    return check.withOldPaths(snapshot(processes)).sockets().values().stream()
        .flatMap(it -> it.owners().stream())
        .map(Owner::program)
        .toList();
  }

  private static List<String> contents(Snapshot snapshot) throws Exception {
    Map<String, String> contents = new HashMap<>();
    for (String it : List.of("one", "two", "x", "y")) {
      contents.put(sum("SHA-256", it), it);
    }
    return snapshot.programs().stream().map(it -> contents.get(it.sha256())).toList();
  }

  /** Stores what a check found out, and returns what it adds to the history. */
  private String store(ProgramCheck check) throws IOException {
    Path log = state.resolve("history.jsonl");
    Files.deleteIfExists(log);
    History history =
        new History(state, Clock.systemUTC(), "root", error -> assertEquals("", error));
    try (StateDirectory directory = StateDirectory.open(state, NO_WAIT)) {
      check.store(directory, history, HOST);
    }
    List<String> texts = history.since(Instant.EPOCH).stream().map(History.Event::what).toList();
    assertFalse(texts.size() > 1, texts.toString());
    return String.join("", texts);
  }
}
