package org.lsm.storage;

import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.DirectoryStream;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.lsm.model.OwnerCache;
import org.lsm.model.Snapshot;

/**
 * The directory with the baselines, the owner cache and the other state files. Whoever has it open
 * holds its lock: two runs never interleave.
 */
public final class StateDirectory implements AutoCloseable {

  /** How many replaced baselines are kept: {@code baseline.1} is the newest of them. */
  private static final int MAX_PREDECESSORS = 5;

  private final Path directory;

  /** Empty on a read-only file system. */
  private final Optional<FileLock> lock;

  private StateDirectory(Path directory, Optional<FileLock> lock) {
    this.directory = directory;
    this.lock = lock;
  }

  /** Creates the directory with mode 0700 if it is missing. */
  public static void create(Path directory) throws IOException {
    if (!Files.isDirectory(directory)) {
      var ownerOnly = PosixFilePermissions.fromString("rwx------");
      Files.createDirectories(directory, PosixFilePermissions.asFileAttribute(ownerOnly));
      Files.setPosixFilePermissions(directory, ownerOnly); // whatever the umask
    }
  }

  /**
   * Opens the directory and takes its lock.
   *
   * @param timeout how long to wait for another run to end
   * @throws FileLock.LockedException if the other run still holds the lock after that
   */
  public static StateDirectory open(Path directory, Duration timeout) throws IOException {
    if (!Files.isDirectory(directory)) {
      throw new IOException(
          "there is no state directory "
              + directory
              + "; run 'lsm generate' to create it and take a baseline");
    }
    Optional<FileLock> lock = lock(directory.resolve("lock"), timeout);
    if (lock.isPresent()) {
      removeTemporaryFiles(directory);
    }
    return new StateDirectory(directory, lock);
  }

  private static Optional<FileLock> lock(Path file, Duration timeout) throws IOException {
    try {
      return Optional.of(FileLock.take(file, timeout));
    } catch (FileSystemException e) {
      if (Files.getFileStore(file.getParent()).isReadOnly()) {
        return Optional.empty(); // nobody can write here, and a run can still compare and report
      }
      throw e;
    }
  }

  /** Only the holder of the lock writes here, so these are left from killed runs. */
  private static void removeTemporaryFiles(Path directory) throws IOException {
    try (DirectoryStream<Path> files = Files.newDirectoryStream(directory)) {
      for (Path file : files) {
        if (AtomicFile.isTemporary(file)) {
          Files.deleteIfExists(file);
        }
      }
    }
  }

  @Override
  public void close() throws IOException {
    if (lock.isPresent()) {
      lock.get().close();
    }
  }

  /** The path of the baseline, which may be missing. */
  public static Path baseline(Path directory) {
    return directory.resolve("baseline");
  }

  /** The path of the alert state, which may be missing. */
  public static Path alertState(Path directory) {
    return directory.resolve("alert-state");
  }

  /** The path of the sentry state, which is missing where the sentry was never switched on. */
  public static Path sentryState(Path directory) {
    return directory.resolve("sentry-state");
  }

  /** The path of a file whose modification time is that of the last successful compare. */
  public static Path lastCompare(Path directory) {
    return directory.resolve("last-compare");
  }

  /** The path of the baseline, which may be missing. */
  public Path baseline() {
    return baseline(directory);
  }

  /**
   * Reads the baseline.
   *
   * @throws NoBaselineException if it is missing or damaged
   */
  public Snapshot readBaseline() throws IOException {
    try {
      return SnapshotFile.read(baseline());
    } catch (NoSuchFileException e) {
      throw new NoBaselineException(
          "there is no baseline " + baseline() + "; run 'lsm generate' to take one", e);
    } catch (AccessDeniedException e) {
      throw e;
    } catch (IOException e) {
      throw new NoBaselineException(e.getMessage(), e);
    }
  }

  /** The baseline is missing or damaged. */
  public static final class NoBaselineException extends IOException {
    private static final long serialVersionUID = 1L;

    NoBaselineException(String message, IOException cause) {
      super(message, cause);
    }
  }

  /**
   * Makes {@code snapshot} the baseline and keeps the one it replaces as {@code baseline.1}. A
   * complete baseline exists at every moment in between.
   */
  public void storeBaseline(Snapshot snapshot) throws IOException {
    SnapshotFile.write(nextBaseline(), snapshot);
    if (Files.exists(baseline(), LinkOption.NOFOLLOW_LINKS)) {
      Files.deleteIfExists(predecessor(MAX_PREDECESSORS));
      for (int age = MAX_PREDECESSORS - 1; age >= 1; age--) {
        if (Files.exists(predecessor(age), LinkOption.NOFOLLOW_LINKS)) {
          rename(predecessor(age), predecessor(age + 1));
        }
      }
      Files.createLink(predecessor(1), baseline());
    }
    rename(nextBaseline(), baseline());
    AtomicFile.syncDirectory(directory);
  }

  private Path nextBaseline() {
    return directory.resolve("baseline.next");
  }

  private Path predecessor(int age) {
    return directory.resolve("baseline." + age);
  }

  private static void rename(Path from, Path to) throws IOException {
    Files.move(from, to, StandardCopyOption.ATOMIC_MOVE);
  }

  /** Reads the owners that the last run found; empty if the file is missing or damaged. */
  public OwnerCache readOwnerCache() {
    return OwnerCacheFile.read(ownerCache());
  }

  /**
   * Stores the owners that this run found.
   *
   * @param stored what {@link #readOwnerCache} returned; an equal cache is not written again
   */
  public void storeOwnerCache(OwnerCache cache, OwnerCache stored) throws IOException {
    if (!cache.equals(stored)) {
      OwnerCacheFile.format(cache).write(ownerCache());
    }
  }

  private Path ownerCache() {
    return directory.resolve("owner-cache");
  }

  /** Deletes the baselines and the owner cache, and returns the paths of the deleted baselines. */
  public List<Path> deleteAll() throws IOException {
    Files.deleteIfExists(ownerCache());
    Files.deleteIfExists(nextBaseline());
    List<Path> deleted = new ArrayList<>();
    for (int age = 0; age <= MAX_PREDECESSORS; age++) {
      Path file = age == 0 ? baseline() : predecessor(age);
      if (Files.deleteIfExists(file)) {
        deleted.add(file);
      }
    }
    AtomicFile.syncDirectory(directory);
    return deleted;
  }
}
