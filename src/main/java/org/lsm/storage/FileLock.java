package org.lsm.storage;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;

/** Locks between processes. */
public final class FileLock {
  /** Another process has the lock. */
  public static final class HeldException extends IOException {
    private static final long serialVersionUID = 1L;
    private final String pid;
    private final Instant since;

    HeldException(String pid, Instant since, String message) {
      super(message);
      this.pid = pid;
      this.since = since;
    }

    public String pid() {
      return pid;
    }

    /** When the process took the lock. */
    public Instant since() {
      return since;
    }
  }

  private FileLock() {}

  /**
   * Takes a lock until the returned file is closed or the process ends. Creates the file, which
   * holds the PID, and whose modification time is that of the lock. Throws HeldException if another
   * process still has the lock after the timeout.
   */
  public static FileChannel take(Path file, Duration timeout) throws IOException {
    FileChannel channel = AtomicFile.open(file);
    try {
      await(channel, file, timeout);
    } catch (IOException e) {
      channel.close();
      throw e;
    }
    writePid(channel, file);
    return channel;
  }

  /** The same without waiting; returns null if another process has the lock. */
  public static FileChannel tryTake(Path file) throws IOException {
    FileChannel channel = AtomicFile.open(file);
    boolean isTaken = false;
    try {
      isTaken = channel.tryLock() != null;
    } finally {
      if (!isTaken) {
        channel.close();
      }
    }
    if (isTaken) {
      writePid(channel, file);
    }
    return isTaken ? channel : null;
  }

  private static void writePid(FileChannel channel, Path file) {
    try {
      // ProcessHandle takes longer to load than all else here.
      String pid = Files.readSymbolicLink(Path.of("/proc/self")) + "\n";
      channel.write(
          ByteBuffer.wrap(pid.getBytes(StandardCharsets.US_ASCII)),
          0); // over the old one, which works on a full disk as well
      channel.truncate(pid.length());
    } catch (IOException e) {
      // The PID is only for messages; the lock holds all the same.
      file.toFile().setLastModified(System.currentTimeMillis());
    }
  }

  private static void await(FileChannel channel, Path file, Duration timeout) throws IOException {
    long deadline = System.nanoTime() + timeout.toNanos();
    while (channel.tryLock() == null) {
      if (System.nanoTime() >= deadline) {
        ByteBuffer pid = ByteBuffer.allocate(32);
        channel.read(pid, 0);
        String holder = StandardCharsets.US_ASCII.decode(pid.flip()).toString().strip();
        String using = "another lsm (PID " + holder + ") has been using " + file.getParent();
        String time = " for more than " + timeout.toSeconds() + " s; ";
        String advice = "see what it waits for, or end it, and try again";
        Instant since = Files.getLastModifiedTime(file).toInstant();
        throw new HeldException(holder, since, using + time + advice);
      }
      try {
        Thread.sleep(50);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new IOException("interrupted while waiting for the lock", e);
      }
    }
  }
}
