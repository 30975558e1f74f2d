package org.lsm.monitor;

import java.io.IOException;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import org.lsm.model.Endpoint;
import org.lsm.model.EphemeralPorts;
import org.lsm.model.HostInfo;
import org.lsm.model.OwnerCache;
import org.lsm.model.Snapshot;
import org.lsm.model.SocketDetails;
import org.lsm.model.SocketEntry;
import org.lsm.proc.SocketScanner;
import org.lsm.proc.SocketScanner.Scan;

/**
 * Several looks at a host, one right after the other: one read of the kernel's tables may miss rows
 * while sockets come and go.
 */
public final class RepeatedScan {

  /** After so many looks what was seen only once counts as closed again. */
  public static final int MOST_LOOKS = 5;

  private final SocketScanner scanner;
  private final SortedMap<Endpoint, SocketEntry> found = new TreeMap<>();
  private final Set<Endpoint> seenOnce = new HashSet<>();
  private final Set<Endpoint> forged = new HashSet<>();
  private HostInfo hostInfo;
  private Set<Endpoint> seenLast = Set.of();
  private int looks;
  private List<String> notes = List.of();
  private OwnerCache state;

  /**
   * @param scanner of the host
   * @param remembered by the last scan
   */
  public RepeatedScan(SocketScanner scanner, OwnerCache remembered) {
    this.scanner = scanner;
    this.state = remembered;
  }

  /** Looks until each socket was seen twice, or has had the time to be. */
  public void settle() throws IOException {
    do {
      look();
    } while (!isSettled());
  }

  /** Takes one more look. */
  public void look() throws IOException {
    Scan scan = scanner.scan(state);
    state = scan.state();
    notes = scan.notes();
    hostInfo = looks == 0 ? scan.snapshot().hostInfo() : hostInfo;
    looks++;
    seenLast = scan.snapshot().sockets().keySet();
    scan.snapshot().sockets().forEach(this::see);
    forged.addAll(scan.forged());
  }

  private void see(Endpoint endpoint, SocketEntry entry) {
    if (found.put(endpoint, entry) == null) {
      seenOnce.add(endpoint);
    } else {
      seenOnce.remove(endpoint);
    }
  }

  /** Whether each socket was seen twice, or has had the time to be. */
  public boolean isSettled() {
    return isExhausted() || (looks >= 2 && closedAgain().isEmpty());
  }

  /** Whether this was the last look worth taking. */
  public boolean isExhausted() {
    return looks >= MOST_LOOKS;
  }

  /** All sockets that were seen, each as it was seen last. */
  public Snapshot found() {
    return new Snapshot(hostInfo, found);
  }

  /** All sockets that were seen and are not closed again, nor rows that somebody has forged. */
  public Snapshot lasting() {
    Set<Endpoint> closed = closedAgain();
    return found()
        .where(
            entry ->
                !closed.contains(entry.endpoint())
                    && !(entry.owners().isEmpty() && forged.contains(entry.endpoint())));
  }

  /** Makes the next look find out anew who holds these, whatever is remembered. */
  public void forget(Set<Endpoint> endpoints) {
    state = state.without(endpoints);
  }

  /** The sockets that were seen once and not again although another look was taken. */
  public Set<Endpoint> closedAgain() {
    Set<Endpoint> closed = new HashSet<>(seenOnce);
    closed.removeAll(seenLast);
    return closed;
  }

  /** The whole story of a socket that was found. */
  public SocketDetails details(SocketEntry entry) throws IOException {
    return scanner.details(entry);
  }

  /** The ports that the kernel deals out on this host, for protocols of this scope. */
  public EphemeralPorts ephemeralPorts(EphemeralPorts.Scope scope) throws IOException {
    return scanner.ephemeralPorts(scope);
  }

  /** What the last look remembers for the next run. */
  public OwnerCache state() {
    return state;
  }

  /** What the reader should know of how far all this can be believed; not escaped. */
  public List<String> notes() {
    return notes;
  }
}
