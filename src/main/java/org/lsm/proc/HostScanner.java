package org.lsm.proc;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Clock;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.lsm.snapshot.Endpoint;
import org.lsm.snapshot.Holder;
import org.lsm.snapshot.Protocol;
import org.lsm.snapshot.Snapshot;
import org.lsm.snapshot.Snapshot.Origin;
import org.lsm.snapshot.SocketEntry;
import org.lsm.snapshot.Untrusted;

/** Takes a snapshot of the host that a /proc describes. */
public final class HostScanner {

  private final Path proc;
  private final Path passwd;
  private final Clock clock;
  private final String version;

  /**
   * @param proc the mount point of /proc
   * @param passwd the file with the names of users
   * @param clock tells when the scan was made
   * @param version of lsm, to stand in the snapshot
   */
  public HostScanner(Path proc, Path passwd, Clock clock, String version) {
    this.proc = proc;
    this.passwd = passwd;
    this.clock = clock;
    this.version = version;
  }

  /**
   * The outcome of a scan.
   *
   * @param snapshot what was found
   * @param notes what the reader should know of how far it can be believed; not escaped
   */
  public record Scan(Snapshot snapshot, List<String> notes) {}

  /** Reads all tables and finds the owners of all watched sockets. */
  public Scan scan() throws IOException {
    List<String> notes = new ArrayList<>();
    Map<Endpoint, Set<Long>> sockets = readTables(notes);
    Set<Long> inodes = sockets.values().stream().flatMap(Set::stream).collect(Collectors.toSet());
    inodes.remove(0L);
    Owners.Found found = new Owners(new Processes(proc), new Users(passwd)).find(inodes);
    List<SocketEntry> entries = new ArrayList<>();
    sockets.forEach((endpoint, of) -> entries.add(entry(endpoint, of, found)));
    long unknown = entries.stream().filter(SocketEntry::ownerUnknown).count();
    if (unknown > 0) {
      notes.add(
          String.format(
              "%d of %d sockets have an owner that this user may not see; run lsm as root to see"
                  + " all",
              unknown, entries.size()));
    }
    return new Scan(Snapshot.of(origin(), entries), notes);
  }

  private Origin origin() throws IOException {
    return new Origin(
        kernelValue("hostname"),
        kernelValue("osrelease"),
        clock.instant().truncatedTo(ChronoUnit.SECONDS),
        version);
  }

  private String kernelValue(String name) throws IOException {
    Path file = proc.resolve("sys/kernel").resolve(name);
    return Untrusted.decode(Files.readAllBytes(file)).strip();
  }

  /** The inodes behind each watched endpoint: several sockets may share one (SO_REUSEPORT). */
  private Map<Endpoint, Set<Long>> readTables(List<String> notes) throws IOException {
    if (!Files.isDirectory(proc.resolve("net"))) {
      throw new IOException(
          "cannot read " + proc.resolve("net") + ": no such directory; is /proc mounted?");
    }
    Map<Endpoint, Set<Long>> sockets = new TreeMap<>();
    Map<Integer, String> interfaces = readInterfaceNames();
    int count = 0;
    for (Protocol protocol : Protocol.values()) {
      Path file = proc.resolve("net").resolve(fileName(protocol));
      SocketTable table =
          new SocketTable(
              protocol,
              ByteOrder.nativeOrder(),
              index -> interfaces.getOrDefault(index, "if" + index));
      SocketTable.Content content = read(table, file);
      count += content.count();
      if (content.skipped() > 0) {
        notes.add(
            String.format(
                "%d of %d rows of %s were not understood and skipped; %s",
                content.skipped(), content.count(), file, content.firstSkipped()));
      }
      for (Row row : content.rows()) {
        sockets.computeIfAbsent(row.endpoint(), none -> new LinkedHashSet<>()).add(row.inode());
      }
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

  private static String fileName(Protocol protocol) {
    return protocol == Protocol.SCTP ? "sctp/eps" : protocol.label();
  }

  /** A table that is absent (no IPv6, a module not loaded) is empty; a reading error is one. */
  private static SocketTable.Content read(SocketTable table, Path file) throws IOException {
    try (InputStream in = Files.newInputStream(file)) {
      return table.parse(in);
    } catch (NoSuchFileException e) {
      return new SocketTable.Content(List.of(), 0, 0, "");
    } catch (FileSystemException e) {
      throw e;
    } catch (IOException e) {
      throw new IOException("cannot read " + file + ": " + e.getMessage(), e);
    }
  }

  /** Names of the network interfaces by index, from the table of IPv4 group memberships. */
  private Map<Integer, String> readInterfaceNames() throws IOException {
    Map<Integer, String> names = new HashMap<>();
    Path igmp = proc.resolve("net/igmp");
    if (!Files.exists(igmp)) {
      return names;
    }
    for (String line : Files.readString(igmp, StandardCharsets.ISO_8859_1).split("\n", -1)) {
      String[] columns = line.split("[\t :]+", -1);
      if (columns.length >= 2 && columns[0].matches("\\d{1,9}")) {
        names.put(Integer.valueOf(columns[0]), columns[1]);
      }
    }
    return names;
  }

  private static SocketEntry entry(Endpoint endpoint, Set<Long> inodes, Owners.Found found) {
    List<Holder> holders =
        inodes.stream()
            .map(inode -> found.holders().getOrDefault(inode, List.of()))
            .flatMap(Collection::stream)
            .distinct()
            .toList();
    boolean complete =
        inodes.stream().allMatch(inode -> inode == 0 || found.holders().containsKey(inode));
    return SocketEntry.heldBy(endpoint, holders, complete || found.unreadable() == 0);
  }
}
