package org.lsm.proc;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.function.IntFunction;
import org.lsm.snapshot.Endpoint;
import org.lsm.snapshot.Protocol;
import org.lsm.snapshot.Untrusted;

/**
 * Parses the socket tables of the kernel: the layouts of {@code /proc/net/tcp} and its relatives
 * (Documentation/networking/proc_net_tcp.rst), {@code packet}, {@code unix} (proc_net(5)) and
 * {@code sctp/eps}.
 */
final class SocketTable {

  /** States of include/net/tcp_states.h; the other protocols borrow them. */
  private static final int LISTEN = 0x0A;

  private static final int CLOSE = 0x07;

  /** The socket accepts connections (__SO_ACCEPTCON of include/linux/net.h). */
  private static final int ACCEPTS_CONNECTIONS = 0x10000;

  private static final int SOCK_DGRAM = 2;

  private final Protocol protocol;
  private final ByteOrder order;
  private final IntFunction<String> interfaceNames;

  /**
   * @param protocol whose table it is
   * @param order byte order of the machine that printed the table
   * @param interfaceNames names of network interfaces by their index
   */
  SocketTable(Protocol protocol, ByteOrder order, IntFunction<String> interfaceNames) {
    this.protocol = protocol;
    this.order = order;
    this.interfaceNames = interfaceNames;
  }

  /**
   * What a table held.
   *
   * @param rows the watched sockets
   * @param count how many rows were read, watched or not
   * @param skipped how many of them were not understood
   * @param firstSkipped line and reason of the first of those, empty if there is none
   */
  record Content(List<Row> rows, int count, int skipped, String firstSkipped) {}

  /** Reads a table to its end, or to the first row that is no listener where listeners lead. */
  Content parse(InputStream in) throws IOException {
    Lines lines = new Lines(in);
    List<Row> rows = new ArrayList<>();
    int count = 0;
    int skipped = 0;
    String firstSkipped = "";
    lines.next(); // the header, which differs between kernels
    for (String line = lines.next(); line != null; line = lines.next()) {
      count++;
      try {
        List<Row> watched = parseRow(line);
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

  private boolean listenersLead() {
    return protocol == Protocol.TCP || protocol == Protocol.TCP6;
  }

  /** The watched sockets of one row; none if the row is fine but not watched. */
  private List<Row> parseRow(String line) throws BadRowException {
    if (!line.endsWith("\n")) {
      throw new BadRowException("row is cut short");
    }
    Columns columns = new Columns(line.substring(0, line.length() - 1));
    return switch (protocol.family()) {
      case INET -> inet(columns, 1);
      case INET6 -> inet(columns, 4);
      case SCTP -> sctp(columns);
      case PACKET -> packet(columns);
      case UNIX -> unix(columns);
    };
  }

  /** sl local_address rem_address st tx_queue:rx_queue tr:tm->when retrnsmt uid timeout inode. */
  private List<Row> inet(Columns columns, int words) throws BadRowException {
    String[] local = columns.skip(1).next().split(":", -1);
    if (local.length != 2) {
      throw new BadRowException("no local address");
    }
    String address = Addresses.ofWords(local[0], words, order);
    int port = (int) Columns.number(local[1], 16, 0xFFFF);
    long state = columns.skip(1).hex();
    long inode = columns.skip(5).decimal();
    return isWatched(state) ? List.of(row(address, port, inode)) : List.of();
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
  private List<Row> sctp(Columns columns) throws BadRowException {
    int port = (int) Columns.number(columns.skip(5).next(), 10, 0xFFFF);
    long inode = columns.skip(1).decimal();
    List<Row> rows = new ArrayList<>();
    do {
      rows.add(row(Addresses.ofText(columns.next()), port, inode));
    } while (columns.hasNext());
    return rows;
  }

  /** sk RefCnt Type Proto Iface R Rmem User Inode. */
  private List<Row> packet(Columns columns) throws BadRowException {
    int ethernetProtocol = (int) Columns.number(columns.skip(3).next(), 16, 0xFFFF);
    int index = (int) Columns.number(columns.next(), 10, Integer.MAX_VALUE);
    long inode = columns.skip(3).decimal();
    return List.of(row(index == 0 ? "*" : interfaceNames.apply(index), ethernetProtocol, inode));
  }

  /** Num RefCount Protocol Flags Type St Inode Path; the path is all the rest of the line. */
  private List<Row> unix(Columns columns) throws BadRowException {
    long flags = columns.skip(3).hex();
    long type = columns.hex();
    long inode = columns.skip(1).decimal();
    // A name that begins with a newline leaves nothing here but the space before it.
    boolean bound = !columns.atEnd();
    String path = Untrusted.decode(columns.rest().getBytes(StandardCharsets.ISO_8859_1));
    boolean listens = (flags & ACCEPTS_CONNECTIONS) != 0;
    boolean watched = bound && (listens || type == SOCK_DGRAM);
    return watched ? List.of(row(path, 0, inode)) : List.of();
  }

  private Row row(String address, int port, long inode) {
    return new Row(new Endpoint(protocol, address, port), inode);
  }
}
