package org.lsm.storage;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;

/** A lock between processes, free again when it is closed or its process ends. */
public final class FileLock implements AutoCloseable {

  private static final Duration POLL = Duration.ofMillis(50);

  private final FileChannel channel;

  private FileLock(FileChannel channel) {
    this.channel = channel;
  }

  /**
   * Takes the lock. The file, which is made if it is missing, names the process that has it.
   *
   * @param patience how long to wait for another process
   * @throws LockedException if that one did not end in time
   */
  public static FileLock take(Path file, Duration patience) throws IOException {
    FileChannel channel = AtomicFile.open(file);
    try {
      await(channel, file, patience);
    } catch (IOException e) {
      channel.close();
      throw e;
    }
    sign(channel);
    return new FileLock(channel);
  }

  /** Only to tell others who it is: a full disk must not keep anybody from work. */
  private static void sign(FileChannel channel) {
    try {
      channel.truncate(0);
      String pid = ProcessHandle.current().pid() + "\n";
      channel.write(ByteBuffer.wrap(pid.getBytes(StandardCharsets.US_ASCII)), 0);
    } catch (IOException e) {
      // The lock is held all the same.
    }
  }

  @Override
  public void close() throws IOException {
    channel.close();
  }

  private static void await(FileChannel channel, Path file, Duration patience) throws IOException {
    long deadline = System.nanoTime() + patience.toNanos();
    while (channel.tryLock() == null) {
      if (System.nanoTime() >= deadline) {
        throw new LockedException(file.getParent(), process(channel), patience);
      }
      sleep();
    }
  }

  private static String process(FileChannel channel) throws IOException {
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
