package org.lsm.storage;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;

/** Locks between processes. */
public final class FileLock {
  private static final Duration POLL_INTERVAL = Duration.ofMillis(50);

  private FileLock() {}

  /**
   * Takes a lock. The file is created if it is missing, and holds the PID of the lock's owner.
   *
   * @param timeout how long to wait for another process
   * @return the open file: the lock is released when it is closed or the process ends
   * @throws IOException if another process still holds the lock after that
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
        throw new IOException(
            String.format(
                "another lsm (PID %s) has been using %s for more than %s s;"
                    + " see what it waits for, or end it, and try again",
                holder, file.getParent(), timeout.toSeconds()));
      }
      try {
        Thread.sleep(POLL_INTERVAL.toMillis());
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new IOException("interrupted while waiting for the lock", e);
      }
    }
  }
}
