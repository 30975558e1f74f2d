package org.lsm.proc;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.lsm.model.Endpoint;
import org.lsm.model.ErrorMessages;
import org.lsm.model.Owner;
import org.lsm.model.OwnerCache;
import org.lsm.model.OwnerCache.StuckReader;
import org.lsm.model.OwnerLimit;
import org.lsm.model.Plural;
import org.lsm.model.ProcessDetails;
import org.lsm.model.ProcessRef;
import org.lsm.model.Snapshot;
import org.lsm.model.SocketDetails;
import org.lsm.model.SocketEntry;
import org.lsm.model.SocketKey;
import org.lsm.model.SocketOwners;
import org.lsm.proc.TableParser.ForgerySuspicion;
import org.lsm.proc.TableParser.ParsedTable;

/** Scans all network namespaces or only that of lsm, whose version the snapshot names. */
public record SocketScanner(Sources sources, boolean allNamespaces, Clock clock, String version) {
  /**
   * Where /proc is mounted, passwd(5), services(5), the directory of ip-netns(8), and the root
   * directory of programs and of units of systemd.
   */
  public record Sources(Path proc, Path passwd, Path services, Path netns, Path root) {}

  // Not a lambda: those take longer to load than a class.
  private static final Comparator<Map.Entry<SocketKey, SocketOwners>> BY_ENDPOINT =
      new Comparator<>() {
        @Override
        public int compare(
            Map.Entry<SocketKey, SocketOwners> a, Map.Entry<SocketKey, SocketOwners> b) {
          return a.getKey().endpoint().compareTo(b.getKey().endpoint());
        }
      };

  private static final long CAP_SYS_PTRACE = 1L << 19; // capabilities(7)

  /** A search for owners that ended early; where some were found, there may be more. */
  public static final String OWNERS_MISSED =
      "the search for the owners of sockets took more than 10 seconds; see which processes have so"
          + " many open files, 'lsm list' has what was found";

  /** How long the scans of a run may search for owners, in all. */
  public static final Duration OWNER_SEARCH_TIMEOUT = Duration.ofSeconds(10);

  /**
   * The result; forged endpoints are rows only, and notes, not escaped, limit the trust in it.
   *
   * @param ownerSearch how long the search for owners took
   * @param damaged the tables that may have more sockets, as {@link Endpoint#table} names them
   * @param rows the watched rows as {@link WatchedRows} reads them; other text if it cannot
   * @param incomplete what this scan could not find out in time, a sentence each, not escaped
   */
  public record ScanResult(
      Snapshot snapshot,
      Set<Endpoint> forged,
      Map<Endpoint, SocketDetails> details,
      OwnerCache ownerCache,
      Duration ownerSearch,
      Set<String> damaged,
      String rows,
      List<String> incomplete,
      List<String> notes) {}

  /** Selects the sockets whose details a scan reads, while their processes still run. */
  public interface DetailsSelector {
    DetailsSelector NONE = scanned -> List.of();

    Collection<SocketEntry> select(Snapshot scanned);
  }

  /** Scans once, with all the time for the search of owners. */
  public ScanResult scan(OwnerCache cache, DetailsSelector selector) throws IOException {
    return scan(cache, selector, OWNER_SEARCH_TIMEOUT);
  }

  /**
   * Reads all tables, finds all owners, and reads the details of selected sockets. A process in the
   * cache that still runs the same program counts as an owner. Owners that are not found in time
   * are unknown. Throws IOException if a table of this namespace cannot be read, or no table has
   * even a header.
   */
  public ScanResult scan(OwnerCache cache, DetailsSelector selector, Duration ownerSearchTimeout)
      throws IOException {
    KernelInfo kernel = new KernelInfo(sources.proc());
    kernel.requireMounted();
    ProcessReader processes = new ProcessReader(sources.proc(), sources.passwd());
    List<String> notes = new ArrayList<>();
    Map<String, NetworkNamespace> namespaces = new HashMap<>();
    StringBuilder rows = new StringBuilder();
    ParsedTable tables = readTables(processes, namespaces, rows, notes);
    Instant time = clock.instant();
    String boot = kernel.bootId() + " ";
    // A cached owner counts within one boot, for a user with the same privileges, and for an hour
    // at most: only a search finds a process that came to hold a socket beside its first owner.
    String capabilities = kernel.capabilities();
    String validity = boot + capabilities + " " + time.truncatedTo(ChronoUnit.HOURS);
    String old = cache.validity();
    Map<SocketKey, SocketOwners> ofThisBoot = old.startsWith(boot) ? cache.owners() : Map.of();
    Map<SocketKey, SocketOwners> valid = old.equals(validity) ? cache.owners() : Map.of();
    long end = System.nanoTime() + ownerSearchTimeout.toNanos();
    ForeignFiles files = new ForeignFiles(processes, cache.stuck());
    OwnerLookup lookup = new OwnerLookup(processes, files, tables, namespaces, end);
    Map<SocketKey, SocketOwners> owners = lookup.find(valid, ofThisBoot);
    List<SocketEntry> entries = entries(owners, processes);
    Snapshot snapshot = Snapshot.of(kernel.hostInfo(time, version), entries);
    Map<Endpoint, Endpoint> suspected = suspected(tables, owners, snapshot.sockets());
    addNoteOfUnknownOwners(entries, lookup.timedOut(), capabilities, notes);
    Set<Endpoint> forged = forged(suspected, snapshot.sockets(), notes);
    Collection<SocketEntry> selected = selector.select(snapshot);
    Map<Endpoint, SocketDetails> details =
        selected.isEmpty() // a quiet run loads no class for details
            ? Map.of()
            : details(
                selected,
                new DetailsReader(processes, files, sources.services()),
                namespaces,
                suspected);
    // What was not found out in time is not cached: the next scan tries again.
    List<String> incomplete = new ArrayList<>(files.reasons());
    if (lookup.timedOut()) {
      owners.values().removeIf(it -> it.isUnknown());
      incomplete.add(OWNERS_MISSED);
    }
    if (!lookup.unread().isEmpty()) {
      owners.keySet().removeAll(lookup.unread());
    }
    notes.addAll(incomplete);
    OwnerCache next = new OwnerCache(validity, owners, files.stuck());
    return new ScanResult(
        snapshot,
        forged,
        details,
        next,
        lookup.searchTime(),
        tables.damaged(),
        rows.toString(),
        incomplete,
        notes);
  }

  /**
   * Finds the owners of sockets that are in no table of listeners; those with an inode. Of one with
   * hidden owners, the user who made it is known. Adds notes, not escaped, as a scan does.
   */
  public Map<SocketKey, SocketEntry> owners(
      Collection<SocketKey> sockets, Set<StuckReader> stuck, List<String> notes)
      throws IOException {
    ProcessReader processes = new ProcessReader(sources.proc(), sources.passwd());
    ForeignFiles files = new ForeignFiles(processes, stuck);
    List<SocketKey> held = sockets.stream().filter(it -> it.inode() != 0).toList();
    ParsedTable table = new ParsedTable(held, Map.of(), true, Set.of(), List.of());
    long end = System.nanoTime() + OWNER_SEARCH_TIMEOUT.toNanos();
    OwnerLookup lookup = new OwnerLookup(processes, files, table, Map.of(), end);
    Map<SocketKey, SocketEntry> entries = new HashMap<>();
    for (var socket : lookup.find(Map.of(), Map.of()).entrySet()) {
      SocketOwners owners = withMaker(socket, processes);
      entries.put(socket.getKey(), SocketEntry.heldBy(socket.getKey().endpoint(), owners));
    }
    addNoteOfUnknownOwners(
        entries.values(), lookup.timedOut(), new KernelInfo(sources.proc()).capabilities(), notes);
    notes.addAll(files.reasons());
    for (var entry : entries.entrySet()) {
      if (entry.getValue().owners().equals(Set.of(Owner.UNKNOWN))) {
        Owner user = new Owner(processes.userName(entry.getKey().uid()), Owner.UNKNOWN.program());
        Endpoint at = entry.getKey().endpoint();
        entry.setValue(new SocketEntry(at, new TreeSet<>(Set.of(user)), List.of()));
      }
    }
    return entries;
  }

  /**
   * Reads the details of a process after a scan, whether it holds a socket or not; empty if there
   * is none with this PID. A file system may keep this waiting, unless the scan has waited for it.
   */
  public Optional<ProcessDetails> process(int pid, ScanResult scan) throws IOException {
    ProcessReader processes = new ProcessReader(sources.proc(), sources.passwd());
    ForeignFiles files = new ForeignFiles(processes, scan.ownerCache().stuck());
    ProcessIdentifier identifier = new ProcessIdentifier(processes, files, Map.of());
    ProcessRef process = null;
    try {
      process = identifier.identify(List.of(processes.running(pid))).get(pid);
    } catch (IOException e) {
      // a thread of the kernel, or hidden
    }
    try {
      process = process == null ? processes.named(pid) : process;
    } catch (IOException e) {
      return Optional.empty();
    }
    return Optional.of(
        new DetailsReader(processes, files, sources.services()).readProcess(process));
  }

  /** Reads the details of processes, by PID. */
  public Map<Integer, ProcessDetails> details(Collection<ProcessRef> found, Set<StuckReader> stuck)
      throws IOException {
    ProcessReader processes = new ProcessReader(sources.proc(), sources.passwd());
    ForeignFiles files = new ForeignFiles(processes, stuck);
    DetailsReader reader = new DetailsReader(processes, files, sources.services());
    Map<Integer, ProcessDetails> details = new HashMap<>();
    found.forEach(it -> details.put(it.pid(), reader.readProcess(it)));
    return details;
  }

  private static Map<Endpoint, SocketDetails> details(
      Collection<SocketEntry> selected,
      DetailsReader reader,
      Map<String, NetworkNamespace> namespaces,
      Map<Endpoint, Endpoint> suspected) {
    Map<Endpoint, SocketDetails> details = new HashMap<>();
    for (SocketEntry entry : selected) {
      Endpoint endpoint = entry.endpoint();
      NetworkNamespace namespace = namespaces.get(endpoint.netns());
      details.put(endpoint, reader.read(entry, namespace, suspected.get(endpoint)));
    }
    return details;
  }

  /**
   * Reads all tables, adds their {@link TableParser#rows}, and puts the namespaces that have them
   * into a map by label.
   */
  private ParsedTable readTables(
      ProcessReader processes,
      Map<String, NetworkNamespace> byLabel,
      StringBuilder rows,
      List<String> notes)
      throws IOException {
    List<NetworkNamespace> namespaces =
        allNamespaces
            ? NetworkNamespace.all(sources.proc(), processes, sources.netns(), notes)
            : List.of(new NetworkNamespace("", sources.proc().resolve("net")));
    boolean listenersFirst = new KernelInfo(sources.proc()).listsListenersFirst();
    List<ParsedTable> tables = new ArrayList<>();
    for (NetworkNamespace namespace : namespaces) {
      byLabel.put(namespace.label(), namespace);
      try {
        tables.add(namespace.read(listenersFirst, rows));
      } catch (IOException e) {
        if (namespace.label().isEmpty()) {
          throw e;
        }
        String problem = "cannot read network namespace " + namespace.label() + ": ";
        notes.add(problem + ErrorMessages.explain(e)); // it may end
      }
    }
    ParsedTable all = ParsedTable.union(tables);
    if (!all.hasHeader()) {
      // Seen in the wild (microsoft/WSL#2084); "all sockets are gone" would be wrong.
      String under = "all socket tables under " + sources.proc().resolve("net") + " are empty, so";
      throw new IOException(
          under + " the sockets of this host are unknown; is this a sandbox without them?");
    }
    notes.addAll(all.notes());
    return all;
  }

  /** One entry for each endpoint; several sockets may share one, and many have the same owners. */
  private static List<SocketEntry> entries(
      Map<SocketKey, SocketOwners> owners, ProcessReader processes) {
    List<Map.Entry<SocketKey, SocketOwners>> sockets = new ArrayList<>(owners.entrySet());
    sockets.sort(BY_ENDPOINT);
    List<SocketEntry> entries = new ArrayList<>(sockets.size());
    IdentityHashMap<SocketOwners, SocketEntry> byOwners = new IdentityHashMap<>();
    OwnerLimit limit = new OwnerLimit();
    for (int i = 0; i < sockets.size(); ) {
      Endpoint at = sockets.get(i).getKey().endpoint();
      SocketOwners held = withMaker(sockets.get(i++), processes);
      if (i < sockets.size() && sockets.get(i).getKey().endpoint().equals(at)) {
        List<SocketOwners> all = new ArrayList<>(List.of(held));
        for (; i < sockets.size() && sockets.get(i).getKey().endpoint().equals(at); i++) {
          all.add(withMaker(sockets.get(i), processes));
        }
        held = limit.union(all);
      }
      SocketEntry same = byOwners.get(held);
      if (same == null) {
        same = SocketEntry.heldBy(at, held);
        byOwners.put(held, same);
      }
      entries.add(same.at(at));
    }
    return entries;
  }

  /** The owners of a socket, and the user who made it, if no process of that user holds it. */
  private static SocketOwners withMaker(
      Map.Entry<SocketKey, SocketOwners> socket, ProcessReader processes) {
    long uid = socket.getKey().uid();
    SocketOwners held = socket.getValue();
    if (uid == 0) {
      return held; // daemons drop root's privileges, and the table of unix sockets has no users
    }
    String maker = processes.userName(uid);
    return held.mayInclude(maker)
        ? held
        : new SocketOwners(held.processes(), List.of(Owner.maker(maker)), true);
  }

  /** The endpoints that may be forged rows, as no process holds them, each with its parent. */
  private static Map<Endpoint, Endpoint> suspected(
      ParsedTable tables, Map<SocketKey, SocketOwners> owners, Map<Endpoint, SocketEntry> entries) {
    Map<Endpoint, Endpoint> suspected = new HashMap<>();
    for (Map.Entry<SocketKey, SocketOwners> row : owners.entrySet()) {
      boolean isHeld = !row.getValue().processes().isEmpty(); // as nearly all are
      ForgerySuspicion suspicion = isHeld ? null : tables.suspicions().get(row.getKey());
      Endpoint at = row.getKey().endpoint();
      if (suspicion != null && entries.get(at).processes().isEmpty()) {
        suspected.put(at, suspicion.suspectedParent().endpoint());
      }
    }
    return suspected;
  }

  /** Those of them that a complete search of the processes has proved. */
  private static Set<Endpoint> forged(
      Map<Endpoint, Endpoint> suspected, Map<Endpoint, SocketEntry> entries, List<String> notes) {
    TreeMap<Endpoint, Endpoint> forged = new TreeMap<>(suspected);
    for (Endpoint endpoint : suspected.keySet()) {
      if (entries.get(endpoint).ownerUnknown()) {
        forged.remove(endpoint);
      }
    }
    if (!forged.isEmpty()) {
      String rows = Plural.count(forged.size(), "row");
      String reason = " of the unix table may be forged, since no process holds such a socket";
      String first = forged.firstKey() + ", may be part of the name of ";
      notes.add(rows + reason + "; the first, " + first + forged.firstEntry().getValue());
    }
    return forged.keySet();
  }

  private static void addNoteOfUnknownOwners(
      Collection<SocketEntry> entries, boolean timedOut, String capabilities, List<String> notes) {
    boolean privileged = (Long.parseUnsignedLong(capabilities, 16) & CAP_SYS_PTRACE) != 0;
    int unknown = 0;
    for (SocketEntry entry : entries) {
      unknown += entry.ownerUnknown() ? 1 : 0;
    }
    if (unknown > 0) {
      String owners = "the owners of " + unknown + " of " + Plural.count(entries.size(), "socket");
      String why =
          " are hidden from this user; run lsm as root, in a container with CAP_SYS_PTRACE";
      if (timedOut) {
        why = " are unknown: there was no time to search all processes";
      } else if (privileged) {
        why = " are unknown: not all processes could be searched";
      }
      notes.add(owners + why);
    }
  }
}
