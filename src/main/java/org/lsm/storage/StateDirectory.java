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
 * The directory where lsm keeps what it remembers: the baseline with its predecessors, and the last
 * scan. Who has it open holds its lock, so that two runs never interleave.
 */
public final class StateDirectory implements AutoCloseable {

  /** How many replaced baselines are kept, as {@code baseline.1} (the newest) and so on. */
  private static final int PREDECESSORS = 5;

  private final Path directory;

  /** Empty where nothing can be written. */
  private final Optional<FileLock> lock;

  private OwnerCache remembered = OwnerCache.empty();

  private StateDirectory(Path directory, Optional<FileLock> lock) {
    this.directory = directory;
    this.lock = lock;
  }

  /** Creates a directory, for its owner alone whatever the umask, if it is missing. */
  public static void create(Path directory) throws IOException {
    if (!Files.isDirectory(directory)) {
      var ownerOnly = PosixFilePermissions.fromString("rwx------");
      Files.createDirectories(directory, PosixFilePermissions.asFileAttribute(ownerOnly));
      Files.setPosixFilePermissions(directory, ownerOnly);
    }
  }

  /**
   * Opens the directory and takes its lock, which is free again when the directory is closed or the
   * process ends.
   *
   * @param patience how long to wait for another run to end
   * @throws FileLock.LockedException if the other run did not end in time
   */
  public static StateDirectory open(Path directory, Duration patience) throws IOException {
    if (!Files.isDirectory(directory)) {
      throw new IOException(
          "there is no state directory "
              + directory
              + "; run 'lsm generate' to create it and take a baseline");
    }
    Optional<FileLock> lock = lock(directory.resolve("lock"), patience);
    if (lock.isPresent()) {
      removeHalfWritten(directory);
    }
    return new StateDirectory(directory, lock);
  }

  /** Who holds the lock is the only one that writes here: these are of a run that was killed. */
  private static void removeHalfWritten(Path directory) throws IOException {
    try (DirectoryStream<Path> files = Files.newDirectoryStream(directory)) {
      for (Path file : files) {
        if (AtomicFile.isTemporary(file)) {
          Files.deleteIfExists(file);
        }
      }
    }
  }

  private static Optional<FileLock> lock(Path file, Duration patience) throws IOException {
    try {
      return Optional.of(FileLock.take(file, patience));
    } catch (FileSystemException e) {
      if (Files.getFileStore(file.getParent()).isReadOnly()) {
        return Optional.empty(); // there is nothing to keep others from, and still much to tell
      }
      throw e;
    }
  }

  @Override
  public void close() throws IOException {
    if (lock.isPresent()) {
      lock.get().close();
    }
  }

  /** The path of the baseline, whether there is one or not. */
  public Path baseline() {
    return baseline(directory);
  }

  /** The path of the baseline of a state directory. */
  public static Path baseline(Path directory) {
    return directory.resolve("baseline");
  }

  /**
   * Reads the baseline.
   *
   * @throws NoBaselineException if there is none, or it cannot be read
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

  /** There is nothing to compare with: somebody has deleted the baseline, or damaged it. */
  public static final class NoBaselineException extends IOException {
    private static final long serialVersionUID = 1L;

    NoBaselineException(String message, IOException cause) {
      super(message, cause);
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
    AtomicFile.syncDirectory(directory);
  }

  private Path predecessor(int age) {
    return directory.resolve("baseline." + age);
  }

  private static void rename(Path from, Path to) throws IOException {
    Files.move(from, to, StandardCopyOption.ATOMIC_MOVE);
  }

  /** The path of what the administrator was told. */
  public static Path told(Path directory) {
    return directory.resolve("alert-state");
  }

  /** The path of what is known of who probes unused ports; there is none where nobody looks. */
  public static Path sentry(Path directory) {
    return directory.resolve("sentry-state");
  }

  /** The path of a file whose time is that of the last comparison with the baseline. */
  public static Path lastCompare(Path directory) {
    return directory.resolve("last-compare");
  }

  /** What the last scan remembered. */
  public OwnerCache readScanState() {
    remembered = OwnerCacheFile.read(scanState());
    return remembered;
  }

  /** Remembers a scan for the next one; what is the same as before is not written again. */
  public void storeScanState(OwnerCache state) throws IOException {
    if (!state.equals(remembered)) {
      OwnerCacheFile.write(scanState(), state);
    }
  }

  private Path scanState() {
    return directory.resolve("owner-cache");
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
    AtomicFile.syncDirectory(directory);
    return deleted;
  }

  private List<Path> baselines() {
    List<Path> files = new ArrayList<>(List.of(baseline()));
    for (int age = 1; age <= PREDECESSORS; age++) {
      files.add(predecessor(age));
    }
    return files;
  }
}
