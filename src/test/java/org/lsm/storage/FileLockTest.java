package org.lsm.storage;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.lsm.storage.FileLock.LockedException;

/** A lock that one process has at a time. */
@Timeout(120)
class FileLockTest {

  private static final String PID = ProcessHandle.current().pid() + "\n";

  @TempDir private Path directory;
  private Path file;

  @BeforeEach
  void name() {
    file = directory.resolve("lock");
  }

  @Test
  void theFileNamesItsHolderAndIsForItsOwnerAlone() throws IOException {
    FileLock.take(file, Duration.ZERO).close();
    assertEquals(PID, Files.readString(file));
    assertEquals("rw-------", PosixFilePermissions.toString(Files.getPosixFilePermissions(file)));
  }

  @Test
  void nothingIsLeftOfTheNameOfTheLastHolder() throws IOException {
    Files.writeString(file, "a longer line than any PID\n");
    FileLock.take(file, Duration.ZERO).close();
    assertEquals(PID, Files.readString(file));
  }

  @Test
  void onceGivenBackItCanBeTakenAgain() throws IOException {
    FileLock.take(file, Duration.ZERO).close();
    FileLock.take(file, Duration.ZERO).close();
    assertEquals(PID, Files.readString(file));
  }

  @Test
  void aDirectoryInItsPlaceIsAnErrorThatNamesIt() throws IOException {
    Files.createDirectory(file);
    FileSystemException e =
        assertThrows(FileSystemException.class, () -> FileLock.take(file, Duration.ZERO));
    assertEquals(file.toString(), e.getFile());
  }

  @Test
  void whereThereIsNoDirectoryForItNoneIsMade() {
    Path nowhere = directory.resolve("missing/lock");
    NoSuchFileException e =
        assertThrows(NoSuchFileException.class, () -> FileLock.take(nowhere, Duration.ZERO));
    assertEquals(nowhere.toString(), e.getFile());
  }

  @Test
  void aLinkInItsPlaceIsNotFollowed() throws IOException {
    Path victim = Files.writeString(directory.resolve("victim"), "untouched");
    Files.createSymbolicLink(file, victim);
    assertThrows(IOException.class, () -> FileLock.take(file, Duration.ZERO));
    assertEquals("untouched", Files.readString(victim));
  }

  @Test
  void whatAnotherProcessHasIsLockedForAsLongAsThatRuns() throws Exception {
    Process other = LockHolder.start("022", directory);
    try {
      for (Duration patience : new Duration[] {Duration.ZERO, Duration.ofMillis(1200)}) {
        long start = System.nanoTime();
        LockedException e =
            assertThrows(LockedException.class, () -> FileLock.take(file, patience));
        assertEquals(
            "another lsm (PID "
                + other.pid()
                + ") has been using "
                + directory
                + " for more than "
                + patience.toSeconds()
                + " s; see what it waits for, or end it, and try again",
            e.getMessage());
        Duration took = Duration.ofNanos(System.nanoTime() - start);
        assertTrue(took.compareTo(patience) >= 0, "took " + took);
      }
      assertEquals(other.pid() + "\n", Files.readString(file));
    } finally {
      other.destroyForcibly().waitFor();
    }
    FileLock.take(file, Duration.ZERO).close();
    assertEquals(PID, Files.readString(file));
  }

  @Test
  void whoHasPatienceGetsTheLockWhenTheOtherProcessEnds() throws Exception {
    Process other = LockHolder.start("022", directory);
    try {
      other.getOutputStream().close();
      FileLock.take(file, Duration.ofSeconds(60)).close();
      assertEquals(PID, Files.readString(file));
      assertEquals(0, other.waitFor());
    } finally {
      other.destroyForcibly();
    }
  }
}
