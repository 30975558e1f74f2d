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
import org.lsm.proc.SocketTable.Doubt;
import org.lsm.snapshot.Endpoint;
import org.lsm.snapshot.EphemeralPorts;
import org.lsm.snapshot.Flag;
import org.lsm.snapshot.Holder;
import org.lsm.snapshot.ScanState;
import org.lsm.snapshot.ScanState.Holding;
import org.lsm.snapshot.ScanState.Socket;
import org.lsm.snapshot.Snapshot;
import org.lsm.snapshot.Snapshot.Origin;
import org.lsm.snapshot.SocketEntry;
import org.lsm.snapshot.Story;

/** Takes snapshots of the host that a /proc describes. */
public final class HostScanner {

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

  private static final Holding NOBODY = new Holding(List.of(), true);

  private final Path proc;
  private final Processes processes;
  private final NetworkNamespaces namespaces;
  private final Path services;
  private final boolean allNamespaces;
  private final Clock clock;
  private final String version;
  private final Map<String, NetworkNamespace> scanned = new HashMap<>();
  private final Map<Socket, Doubt> doubts = new HashMap<>();

  /** Rows that nobody was found to hold, with the socket whose name each may be a part of. */
  private final Map<Endpoint, Endpoint> doubtful = new HashMap<>();

  /** Who holds the inodes that some of these have, and yet not these. */
  private final Map<Endpoint, List<Holder>> claimed = new HashMap<>();

  private Inspector inspector;

  /**
   * @param sources where the host is described
   * @param allNamespaces whether to look into all network namespaces or only into the own one
   * @param clock tells when a scan was made
   * @param version of lsm, to stand in the snapshot
   */
  public HostScanner(Sources sources, boolean allNamespaces, Clock clock, String version)
      throws IOException {
    this.proc = sources.proc();
    this.processes = new Processes(proc, new Users(sources.passwd()));
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
      Snapshot snapshot, Set<Endpoint> forged, ScanState state, List<String> notes) {}

  /**
   * Reads all tables and attributes all watched sockets to their owners.
   *
   * @param remembered the state of the last scan: who held a socket then and has not changed since
   *     is believed to hold it still
   */
  public Scan scan(ScanState remembered) throws IOException {
    List<String> notes = new ArrayList<>();
    Set<Socket> sockets = readTables(notes);
    Instant time = clock.instant();
    String validity = validity(time);
    ScanState current = remembered.validity().equals(validity) ? remembered : ScanState.empty();
    String boot = validity.substring(0, validity.indexOf(' ') + 1);
    boolean sameBoot = remembered.validity().startsWith(boot);
    Map<Socket, Holding> holdings =
        attribute(sockets, current, sameBoot ? remembered.holdings() : Map.of());
    Map<Endpoint, SocketEntry> entries = new TreeMap<>();
    holdings.forEach(
        (socket, holding) ->
            entries.merge(
                socket.endpoint(),
                SocketEntry.heldBy(socket.endpoint(), holding.holders(), holding.complete()),
                SocketEntry::and));
    Set<Endpoint> forged = forged(entries);
    notes.addAll(notes(entries, forged));
    return new Scan(
        Snapshot.of(origin(time), entries.values()),
        forged,
        new ScanState(validity, holdings),
        notes);
  }

  /** The rows that are no sockets as far as can be told. */
  private Set<Endpoint> forged(Map<Endpoint, SocketEntry> entries) {
    doubtful.clear();
    Set<Endpoint> forged = new TreeSet<>();
    for (var doubt : doubts.entrySet()) {
      Endpoint endpoint = doubt.getKey().endpoint();
      SocketEntry entry = entries.get(endpoint);
      if (entry.holders().isEmpty()) {
        doubtful.put(endpoint, doubt.getValue().origin().endpoint());
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
  private Set<Socket> readTables(List<String> notes) throws IOException {
    requireProc();
    doubts.clear();
    claimed.clear();
    Set<Socket> sockets = new HashSet<>();
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
  private Map<Socket, Holding> attribute(
      Set<Socket> sockets, ScanState remembered, Map<Socket, Holding> before) throws IOException {
    Map<Integer, Optional<Holder>> alive = new HashMap<>();
    Map<Socket, Holding> holdings = new HashMap<>();
    Set<Socket> unseen = new HashSet<>();
    for (Socket socket : sockets) {
      Holding holding = socket.inode() == 0 ? NOBODY : remembered.holdings().get(socket);
      Optional<Holding> still = holding == null ? Optional.empty() : withoutEnded(holding, alive);
      still.ifPresentOrElse(it -> holdings.put(socket, it), () -> unseen.add(socket));
    }
    if (!unseen.isEmpty()) {
      holdings.putAll(findHolders(unseen, before));
    }
    return holdings;
  }

  /**
   * What is left of a remembered holding: workers of a server come and go, but if nobody is left,
   * or one of them runs another program now or as another user, the memory is of no use.
   */
  private Optional<Holding> withoutEnded(Holding holding, Map<Integer, Optional<Holder>> alive) {
    List<Holder> left = new ArrayList<>();
    for (Holder holder : holding.holders()) {
      Optional<Holder> now = alive.get(holder.pid());
      if (now == null) {
        now = processes.isStill(holder) ? Optional.of(holder) : identify(holder.pid());
        alive.put(holder.pid(), now);
      }
      if (now.isPresent() && now.get().startTicks() == holder.startTicks()) {
        if (!now.get().owner().equals(holder.owner())) {
          return Optional.empty();
        }
        left.add(holder);
      }
    }
    return left.isEmpty() && !holding.holders().isEmpty()
        ? Optional.empty()
        : Optional.of(new Holding(left, holding.complete()));
  }

  private Optional<Holder> identify(int pid) {
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
  private Map<Socket, Holding> findHolders(Set<Socket> sockets, Map<Socket, Holding> before)
      throws IOException {
    Set<Long> inodes = new HashSet<>();
    sockets.forEach(socket -> inodes.add(socket.inode()));
    Owners.Found found = new Owners(processes).find(inodes);
    inodes.removeAll(found.holders().keySet());
    doubts.keySet().forEach(socket -> inodes.remove(socket.inode()));
    if (!inodes.isEmpty()) {
      // Handed from one process to another during the walk, perhaps, or kept by a thread to itself.
      Owners.Found more = new Owners(processes).findInThreads(inodes);
      found.holders().putAll(more.holders());
      found.descriptors().putAll(more.descriptors());
    }
    boolean tellsUnix = tellsUnixSockets();
    Map<Socket, Holding> holdings = new HashMap<>();
    for (Socket socket : sockets) {
      List<Holder> holders = found.holders(socket);
      if (doubts.containsKey(socket) && !isBelieved(socket, found, before, tellsUnix)) {
        claimed.put(socket.endpoint(), holders);
        holders = List.of();
      }
      boolean complete = !holders.isEmpty() || found.unreadable() == 0;
      holdings.put(socket, new Holding(holders, complete));
    }
    return holdings;
  }

  /**
   * Whether who holds the inode of a row holds what the row tells. Anybody can write the inode of
   * somebody else's socket into a name: of an unwatched one, of one in another namespace, or of one
   * that has a row of its own. Of two such rows the one is real that was there before.
   */
  private boolean isBelieved(
      Socket socket, Owners.Found found, Map<Socket, Holding> before, boolean tellsUnix) {
    List<Holder> holders = found.holders(socket);
    if (holders.isEmpty()) {
      return true; // that nobody holds it
    }
    Holding known = before.getOrDefault(socket, NOBODY);
    return (!doubts.get(socket).contested() || !Collections.disjoint(known.holders(), holders))
        && (!tellsUnix || processes.mayBeUnixSocket(found.descriptors().get(socket.inode())))
        && isInNamespace(socket.endpoint().netns(), holders);
  }

  private boolean isInNamespace(String label, List<Holder> holders) {
    Optional<String> namespace = scanned.get(label).link();
    for (Holder holder : holders) {
      if (namespace.isEmpty() || namespace.equals(processes.networkNamespace(holder))) {
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
  public Origin origin(Instant time) throws IOException {
    return new Origin(
        kernelValue("hostname"),
        kernelValue("osrelease"),
        time.truncatedTo(ChronoUnit.SECONDS),
        version);
  }

  private String kernelValue(String name) throws IOException {
    Path file = proc.resolve("sys/kernel").resolve(name);
    return Processes.decoded(file).strip();
  }

  /** The ports that the kernel deals out on this host, for protocols of this scope. */
  public EphemeralPorts ephemeralPorts(EphemeralPorts.Scope scope) throws IOException {
    requireProc();
    Path file = proc.resolve("sys/net/ipv4/ip_local_port_range");
    String[] range = Processes.read(file).trim().split("\\s+", -1);
    if (range.length != 2 || !(range[0] + range[1]).matches("\\d{2,10}")) {
      throw new IOException(file + ": no range of ports: '" + String.join(" ", range) + "'");
    }
    return new EphemeralPorts(scope, Integer.parseInt(range[0]), Integer.parseInt(range[1]));
  }

  /** The whole story of a socket that the last scan found. */
  public Story story(SocketEntry entry) throws IOException {
    NetworkNamespace namespace = scanned.get(entry.endpoint().netns());
    if (inspector == null) {
      inspector = new Inspector(processes, services); // a quiet run needs none
    }
    Endpoint endpoint = entry.endpoint();
    Story story = inspector.story(entry, namespace);
    return doubtful.containsKey(endpoint) && entry.holders().isEmpty()
        ? story.doubted(
            doubtful.get(endpoint),
            claimed.getOrDefault(endpoint, List.of()),
            entry.ownerUnknown() ? Flag.UNVERIFIED : Flag.FORGED)
        : story;
  }
}
