package org.lsm.monitor;

import java.io.IOException;
import java.time.Duration;
import java.util.Collection;
import java.util.List;
import org.lsm.model.OwnerCache;
import org.lsm.model.Snapshot;
import org.lsm.model.SocketEntry;
import org.lsm.proc.SocketScanner;
import org.lsm.proc.SocketScanner.DetailsSelector;
import org.lsm.proc.SocketScanner.ScanResult;

/**
 * Runs one scan in a thread that the caller can stop waiting for: a read under /proc or of a file
 * system may never end. After the deadline the scan cannot change any result.
 */
final class ScanThread extends Thread implements DetailsSelector {
  /** The scans of a run took longer than their time-out. */
  static final class LateException extends IOException {
    private static final long serialVersionUID = 1L;

    LateException(Duration limit) {
      super(
          String.format(
              "the scan took more than %d s; see with 'top' and 'dmesg' whether the host is"
                  + " overloaded or hangs",
              limit.toSeconds()));
    }
  }

  private final SocketScanner scanner;
  private final OwnerCache cache;
  private final DetailsSelector selector;
  private final Duration ownerSearch;
  private Object outcome; // a ScanResult or a Throwable; null until it ends or is late

  ScanThread(
      SocketScanner scanner, OwnerCache cache, DetailsSelector selector, Duration ownerSearch) {
    super("scan");
    setDaemon(true);
    this.scanner = scanner;
    this.cache = cache;
    this.selector = selector;
    this.ownerSearch = ownerSearch;
  }

  /**
   * Scans until the deadline, a time of {@link System#nanoTime}; throws LateException after it, and
   * what the scan throws. The selector is called before this returns, or never.
   */
  ScanResult scan(long deadline, Duration limit) throws IOException {
    start();
    try {
      join(Math.max(1, (deadline - System.nanoTime()) / 1_000_000)); // 0 has no end
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    if (isAlive()) {
      end(new LateException(limit));
    }
    if (outcome instanceof IOException e) {
      throw e;
    } else if (outcome instanceof RuntimeException e) {
      throw e;
    } else if (outcome instanceof Error e) {
      throw e;
    }
    return (ScanResult) outcome;
  }

  private synchronized void end(Object result) {
    outcome = outcome == null ? result : outcome;
  }

  @Override
  public void run() {
    try {
      end(scanner.scan(cache, this, ownerSearch));
    } catch (Throwable e) { // such as OutOfMemoryError
      end(e);
    }
  }

  @Override
  public synchronized Collection<SocketEntry> select(Snapshot scanned) {
    return outcome == null ? selector.select(scanned) : List.of();
  }
}
