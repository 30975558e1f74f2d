package org.lsm.model;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What makes a socket the same as before, where somebody else than its service chose a part of its
 * name; see lsm-identity(7). Such a socket has a {@link #key} that stands for all like it.
 *
 * @param scope the protocols whose ephemeral ports count by owner
 * @param first the first port of ip_local_port_range
 * @param last the last one
 * @param reserved ip_local_reserved_ports, which the kernel does not assign
 * @param dynamic the IPv6 addresses of this host that are temporary or have a lifetime
 * @param shortLived the endpoints that only one of several scans saw
 */
public record SocketIdentity(
    Scope scope,
    int first,
    int last,
    PortSet reserved,
    Set<String> dynamic,
    Set<Endpoint> shortLived) {
  /** The protocols whose ports may be ephemeral. */
  public enum Scope {
    NONE,
    UDP,
    ALL
  }

  /** Compares by name alone, as for two baselines. */
  public static final SocketIdentity NONE = new SocketIdentity(Scope.NONE, 0, 0);

  /** Below it are the registered ports, also where ip_local_port_range was widened to them. */
  private static final int FIRST_EPHEMERAL = 32768;

  // The ports of bindresvport(3), and what stands for them.
  private static final int RESERVED = -2;
  private static final int FIRST_RESERVED = 600;
  private static final int LAST_RESERVED = 1023;

  private static final String PID = "$PID";
  private static final String HEX = "$HEX";
  private static final String LINK_LOCAL = "link-local";
  private static final String PRIVATE = "private";
  private static final String PUBLIC = "public";
  private static final String TEMPORARY = "temporary";

  /** Compiled where a name needs it: most runs meet none. */
  private static final class Patterns {
    private static final Pattern AUTOBOUND = Pattern.compile("@\\p{XDigit}{5}"); // unix(7)
    private static final Pattern NUMBER = Pattern.compile("\\d{2,}"); // one digit is a version
    // A UUID, or at least 16 hexadecimal digits.
    private static final Pattern DIGEST =
        Pattern.compile(
            "(?<!\\p{Alnum})(?:\\p{XDigit}{8}(?:-\\p{XDigit}{4}){3}-\\p{XDigit}{12}|\\p{XDigit}{16,})"
                + "(?!\\p{Alnum})");
    // As mktemp(1) and others make them: a digit before a letter, or capital letters among small.
    private static final Pattern RANDOM =
        Pattern.compile(
            "(?<!\\p{Alnum})(?=\\p{Alnum}*(?:\\d\\p{Alpha}|\\p{Lower}\\p{Upper}))\\p{Alnum}{6,}+");
    private static final Pattern PRIVATE_ADDRESS =
        Pattern.compile(
            "(10\\.|192\\.168\\.|172\\.(1[6-9]|2\\d|3[01])\\.|100\\.(6[4-9]|[7-9]\\d|1[01]\\d|12[0-7])\\."
                + "|f[cd]..:).*");
    private static final Pattern LINK_LOCAL_ADDRESS =
        Pattern.compile("(169\\.254\\.|fe[89ab].:).*");
  }

  public SocketIdentity {
    dynamic = Set.copyOf(dynamic);
    shortLived = Set.copyOf(shortLived);
  }

  /** An identity for ports alone. */
  public SocketIdentity(Scope scope, int first, int last) {
    this(scope, first, last, PortSet.of(List.of()), Set.of(), Set.of());
  }

  /** Returns the identity where only one of several scans saw these endpoints. */
  public SocketIdentity withShortLived(Set<Endpoint> endpoints) {
    return new SocketIdentity(scope, first, last, reserved, dynamic, endpoints);
  }

  /** Whether only the names count: the kernel assigns no port 0. */
  boolean isByName() {
    return last == 0;
  }

  /** The endpoint that stands for a socket in a baseline; that of an entry of a baseline itself. */
  public Endpoint key(SocketEntry entry) {
    Endpoint at = entry.endpoint();
    return switch (at.protocol().family()) {
      case PACKET, OUTBOUND -> at;
      case UNIX -> entry.ownersKnown() ? at.with(name(at.address(), entry.processes()), 0) : at;
      case INET, INET6, SCTP ->
          at.with(address(at.address()), hasChosenPort(entry) ? Endpoint.EPHEMERAL : at.port());
    };
  }

  /**
   * Whether sockets of a key are compared by owner: they are NEW if their owner is new there, and
   * never GONE.
   */
  public boolean countsByOwner(Endpoint key) {
    String address = key.address();
    return !isByName()
        && switch (key.protocol().family()) {
          case PACKET, OUTBOUND -> false;
          case UNIX -> address.contains(HEX) || address.contains(PID);
          case INET, INET6, SCTP ->
              key.port() == Endpoint.EPHEMERAL
                  || address.equals(LINK_LOCAL)
                  || address.startsWith(TEMPORARY);
        };
  }

  /** Whether a part of the name of a unix socket was chosen anew, by the kernel or a client. */
  public static boolean hasRandomName(Endpoint at) {
    return at.protocol() == Protocol.UNIX && !name(at.address(), List.of()).equals(at.address());
  }

  /** A socket as its key stands for it: what nobody holds was made by the kernel, as root. */
  public SocketEntry generalize(SocketEntry entry) {
    Endpoint key = key(entry);
    if (key.equals(entry.endpoint())) {
      return entry;
    }
    Set<Owner> owners = entry.owners().isEmpty() ? Set.of(Owner.maker("root")) : entry.owners();
    return new SocketEntry(key, new TreeSet<>(owners), entry.processes(), entry.optional());
  }

  /** Merges the sockets that have one key into one entry, as in a baseline. */
  public Snapshot generalize(Snapshot snapshot) {
    List<SocketEntry> entries = new ArrayList<>();
    snapshot.sockets().values().forEach(entry -> entries.add(generalize(entry)));
    return Snapshot.merged(snapshot.hostInfo(), entries);
  }

  /** A snapshot in which an address that only its host can have is a class of addresses. */
  static Snapshot onAnyHost(Snapshot snapshot) {
    List<SocketEntry> entries = new ArrayList<>();
    for (SocketEntry entry : snapshot.sockets().values()) {
      Endpoint at = NONE.atSimilarAddress(entry.endpoint()).orElse(entry.endpoint());
      boolean isOwn = at.address().equals(PRIVATE) || at.address().equals(PUBLIC);
      Endpoint general = isOwn ? at : entry.endpoint();
      entries.add(new SocketEntry(general, entry.owners(), List.of(), entry.optional()));
    }
    return Snapshot.merged(snapshot.hostInfo(), entries);
  }

  /** Whether the port was chosen by the kernel, or anew by a program that closed it at once. */
  private boolean hasChosenPort(SocketEntry entry) {
    Endpoint at = entry.endpoint();
    boolean chosen =
        (at.port() >= FIRST_EPHEMERAL && isAssigned(at.port()))
            || (at.isOfClient() && shortLived.contains(at))
            || at.isPing();
    return at.port() == Endpoint.EPHEMERAL
        || (chosen && inScope(at.protocol()) && (entry.ownersKnown() || shortLived.contains(at)));
  }

  private boolean isAssigned(int port) {
    return port >= first && port <= last && !reserved.ports().get(port);
  }

  private boolean inScope(Protocol protocol) {
    return switch (protocol) {
      case TCP, TCP6, SCTP -> scope == Scope.ALL;
      case UDP, UDP6, UDPLITE, UDPLITE6 -> scope != Scope.NONE;
      case ICMP, ICMP6 -> true;
      case RAW, RAW6, PACKET, UNIX, OUT_TCP, OUT_UDP -> false;
    };
  }

  private String address(String address) {
    if (address.indexOf(':') < 0) {
      return address;
    }
    String kind = addressClass(address);
    boolean isDynamic = dynamic.contains(address);
    return kind.equals(LINK_LOCAL)
        ? LINK_LOCAL
        : !isDynamic ? address : kind.equals(PRIVATE) ? TEMPORARY + "-" + PRIVATE : TEMPORARY;
  }

  /** Who can reach an address, in a word. */
  public static String addressClass(String address) {
    String ip = address.startsWith("::ffff:") ? address.substring(7) : address;
    if (ip.startsWith("127.") || ip.equals("::1")) {
      return "loopback";
    } else if (ip.equals("0.0.0.0") || ip.equals("::")) {
      return "all";
    } else if (ip.equals(LINK_LOCAL) || Patterns.LINK_LOCAL_ADDRESS.matcher(ip).matches()) {
      return LINK_LOCAL;
    }
    boolean isPrivate =
        ip.endsWith("-" + PRIVATE) || Patterns.PRIVATE_ADDRESS.matcher(ip).matches();
    return isPrivate ? PRIVATE : PUBLIC;
  }

  /** The name of a unix socket without digests and the PIDs of its processes. */
  private static String name(String path, List<ProcessRef> processes) {
    if (Patterns.AUTOBOUND.matcher(path).matches()) {
      return "@" + HEX;
    }
    String general = Patterns.DIGEST.matcher(path).replaceAll(Matcher.quoteReplacement(HEX));
    return processes.isEmpty()
        ? general
        : Patterns.NUMBER
            .matcher(general)
            .replaceAll(
                it -> Matcher.quoteReplacement(isPid(it.group(), processes) ? PID : it.group()));
  }

  private static boolean isPid(String number, List<ProcessRef> processes) {
    for (ProcessRef process : processes) {
      if (number.equals(Integer.toString(process.pid()))
          || number.equals(Integer.toString(process.parent()))) {
        return true;
      }
    }
    return false;
  }

  /** The endpoint that stands for a port at all addresses that the same hosts can reach. */
  Optional<Endpoint> atSimilarAddress(Endpoint key) {
    return switch (key.protocol().family()) {
      case PACKET, UNIX, OUTBOUND -> Optional.empty();
      case INET, INET6, SCTP -> Optional.of(key.with(addressClass(key.address()), key.port()));
    };
  }

  /**
   * The endpoints, of no socket, that stand for a key and for those which its owner may have in its
   * place: another port that was chosen for it, another address that the same hosts can reach,
   * another random name.
   */
  List<Endpoint> alternatives(Endpoint key) {
    List<Endpoint> alternatives = new ArrayList<>();
    int port = key.port();
    switch (key.protocol().family()) {
      case PACKET, OUTBOUND -> {}
      case UNIX -> {
        String name = Patterns.RANDOM.matcher(key.address()).replaceAll("*");
        if (!name.equals(key.address())) {
          alternatives.add(key.with(name, port));
        }
      }
      case INET, INET6, SCTP -> {
        boolean ofBindresvport = port >= FIRST_RESERVED && port <= LAST_RESERVED;
        boolean isChosen = port == Endpoint.EPHEMERAL || isAssigned(port) || key.isOfClient();
        if ((ofBindresvport || isChosen) && inScope(key.protocol())) {
          alternatives.add(key.with(key.address(), ofBindresvport ? RESERVED : Endpoint.EPHEMERAL));
        }
        atSimilarAddress(key).ifPresent(alternatives::add);
      }
    }
    return alternatives;
  }
}
