package org.lsm.storage;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;

/** Locks between processes. */
public final class FileLock {
  /** Another process has the lock. */
  public static final class HeldException extends IOException {
    private static final long serialVersionUID = 1L;
    private final String pid;

    HeldException(String pid, String message) {
      super(message);
      this.pid = pid;
    }

    public String pid() {
      return pid;
    }
  }

  private FileLock() {}

  /**
   * Takes a lock until the returned file is closed or the process ends. Creates the file, which
   * holds the PID. Throws HeldException if another process still has the lock after the timeout.
   */
  public static FileChannel take(Path file, Duration timeout) throws IOException {
    FileChannel channel = AtomicFile.open(file);
    try {
      await(channel, file, timeout);
    } catch (IOException e) {
      channel.close();
      throw e;
    }
    try {
      channel.truncate(0);
      channel.write(StandardCharsets.US_ASCII.encode(ProcessHandle.current().pid() + "\n"), 0);
    } catch (IOException e) {
      // The PID is only for messages; on a full disk the lock holds all the same.
    }
    return channel;
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
        throw new HeldException(holder, using + time + advice);
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
