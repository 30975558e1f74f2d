package org.lsm.monitor;

import static java.util.Comparator.comparing;
import static java.util.Comparator.naturalOrder;
import static java.util.Comparator.nullsFirst;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.lsm.channel.ExternalCommand;
import org.lsm.model.Connection;
import org.lsm.model.Connection.Traffic;
import org.lsm.model.Endpoint;
import org.lsm.model.OwnerCache.StuckReader;
import org.lsm.model.ProcessDetails;
import org.lsm.model.ProcessRef;
import org.lsm.model.SocketEntry;
import org.lsm.model.SocketKey;
import org.lsm.proc.ServicesFile;
import org.lsm.proc.SsTable;
import org.lsm.report.ConnectionListing;
import org.lsm.sentry.Dns;
import org.lsm.storage.StateDirectory;

/** Reads the TCP connections of lsm's network namespace, and their rates, through ss(8). */
public record ConnectionScan(Components components) {
  private static final int MAX_DETAILED = 50; // connections

  private static final Duration TIMEOUT = Duration.ofSeconds(30);
  private static final int MAX_OUTPUT = 32 * 1024 * 1024; // in bytes, of some 60,000 sockets

  /** Those with the highest rate first, then those with the most bytes. */
  private static final Comparator<Connection> BUSIEST_FIRST =
      comparing(
              Connection::traffic,
              comparing(Traffic::rate, nullsFirst(naturalOrder())).thenComparing(Traffic::bytes))
          .reversed();

  /** What ss printed, and when, as {@link System#nanoTime} has it. */
  private record Reading(SsTable table, long time) {}

  /**
   * Reads the selected connections with their owners, and their rates over these seconds, 0 to have
   * none; {@code detailed} with the details of processes and the names of remote hosts.
   */
  public ConnectionListing list(int seconds, Predicate<Connection> isSelected, boolean detailed)
      throws IOException {
    SsTable table = scan(seconds);
    List<Connection> selected = table.connections().stream().filter(isSelected).toList();
    List<SocketKey> sockets = selected.stream().map(Connection::socket).toList();
    Path state = components.config().stateDirectory();
    Set<StuckReader> stuck = StateDirectory.readOwnerCache(state).stuck();
    List<String> notes = new ArrayList<>(table.notes());
    Map<SocketKey, SocketEntry> owners = components.scanner().owners(sockets, stuck, notes);
    Map<String, String> hosts = Map.of();
    Map<Integer, ProcessDetails> details = Map.of();
    if (detailed) {
      List<Connection> first = selected.stream().limit(MAX_DETAILED).toList();
      details = details(first, owners, stuck);
      hosts = Dns.names(first.stream().map(it -> it.remote().address()).distinct().toList());
      if (selected.size() > MAX_DETAILED) {
        notes.add("only the first " + MAX_DETAILED + " connections have details");
      }
    }
    var services = ServicesFile.read(components.environment().sources().services());
    return new ConnectionListing(
        components.hostInfo(), selected, owners, services, hosts, details, notes);
  }

  /** Reads all connections. Adds notes, not escaped, here and below. */
  List<Connection> connections(List<String> notes) throws IOException {
    SsTable table = read().table();
    notes.addAll(table.notes());
    return table.connections();
  }

  /** Finds the processes of connections, and reads their details. */
  Map<Connection, List<ProcessDetails>> processes(List<Connection> connections, List<String> notes)
      throws IOException {
    List<SocketKey> sockets = connections.stream().map(Connection::socket).toList();
    Set<StuckReader> stuck =
        StateDirectory.readOwnerCache(components.config().stateDirectory()).stuck();
    Map<SocketKey, SocketEntry> owners = components.scanner().owners(sockets, stuck, notes);
    Map<Integer, ProcessDetails> details = details(connections, owners, stuck);
    Map<Connection, List<ProcessDetails>> processes = new HashMap<>();
    for (Connection it : connections) {
      SocketEntry entry = owners.get(it.socket());
      Stream<ProcessRef> held = entry == null ? Stream.of() : entry.processes().stream();
      processes.put(
          it, held.map(process -> details.get(process.pid())).filter(Objects::nonNull).toList());
    }
    return processes;
  }

  private Map<Integer, ProcessDetails> details(
      List<Connection> connections, Map<SocketKey, SocketEntry> owners, Set<StuckReader> stuck)
      throws IOException {
    List<ProcessRef> processes =
        connections.stream()
            .map(it -> owners.get(it.socket()))
            .filter(Objects::nonNull)
            .flatMap(it -> it.processes().stream())
            .distinct()
            .toList();
    return components.scanner().details(processes, stuck);
  }

  /** One that began meanwhile had no traffic before. */
  private SsTable scan(int seconds) throws IOException {
    Map<List<Endpoint>, Traffic> before = new HashMap<>();
    long start = 0;
    if (seconds > 0) {
      Reading first = read();
      first.table().connections().forEach(it -> before.put(it.ends(), it.traffic()));
      start = first.time();
      sleep(seconds);
    }
    Reading last = read();
    Duration time = Duration.ofNanos(last.time() - start);
    List<Connection> connections = new ArrayList<>();
    for (Connection it : last.table().connections()) {
      Traffic old = before.getOrDefault(it.ends(), Traffic.NONE);
      connections.add(seconds > 0 ? it.with(it.traffic().since(old, time)) : it);
    }
    connections.sort(BUSIEST_FIRST);
    return new SsTable(connections, last.table().notes());
  }

  private static void sleep(int seconds) throws IOException {
    try {
      Thread.sleep(Duration.ofSeconds(seconds).toMillis());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted", e);
    }
  }

  private Reading read() throws IOException {
    Path ss = SystemEnvironment.installed(components.environment().ss());
    try {
      // Without a cgroup2 mount, ss says so on stderr for each socket.
      ExternalCommand command = new ExternalCommand(ss, TIMEOUT, MAX_OUTPUT, false);
      String output = command.run(SsTable.ARGUMENTS, new byte[0], Map.of());
      long time = System.nanoTime();
      return new Reading(SsTable.parse(output), time);
    } catch (IOException e) {
      String advice = "; lsm needs ss of iproute2 5.1 or newer";
      throw new IOException(ss + " failed: " + e.getMessage() + advice, e);
    }
  }
}
