package org.lsm.storage;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import org.lsm.model.HostInfo;
import org.lsm.model.Snapshot;

/** Another lsm: stores a baseline, prints "locked", and holds the lock until its input ends. */
final class LockHolder {

  private LockHolder() {}

  /** Starts it and waits until it holds the lock. */
  static Process start(String umask, Path directory) throws IOException {
    Process process = OtherProcess.start(umask, LockHolder.class, directory.toString());
    assertEquals("locked", process.inputReader().readLine());
    return process;
  }

  public static void main(String[] args) throws IOException {
    Path directory = Path.of(args[0]);
    StateDirectory.create(directory);
    try (StateDirectory state = StateDirectory.open(directory, Duration.ofSeconds(10))) {
      state.storeBaseline(Snapshot.of(new HostInfo("other", "", Instant.EPOCH, ""), List.of()));
      System.out.println("locked");
      while (System.in.read() >= 0) {
        // until the end of the input
      }
    }
  }
}
