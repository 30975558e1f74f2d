package org.lsm.proc;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.IntFunction;
import org.lsm.snapshot.Endpoint;
import org.lsm.snapshot.Protocol;
import org.lsm.snapshot.ScanState.Socket;

/**
 * Parses the socket tables of the kernel, all but {@link UnixTable}: the layouts of {@code
 * /proc/net/tcp} and its relatives (Documentation/networking/proc_net_tcp.rst), {@code packet}
 * (proc_net(5)) and {@code sctp/eps}.
 */
final class SocketTable {

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
  SocketTable(
      String netns, Protocol protocol, ByteOrder order, IntFunction<String> interfaceNames) {
    this.netns = netns;
    this.protocol = protocol;
    this.order = order;
    this.interfaceNames = interfaceNames;
  }

  /**
   * What a table held.
   *
   * @param rows the watched sockets
   * @param doubts why some of them may be no sockets at all
   * @param count how many rows were read, watched or not
   * @param skipped how many of them were not understood
   * @param firstSkipped line and reason of the first of those, empty if there is none
   */
  record Content(
      List<Socket> rows, Map<Socket, Doubt> doubts, int count, int skipped, String firstSkipped) {

    /** What a table held in which nobody can forge rows. */
    Content(List<Socket> rows, int count, int skipped, String firstSkipped) {
      this(rows, Map.of(), count, skipped, firstSkipped);
    }
  }

  /**
   * Why a row may be forged.
   *
   * @param origin the socket whose name it may be a part of
   * @param contested whether another row has the same inode, so that one of the two is forged
   */
  record Doubt(Socket origin, boolean contested) {}

  /** Reads a table to its end, or to the first row that is no listener where listeners lead. */
  Content parse(InputStream in) throws IOException {
    Lines lines = new Lines(in);
    List<Socket> rows = new ArrayList<>();
    int count = 0;
    int skipped = 0;
    String firstSkipped = "";
    lines.next(); // the header, which differs between kernels
    for (String line = lines.next(); line != null; line = lines.next()) {
      count++;
      try {
        List<Socket> watched = parseRow(line);
        if (watched.isEmpty() && listenersLead()) {
          break;
        }
        rows.addAll(watched);
      } catch (BadRowException e) {
        skipped++;
        firstSkipped = skipped == 1 ? "line " + (count + 1) + ": " + e.getMessage() : firstSkipped;
      }
    }
    return new Content(rows, count, skipped, firstSkipped);
  }

  /**
   * The remote ends of all connections by their local port, up to {@code limit} for each. Reads the
   * whole table, so it is for sockets that have to be explained, not for every scan.
   */
  Map<Integer, List<String>> peers(InputStream in, int limit) throws IOException {
    Lines lines = new Lines(in);
    Map<Integer, List<String>> peers = new HashMap<>();
    lines.next();
    for (String line = lines.next(); line != null; line = lines.next()) {
      try {
        Columns columns = new Columns(line, line.length()).skip(1);
        List<String> of = peers.computeIfAbsent(port(columns.next()), none -> new ArrayList<>());
        String remote = columns.next();
        if (columns.hex() == ESTABLISHED && of.size() < limit) {
          int words = protocol.family() == Protocol.Family.INET ? 1 : 4;
          String address = Addresses.ofWords(remote.split(":", -1)[0], words, order);
          String peer = new Endpoint(protocol, address, port(remote)).local();
          if (!of.contains(peer)) {
            of.add(peer);
          }
        }
      } catch (BadRowException e) {
        // Told by the scan already.
      }
    }
    return peers;
  }

  private static int port(String addressAndPort) throws BadRowException {
    return (int)
        Columns.number(addressAndPort.substring(addressAndPort.indexOf(':') + 1), 16, 0xFFFF);
  }

  private boolean listenersLead() {
    return protocol == Protocol.TCP || protocol == Protocol.TCP6;
  }

  /** The watched sockets of one row; none if the row is fine but not watched. */
  private List<Socket> parseRow(String line) throws BadRowException {
    if (!line.endsWith("\n")) {
      throw new BadRowException("row is cut short");
    }
    Columns columns = new Columns(line, line.length() - 1);
    return switch (protocol.family()) {
      case INET -> inet(columns, 1);
      case INET6 -> inet(columns, 4);
      case SCTP -> sctp(columns);
      case PACKET -> packet(columns);
      case UNIX -> throw new IllegalStateException("UnixTable reads these");
    };
  }

  /** sl local_address rem_address st tx_queue:rx_queue tr:tm->when retrnsmt uid timeout inode. */
  private List<Socket> inet(Columns columns, int words) throws BadRowException {
    String local = columns.skip(1).next();
    String address = Addresses.ofWords(local.split(":", -1)[0], words, order);
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
  private List<Socket> sctp(Columns columns) throws BadRowException {
    int port = (int) Columns.number(columns.skip(5).next(), 10, 0xFFFF);
    long uid = columns.decimal();
    long inode = columns.decimal();
    List<Socket> rows = new ArrayList<>();
    do {
      rows.add(socket(Addresses.ofText(columns.next()), port, uid, inode));
    } while (columns.hasNext());
    return rows;
  }

  /** sk RefCnt Type Proto Iface R Rmem User Inode. */
  private List<Socket> packet(Columns columns) throws BadRowException {
    int ethernetProtocol = (int) Columns.number(columns.skip(3).next(), 16, 0xFFFF);
    int index = (int) Columns.number(columns.next(), 10, Integer.MAX_VALUE);
    String name = index == 0 ? "*" : interfaceNames.apply(index);
    long uid = columns.skip(2).decimal();
    return List.of(socket(name, ethernetProtocol, uid, columns.decimal()));
  }

  private Socket socket(String address, int port, long uid, long inode) {
    return new Socket(inode, uid, new Endpoint(netns, protocol, address, port));
  }
}
