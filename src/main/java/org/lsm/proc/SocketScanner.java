package org.lsm.proc;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.lsm.model.Endpoint;
import org.lsm.model.EphemeralPorts;
import org.lsm.model.Flag;
import org.lsm.model.HostInfo;
import org.lsm.model.OwnerCache;
import org.lsm.model.ProcessRef;
import org.lsm.model.Snapshot;
import org.lsm.model.SocketDetails;
import org.lsm.model.SocketEntry;
import org.lsm.model.SocketKey;
import org.lsm.model.SocketOwners;

/** Takes snapshots of the host that a /proc describes. */
public final class SocketScanner {

  /**
   * Where the host is described.
   *
   * @param proc the mount point of /proc
   * @param passwd the file with the names of users, passwd(5)
   * @param services the file with the names of ports, services(5)
   * @param netns the directory with the names of network namespaces, ip-netns(8)
   */
  public record Sources(Path proc, Path passwd, Path services, Path netns) {}

  private static final Pattern RELEASE = Pattern.compile("(\\d{1,3})\\.(\\d{1,3})");

  private static final SocketOwners NOBODY = new SocketOwners(List.of(), true);

  private final Path proc;
  private final ProcessReader processes;
  private final NetworkNamespaces namespaces;
  private final Path services;
  private final boolean allNamespaces;
  private final Clock clock;
  private final String version;
  private final Map<String, NetworkNamespace> scanned = new HashMap<>();
  private final Map<SocketKey, ForgerySuspicion> doubts = new HashMap<>();

  /** Rows that nobody was found to hold, with the socket whose name each may be a part of. */
  private final Map<Endpoint, Endpoint> doubtful = new HashMap<>();

  /** Who holds the inodes that some of these have, and yet not these. */
  private final Map<Endpoint, List<ProcessRef>> inodeHolders = new HashMap<>();

  private DetailsReader inspector;

  /**
   * @param sources where the host is described
   * @param allNamespaces whether to look into all network namespaces or only into the own one
   * @param clock tells when a scan was made
   * @param version of lsm, to stand in the snapshot
   */
  public SocketScanner(Sources sources, boolean allNamespaces, Clock clock, String version)
      throws IOException {
    this.proc = sources.proc();
    this.processes = new ProcessReader(proc, new PasswdFile(sources.passwd()));
    this.namespaces = new NetworkNamespaces(proc, processes, sources.netns());
    this.services = sources.services();
    this.allNamespaces = allNamespaces;
    this.clock = clock;
    this.version = version;
  }

  /**
   * The outcome of a scan.
   *
   * @param snapshot what was found
   * @param forged the endpoints in it that are no sockets: rows that somebody has forged
   * @param state what the next scan can build upon
   * @param notes what the reader should know of how far it can be believed; not escaped
   */
  public record Scan(
      Snapshot snapshot, Set<Endpoint> forged, OwnerCache state, List<String> notes) {}

  /**
   * Reads all tables and attributes all watched sockets to their owners.
   *
   * @param remembered the state of the last scan: who held a socket then and has not changed since
   *     is believed to hold it still
   */
  public Scan scan(OwnerCache remembered) throws IOException {
    List<String> notes = new ArrayList<>();
    Set<SocketKey> sockets = readTables(notes);
    Instant time = clock.instant();
    String validity = validity(time);
    OwnerCache current = remembered.validity().equals(validity) ? remembered : OwnerCache.empty();
    String boot = validity.substring(0, validity.indexOf(' ') + 1);
    boolean sameBoot = remembered.validity().startsWith(boot);
    Map<SocketKey, SocketOwners> owners =
        attribute(sockets, current, sameBoot ? remembered.owners() : Map.of());
    Map<Endpoint, SocketEntry> entries = new TreeMap<>();
    owners.forEach(
        (socket, holding) ->
            entries.merge(
                socket.endpoint(),
                SocketEntry.heldBy(socket.endpoint(), holding.processes(), holding.complete()),
                SocketEntry::and));
    Set<Endpoint> forged = forged(entries);
    notes.addAll(notes(entries, forged));
    return new Scan(
        Snapshot.of(hostInfo(time), entries.values()),
        forged,
        new OwnerCache(validity, owners),
        notes);
  }

  /** The rows that are no sockets as far as can be told. */
  private Set<Endpoint> forged(Map<Endpoint, SocketEntry> entries) {
    doubtful.clear();
    Set<Endpoint> forged = new TreeSet<>();
    for (var doubt : doubts.entrySet()) {
      Endpoint endpoint = doubt.getKey().endpoint();
      SocketEntry entry = entries.get(endpoint);
      if (entry.processes().isEmpty()) {
        doubtful.put(endpoint, doubt.getValue().suspectedParent().endpoint());
        if (!entry.ownerUnknown()) {
          forged.add(endpoint);
        }
      }
    }
    return forged;
  }

  private List<String> notes(Map<Endpoint, SocketEntry> entries, Set<Endpoint> forged) {
    List<String> notes = new ArrayList<>();
    long unknown = entries.values().stream().filter(SocketEntry::ownerUnknown).count();
    if (unknown > 0) {
      notes.add(
          String.format(
              "%d of %d sockets have an owner that this user may not see; run lsm as root to see"
                  + " all",
              unknown, entries.size()));
    }
    if (!forged.isEmpty()) {
      Endpoint first = forged.iterator().next();
      notes.add(
          String.format(
              "%d rows of the unix table may be forged, for no process holds what they tell; the"
                  + " first, %s, may be part of the name of %s",
              forged.size(), first, doubtful.get(first)));
    }
    return notes;
  }

  private void requireProc() throws IOException {
    if (!Files.isDirectory(proc.resolve("net"))) {
      throw new IOException(
          "cannot read " + proc.resolve("net") + ": no such directory; is /proc mounted?");
    }
  }

  /** The sockets of all tables. */
  private Set<SocketKey> readTables(List<String> notes) throws IOException {
    requireProc();
    doubts.clear();
    inodeHolders.clear();
    Set<SocketKey> sockets = new HashSet<>();
    int count = 0;
    for (NetworkNamespace namespace :
        allNamespaces ? namespaces.all(notes) : List.of(namespaces.own())) {
      scanned.put(namespace.label(), namespace);
      NetworkNamespace.Content content = read(namespace);
      sockets.addAll(content.sockets());
      doubts.putAll(content.doubts());
      notes.addAll(content.notes());
      count += content.count();
    }
    if (count == 0) {
      // Seen in the wild (microsoft/WSL#2084); "all sockets are gone" would be a lie.
      throw new IOException(
          "all socket tables under "
              + proc.resolve("net")
              + " are empty, so nothing can be said about this host; is this a sandbox without"
              + " them?");
    }
    return sockets;
  }

  /** Another namespace may end while it is read; the own one may not. */
  private static NetworkNamespace.Content read(NetworkNamespace namespace) throws IOException {
    try {
      return namespace.read();
    } catch (IOException e) {
      if (namespace.label().isEmpty()) {
        throw e;
      }
      return new NetworkNamespace.Content(
          List.of(),
          Map.of(),
          0,
          List.of("cannot read network namespace " + namespace.label() + ": " + e));
    }
  }

  /** Who holds each socket: as remembered where that still holds, else found out anew. */
  private Map<SocketKey, SocketOwners> attribute(
      Set<SocketKey> sockets, OwnerCache remembered, Map<SocketKey, SocketOwners> before)
      throws IOException {
    Map<Integer, Optional<ProcessRef>> alive = new HashMap<>();
    Map<SocketKey, SocketOwners> owners = new HashMap<>();
    Set<SocketKey> unseen = new HashSet<>();
    for (SocketKey socket : sockets) {
      SocketOwners holding = socket.inode() == 0 ? NOBODY : remembered.owners().get(socket);
      Optional<SocketOwners> still =
          holding == null ? Optional.empty() : withoutEnded(holding, alive);
      still.ifPresentOrElse(it -> owners.put(socket, it), () -> unseen.add(socket));
    }
    if (!unseen.isEmpty()) {
      owners.putAll(findHolders(unseen, before));
    }
    return owners;
  }

  /**
   * What is left of a remembered holding: workers of a server come and go, but if nobody is left,
   * or one of them runs another program now or as another user, the memory is of no use.
   */
  private Optional<SocketOwners> withoutEnded(
      SocketOwners holding, Map<Integer, Optional<ProcessRef>> alive) {
    List<ProcessRef> left = new ArrayList<>();
    for (ProcessRef process : holding.processes()) {
      Optional<ProcessRef> now = alive.get(process.pid());
      if (now == null) {
        now = processes.isStill(process) ? Optional.of(process) : identify(process.pid());
        alive.put(process.pid(), now);
      }
      if (now.isPresent() && now.get().startTicks() == process.startTicks()) {
        if (!now.get().owner().equals(process.owner())) {
          return Optional.empty();
        }
        left.add(process);
      }
    }
    return left.isEmpty() && !holding.processes().isEmpty()
        ? Optional.empty()
        : Optional.of(new SocketOwners(left, holding.complete()));
  }

  private Optional<ProcessRef> identify(int pid) {
    try {
      return Optional.of(processes.identify(pid));
    } catch (IOException | RuntimeException e) {
      return Optional.empty(); // it has ended
    }
  }

  /**
   * Who holds these sockets, found by a walk over all processes.
   *
   * @param before who held them at the last scan since the host has booted
   */
  private Map<SocketKey, SocketOwners> findHolders(
      Set<SocketKey> sockets, Map<SocketKey, SocketOwners> before) throws IOException {
    Set<Long> inodes = new HashSet<>();
    sockets.forEach(socket -> inodes.add(socket.inode()));
    OwnerLookup.Found found = new OwnerLookup(processes).find(inodes);
    inodes.removeAll(found.processes().keySet());
    doubts.keySet().forEach(socket -> inodes.remove(socket.inode()));
    if (!inodes.isEmpty()) {
      // Handed from one process to another during the walk, perhaps, or kept by a thread to itself.
      OwnerLookup.Found more = new OwnerLookup(processes).findInThreads(inodes);
      found.processes().putAll(more.processes());
      found.descriptors().putAll(more.descriptors());
    }
    boolean tellsUnix = tellsUnixSockets();
    Map<SocketKey, SocketOwners> owners = new HashMap<>();
    for (SocketKey socket : sockets) {
      List<ProcessRef> processes = found.processes(socket);
      if (doubts.containsKey(socket) && !isBelieved(socket, found, before, tellsUnix)) {
        inodeHolders.put(socket.endpoint(), processes);
        processes = List.of();
      }
      boolean complete = !processes.isEmpty() || found.unreadable() == 0;
      owners.put(socket, new SocketOwners(processes, complete));
    }
    return owners;
  }

  /**
   * Whether who holds the inode of a row holds what the row tells. Anybody can write the inode of
   * somebody else's socket into a name: of an unwatched one, of one in another namespace, or of one
   * that has a row of its own. Of two such rows the one is real that was there before.
   */
  private boolean isBelieved(
      SocketKey socket,
      OwnerLookup.Found found,
      Map<SocketKey, SocketOwners> before,
      boolean tellsUnix) {
    List<ProcessRef> owners = found.processes(socket);
    if (owners.isEmpty()) {
      return true; // that nobody holds it
    }
    SocketOwners known = before.getOrDefault(socket, NOBODY);
    return (!doubts.get(socket).contested() || !Collections.disjoint(known.processes(), owners))
        && (!tellsUnix || processes.mayBeUnixSocket(found.descriptors().get(socket.inode())))
        && isInNamespace(socket.endpoint().netns(), owners);
  }

  private boolean isInNamespace(String label, List<ProcessRef> owners) {
    Optional<String> namespace = scanned.get(label).link();
    for (ProcessRef process : owners) {
      if (namespace.isEmpty() || namespace.equals(processes.networkNamespace(process))) {
        return true;
      }
    }
    return false;
  }

  /** Since Linux 5.6 fdinfo tells unix sockets from others (unix_show_fdinfo in af_unix.c). */
  private boolean tellsUnixSockets() throws IOException {
    Matcher release = RELEASE.matcher(kernelValue("osrelease"));
    return release.lookingAt()
        && Integer.parseInt(release.group(1)) * 1000 + Integer.parseInt(release.group(2)) >= 5006;
  }

  /**
   * Memories are of no use after a boot, or to a user who may see more or less. Nor do they last
   * for more than an hour: only a look at all processes finds one that came to hold a socket whose
   * first holder holds it still.
   */
  private String validity(Instant time) throws IOException {
    return kernelValue("random/boot_id")
        + " "
        + processes.privileges()
        + " "
        + time.truncatedTo(ChronoUnit.HOURS);
  }

  /** What there is to know of the host itself. */
  public HostInfo hostInfo(Instant time) throws IOException {
    return new HostInfo(
        kernelValue("hostname"),
        kernelValue("osrelease"),
        time.truncatedTo(ChronoUnit.SECONDS),
        version);
  }

  private String kernelValue(String name) throws IOException {
    Path file = proc.resolve("sys/kernel").resolve(name);
    return ProcessReader.decoded(file).strip();
  }

  /** The ports that the kernel deals out on this host, for protocols of this scope. */
  public EphemeralPorts ephemeralPorts(EphemeralPorts.Scope scope) throws IOException {
    requireProc();
    Path file = proc.resolve("sys/net/ipv4/ip_local_port_range");
    String[] range = ProcessReader.read(file).trim().split("\\s+", -1);
    if (range.length != 2 || !(range[0] + range[1]).matches("\\d{2,10}")) {
      throw new IOException(file + ": no range of ports: '" + String.join(" ", range) + "'");
    }
    return new EphemeralPorts(scope, Integer.parseInt(range[0]), Integer.parseInt(range[1]));
  }

  /** The whole story of a socket that the last scan found. */
  public SocketDetails details(SocketEntry entry) throws IOException {
    NetworkNamespace namespace = scanned.get(entry.endpoint().netns());
    if (inspector == null) {
      inspector = new DetailsReader(processes, services); // a quiet run needs none
    }
    Endpoint endpoint = entry.endpoint();
    SocketDetails details = inspector.details(entry, namespace);
    return doubtful.containsKey(endpoint) && entry.processes().isEmpty()
        ? details.doubted(
            doubtful.get(endpoint),
            inodeHolders.getOrDefault(endpoint, List.of()),
            entry.ownerUnknown() ? Flag.UNVERIFIED : Flag.FORGED)
        : details;
  }
}
