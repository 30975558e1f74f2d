package org.lsm.storage;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.FutureTask;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.lsm.model.Endpoint;
import org.lsm.model.HostInfo;
import org.lsm.model.Owner;
import org.lsm.model.OwnerCache;
import org.lsm.model.ProgramDigest;
import org.lsm.model.ProgramFile;
import org.lsm.model.Snapshot;
import org.lsm.model.SocketEntry;
import org.lsm.model.SocketOwners;
import org.lsm.storage.StateDirectory.NoBaselineException;

class StateDirectoryTest {

  @TempDir private Path folder;
  private Path directory;

  @BeforeEach
  void setDirectory() {
    directory = folder.resolve("lib/lsm");
  }

  @Test
  void createsDirectoriesWithMode0700() throws IOException {
    StateDirectory.create(directory);
    assertEquals("rwx------", mode(directory));
    assertEquals("rwx------", mode(directory.getParent()));
  }

  @Test
  void keepsExistingDirectory() throws IOException {
    StateDirectory.create(directory);
    Files.writeString(directory.resolve("baseline"), "kept");
    StateDirectory.create(directory);
    assertEquals("kept", Files.readString(directory.resolve("baseline")));
  }

  @Test
  void namesFileInItsPlace() throws IOException {
    Files.createDirectories(directory.getParent());
    Files.writeString(directory, "");
    FileAlreadyExistsException e =
        assertThrows(FileAlreadyExistsException.class, () -> StateDirectory.create(directory));
    assertEquals(directory.toString(), e.getFile());
  }

  @Test
  void cannotOpenMissingDirectory() {
    IOException e =
        assertThrows(IOException.class, () -> StateDirectory.open(directory, Duration.ZERO));
    assertEquals(
        "there is no state directory "
            + directory
            + "; run 'lsm generate' to create it and take a baseline",
        e.getMessage());
  }

  @Test
  void namesFileAmongParents() throws IOException {
    Path file = Files.writeString(folder.resolve("lib"), "");
    FileSystemException e =
        assertThrows(FileSystemException.class, () -> StateDirectory.create(directory));
    assertEquals(file.toString(), e.getFile().substring(0, file.toString().length()));
  }

  @Test
  void knowsPathsOfFiles() throws IOException {
    StateDirectory.create(directory);
    try (StateDirectory state = open()) {
      assertEquals(directory.resolve("baseline"), state.baseline());
    }
    assertEquals("baseline", StateDirectory.BASELINE);
    assertEquals("alert-state", StateDirectory.ALERT_STATE);
    assertEquals("sentry-state", StateDirectory.SENTRY_STATE);
    assertEquals("last-compare", StateDirectory.LAST_COMPARE);
  }

  @Test
  void explainsMissingBaseline() throws IOException {
    StateDirectory.create(directory);
    try (StateDirectory state = open()) {
      NoBaselineException e = assertThrows(NoBaselineException.class, state::readBaseline);
      assertEquals(
          "there is no baseline "
              + directory.resolve("baseline")
              + "; if none was taken yet, run 'lsm generate'",
          e.getMessage());
    }
  }

  @Test
  void keepsReplacedDamagedBaseline() throws IOException {
    StateDirectory.create(directory);
    Files.writeString(directory.resolve("baseline"), "damaged");
    try (StateDirectory state = open()) {
      NoBaselineException e = assertThrows(NoBaselineException.class, state::readBaseline);
      assertEquals(
          directory.resolve("baseline")
              + ": not an lsm-snapshot file"
              + "; restore it from a backup or a predecessor, or run 'lsm generate' to replace it",
          e.getMessage());
      state.storeBaseline(snapshot(1));
      assertEquals(snapshot(1), state.readBaseline());
    }
    assertEquals("damaged", Files.readString(directory.resolve("baseline.1")));
  }

  @Test
  void keepsFivePredecessors() throws IOException {
    StateDirectory.create(directory);
    try (StateDirectory state = open()) {
      for (int i = 1; i <= 8; i++) {
        state.storeBaseline(snapshot(i));
        assertEquals(snapshot(i), state.readBaseline());
      }
    }
    assertEquals(
        List.of(
            "baseline",
            "baseline.1",
            "baseline.2",
            "baseline.3",
            "baseline.4",
            "baseline.5",
            "lock"),
        list());
    for (int age = 1; age <= 5; age++) {
      assertEquals(snapshot(8 - age), SnapshotFile.read(directory.resolve("baseline." + age)));
    }
  }

  @Test
  void alwaysHasCompleteBaseline() throws Exception {
    StateDirectory.create(directory);
    try (StateDirectory state = open()) {
      state.storeBaseline(snapshot(1));
      AtomicBoolean stored = new AtomicBoolean();
      FutureTask<Void> reader =
          new FutureTask<>(
              () -> {
                while (!stored.get()) {
                  state.readBaseline();
                }
                return null;
              });
      new Thread(reader).start();
      for (int i = 0; i < 300; i++) {
        state.storeBaseline(snapshot(1));
      }
      stored.set(true);
      reader.get(); // throws what the reader threw
    }
  }

  @Test
  void toleratesMissingPredecessor() throws IOException {
    StateDirectory.create(directory);
    try (StateDirectory state = open()) {
      for (int i = 1; i <= 6; i++) {
        state.storeBaseline(snapshot(i));
      }
      Files.delete(directory.resolve("baseline.2"));
      state.storeBaseline(snapshot(7));
    }
    assertEquals(
        List.of("baseline", "baseline.1", "baseline.2", "baseline.4", "baseline.5", "lock"),
        list());
    assertEquals(snapshot(6), SnapshotFile.read(directory.resolve("baseline.1")));
    assertEquals(snapshot(5), SnapshotFile.read(directory.resolve("baseline.2")));
    assertEquals(snapshot(3), SnapshotFile.read(directory.resolve("baseline.4")));
    assertEquals(snapshot(2), SnapshotFile.read(directory.resolve("baseline.5")));
  }

  /** A run may be killed between any two steps; the next run continues from there. */
  @Test
  void survivesKilledStore() throws IOException {
    StateDirectory.create(directory);
    try (StateDirectory state = open()) {
      state.storeBaseline(snapshot(1));
      Files.createLink(directory.resolve("baseline.1"), state.baseline());
      SnapshotFile.format(snapshot(2)).write(directory.resolve("baseline.next"));
      assertEquals(snapshot(1), state.readBaseline());
      state.storeBaseline(snapshot(3));
      assertEquals(snapshot(3), state.readBaseline());
    }
    assertEquals(List.of("baseline", "baseline.1", "baseline.2", "lock"), list());
    assertEquals(snapshot(1), SnapshotFile.read(directory.resolve("baseline.1")));
    assertEquals(snapshot(1), SnapshotFile.read(directory.resolve("baseline.2")));
  }

  @Test
  void keepsBaselinesIfWriteFails() throws IOException {
    StateDirectory.create(directory);
    try (StateDirectory state = open()) {
      state.storeBaseline(snapshot(1));
      state.storeBaseline(snapshot(2));
      Files.createDirectories(directory.resolve(".baseline.next.tmp/full"));
      assertThrows(FileSystemException.class, () -> state.storeBaseline(snapshot(3)));
      assertEquals(snapshot(2), state.readBaseline());
    }
    assertEquals(snapshot(1), SnapshotFile.read(directory.resolve("baseline.1")));
    assertEquals(List.of(".baseline.next.tmp", "baseline", "baseline.1", "lock"), list());
  }

  @Test
  void deletesAllBaselines() throws IOException {
    StateDirectory.create(directory);
    Files.writeString(directory.resolve("other"), "kept");
    try (StateDirectory state = open()) {
      assertEquals(List.of(), state.deleteAll());
      for (int i = 1; i <= 3; i++) {
        state.storeBaseline(snapshot(i));
      }
      assertEquals(
          List.of(
              directory.resolve("baseline"),
              directory.resolve("baseline.1"),
              directory.resolve("baseline.2")),
          state.deleteAll());
      assertThrows(NoBaselineException.class, state::readBaseline);
    }
    assertEquals(List.of("lock", "other"), list());
  }

  @ParameterizedTest
  @ValueSource(strings = {"000", "022", "077", "277"})
  void ignoresUmask(String umask) throws Exception {
    Process other = LockHolder.start(umask, directory);
    try {
      assertEquals("rwx------", mode(directory));
      assertEquals("rw-------", mode(directory.resolve("lock")));
      assertEquals("rw-------", mode(directory.resolve("baseline")));
    } finally {
      other.destroyForcibly().waitFor();
    }
  }

  @Test
  void isLockedWhileOtherProcessRuns() throws Exception {
    Process other = LockHolder.start("022", directory);
    try {
      assertThrows(IOException.class, this::open);
    } finally {
      other.destroyForcibly().waitFor();
    }
    try (StateDirectory state = open()) {
      assertEquals("other", state.readBaseline().hostInfo().host());
    }
  }

  /** An unchanged cache is not written again, which spares the disk. */
  @Test
  void storesChangedOwnerCacheOnly() throws IOException {
    StateDirectory.create(directory);
    Path file = directory.resolve("owner-cache");
    OwnerCache cache = new OwnerCache("boot 1", Map.of(), Set.of());
    try (StateDirectory state = open()) {
      assertEquals(OwnerCache.EMPTY, StateDirectory.readOwnerCache(directory));
      state.storeOwnerCache(OwnerCache.EMPTY, OwnerCache.EMPTY);
      assertFalse(Files.exists(file));
      state.storeOwnerCache(cache, OwnerCache.EMPTY);
      assertEquals(cache, StateDirectory.readOwnerCache(directory));
      Object inode = Files.getAttribute(file, "unix:ino");
      state.storeOwnerCache(new OwnerCache("boot 1", Map.of(), Set.of()), cache);
      assertEquals(inode, Files.getAttribute(file, "unix:ino"));
      state.deleteAll();
      assertFalse(Files.exists(file));
    }
  }

  /** Together they have at most 32 MiB, and each one at most 16. */
  @Test
  void dropsOldestBaselinesWhereAllAreTooLarge() throws Exception {
    StateDirectory.create(directory);
    try (StateDirectory state = open()) {
      for (int number = 1; number <= 3; number++) {
        state.storeBaseline(snapshot(number));
      }
      state.storeBaseline(large(25_000));
      assertEquals(List.of("baseline", "baseline.1", "baseline.2", "baseline.3"), baselines());
      state.storeBaseline(large(25_001));
      state.storeBaseline(large(25_002));
      assertEquals(List.of("baseline", "baseline.1"), baselines());
      assertEquals(large(25_002), state.readBaseline());

      IOException e = assertThrows(IOException.class, () -> state.storeBaseline(large(40_000)));
      assertTrue(e.getMessage().contains("baseline.next would be larger than 16 MiB; 'lsm list'"));
      assertEquals(large(25_002), state.readBaseline());
      assertEquals(List.of("baseline", "baseline.1"), baselines());
    }
  }

  private List<String> baselines() throws IOException {
    return list().stream().filter(it -> it.startsWith("baseline")).toList();
  }

  /** A snapshot with so many owners of 600 bytes. */
  private static Snapshot large(int owners) {
    TreeSet<Owner> all = new TreeSet<>();
    IntStream.range(0, owners).forEach(it -> all.add(new Owner("joe", "/x".repeat(250) + it)));
    SocketEntry entry = new SocketEntry(Endpoint.of("tcp", "0.0.0.0:1"), all, List.of());
    return Snapshot.of(new HostInfo("a", "6.1.0", Instant.EPOCH, "1.0.0"), List.of(entry));
  }

  @Test
  void largeBaselineIsDamaged() throws Exception {
    StateDirectory.create(directory);
    try (RandomAccessFile file =
        new RandomAccessFile(directory.resolve("baseline").toFile(), "rw")) {
      file.setLength(1L << 40);
    }
    IOException e = assertThrows(IOException.class, () -> StateDirectory.readBaseline(directory));
    assertTrue(e.getMessage().contains("baseline: damaged, it is larger than 16 MiB; restore it"));
  }

  @Test
  void keepsProgramsUntilAllIsDeleted() throws IOException {
    StateDirectory.create(directory);
    ProgramFile file = new ProgramFile(2049, 131, 1067, -1);
    List<ProgramDigest> programs =
        List.of(
            new ProgramDigest("/opt/a\tb", file, "ab".repeat(32), true),
            new ProgramDigest("/opt/app", file, "", false));
    assertEquals(List.of(), StateDirectory.readProgramCache(directory));
    try (StateDirectory state = open()) {
      state.storeProgramCache(snapshot(0).with(programs));
      assertEquals(programs, StateDirectory.readProgramCache(directory));
      Path cache = directory.resolve("program-cache");
      Files.writeString(cache, Files.readString(cache).replace("131", "132"));
      assertEquals(List.of(), StateDirectory.readProgramCache(directory));
      state.deleteAll();
      assertFalse(Files.exists(cache));
    }
  }

  private StateDirectory open() throws IOException {
    return StateDirectory.open(directory, Duration.ZERO);
  }

  private static Snapshot snapshot(int number) {
    return Snapshot.of(
        new HostInfo("host" + number, "6.1.0", Instant.ofEpochSecond(number), "1.0.0"),
        IntStream.rangeClosed(1, number)
            .mapToObj(port -> Endpoint.of("tcp", "0.0.0.0:" + port))
            .map(endpoint -> SocketEntry.heldBy(endpoint, new SocketOwners(List.of(), true)))
            .toList());
  }

  private static String mode(Path path) throws IOException {
    return PosixFilePermissions.toString(Files.getPosixFilePermissions(path));
  }

  private List<String> list() throws IOException {
    try (var paths = Files.list(directory)) {
      return paths.map(path -> path.getFileName().toString()).sorted().toList();
    }
  }
}
