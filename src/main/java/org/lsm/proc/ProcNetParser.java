package org.lsm.proc;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.IntFunction;
import org.lsm.model.Endpoint;
import org.lsm.model.Protocol;
import org.lsm.model.SocketKey;

/**
 * Parses the socket tables of the kernel, all but {@link ProcNetUnixParser}: the layouts of {@code
 * /proc/net/tcp} and its relatives (Documentation/networking/proc_net_tcp.rst), {@code packet}
 * (proc_net(5)) and {@code sctp/eps}.
 */
final class ProcNetParser {

  /** States of include/net/tcp_states.h; the other protocols borrow them. */
  private static final int ESTABLISHED = 0x01;

  private static final int LISTEN = 0x0A;

  private static final int CLOSE = 0x07;

  private final String netns;
  private final Protocol protocol;
  private final ByteOrder order;
  private final IntFunction<String> interfaceNames;

  /**
   * @param netns label of the network namespace it belongs to
   * @param protocol whose table it is
   * @param order byte order of the machine that printed the table
   * @param interfaceNames names of network interfaces by their index
   */
  ProcNetParser(
      String netns, Protocol protocol, ByteOrder order, IntFunction<String> interfaceNames) {
    this.netns = netns;
    this.protocol = protocol;
    this.order = order;
    this.interfaceNames = interfaceNames;
  }

  /** Reads a table to its end, or to the first row that is no listener where listeners lead. */
  ParsedTable parse(InputStream in) throws IOException {
    ByteLineReader lines = new ByteLineReader(in);
    List<SocketKey> rows = new ArrayList<>();
    int count = 0;
    int skipped = 0;
    String firstSkipped = "";
    lines.next(); // the header, which differs between kernels
    for (String line = lines.next(); line != null; line = lines.next()) {
      count++;
      try {
        List<SocketKey> watched = parseRow(line);
        if (watched.isEmpty() && listenersLead()) {
          break;
        }
        rows.addAll(watched);
      } catch (MalformedRowException e) {
        skipped++;
        firstSkipped = skipped == 1 ? "line " + (count + 1) + ": " + e.getMessage() : firstSkipped;
      }
    }
    return new ParsedTable(rows, count, skipped, firstSkipped);
  }

  /**
   * The remote ends of all connections by their local port, up to {@code limit} for each. Reads the
   * whole table, so it is for sockets that have to be explained, not for every scan.
   */
  Map<Integer, List<String>> peers(InputStream in, int limit) throws IOException {
    ByteLineReader lines = new ByteLineReader(in);
    Map<Integer, List<String>> peers = new HashMap<>();
    lines.next();
    for (String line = lines.next(); line != null; line = lines.next()) {
      try {
        FieldReader columns = new FieldReader(line, line.length()).skip(1);
        List<String> of = peers.computeIfAbsent(port(columns.next()), none -> new ArrayList<>());
        String remote = columns.next();
        if (columns.hex() == ESTABLISHED && of.size() < limit) {
          int words = protocol.family() == Protocol.Family.INET ? 1 : 4;
          String address = ProcNetAddress.ofWords(remote.split(":", -1)[0], words, order);
          String peer = new Endpoint(protocol, address, port(remote)).local();
          if (!of.contains(peer)) {
            of.add(peer);
          }
        }
      } catch (MalformedRowException e) {
        // Told by the scan already.
      }
    }
    return peers;
  }

  private static int port(String addressAndPort) throws MalformedRowException {
    return (int)
        FieldReader.number(addressAndPort.substring(addressAndPort.indexOf(':') + 1), 16, 0xFFFF);
  }

  private boolean listenersLead() {
    return protocol == Protocol.TCP || protocol == Protocol.TCP6;
  }

  /** The watched sockets of one row; none if the row is fine but not watched. */
  private List<SocketKey> parseRow(String line) throws MalformedRowException {
    if (!line.endsWith("\n")) {
      throw new MalformedRowException("row is cut short");
    }
    FieldReader columns = new FieldReader(line, line.length() - 1);
    return switch (protocol.family()) {
      case INET -> inet(columns, 1);
      case INET6 -> inet(columns, 4);
      case SCTP -> sctp(columns);
      case PACKET -> packet(columns);
      case UNIX -> throw new IllegalStateException("UnixTable reads these");
    };
  }

  /** sl local_address rem_address st tx_queue:rx_queue tr:tm->when retrnsmt uid timeout inode. */
  private List<SocketKey> inet(FieldReader columns, int words) throws MalformedRowException {
    String local = columns.skip(1).next();
    String address = ProcNetAddress.ofWords(local.split(":", -1)[0], words, order);
    int port = port(local);
    long state = columns.skip(1).hex();
    long uid = columns.skip(3).decimal();
    long inode = columns.skip(1).decimal();
    return isWatched(state) ? List.of(socket(address, port, uid, inode)) : List.of();
  }

  private boolean isWatched(long state) {
    return switch (protocol) {
      case TCP, TCP6 -> state == LISTEN;
      // A connected UDP socket takes datagrams of its peer alone.
      case UDP, UDP6, UDPLITE, UDPLITE6 -> state == CLOSE;
      default -> true;
    };
  }

  /** ENDPT SOCK STY SST HBKT LPORT UID INODE LADDRS...; one socket may have many addresses. */
  private List<SocketKey> sctp(FieldReader columns) throws MalformedRowException {
    int port = (int) FieldReader.number(columns.skip(5).next(), 10, 0xFFFF);
    long uid = columns.decimal();
    long inode = columns.decimal();
    List<SocketKey> rows = new ArrayList<>();
    do {
      rows.add(socket(ProcNetAddress.ofText(columns.next()), port, uid, inode));
    } while (columns.hasNext());
    return rows;
  }

  /** sk RefCnt Type Proto Iface R Rmem User Inode. */
  private List<SocketKey> packet(FieldReader columns) throws MalformedRowException {
    int ethernetProtocol = (int) FieldReader.number(columns.skip(3).next(), 16, 0xFFFF);
    int index = (int) FieldReader.number(columns.next(), 10, Integer.MAX_VALUE);
    String name = index == 0 ? "*" : interfaceNames.apply(index);
    long uid = columns.skip(2).decimal();
    return List.of(socket(name, ethernetProtocol, uid, columns.decimal()));
  }

  private SocketKey socket(String address, int port, long uid, long inode) {
    return new SocketKey(inode, uid, new Endpoint(netns, protocol, address, port));
  }
}
