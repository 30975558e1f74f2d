package org.lsm.storage;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(120)
class FileLockTest {

  private static final String PID = ProcessHandle.current().pid() + "\n";

  @TempDir private Path directory;
  private Path file;

  @BeforeEach
  void setFile() {
    file = directory.resolve("lock");
  }

  @Test
  void writesPidWithMode0600() throws IOException {
    FileLock.take(file, Duration.ZERO).close();
    assertEquals(PID, Files.readString(file));
    assertEquals("rw-------", PosixFilePermissions.toString(Files.getPosixFilePermissions(file)));
  }

  @Test
  void replacesLongerPid() throws IOException {
    Files.writeString(file, "a longer line than any PID\n");
    FileLock.take(file, Duration.ZERO).close();
    assertEquals(PID, Files.readString(file));
  }

  @Test
  void setsTheTimeOfTheLock() throws IOException {
    FileLock.take(file, Duration.ZERO).close();
    Files.setLastModifiedTime(file, FileTime.fromMillis(0));
    FileLock.take(file, Duration.ZERO).close();
    Instant time = Files.getLastModifiedTime(file).toInstant();
    assertTrue(time.isAfter(Instant.now().minusSeconds(60)), "" + time);
  }

  @Test
  void canBeTakenAgainAfterClose() throws IOException {
    FileLock.take(file, Duration.ZERO).close();
    FileLock.take(file, Duration.ZERO).close();
    assertEquals(PID, Files.readString(file));
  }

  @Test
  void namesDirectoryInItsPlace() throws IOException {
    Files.createDirectory(file);
    FileSystemException e =
        assertThrows(FileSystemException.class, () -> FileLock.take(file, Duration.ZERO));
    assertEquals(file.toString(), e.getFile());
  }

  @Test
  void doesNotCreateDirectory() {
    Path nowhere = directory.resolve("missing/lock");
    NoSuchFileException e =
        assertThrows(NoSuchFileException.class, () -> FileLock.take(nowhere, Duration.ZERO));
    assertEquals(nowhere.toString(), e.getFile());
  }

  @Test
  void doesNotFollowLink() throws IOException {
    Path victim = Files.writeString(directory.resolve("victim"), "untouched");
    Files.createSymbolicLink(file, victim);
    assertThrows(IOException.class, () -> FileLock.take(file, Duration.ZERO));
    assertEquals("untouched", Files.readString(victim));
  }

  @Test
  void isHeldWhileOtherProcessRuns() throws Exception {
    Process other = LockHolder.start("022", directory);
    Instant since = Instant.parse("2026-01-02T03:04:05Z");
    Files.setLastModifiedTime(file, FileTime.from(since));
    try {
      for (Duration timeout : new Duration[] {Duration.ZERO, Duration.ofMillis(1200)}) {
        long start = System.nanoTime();
        FileLock.HeldException e =
            assertThrows(FileLock.HeldException.class, () -> FileLock.take(file, timeout));
        assertEquals(
            "another lsm (PID "
                + other.pid()
                + ") has been using "
                + directory
                + " for more than "
                + timeout.toSeconds()
                + " s; see what it waits for, or end it, and try again",
            e.getMessage());
        assertEquals(since, e.since());
        Duration took = Duration.ofNanos(System.nanoTime() - start);
        assertTrue(took.compareTo(timeout) >= 0, "took " + took);
      }
      assertNull(FileLock.tryTake(file));
      assertEquals(other.pid() + "\n", Files.readString(file));
    } finally {
      other.destroyForcibly().waitFor();
    }
    FileLock.take(file, Duration.ZERO).close();
    FileLock.tryTake(file).close();
    assertEquals(PID, Files.readString(file));
  }

  @Test
  void waitsForOtherProcessToEnd() throws Exception {
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
