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
 * @param label the name that lsm shows; empty for the namespace that lsm runs in
 * @param tables the directory of the tables, {@code /proc/net} or {@code /proc/PID/net}
 */
record NetworkNamespace(String label, Path tables) {

  /** Returns the kernel's name, net:[4026531840]; empty if it cannot be read. */
  Optional<String> link() {
    // /proc/net is a link to self/net.
    Path link = tables.resolveSibling(label.isEmpty() ? "self/ns/net" : "ns/net");
    try {
      return Optional.of(Files.readSymbolicLink(link).toString());
    } catch (IOException e) {
      return Optional.empty();
    }
  }

  /** Reads all tables. */
  NamespaceSockets read() throws IOException {
    List<SocketKey> sockets = new ArrayList<>();
    Map<SocketKey, ForgerySuspicion> suspicions = new HashMap<>();
    List<String> notes = new ArrayList<>();
    Map<Integer, String> interfaces = readInterfaceNames();
    int rowCount = 0;
    for (Protocol protocol : Protocol.values()) {
      ParsedTable table = read(protocol, interfaces);
      sockets.addAll(table.sockets());
      suspicions.putAll(table.suspicions());
      rowCount += table.rowCount();
      if (table.skipped() > 0) {
        String rows = "skipped " + table.skipped() + " malformed of " + table.rowCount() + " rows";
        notes.add(rows + " in " + file(protocol) + "; " + table.firstSkipped());
      }
    }
    return new NamespaceSockets(sockets, suspicions, rowCount, notes);
  }

  /** Reads a table. A table does not exist without IPv6 or while its module is not loaded. */
  private ParsedTable read(Protocol protocol, Map<Integer, String> interfaces) throws IOException {
    try (InputStream in = Files.newInputStream(file(protocol))) {
      TableParser parser =
          protocol == Protocol.UNIX
              ? new ProcNetUnixParser(label)
              : new ProcNetParser(label, protocol, ByteOrder.nativeOrder(), interfaces);
      return parser.parse(in);
    } catch (NoSuchFileException e) {
      return ParsedTable.EMPTY;
    } catch (FileSystemException e) {
      throw e; // names the file
    } catch (IOException e) {
      throw new IOException("cannot read " + file(protocol) + ": " + e.getMessage(), e);
    }
  }

  /** Returns up to {@code max} connected remote ends for each local port; none on errors. */
  Map<Integer, List<String>> peers(Protocol protocol, int max) {
    try (InputStream in = Files.newInputStream(file(protocol))) {
      return new ProcNetParser(label, protocol, ByteOrder.nativeOrder(), Map.of()).peers(in, max);
    } catch (IOException e) {
      return Map.of(); // the scan reports a table that it cannot read
    }
  }

  private Path file(Protocol protocol) {
    return tables.resolve(protocol == Protocol.SCTP ? "sctp/eps" : protocol.label());
  }

  /**
   * Reads the names of network interfaces by index from the table of IPv4 group memberships, whose
   * rows {@code 2 TAB eth0 : COUNT QUERIER} are followed by indented ones.
   */
  private Map<Integer, String> readInterfaceNames() throws IOException {
    Map<Integer, String> names = new HashMap<>();
    String table;
    try {
      table = ProcFile.read(tables.resolve("igmp"));
    } catch (NoSuchFileException e) {
      return names; // no IPv4, or the process whose directory this is has ended
    }
    for (String line : table.split("\n", -1)) {
      int tab = line.indexOf('\t');
      int colon = line.indexOf(':', tab);
      if (tab > 0 && colon > 0 && Character.digit(line.charAt(0), 10) >= 0) {
        byte[] name = line.substring(tab, colon).trim().getBytes(StandardCharsets.ISO_8859_1);
        try {
          long index = FieldReader.number(line.substring(0, tab), 10, Integer.MAX_VALUE);
          names.put((int) index, TextEscaper.decode(name));
        } catch (MalformedRowException e) {
          // sockets on the interface show its index
        }
      }
    }
    return names;
  }
}
