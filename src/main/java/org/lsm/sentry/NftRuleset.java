package org.lsm.sentry;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Collection;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.zip.CRC32;
import org.lsm.config.CidrBlock;
import org.lsm.config.Config;
import org.lsm.config.Config.SentryMode;
import org.lsm.model.Endpoint;
import org.lsm.model.PortSet;
import org.lsm.model.Protocol;
import org.lsm.model.Snapshot;

/**
 * The rules of the table {@code inet lsm} in the language of nft(8).
 *
 * <p>They look at what comes in before any rule of the administrator does, accept nothing (at the
 * end of a chain that accepts, the next table has its say), and need no connection tracking: what
 * belongs to a connection is told by its flags, and whether a port is served by whether there is a
 * socket. So they also know of a service that was started since they were made.
 *
 * @param tcp the watched TCP ports that nobody serves
 * @param udp the same for UDP
 * @param clientPorts those that the kernel deals out, where answers arrive
 * @param ignored whose probes are neither kept nor a reason to block
 * @param block how hosts are blocked; empty if they are not
 */
public record NftRuleset(
    PortSet tcp, PortSet udp, PortSet clientPorts, List<CidrBlock> ignored, Optional<Block> block) {

  /**
   * When and how a host is blocked.
   *
   * @param trigger at so many distinct ports
   * @param time for so long
   * @param byUdp whether UDP ports count as well
   * @param spared the hosts that this one cannot do without
   */
  public record Block(int trigger, Duration time, boolean byUdp, Collection<CidrBlock> spared) {}

  static final String TABLE = "inet lsm";

  /** The sets that tell who has probed, without the version of IP at their end. */
  static final List<String> PROBED =
      List.of("hosts", "syn", "null", "fin", "xmas", "odd", "tcp", "udp", "tries");

  /** Of the sets: a table of another format is made anew. */
  private static final String FORMAT = "1";

  private static final String BLOCKS = "lsm " + FORMAT + " block ";

  /** In each set, lest forged addresses fill the memory of the kernel. */
  public static final int MOST = 10_000;

  /** How long a probe counts. */
  static final Duration WINDOW = Duration.ofDays(1);

  private static final Pattern LOOPBACK = Pattern.compile("(::ffff:)?127\\..*|::1");

  /** Without those of explicit congestion notification, which may stand in any SYN (RFC 3168). */
  private static final String FLAGS = "tcp flags & (fin|syn|rst|psh|ack|urg)";

  /** An answer of a server that comes late, when its client is gone, is no probe. */
  private static final String TEMPLATE =
      """
        set tcp_ports { type inet_service; flags interval; auto-merge; TCP_PORTS}
        set udp_ports { type inet_service; flags interval; auto-merge; UDP_PORTS}
      FAMILY_4FAMILY_6CUT
        chain probe {
          meta pkttype != host return
          udp sport 1-1023 udp dport { CLIENT_PORTS } return
          socket transparent { 0, 1 } return
          meta nfproto ipv4 goto probe4
          goto probe6
        }

        chain input {
          type filter hook input priority filter - 10; policy accept;
          iif lo return comment "MARK"
          tcp flags & (fin|syn|rst|ack) == { ack, syn|ack, rst, rst|ack, fin|ack } return
          GOTO
          tcp dport @tcp_ports goto probe
          udp dport @udp_ports goto probe
        }
      """;

  /**
   * What there is for IPv4 and for IPv6: {@code V} is 4 or 6, {@code ip} is ip or ip6. The kinds
   * have sets of their own: nft 1.0.6 ends itself where it is to print flags out of a set. So has
   * UDP, lest a flood of forged datagrams leave no room for who scans.
   */
  private static final String FAMILY =
      """
        set ignoredV { type ipvV_addr; flags interval; auto-merge; IGNORED}
        set sparedV { type ipvV_addr; flags interval; auto-merge; SPARED}
        set hostsV { type ipvV_addr; flags dynamic,timeout; size MOST; }
        set synV { type ipvV_addr; flags dynamic,timeout; size MOST; }
        set nullV { type ipvV_addr; flags dynamic,timeout; size MOST; }
        set finV { type ipvV_addr; flags dynamic,timeout; size MOST; }
        set xmasV { type ipvV_addr; flags dynamic,timeout; size MOST; }
        set oddV { type ipvV_addr; flags dynamic,timeout; size MOST; }
        set tcpV { type ipvV_addr . inet_service; flags dynamic,timeout; size MOST; }
        set udpV { type ipvV_addr . inet_service; flags dynamic,timeout; size MOST; }
        set triesV { type ipvV_addr; flags dynamic,timeout; size MOST; }
        set caughtV { type ipvV_addr; flags dynamic,timeout; size MOST; }
        set blockedV { type ipvV_addr; flags dynamic,timeout; size MOST; }

        chain probeV {
          ip saddr @ignoredV return
          update @hostsV { ip saddr timeout WINDOW counter }
          FLAGS == syn update @synV { ip saddr timeout WINDOW }
          FLAGS == 0x0 update @nullV { ip saddr timeout WINDOW }
          FLAGS == fin update @finV { ip saddr timeout WINDOW }
          FLAGS == fin|psh|urg update @xmasV { ip saddr timeout WINDOW }
          FLAGS != { syn, 0x0, fin, fin|psh|urg } update @oddV { ip saddr timeout WINDOW }
          AGAIN
          ip saddr . tcp dport @tcpV return
          ip saddr . udp dport @udpV return
          add @tcpV { ip saddr . tcp dport timeout WINDOW } AT_TCP_TRIGGER
          add @udpV { ip saddr . udp dport timeout WINDOW } AT_UDP_TRIGGER
        }

      """;

  private static final String MAY_BLOCK = "ip saddr != @sparedV fib saddr type != local ";

  private static final String BLOCK = "add @blockedV { ip saddr timeout TIME } drop";

  /** Who was caught within the window is blocked again at once, also for ports it has tried. */
  private static final String AGAIN = "PROTOCOL ip saddr @caughtV " + MAY_BLOCK + BLOCK;

  /**
   * Stands in the rule that adds a port: what the set of ports has no room for would else count at
   * each packet.
   */
  private static final String AT_TRIGGER =
      MAY_BLOCK + "COUNT add @caughtV { ip saddr timeout WINDOW } " + BLOCK;

  /** A limit that is never refilled in time is what counts. */
  private static final String COUNT =
      "add @triesV { ip saddr timeout WINDOW limit rate over 1/day burst BURST packets }";

  /** What a blocked host has begun before goes on, and so does what it is asked for. */
  private static final String CUT =
      """
        chain cut {
          ip saddr @ignored4 return
          ip saddr @spared4 return
          ip6 saddr @ignored6 return
          ip6 saddr @spared6 return
          udp dport { CLIENT_PORTS } socket transparent { 0, 1 } return
          icmp type != echo-request return
          icmpv6 type != echo-request return
          drop
        }

      """;

  private static final String GOTO = "ip saddr @blocked4 goto cut; ip6 saddr @blocked6 goto cut";

  public NftRuleset {
    ignored = List.copyOf(ignored);
  }

  /**
   * The rules that a configuration asks for.
   *
   * @param serving the sockets that are or should be there: their ports are served
   * @param spared the hosts that are never blocked
   * @param clientPorts the ports that the kernel deals out
   */
  public static NftRuleset of(
      Config config, List<Snapshot> serving, Collection<CidrBlock> spared, PortSet clientPorts) {
    Block block =
        new Block(config.sentryTrigger(), config.sentryBlock(), config.sentryBlocksByUdp(), spared);
    return new NftRuleset(
        config.sentryTcp().without(served(serving, Set.of(Protocol.TCP, Protocol.TCP6))),
        config.sentryUdp().without(served(serving, Set.of(Protocol.UDP, Protocol.UDP6))),
        clientPorts,
        config.sentryIgnore(),
        config.sentry() == SentryMode.BLOCK ? Optional.of(block) : Optional.empty());
  }

  /** The ports that others can reach; what listens on loopback alone serves nobody out there. */
  private static PortSet served(List<Snapshot> serving, Set<Protocol> protocols) {
    Set<Integer> ports = new HashSet<>();
    for (Snapshot snapshot : serving) {
      for (Endpoint endpoint : snapshot.sockets().keySet()) {
        if (endpoint.netns().isEmpty()
            && protocols.contains(endpoint.protocol())
            && endpoint.port() > 0
            && !LOOPBACK.matcher(endpoint.address()).matches()) {
          ports.add(endpoint.port());
        }
      }
    }
    return PortSet.of(ports);
  }

  /** Tells tables with these rules from others; it stands in the table itself. */
  String mark() {
    CRC32 sum = new CRC32();
    sum.update(body("").getBytes(StandardCharsets.UTF_8));
    return prefix() + HexFormat.of().toHexDigits((int) sum.getValue());
  }

  /** What the content of the sets depends on. */
  private String prefix() {
    return block.map(it -> BLOCKS + it.trigger()).orElse("lsm " + FORMAT + " report") + " ";
  }

  /** Whether what is in the sets of a table with this mark can stay as it is. */
  boolean fits(String mark) {
    return mark.startsWith(prefix());
  }

  /** Whether a table with this mark blocks. */
  static boolean blocks(String mark) {
    return mark.startsWith(BLOCKS);
  }

  /** What nft has to do to make a new table, in one transaction. */
  String creation() {
    return "add table " + TABLE + "\ndelete table " + TABLE + "\n" + table();
  }

  /** What nft has to do to give a table other rules, in one transaction; who probed stays in it. */
  String replacement() {
    StringBuilder text = new StringBuilder("flush table " + TABLE + "\n");
    for (String set :
        List.of("tcp_ports", "udp_ports", "ignored4", "ignored6", "spared4", "spared6")) {
      text.append("flush set " + TABLE + " ").append(set).append('\n');
    }
    return text + table();
  }

  private String table() {
    return "table " + TABLE + " {\n" + body(mark()) + "}\n";
  }

  private String body(String mark) {
    return TEMPLATE
        .replace("TCP_PORTS", elements(tcp.toString()))
        .replace("UDP_PORTS", elements(udp.toString()))
        .replace("FAMILY_4", family("4", "ip "))
        .replace("FAMILY_6", family("6", "ip6 "))
        .replace("CUT", block.isPresent() ? CUT : "")
        .replace("CLIENT_PORTS", clientPorts.toString())
        .replace("GOTO", block.isPresent() ? GOTO : "")
        .replace("MARK", mark);
  }

  private String family(String version, String header) {
    boolean six = version.equals("6");
    return FAMILY
        .replace("IGNORED", elements(ignored, six))
        .replace("SPARED", block.map(it -> elements(it.spared(), six)).orElse(""))
        .replace("AGAIN", block.map(it -> rule(AGAIN, it)).orElse(""))
        .replace("AT_TCP_TRIGGER", block.map(it -> rule(AT_TRIGGER, it)).orElse(""))
        .replace(
            "AT_UDP_TRIGGER", block.filter(Block::byUdp).map(it -> rule(AT_TRIGGER, it)).orElse(""))
        .replace("FLAGS", FLAGS)
        .replace("WINDOW", time(WINDOW))
        .replace("MOST", String.valueOf(MOST))
        .replace("ip ", header)
        .replace("V", version);
  }

  private static String rule(String rule, Block how) {
    return rule.replace("PROTOCOL", how.byUdp() ? "" : "meta l4proto tcp")
        // A burst of none would be one of five.
        .replace("COUNT", how.trigger() == 1 ? "" : COUNT)
        .replace("BURST", String.valueOf(how.trigger() - 1))
        .replace("TIME", time(how.time()));
  }

  /** In the language of nft, which takes no number of more than eight digits. */
  static String time(Duration time) {
    return time.toDays() + "d" + time.minusDays(time.toDays()).toSeconds() + "s";
  }

  private static String elements(Collection<CidrBlock> ranges, boolean six) {
    return elements(
        ranges.stream()
            .filter(it -> it.isIpv6() == six)
            .map(CidrBlock::toString)
            .distinct()
            .sorted()
            .collect(Collectors.joining(",")));
  }

  private static String elements(String list) {
    return list.isEmpty() ? "" : "elements = { " + list + " }; ";
  }
}
