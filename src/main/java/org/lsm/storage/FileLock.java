package org.lsm.storage;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;

/** A lock between processes. It is released when it is closed or its process ends. */
public final class FileLock implements AutoCloseable {

  private static final Duration POLL_INTERVAL = Duration.ofMillis(50);

  private final FileChannel channel;

  private FileLock(FileChannel channel) {
    this.channel = channel;
  }

  /**
   * Takes the lock. The file is created if it is missing, and holds the PID of the lock's owner.
   *
   * @param timeout how long to wait for another process
   * @throws LockedException if another process still holds the lock after that
   */
  public static FileLock take(Path file, Duration timeout) throws IOException {
    FileChannel channel = AtomicFile.open(file);
    try {
      await(channel, file, timeout);
    } catch (IOException e) {
      channel.close();
      throw e;
    }
    writePid(channel);
    return new FileLock(channel);
  }

  private static void await(FileChannel channel, Path file, Duration timeout) throws IOException {
    long deadline = System.nanoTime() + timeout.toNanos();
    while (channel.tryLock() == null) {
      if (System.nanoTime() >= deadline) {
        throw new LockedException(file.getParent(), readPid(channel), timeout);
      }
      try {
        Thread.sleep(POLL_INTERVAL.toMillis());
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new IOException("interrupted while waiting for the lock", e);
      }
    }
  }

  private static void writePid(FileChannel channel) {
    try {
      channel.truncate(0);
      String pid = ProcessHandle.current().pid() + "\n";
      channel.write(ByteBuffer.wrap(pid.getBytes(StandardCharsets.US_ASCII)), 0);
    } catch (IOException e) {
      // The PID is only for messages; on a full disk the lock holds all the same.
    }
  }

  private static String readPid(FileChannel channel) throws IOException {
    ByteBuffer pid = ByteBuffer.allocate(32);
    channel.read(pid, 0);
    return new String(pid.array(), 0, pid.position(), StandardCharsets.US_ASCII).strip();
  }

  @Override
  public void close() throws IOException {
    channel.close();
  }

  /** Another process held the lock until the timeout. */
  public static final class LockedException extends IOException {
    private static final long serialVersionUID = 1L;

    LockedException(Path directory, String pid, Duration timeout) {
      super(
          String.format(
              "another lsm (PID %s) has been using %s for more than %d s;"
                  + " see what it waits for, or end it, and try again",
              pid, directory, timeout.toSeconds()));
    }
  }
}
