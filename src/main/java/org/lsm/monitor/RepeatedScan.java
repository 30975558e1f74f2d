package org.lsm.monitor;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.lsm.model.Endpoint;
import org.lsm.model.OwnerCache;
import org.lsm.model.Snapshot;
import org.lsm.model.SocketDetails;
import org.lsm.model.SocketEntry;
import org.lsm.model.SocketIdentity;
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

  /** How long the scans of a run may take, in all. */
  public static final Duration TIMEOUT = Duration.ofMinutes(5);

  /** Some of the scan took too long; all else was compared. */
  public static final class IncompleteException extends IOException {
    private static final long serialVersionUID = 1L;

    IncompleteException(Collection<String> reasons) {
      super(String.join("; ", reasons));
    }
  }

  private final SocketScanner scanner;
  private final OwnerCache storedCache;
  private final Duration timeout;
  private final long deadline;
  private final Map<Endpoint, SocketDetails> details = new HashMap<>();
  private final Set<Endpoint> forged = new HashSet<>();
  private final Set<String> damaged = new HashSet<>();

  // The ports of clients without an owner, by address and user, that each scan saw.
  private Set<SocketEntry> lasting = Set.of();
  private Snapshot found; // each as it was seen last; null before the first scan
  private Set<Endpoint> seenOnce = Set.of();
  private Set<Endpoint> seenLast = Set.of();
  private int scans;
  private boolean late;
  private List<String> notes = List.of();
  private String rows = "";
  private OwnerCache ownerCache;
  private final Set<String> incomplete = new LinkedHashSet<>();
  private Duration ownerSearch = SocketScanner.OWNER_SEARCH_TIMEOUT; // what is left of it

  /** Scans with this scanner, beginning with the owner cache of the last run. */
  public RepeatedScan(SocketScanner scanner, OwnerCache storedCache) {
    this(scanner, storedCache, TIMEOUT);
  }

  /** Scans for so long, at most, from now on. */
  RepeatedScan(SocketScanner scanner, OwnerCache storedCache, Duration timeout) {
    this.scanner = scanner;
    this.storedCache = storedCache;
    this.timeout = timeout;
    this.deadline = System.nanoTime() + timeout.toNanos();
    this.ownerCache = storedCache;
  }

  /**
   * Repeats {@link #scanOnce} until each socket was seen twice, or {@link #MAX_SCANS} times. Throws
   * IncompleteException if there was no time for that.
   */
  public void scanUntilStable(DetailsSelector selector) throws IOException {
    do {
      scanOnce(selector);
    } while (!isStable() || (!isExhausted() && hasShortLivedClient()));
    if (late) {
      requireComplete();
    }
  }

  private boolean hasShortLivedClient() {
    for (SocketEntry entry : found.sockets().values()) {
      if (isShortLivedClient(entry)) {
        return true; // or one scan missed it
      }
    }
    return false;
  }

  /** Throws IncompleteException if there is something that the scans could not find out. */
  public void requireComplete() throws IncompleteException {
    requireComplete(List.of());
  }

  /** The same, with what could not be found out elsewhere, a sentence each, not escaped. */
  void requireComplete(List<String> others) throws IncompleteException {
    Set<String> all = new LinkedHashSet<>(incomplete);
    all.addAll(others);
    if (!all.isEmpty()) {
      throw new IncompleteException(all);
    }
  }

  /**
   * Scans once more. While the scan goes on, the selector gets all sockets found so far, those of
   * this scan included, and selects those whose details are needed. If there is no time left, this
   * is the last scan, and what was found is incomplete; or it throws, if nothing was found.
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
    ScanResult scan;
    try {
      ScanThread thread = new ScanThread(scanner, ownerCache, union, ownerSearch);
      scan = thread.scan(deadline, timeout);
    } catch (ScanThread.LateException e) {
      if (scans == 0) {
        throw e;
      }
      late = true;
      incomplete.add(e.getMessage());
      return;
    }
    ownerSearch = ownerSearch.minus(scan.ownerSearch());
    incomplete.addAll(scan.incomplete());
    ownerCache = scan.ownerCache();
    notes = scan.notes();
    rows = scan.rows();
    forged.addAll(scan.forged());
    damaged.addAll(scan.damaged());
    details.putAll(scan.details());
  }

  private void add(Snapshot scanned) {
    scans++;
    Set<Endpoint> seen = scanned.sockets().keySet();
    if (found == null) {
      found = scanned;
      seenOnce = seen;
    } else {
      Set<Endpoint> once = new HashSet<>(seen);
      once.removeAll(found.sockets().keySet());
      once.addAll(seenOnceBut(seen));
      found = found.and(scanned);
      seenOnce = once;
    }
    seenLast = seen;
    Set<SocketEntry> ownerless = new HashSet<>();
    for (SocketEntry entry : scanned.sockets().values()) {
      if (entry.endpoint().isOfClient() && entry.ownerNotFound()) {
        ownerless.add(onAnyPort(entry));
      }
    }
    if (scans > 1) {
      ownerless.retainAll(lasting);
    }
    lasting = ownerless;
  }

  private static SocketEntry onAnyPort(SocketEntry entry) {
    Endpoint at = entry.endpoint();
    Endpoint any = new Endpoint(at.netns(), at.protocol(), at.address(), Endpoint.EPHEMERAL);
    return new SocketEntry(any, entry.owners(), List.of());
  }

  /**
   * Whether this is the socket of a client that one scan saw, without its owner. It says nothing
   * about anybody, unless each scan saw such a port of its user: that one goes from port to port.
   */
  public boolean isShortLivedClient(SocketEntry entry) {
    Endpoint at = entry.endpoint();
    return scans > 1
        && seenOnce.contains(at)
        && entry.ownerNotFound()
        && (at.isOfClient()
            ? !lasting.contains(onAnyPort(entry))
            : SocketIdentity.hasRandomName(at));
  }

  /** What makes a socket the same, with the endpoints that only one of these scans saw. */
  public SocketIdentity identityAfter(SocketIdentity identity) {
    return scans > 1 ? identity.withShortLived(seenOnce) : identity;
  }

  /** Whether each socket was seen twice, or no further scan is worth its time. */
  public boolean isStable() {
    return isExhausted() || (scans >= 2 && closedAgain().isEmpty());
  }

  /** Whether there were {@link #MAX_SCANS} scans, or there is no time for more. */
  public boolean isExhausted() {
    return late || scans >= MAX_SCANS;
  }

  /** All sockets found so far, each as it was seen last. */
  public Snapshot found() {
    return found;
  }

  /** The sockets found that are still open, without forged rows and short-lived clients. */
  public Snapshot open() {
    Set<Endpoint> closed = closedAgain();
    return found()
        .where(
            entry ->
                !closed.contains(entry.endpoint())
                    && !isForged(entry)
                    && !isShortLivedClient(entry));
  }

  private boolean isForged(SocketEntry entry) {
    return entry.owners().isEmpty() && forged.contains(entry.endpoint());
  }

  /** The sockets that one scan saw and a later scan did not. */
  public Set<Endpoint> closedAgain() {
    return scans > 1 ? seenOnceBut(seenLast) : Set.of();
  }

  /** Whether one scan saw this socket and a later scan did not. */
  boolean hasClosedAgain(Endpoint at) {
    return scans > 1 && seenOnce.contains(at) && !seenLast.contains(at);
  }

  private Set<Endpoint> seenOnceBut(Set<Endpoint> others) {
    Set<Endpoint> rest = new HashSet<>(seenOnce);
    rest.removeAll(others);
    return rest;
  }

  /** The tables that may have more sockets, as {@link Endpoint#table} names them. */
  public Set<String> damaged() {
    return damaged;
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

  /** The owners for the next run; those of the last run if a search could not find all. */
  public OwnerCache ownerCache() {
    return incomplete.contains(SocketScanner.OWNERS_MISSED)
        ? new OwnerCache(storedCache.validity(), storedCache.owners(), ownerCache.stuck())
        : ownerCache;
  }

  /** The watched rows of the last scan, see {@link ScanResult}. */
  String rows() {
    return rows;
  }

  /** Whether one scan has found out everything, without a file system to wait for. */
  boolean isSingleAndComplete() {
    return scans == 1 && incomplete.isEmpty() && ownerCache.stuck().isEmpty();
  }

  /** What limits the trust in the last scan, in words; not escaped. */
  public List<String> notes() {
    return notes;
  }
}
