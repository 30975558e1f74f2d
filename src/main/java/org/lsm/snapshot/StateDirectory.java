package org.lsm.snapshot;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/**
 * The directory where lsm keeps what it remembers: the baseline with its predecessors, and the last
 * scan. Who has it open holds its lock, so that two runs never interleave.
 */
public final class StateDirectory implements AutoCloseable {

  /** How many replaced baselines are kept, as {@code baseline.1} (the newest) and so on. */
  private static final int PREDECESSORS = 5;

  private static final Duration POLL = Duration.ofMillis(50);

  private final Path directory;
  private final FileChannel lock;
  private ScanState remembered = ScanState.empty();

  private StateDirectory(Path directory, FileChannel lock) {
    this.directory = directory;
    this.lock = lock;
  }

  /** Creates the directory, for its owner alone, if it is missing. */
  public static void create(Path directory) throws IOException {
    if (!Files.isDirectory(directory)) {
      Files.createDirectories(directory, mode("rwx------"));
    }
  }

  /**
   * Opens the directory and takes its lock, which is free again when the directory is closed or the
   * process ends.
   *
   * @param patience how long to wait for another run to end
   * @throws LockedException if the other run did not end in time
   */
  public static StateDirectory open(Path directory, Duration patience) throws IOException {
    if (!Files.isDirectory(directory)) {
      throw new IOException(
          "there is no state directory "
              + directory
              + "; run 'lsm generate' to create it and take a baseline");
    }
    FileChannel lock =
        FileChannel.open(
            directory.resolve("lock"),
            Set.of(
                StandardOpenOption.CREATE,
                StandardOpenOption.READ,
                StandardOpenOption.WRITE,
                LinkOption.NOFOLLOW_LINKS),
            mode("rw-------"));
    try {
      awaitLock(lock, directory, patience);
      lock.truncate(0);
      String pid = ProcessHandle.current().pid() + "\n";
      lock.write(ByteBuffer.wrap(pid.getBytes(StandardCharsets.US_ASCII)), 0);
      return new StateDirectory(directory, lock);
    } catch (IOException e) {
      lock.close();
      throw e;
    }
  }

  @Override
  public void close() throws IOException {
    lock.close();
  }

  private static FileAttribute<?> mode(String permissions) {
    return PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString(permissions));
  }

  private static void awaitLock(FileChannel lock, Path directory, Duration patience)
      throws IOException {
    long deadline = System.nanoTime() + patience.toNanos();
    while (lock.tryLock() == null) {
      if (System.nanoTime() >= deadline) {
        throw new LockedException(directory, holder(lock), patience);
      }
      sleep();
    }
  }

  private static String holder(FileChannel channel) throws IOException {
    ByteBuffer pid = ByteBuffer.allocate(32);
    channel.read(pid, 0);
    return new String(pid.array(), 0, pid.position(), StandardCharsets.US_ASCII).strip();
  }

  private static void sleep() throws IOException {
    try {
      Thread.sleep(POLL.toMillis());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted while waiting for the lock", e);
    }
  }

  /** The path of the baseline, whether there is one or not. */
  public Path baseline() {
    return directory.resolve("baseline");
  }

  /**
   * Reads the baseline.
   *
   * @throws IOException if there is none, or it is damaged
   */
  public Snapshot readBaseline() throws IOException {
    try {
      return SnapshotFile.read(baseline());
    } catch (NoSuchFileException e) {
      throw new IOException(
          "there is no baseline " + baseline() + "; run 'lsm generate' to take one", e);
    }
  }

  /**
   * Makes {@code snapshot} the baseline and keeps the one it replaces as {@code baseline.1}. There
   * is a whole baseline at every moment in between.
   */
  public void storeBaseline(Snapshot snapshot) throws IOException {
    Path next = directory.resolve("baseline.next");
    SnapshotFile.write(next, snapshot);
    if (Files.exists(baseline(), LinkOption.NOFOLLOW_LINKS)) {
      Files.deleteIfExists(predecessor(PREDECESSORS));
      for (int age = PREDECESSORS - 1; age >= 1; age--) {
        if (Files.exists(predecessor(age), LinkOption.NOFOLLOW_LINKS)) {
          rename(predecessor(age), predecessor(age + 1));
        }
      }
      Files.createLink(predecessor(1), baseline());
    }
    rename(next, baseline());
    DurableFile.syncDirectory(directory);
  }

  private Path predecessor(int age) {
    return directory.resolve("baseline." + age);
  }

  private static void rename(Path from, Path to) throws IOException {
    Files.move(from, to, StandardCopyOption.ATOMIC_MOVE);
  }

  /** What the last scan remembered. */
  public ScanState readScanState() {
    remembered = ScanState.read(scanState());
    return remembered;
  }

  /** Remembers a scan for the next one; what is the same as before is not written again. */
  public void storeScanState(ScanState state) throws IOException {
    if (!state.equals(remembered)) {
      state.write(scanState());
    }
  }

  private Path scanState() {
    return directory.resolve("scan");
  }

  /** Deletes the baselines and the scan state and returns the paths of what there was. */
  public List<Path> deleteAll() throws IOException {
    List<Path> deleted = new ArrayList<>();
    Files.deleteIfExists(scanState());
    Files.deleteIfExists(directory.resolve("baseline.next")); // of a run that was killed
    for (Path file : baselines()) {
      if (Files.deleteIfExists(file)) {
        deleted.add(file);
      }
    }
    DurableFile.syncDirectory(directory);
    return deleted;
  }

  private List<Path> baselines() {
    List<Path> files = new ArrayList<>(List.of(baseline()));
    for (int age = 1; age <= PREDECESSORS; age++) {
      files.add(predecessor(age));
    }
    return files;
  }

  /** Another run holds the lock and did not end in time. */
  public static final class LockedException extends IOException {
    private static final long serialVersionUID = 1L;

    LockedException(Path directory, String pid, Duration patience) {
      super(
          String.format(
              "another lsm (PID %s) has been using %s for more than %d s; see what it waits for, or end it, and try again",
              pid, directory, patience.toSeconds()));
    }
  }
}
