package org.lsm.storage;

import static java.nio.file.StandardCopyOption.ATOMIC_MOVE;

import java.io.Closeable;
import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.lsm.model.ErrorMessages;
import org.lsm.model.OwnerCache;
import org.lsm.model.ProgramDigest;
import org.lsm.model.Snapshot;

/**
 * Baselines, owner cache and other state. An open StateDirectory holds the lock, so that only one
 * run uses it at a time.
 */
public final class StateDirectory implements AutoCloseable {
  // Names of files in the directory; each may be missing.
  public static final String BASELINE = "baseline";
  public static final String OWNER_CACHE = "owner-cache";
  public static final String PROGRAM_CACHE = "program-cache";
  public static final String ALERT_STATE = "alert-state";
  // What runs without the lock have alerted: that another run has held it too long.
  public static final String STUCK_RUN = "stuck-run";
  public static final String SENTRY_STATE = "sentry-state";
  public static final String OUTBOUND_STATE = "outbound-state";
  // The alerts in Alertmanager, and the last post that each node accepted.
  public static final String ALERTMANAGER_STATE = "alertmanager-state";
  public static final String ALERTMANAGER_NODES = "alertmanager-nodes";
  // Its modification time is that of the last successful compare.
  public static final String LAST_COMPARE = "last-compare";
  // What the last compare without a difference depended on.
  public static final String QUIET_RUN = "quiet-run";
  private static final String NEXT_BASELINE = "baseline.next";
  private static final int MAX_PREDECESSORS = 5; // replaced baselines; baseline.1 is the newest
  private static final long MAX_BASELINES = 2L * AtomicFile.MAX_SIZE; // bytes of all of them

  private final Path directory;
  private final Closeable lock;

  private StateDirectory(Path directory, Closeable lock) {
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

  /** Opens the directory and takes its lock; waits for another run until the timeout. */
  public static StateDirectory open(Path directory, Duration timeout) throws IOException {
    if (!Files.isDirectory(directory)) {
      String remedy = "; run 'lsm generate' to create it and take a baseline";
      throw new IOException("there is no state directory " + directory + remedy);
    }
    try {
      Closeable lock = FileLock.take(directory.resolve("lock"), timeout);
      AtomicFile.removeTemporaryFiles(directory, Duration.ZERO);
      return new StateDirectory(directory, lock);
    } catch (FileSystemException e) {
      if (Files.getFileStore(directory).isReadOnly()) {
        // Nobody can write here, and a run can still compare and report.
        return new StateDirectory(directory, () -> {});
      }
      throw e;
    }
  }

  @Override
  public void close() throws IOException {
    lock.close();
  }

  public Path baseline() {
    return directory.resolve(BASELINE);
  }

  public Snapshot readBaseline() throws IOException {
    return readBaseline(directory);
  }

  /** Reads the baseline; throws NoBaselineException if it is missing or damaged. */
  public static Snapshot readBaseline(Path directory) throws IOException {
    Path baseline = directory.resolve(BASELINE);
    try {
      return SnapshotFile.read(baseline);
    } catch (NoSuchFileException e) {
      Path predecessor = directory.resolve(BASELINE + ".1");
      String remedy =
          Files.exists(predecessor)
              ? "; find out who removed it, then restore " + predecessor
              : "; if none was taken yet, run 'lsm generate'";
      throw new NoBaselineException("there is no baseline " + baseline + remedy, e);
    } catch (AccessDeniedException e) {
      throw e;
    } catch (IOException e) {
      throw new NoBaselineException(ErrorMessages.explain(e), e);
    }
  }

  public static final class NoBaselineException extends IOException {
    private static final long serialVersionUID = 1L;

    NoBaselineException(String message, IOException cause) {
      super(message, cause);
    }
  }

  /**
   * Replaces the baseline and keeps it as {@code baseline.1}; a complete one exists always. Deletes
   * the oldest predecessors where all together are too large.
   */
  public void storeBaseline(Snapshot snapshot) throws IOException {
    Path next = directory.resolve(NEXT_BASELINE);
    SnapshotFile.format(snapshot).write(next);
    long size = Files.size(next);
    for (int age = 0; age <= MAX_PREDECESSORS; age++) {
      size += Files.exists(predecessor(age)) ? Files.size(predecessor(age)) : 0;
      if (age > 0 && size > MAX_BASELINES) {
        Files.deleteIfExists(predecessor(age));
      }
    }
    if (Files.exists(baseline(), LinkOption.NOFOLLOW_LINKS)) {
      Files.deleteIfExists(predecessor(MAX_PREDECESSORS));
      for (int age = MAX_PREDECESSORS - 1; age >= 1; age--) {
        if (Files.exists(predecessor(age), LinkOption.NOFOLLOW_LINKS)) {
          Files.move(predecessor(age), predecessor(age + 1), ATOMIC_MOVE);
        }
      }
      Files.createLink(predecessor(1), baseline());
    }
    Files.move(next, baseline(), ATOMIC_MOVE);
    AtomicFile.syncDirectory(directory);
  }

  private Path predecessor(int age) {
    return directory.resolve(age == 0 ? BASELINE : BASELINE + "." + age);
  }

  /** Reads the owners that the last run found; empty if the file is missing or damaged. */
  public static OwnerCache readOwnerCache(Path directory) {
    return OwnerCacheFile.read(directory.resolve(OWNER_CACHE));
  }

  /**
   * Stores the owners that this run found, unless they are those of {@link #readOwnerCache(Path)}.
   */
  public void storeOwnerCache(OwnerCache cache, OwnerCache stored) throws IOException {
    if (!cache.equals(stored)) {
      OwnerCacheFile.write(directory.resolve(OWNER_CACHE), cache);
    }
  }

  /**
   * Reads what is known of program files that are not those of the baseline; empty if the file is
   * missing or damaged, which costs the run to read them again.
   */
  public static List<ProgramDigest> readProgramCache(Path directory) {
    try {
      return SnapshotFile.read(directory.resolve(PROGRAM_CACHE)).programs();
    } catch (IOException | RuntimeException e) {
      return List.of();
    }
  }

  /** Stores the programs of a snapshot for {@link #readProgramCache}. */
  public void storeProgramCache(Snapshot programs) throws IOException {
    SnapshotFile.format(programs).write(directory.resolve(PROGRAM_CACHE));
  }

  /** Deletes the baselines and the caches, and returns the paths of the deleted baselines. */
  public List<Path> deleteAll() throws IOException {
    Files.deleteIfExists(directory.resolve(OWNER_CACHE));
    Files.deleteIfExists(directory.resolve(PROGRAM_CACHE));
    Files.deleteIfExists(directory.resolve(QUIET_RUN));
    Files.deleteIfExists(directory.resolve(NEXT_BASELINE));
    List<Path> deleted = new ArrayList<>();
    for (int age = 0; age <= MAX_PREDECESSORS; age++) {
      if (Files.deleteIfExists(predecessor(age))) {
        deleted.add(predecessor(age));
      }
    }
    AtomicFile.syncDirectory(directory);
    return deleted;
  }
}
