package org.lsm.monitor;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import org.lsm.model.Endpoint;
import org.lsm.model.HostInfo;
import org.lsm.model.OwnerCache;
import org.lsm.model.Snapshot;
import org.lsm.model.SocketDetails;
import org.lsm.model.SocketEntry;
import org.lsm.proc.SocketScanner;
import org.lsm.proc.SocketScanner.DetailsSelector;
import org.lsm.proc.SocketScanner.ScanResult;

/**
 * Several scans of a host in a row, united: one read of the kernel's tables may miss rows while
 * sockets come and go.
 */
public final class RepeatedScan {
  /** Scans after which a socket that was seen only once counts as closed. */
  public static final int MAX_SCANS = 5;

  /** Some of the scan took too long; all else was compared. */
  static final class IncompleteException extends IOException {
    private static final long serialVersionUID = 1L;

    IncompleteException(List<String> reasons) {
      super(String.join("; ", reasons));
    }
  }

  private final SocketScanner scanner;
  private final OwnerCache storedCache;
  private final SortedMap<Endpoint, SocketEntry> found = new TreeMap<>();
  private final Map<Endpoint, SocketDetails> details = new HashMap<>();
  private final Set<Endpoint> seenOnce = new HashSet<>();
  private final Set<Endpoint> forged = new HashSet<>();
  private HostInfo hostInfo;
  private Set<Endpoint> seenLast = Set.of();
  private int scans;
  private List<String> notes = List.of();
  private OwnerCache ownerCache;
  private List<String> incomplete = List.of();
  private Duration ownerSearch = SocketScanner.OWNER_SEARCH_TIMEOUT; // what is left of it

  /** Scans with this scanner, beginning with the owner cache of the last run. */
  public RepeatedScan(SocketScanner scanner, OwnerCache storedCache) {
    this.scanner = scanner;
    this.storedCache = storedCache;
    this.ownerCache = storedCache;
  }

  /** Repeats {@link #scanOnce} until each socket was seen twice, or {@link #MAX_SCANS} times. */
  public void scanUntilStable(DetailsSelector selector) throws IOException {
    do {
      scanOnce(selector);
    } while (!isStable());
  }

  /**
   * Scans once more. While the scan goes on, the selector gets all sockets found so far, those of
   * this scan included, and selects those whose details are needed.
   */
  public void scanOnce(DetailsSelector selector) throws IOException {
    // Not a lambda: those take longer to load than a class.
    DetailsSelector union =
        new DetailsSelector() {
          @Override
          public Collection<SocketEntry> select(Snapshot scanned) {
            add(scanned);
            List<SocketEntry> selected = new ArrayList<>();
            for (SocketEntry entry : selector.select(found())) {
              if (seenLast.contains(entry.endpoint())) {
                selected.add(entry);
              }
            }
            return selected;
          }
        };
    ScanResult scan = scanner.scan(ownerCache, union, ownerSearch);
    ownerSearch = ownerSearch.minus(scan.ownerSearch());
    incomplete = scan.incomplete();
    ownerCache = scan.ownerCache();
    notes = scan.notes();
    forged.addAll(scan.forged());
    details.putAll(scan.details());
  }

  private void add(Snapshot scanned) {
    hostInfo = scans == 0 ? scanned.hostInfo() : hostInfo;
    scans++;
    seenLast = scanned.sockets().keySet();
    for (SocketEntry entry : scanned.sockets().values()) {
      if (found.put(entry.endpoint(), entry) == null) {
        seenOnce.add(entry.endpoint());
      } else {
        seenOnce.remove(entry.endpoint());
      }
    }
  }

  /** Whether each socket was seen twice, or no further scan is worth its time. */
  public boolean isStable() {
    return isExhausted() || (scans >= 2 && closedAgain().isEmpty());
  }

  /** Whether there were {@link #MAX_SCANS} scans. */
  public boolean isExhausted() {
    return scans >= MAX_SCANS;
  }

  /** All sockets found so far, each as it was seen last. */
  public Snapshot found() {
    return new Snapshot(hostInfo, found);
  }

  /** The sockets found that are still open, without rows that are forged. */
  public Snapshot open() {
    Set<Endpoint> closed = closedAgain();
    return found().where(entry -> !closed.contains(entry.endpoint()) && !isForged(entry));
  }

  private boolean isForged(SocketEntry entry) {
    return entry.owners().isEmpty() && forged.contains(entry.endpoint());
  }

  /** The sockets that one scan saw and a later scan did not. */
  public Set<Endpoint> closedAgain() {
    Set<Endpoint> closed = new HashSet<>(seenOnce);
    closed.removeAll(seenLast);
    return closed;
  }

  public Map<Endpoint, SocketDetails> details() {
    return details;
  }

  /** Makes the next scan search for the owners of these sockets again. */
  public void dropFromCache(Set<Endpoint> endpoints) {
    ownerCache = ownerCache.without(endpoints);
  }

  /** The owner cache of the last run. */
  OwnerCache storedCache() {
    return storedCache;
  }

  /** The owners that the last scan found, for the next run. */
  public OwnerCache ownerCache() {
    return ownerCache;
  }

  /** What the last scan could not find out in time, a sentence each; not escaped. */
  public List<String> incomplete() {
    return incomplete;
  }

  /** What limits the trust in the last scan, in words; not escaped. */
  public List<String> notes() {
    return notes;
  }
}
