package org.lsm.model;

import java.util.Locale;
import org.lsm.model.Protocol.Family;

/**
 * Where a socket can be reached; snapshots are compared by it. The label of the network namespace
 * is empty for that of lsm. The address is an IP address (RFC 5952), an interface or {@code *} (for
 * packet), or a path (unix; an abstract name starts with {@code @}); not escaped. The port is the
 * IP protocol for raw, ETH_P_* for packet, and 0 for unix. In a baseline the port may be {@link
 * #EPHEMERAL}, and the address a class of addresses, {@code link-local}; see {@link
 * SocketIdentity}. Of outbound connections, the address is the class of the remote addresses, and
 * the port the remote one, 0 for any.
 */
public record Endpoint(String netns, Protocol protocol, String address, int port)
    implements Comparable<Endpoint> {
  public static final int EPHEMERAL = -1; // any port that was chosen anew, see SocketIdentity
  private static final String EPHEMERAL_WORD = "ephemeral";
  private static final int FIRST_OF_CLIENTS = 1024;

  /** Address and port as one word: {@code [::1]:22}, {@code eth0:0x0003}, {@code /run/x}. */
  public String local() {
    boolean isIpv6 = protocol.family() == Family.INET6 || address.indexOf(':') >= 0;
    String host = isIpv6 ? "[" + address + "]" : address;
    return switch (protocol.family()) {
      case UNIX -> address;
      case PACKET -> String.format(Locale.ROOT, "%s:0x%04x", address, port);
      case INET, INET6, SCTP, OUTBOUND -> host + ":" + (port == EPHEMERAL ? EPHEMERAL_WORD : port);
    };
  }

  /** Namespace and protocol as one word: {@code tcp}, {@code web:tcp6}. */
  public String table() {
    return netns.isEmpty() ? protocol.label() : netns + ":" + protocol.label();
  }

  /** Whether only this host can reach it: a unix socket, or an address of loopback. */
  public boolean isLocal() {
    return switch (protocol.family()) {
      case UNIX -> true;
      case PACKET, OUTBOUND -> false;
      case INET, INET6, SCTP ->
          address.startsWith("127.") || address.startsWith("::ffff:127.") || address.equals("::1");
    };
  }

  /** Whether this stands for connections to other hosts, and is no socket of this one. */
  public boolean isOutbound() {
    return protocol.family() == Family.OUTBOUND;
  }

  /** Whether this is a port of TCP, UDP or SCTP, and not the number of a protocol. */
  public boolean hasPort(int number) {
    return switch (protocol) {
      case TCP, TCP6, UDP, UDP6, UDPLITE, UDPLITE6, SCTP, OUT_TCP, OUT_UDP -> port == number;
      case RAW, RAW6, ICMP, ICMP6, PACKET, UNIX -> false;
    };
  }

  /**
   * Whether this may be the port of a client, which comes and goes: of UDP above the ports of
   * services, or a ping socket.
   */
  public boolean isOfClient() {
    return switch (protocol) {
      case UDP, UDP6, UDPLITE, UDPLITE6 -> port >= FIRST_OF_CLIENTS;
      default -> isPing();
    };
  }

  /** Whether this is a ping socket (icmp(7)), whose port is the identifier of its echo requests. */
  public boolean isPing() {
    return protocol == Protocol.ICMP || protocol == Protocol.ICMP6;
  }

  /** The endpoint with another address and port. */
  Endpoint with(String otherAddress, int otherPort) {
    return new Endpoint(netns, protocol, otherAddress, otherPort);
  }

  /** Parses {@link #table} and {@link #local}, or throws IllegalArgumentException. */
  public static Endpoint of(String table, String local) {
    int split = table.lastIndexOf(':') + 1;
    String label = table.substring(split);
    Protocol protocol = Protocol.of(label).orElse(null);
    if (protocol == null) {
      throw new IllegalArgumentException("unknown protocol '" + label + "'");
    }
    String netns = split == 0 ? "" : table.substring(0, split - 1);
    if (protocol.family() == Family.UNIX) {
      return new Endpoint(netns, protocol, local, 0);
    }
    int colon = local.lastIndexOf(':');
    if (colon < 1) {
      throw new IllegalArgumentException("no port in '" + local + "'");
    }
    String address = local.substring(0, colon);
    String word = local.substring(colon + 1);
    boolean isIp = protocol.family() != Family.PACKET; // an interface may have the name [x]
    boolean isIpv6 = protocol.family() == Family.INET6 || (isIp && address.indexOf(':') > 0);
    if (isIpv6 && address.startsWith("[") && address.endsWith("]")) {
      address = address.substring(1, address.length() - 1);
    }
    int port = isIp && word.equals(EPHEMERAL_WORD) ? EPHEMERAL : number(word);
    return new Endpoint(netns, protocol, address, port);
  }

  private static int number(String text) {
    boolean hex = text.startsWith("0x");
    int port = Integer.parseInt(hex ? text.substring(2) : text, hex ? 16 : 10);
    if (port < 0 || port > 0xFFFF) {
      throw new IllegalArgumentException("port out of range in '" + text + "'");
    }
    return port;
  }

  @Override
  public int compareTo(Endpoint other) {
    int order = netns.compareTo(other.netns);
    if (order != 0) {
      return order;
    }
    if (protocol != other.protocol) {
      return protocol.compareTo(other.protocol);
    }
    return port != other.port
        ? Integer.compare(port, other.port)
        : address.compareTo(other.address);
  }

  // A record links these methods at run time, which costs 10 ms at each start.
  @Override
  public boolean equals(Object other) {
    return other instanceof Endpoint it
        && port == it.port
        && protocol == it.protocol
        && address.equals(it.address)
        && netns.equals(it.netns);
  }

  @Override
  public int hashCode() {
    return 31 * (31 * netns.hashCode() + address.hashCode()) + port;
  }

  /** The name in reports and commands, {@code tcp/0.0.0.0:22}; not escaped. */
  @Override
  public String toString() {
    return table() + "/" + local();
  }
}
