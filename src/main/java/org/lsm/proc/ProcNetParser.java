package org.lsm.proc;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.lsm.model.Endpoint;
import org.lsm.model.Protocol;
import org.lsm.model.SocketKey;

/**
 * Parses all socket tables but {@code unix}: {@code tcp}, {@code udp} and others of that layout
 * (Documentation/networking/proc_net_tcp.rst), {@code packet} (proc_net(5)) and {@code sctp/eps}.
 */
final class ProcNetParser extends TableParser {
  // States of include/net/tcp_states.h; the other protocols use them as well.
  private static final int ESTABLISHED = 0x01;
  private static final int SYN_RECV = 0x03;
  private static final int CLOSE = 0x07;
  private static final int LISTEN = 0x0A;
  private static final List<String> STATES = // as ss(8) names them
      List.of(
          "- ESTAB SYN-SENT SYN-RECV FIN-WAIT-1 FIN-WAIT-2 TIME-WAIT UNCONN CLOSE-WAIT LAST-ACK"
              .split(" ", -1));
  private static final int MAX_PORT = 0xFFFF;

  private final String netns;
  private final Protocol protocol;
  private final ByteOrder order;
  private final InterfaceNames interfaces;
  private final boolean listenersFirst;

  /**
   * Takes the byte order of the machine, the names of network interfaces, and {@link
   * KernelInfo#listsListenersFirst}.
   */
  ProcNetParser(
      String netns,
      Protocol protocol,
      ByteOrder order,
      InterfaceNames interfaces,
      boolean listenersFirst) {
    this.netns = netns;
    this.protocol = protocol;
    this.order = order;
    this.interfaces = interfaces;
    this.listenersFirst = listenersFirst;
  }

  @Override
  void parseLine(String line) throws MalformedRowException, IOException {
    FieldReader fields = new FieldReader(line);
    switch (protocol.family()) {
      case INET, INET6 -> parseInet(fields);
      case SCTP -> parseSctp(fields);
      case PACKET -> parsePacket(fields);
      case UNIX, OUTBOUND -> throw new IllegalStateException("no table of this format");
    }
  }

  @Override
  Optional<String> damagedTable() {
    return Optional.of(new Endpoint(netns, protocol, "", 0).table());
  }

  /** sl local_address rem_address st tx_queue:rx_queue tr:tm->when retrnsmt uid timeout inode. */
  private void parseInet(FieldReader fields) throws MalformedRowException {
    String local = fields.skip(1).next();
    String address = address(local);
    int port = port(local);
    int state = fields.skip(1).number(16, 0xFF);
    long uid = fields.skip(3).decimal();
    long inode = fields.skip(1).decimal();
    if (isWatched(state)) {
      sockets.add(socket(address, port, uid, inode));
      addRow(local, Long.toString(uid), Long.toString(inode));
    } else if (protocol == Protocol.TCP || protocol == Protocol.TCP6) {
      stopped = listenersFirst && state != SYN_RECV;
    }
  }

  private boolean isWatched(int state) {
    return switch (protocol) {
      case TCP, TCP6 -> state == LISTEN;
      // A connected UDP socket receives datagrams of its peer only.
      case UDP, UDP6, UDPLITE, UDPLITE6 -> state == CLOSE;
      default -> true;
    };
  }

  /** ENDPT SOCK STY SST HBKT LPORT UID INODE LADDRS...: one socket may have many addresses. */
  private void parseSctp(FieldReader fields) throws MalformedRowException {
    int port = fields.skip(5).number(10, MAX_PORT);
    long uid = fields.decimal();
    long inode = fields.decimal();
    List<SocketKey> parsed = new ArrayList<>();
    List<String> columns = new ArrayList<>(List.of(port + "", uid + "", inode + ""));
    do {
      String address = fields.next();
      columns.add(address);
      parsed.add(socket(ProcNetAddress.ofText(address), port, uid, inode));
    } while (fields.hasNext());
    sockets.addAll(parsed);
    addRow(columns.toArray(String[]::new));
  }

  /** sk RefCnt Type Proto Iface R Rmem User Inode. */
  private void parsePacket(FieldReader fields) throws MalformedRowException, IOException {
    String protocolNumber = fields.skip(3).next();
    int etherType = (int) FieldReader.number(protocolNumber, 16, MAX_PORT);
    String index = fields.next();
    String name = interfaces.of(index);
    long uid = fields.skip(2).decimal();
    long inode = fields.decimal();
    sockets.add(socket(name, etherType, uid, inode));
    addRow(protocolNumber, index, Long.toString(uid), Long.toString(inode));
    addRow(name);
  }

  private SocketKey socket(String address, int port, long uid, long inode) {
    return new SocketKey(inode, uid, new Endpoint(netns, protocol, address, port));
  }

  private String address(String addressAndPort) throws MalformedRowException {
    String hex = addressAndPort.split(":", 2)[0];
    return ProcNetAddress.ofWords(hex, protocol.family() == Protocol.Family.INET ? 1 : 4, order);
  }

  private static int port(String addressAndPort) throws MalformedRowException {
    String hex = addressAndPort.substring(addressAndPort.indexOf(':') + 1);
    return (int) FieldReader.number(hex, 16, MAX_PORT);
  }

  /** Takes the ends of a row, its state, and the fields behind that. */
  private interface RowConsumer {
    void accept(String local, String remote, int state, FieldReader rest)
        throws MalformedRowException;
  }

  /** Reads the remote ends of connections, up to {@code max} for each local port. */
  Map<Integer, Set<String>> peers(InputStream in, int max) throws IOException {
    Map<Integer, Set<String>> peers = new HashMap<>();
    readRows(
        in,
        (local, remote, state, rest) -> {
          if (state == ESTABLISHED) {
            Set<String> ofPort = peers.computeIfAbsent(port(local), none -> new LinkedHashSet<>());
            if (ofPort.size() < max) {
              ofPort.add(end(remote).local());
            }
          }
        });
    return peers;
  }

  /**
   * Reads connections by inode, {@code tcp 192.0.2.1:22 from 203.0.113.9:1234}, with {@code to} in
   * place of {@code from} where the table has no socket that serves the local end; throws
   * IOException if there are more than {@code max}.
   */
  Map<Long, String> connections(InputStream in, int max) throws IOException {
    Set<String> listeners = new HashSet<>();
    Map<Long, Endpoint> locals = new HashMap<>();
    Map<Long, String> connections = new HashMap<>();
    readRows(
        in,
        (local, remote, state, rest) -> {
          long inode = rest.skip(5).decimal();
          if (isWatched(state)) {
            listeners.add(end(local).local());
          } else if (inode != 0 && connections.size() <= max) {
            String name = state < STATES.size() ? STATES.get(state) : "state " + state;
            locals.put(inode, end(local));
            connections.put(inode, end(remote).local() + (state == ESTABLISHED ? "" : ", " + name));
          }
        });
    if (connections.size() > max) {
      throw new IOException("more than " + max + " connections");
    }
    connections.replaceAll((inode, remote) -> words(locals.get(inode), listeners) + remote);
    return connections;
  }

  private static String words(Endpoint local, Set<String> listeners) {
    return local.protocol().label()
        + " "
        + local.local()
        + (SsTable.isServed(local, listeners) ? " from " : " to ");
  }

  private Endpoint end(String addressAndPort) throws MalformedRowException {
    return new Endpoint("", protocol, address(addressAndPort), port(addressAndPort));
  }

  private static void readRows(InputStream in, RowConsumer rows) throws IOException {
    ByteLineReader lines = new ByteLineReader(in);
    lines.next();
    for (String line = lines.next(); line != null; line = lines.next()) {
      try {
        FieldReader fields = new FieldReader(line);
        String local = fields.skip(1).next();
        String remote = fields.next();
        rows.accept(local, remote, fields.number(16, 0xFF), fields);
      } catch (MalformedRowException e) {
        // parse reports it
      }
    }
  }
}
