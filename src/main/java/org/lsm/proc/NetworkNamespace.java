package org.lsm.proc;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.lsm.model.Protocol;
import org.lsm.model.SocketKey;
import org.lsm.model.TextEscaper;

/**
 * The socket tables of one network namespace (network_namespaces(7)).
 *
 * @param label how lsm calls it; empty for the one that lsm runs in
 * @param tables the directory they stand in, {@code /proc/net} or {@code /proc/PID/net}
 */
record NetworkNamespace(String label, Path tables) {

  /**
   * What the tables held.
   *
   * @param sockets the watched sockets
   * @param doubts why some of them may be no sockets at all
   * @param count how many rows there were, watched or not
   * @param notes what was not understood
   */
  record Content(
      List<SocketKey> sockets,
      Map<SocketKey, ForgerySuspicion> doubts,
      int count,
      List<String> notes) {}

  /** What the kernel calls it, net:[4026531840]; empty if that cannot be found out. */
  Optional<String> link() {
    // /proc/net is a link to self/net.
    Path link =
        label.isEmpty() ? tables.resolveSibling("self/ns/net") : tables.resolveSibling("ns/net");
    try {
      return Optional.of(Files.readSymbolicLink(link).toString());
    } catch (IOException e) {
      return Optional.empty();
    }
  }

  /** Reads all tables. */
  Content read() throws IOException {
    List<SocketKey> sockets = new ArrayList<>();
    Map<SocketKey, ForgerySuspicion> doubts = new HashMap<>();
    List<String> notes = new ArrayList<>();
    Map<Integer, String> interfaces = readInterfaceNames();
    int count = 0;
    for (Protocol protocol : Protocol.values()) {
      ParsedTable content = read(protocol, interfaces);
      sockets.addAll(content.rows());
      doubts.putAll(content.doubts());
      count += content.count();
      if (content.skipped() > 0) {
        notes.add(
            String.format(
                "%d of %d rows of %s were not understood and skipped; %s",
                content.skipped(), content.count(), file(protocol), content.firstSkipped()));
      }
    }
    return new Content(sockets, doubts, count, notes);
  }

  /** A table that is absent (no IPv6, a module not loaded) is empty; a reading error is one. */
  private ParsedTable read(Protocol protocol, Map<Integer, String> interfaces) throws IOException {
    try (InputStream in = Files.newInputStream(file(protocol))) {
      return protocol == Protocol.UNIX
          ? new ProcNetUnixParser(label).parse(in)
          : table(protocol, interfaces).parse(in);
    } catch (NoSuchFileException e) {
      return new ParsedTable(List.of(), 0, 0, "");
    } catch (FileSystemException e) {
      throw e;
    } catch (IOException e) {
      throw new IOException("cannot read " + file(protocol) + ": " + e.getMessage(), e);
    }
  }

  /** For each local port up to {@code limit} remote ends that are connected to it now. */
  Map<Integer, List<String>> peers(Protocol protocol, int limit) {
    try (InputStream in = Files.newInputStream(file(protocol))) {
      return table(protocol, Map.of()).peers(in, limit);
    } catch (IOException e) {
      return Map.of(); // a story lacks them; that the table cannot be read is told by the scan
    }
  }

  private ProcNetParser table(Protocol protocol, Map<Integer, String> interfaces) {
    return new ProcNetParser(
        label,
        protocol,
        ByteOrder.nativeOrder(),
        index -> interfaces.getOrDefault(index, "if" + index));
  }

  private Path file(Protocol protocol) {
    return tables.resolve(protocol == Protocol.SCTP ? "sctp/eps" : protocol.label());
  }

  /** Names of the network interfaces by index, from the table of IPv4 group memberships. */
  private Map<Integer, String> readInterfaceNames() throws IOException {
    Map<Integer, String> names = new HashMap<>();
    String table;
    try {
      table = Files.readString(tables.resolve("igmp"), StandardCharsets.ISO_8859_1);
    } catch (NoSuchFileException e) {
      return names; // no IPv4, or the process through which this namespace is seen has ended
    }
    for (String line : table.split("\n", -1)) {
      String[] columns = line.split("[\t :]+", -1);
      if (columns.length >= 2 && columns[0].matches("\\d{1,9}")) {
        byte[] name = columns[1].getBytes(StandardCharsets.ISO_8859_1);
        names.put(Integer.valueOf(columns[0]), TextEscaper.decode(name));
      }
    }
    return names;
  }
}
