package org.lsm.proc;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.lsm.model.Endpoint;
import org.lsm.model.OwnerCache;
import org.lsm.model.Snapshot;
import org.lsm.model.SocketDetails;
import org.lsm.model.SocketEntry;
import org.lsm.model.SocketKey;
import org.lsm.model.SocketOwners;

/** Scans the host that a /proc describes. A scan depends on its arguments and the host alone. */
public final class SocketScanner {

  /**
   * The files that describe the host.
   *
   * @param proc the mount point of /proc
   * @param passwd the names of users, passwd(5)
   * @param services the names of ports, services(5)
   * @param netns the directory with the names of network namespaces, ip-netns(8)
   */
  public record Sources(Path proc, Path passwd, Path services, Path netns) {}

  private final Sources sources;
  private final boolean allNamespaces;
  private final Clock clock;
  private final String version;
  private final KernelInfo kernel;
  private final ProcessReader processes;

  /**
   * @param sources the files that describe the host
   * @param allNamespaces whether to scan all network namespaces or only that of lsm
   * @param clock says when a scan was made
   * @param version the version of lsm, for the snapshot
   */
  public SocketScanner(Sources sources, boolean allNamespaces, Clock clock, String version)
      throws IOException {
    this.sources = sources;
    this.allNamespaces = allNamespaces;
    this.clock = clock;
    this.version = version;
    this.kernel = new KernelInfo(sources.proc());
    this.processes = new ProcessReader(sources.proc(), new PasswdFile(sources.passwd()));
  }

  /**
   * The tables of one scan.
   *
   * @param namespaces the scanned network namespaces by label
   * @param sockets the watched sockets
   * @param suspicions the sockets whose row may be forged
   */
  record Tables(
      Map<String, NetworkNamespace> namespaces,
      Set<SocketKey> sockets,
      Map<SocketKey, ForgerySuspicion> suspicions) {}

  /**
   * Reads all tables, finds the owners of all watched sockets, and reads the details of those that
   * are selected.
   *
   * @param cache the owners that the last scan found; a process that still runs the same program is
   *     taken to hold its sockets still
   * @throws IOException if a table of this namespace cannot be read, or all tables are empty
   */
  public ScanResult scan(OwnerCache cache, DetailsSelector selector) throws IOException {
    List<String> notes = new ArrayList<>();
    Tables tables = readTables(notes);
    Instant time = clock.instant();
    String boot = kernel.bootId();
    String validity = validity(boot, time);
    Map<SocketKey, SocketOwners> owners =
        new CachedOwnerLookup(processes, kernel, tables)
            .find(
                cache.validity().equals(validity) ? cache.owners() : Map.of(),
                cache.validity().startsWith(boot + " ") ? cache.owners() : Map.of());
    Map<Endpoint, SocketEntry> entries = entries(owners);
    Map<Endpoint, Endpoint> suspected = suspected(tables, entries);
    Set<Endpoint> forged = forged(suspected, entries);
    addNotes(notes, entries, suspected, forged);
    Snapshot snapshot = Snapshot.of(kernel.hostInfo(time, version), entries.values());
    return new ScanResult(
        snapshot,
        forged,
        details(selector.select(snapshot), tables, suspected),
        new OwnerCache(validity, owners),
        notes);
  }

  private Tables readTables(List<String> notes) throws IOException {
    kernel.requireMounted();
    Tables tables = new Tables(new HashMap<>(), new HashSet<>(), new HashMap<>());
    int rows = 0;
    for (NetworkNamespace namespace : namespaces(notes)) {
      tables.namespaces().put(namespace.label(), namespace);
      NamespaceSockets content = read(namespace);
      tables.sockets().addAll(content.sockets());
      tables.suspicions().putAll(content.suspicions());
      notes.addAll(content.notes());
      rows += content.rowCount();
    }
    if (rows == 0) {
      // Seen in the wild (microsoft/WSL#2084); "all sockets are gone" would be wrong.
      throw new IOException(
          "all socket tables under "
              + sources.proc().resolve("net")
              + " are empty, so the sockets of this host are unknown; is this a sandbox without"
              + " them?");
    }
    return tables;
  }

  private List<NetworkNamespace> namespaces(List<String> notes) throws IOException {
    NetworkNamespaces namespaces =
        new NetworkNamespaces(sources.proc(), processes, sources.netns());
    return allNamespaces ? namespaces.all(notes) : List.of(namespaces.own());
  }

  /** Another namespace may end while it is read; that of lsm may not. */
  private static NamespaceSockets read(NetworkNamespace namespace) throws IOException {
    try {
      return namespace.read();
    } catch (IOException e) {
      if (namespace.label().isEmpty()) {
        throw e;
      }
      return new NamespaceSockets(
          List.of(),
          Map.of(),
          0,
          List.of("cannot read network namespace " + namespace.label() + ": " + e));
    }
  }

  /**
   * A cached owner counts within one boot, for a user with the same privileges, and for an hour at
   * most: only a search of all processes finds one that came to hold a socket beside its first
   * owner.
   */
  private String validity(String boot, Instant time) throws IOException {
    return boot + " " + processes.capabilities() + " " + time.truncatedTo(ChronoUnit.HOURS);
  }

  /** One entry for each endpoint; several sockets may share one. */
  private static Map<Endpoint, SocketEntry> entries(Map<SocketKey, SocketOwners> owners) {
    Map<Endpoint, SocketEntry> entries = new TreeMap<>();
    for (Map.Entry<SocketKey, SocketOwners> socket : owners.entrySet()) {
      Endpoint endpoint = socket.getKey().endpoint();
      SocketOwners held = socket.getValue();
      SocketEntry entry = SocketEntry.heldBy(endpoint, held.processes(), held.complete());
      SocketEntry other = entries.get(endpoint);
      entries.put(endpoint, other == null ? entry : other.and(entry));
    }
    return entries;
  }

  /** The endpoints that may be forged rows, as no process holds them, each with its parent. */
  private static Map<Endpoint, Endpoint> suspected(
      Tables tables, Map<Endpoint, SocketEntry> entries) {
    Map<Endpoint, Endpoint> suspected = new HashMap<>();
    for (Map.Entry<SocketKey, ForgerySuspicion> row : tables.suspicions().entrySet()) {
      Endpoint endpoint = row.getKey().endpoint();
      if (entries.get(endpoint).processes().isEmpty()) {
        suspected.put(endpoint, row.getValue().suspectedParent().endpoint());
      }
    }
    return suspected;
  }

  /** Those of them that a complete search of the processes has proved. */
  private static Set<Endpoint> forged(
      Map<Endpoint, Endpoint> suspected, Map<Endpoint, SocketEntry> entries) {
    Set<Endpoint> forged = new TreeSet<>();
    for (Endpoint endpoint : suspected.keySet()) {
      if (!entries.get(endpoint).ownerUnknown()) {
        forged.add(endpoint);
      }
    }
    return forged;
  }

  private static void addNotes(
      List<String> notes,
      Map<Endpoint, SocketEntry> entries,
      Map<Endpoint, Endpoint> suspected,
      Set<Endpoint> forged) {
    int unknown = 0;
    for (SocketEntry entry : entries.values()) {
      unknown += entry.ownerUnknown() ? 1 : 0;
    }
    if (unknown > 0) {
      notes.add(
          String.format(
              "the owners of %d of %d sockets are hidden from this user; run lsm as root to see"
                  + " all",
              unknown, entries.size()));
    }
    if (!forged.isEmpty()) {
      Endpoint first = forged.iterator().next();
      notes.add(
          String.format(
              "%d rows of the unix table may be forged, since no process holds such sockets; the"
                  + " first, %s, may be part of the name of %s",
              forged.size(), first, suspected.get(first)));
    }
  }

  private Map<Endpoint, SocketDetails> details(
      Collection<SocketEntry> selected, Tables tables, Map<Endpoint, Endpoint> suspected)
      throws IOException {
    if (selected.isEmpty()) {
      return Map.of(); // a quiet run loads nothing of what follows
    }
    DetailsReader reader = new DetailsReader(processes, sources.services());
    Map<Endpoint, SocketDetails> details = new HashMap<>();
    for (SocketEntry entry : selected) {
      Endpoint endpoint = entry.endpoint();
      NetworkNamespace namespace = tables.namespaces().get(endpoint.netns());
      details.put(endpoint, reader.read(entry, namespace, suspected.get(endpoint)));
    }
    return details;
  }
}
