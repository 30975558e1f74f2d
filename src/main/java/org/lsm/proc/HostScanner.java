package org.lsm.proc;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import org.lsm.snapshot.Endpoint;
import org.lsm.snapshot.EphemeralPorts;
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

  private static final Holding NOBODY = new Holding(List.of(), true);

  private final Path proc;
  private final Processes processes;
  private final NetworkNamespaces namespaces;
  private final Path services;
  private final boolean allNamespaces;
  private final Clock clock;
  private final String version;
  private final Map<String, NetworkNamespace> scanned = new HashMap<>();
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
   * @param state what the next scan can build upon
   * @param notes what the reader should know of how far it can be believed; not escaped
   */
  public record Scan(Snapshot snapshot, ScanState state, List<String> notes) {}

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
    Map<Socket, Holding> holdings =
        attribute(sockets, remembered.validity().equals(validity) ? remembered : ScanState.empty());
    Map<Endpoint, SocketEntry> entries = new TreeMap<>();
    holdings.forEach(
        (socket, holding) ->
            entries.merge(
                socket.endpoint(),
                SocketEntry.heldBy(socket.endpoint(), holding.holders(), holding.complete()),
                SocketEntry::and));
    long unknown = entries.values().stream().filter(SocketEntry::ownerUnknown).count();
    if (unknown > 0) {
      notes.add(
          String.format(
              "%d of %d sockets have an owner that this user may not see; run lsm as root to see"
                  + " all",
              unknown, entries.size()));
    }
    return new Scan(
        Snapshot.of(origin(time), entries.values()), new ScanState(validity, holdings), notes);
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
    Set<Socket> sockets = new HashSet<>();
    int count = 0;
    for (NetworkNamespace namespace :
        allNamespaces ? namespaces.all(notes) : List.of(namespaces.own())) {
      scanned.put(namespace.label(), namespace);
      NetworkNamespace.Content content = read(namespace);
      sockets.addAll(content.sockets());
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
          List.of(), 0, List.of("cannot read network namespace " + namespace.label() + ": " + e));
    }
  }

  /** Who holds each socket: as remembered where that still holds, else found out anew. */
  private Map<Socket, Holding> attribute(Set<Socket> sockets, ScanState remembered)
      throws IOException {
    Map<Integer, Optional<Holder>> alive = new HashMap<>();
    Map<Socket, Holding> holdings = new HashMap<>();
    Set<Socket> unseen = new HashSet<>();
    for (Socket socket : sockets) {
      Holding holding = socket.inode() == 0 ? NOBODY : remembered.holdings().get(socket);
      Optional<Holding> still = holding == null ? Optional.empty() : withoutEnded(holding, alive);
      still.ifPresentOrElse(it -> holdings.put(socket, it), () -> unseen.add(socket));
    }
    if (!unseen.isEmpty()) {
      holdings.putAll(findHolders(unseen));
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
    } catch (IOException e) {
      return Optional.empty(); // it has ended
    }
  }

  private Map<Socket, Holding> findHolders(Set<Socket> sockets) throws IOException {
    Set<Long> inodes = new HashSet<>();
    sockets.forEach(socket -> inodes.add(socket.inode()));
    Owners.Found found = new Owners(processes).find(inodes);
    inodes.removeAll(found.holders().keySet());
    if (!inodes.isEmpty()) {
      // Handed from one process to another during the walk, perhaps.
      found.holders().putAll(new Owners(processes).find(inodes).holders());
    }
    Map<Socket, Holding> holdings = new HashMap<>();
    for (Socket socket : sockets) {
      List<Holder> holders = found.holders().getOrDefault(socket.inode(), List.of());
      boolean complete = !holders.isEmpty() || found.unreadable() == 0;
      holdings.put(socket, new Holding(holders, complete));
    }
    return holdings;
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
    return inspector.story(entry, namespace);
  }
}
