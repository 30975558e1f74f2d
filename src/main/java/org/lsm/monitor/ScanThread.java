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
 * One scan in a thread that can be left behind, since a read of the kernel's tables or of a file
 * system may never end. Once it is late, nothing that it does has an effect.
 */
final class ScanThread implements Runnable, DetailsSelector {
  /** The scan took too long. */
  static final class LateException extends IOException {
    private static final long serialVersionUID = 1L;

    LateException(Duration limit) {
      super(
          "the scan took more than "
              + limit.toSeconds()
              + " s; see with 'top' and 'dmesg' whether the host is overloaded or hangs");
    }
  }

  private final SocketScanner scanner;
  private final OwnerCache cache;
  private final DetailsSelector selector;
  private final Duration ownerSearch;
  private boolean late;
  private ScanResult result;
  private Throwable failure;

  ScanThread(
      SocketScanner scanner, OwnerCache cache, DetailsSelector selector, Duration ownerSearch) {
    this.scanner = scanner;
    this.cache = cache;
    this.selector = selector;
    this.ownerSearch = ownerSearch;
  }

  /**
   * Scans until the deadline, a time of {@link System#nanoTime}; throws LateException after it, and
   * what the scan throws. The selector is called before this returns, or never.
   *
   * @param limit the time that was given, for the message
   */
  ScanResult scan(long deadline, Duration limit) throws IOException {
    Thread thread = new Thread(this, "scan");
    thread.setDaemon(true);
    thread.start();
    try {
      thread.join(Math.max(1, (deadline - System.nanoTime()) / 1_000_000)); // 0 has no end
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted while scanning", e);
    }
    return result(limit);
  }

  private synchronized ScanResult result(Duration limit) throws IOException {
    if (failure instanceof IOException e) {
      throw e;
    } else if (failure instanceof RuntimeException e) {
      throw e;
    } else if (failure instanceof Error e) {
      throw e;
    } else if (result == null) {
      late = true;
      throw new LateException(limit);
    }
    return result;
  }

  @Override
  public void run() {
    try {
      end(scanner.scan(cache, this, ownerSearch), null);
    } catch (Throwable e) { // such as OutOfMemoryError
      end(null, e);
    }
  }

  private synchronized void end(ScanResult scanned, Throwable e) {
    result = scanned;
    failure = e;
  }

  @Override
  public synchronized Collection<SocketEntry> select(Snapshot scanned) {
    return late ? List.of() : selector.select(scanned);
  }
}
