package org.lsm.sentry;

import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.lsm.config.CidrBlock;
import org.lsm.config.Config;
import org.lsm.config.Config.SentryMode;
import org.lsm.model.Endpoint;
import org.lsm.model.PortSet;
import org.lsm.model.Protocol;
import org.lsm.model.Snapshot;
import org.lsm.storage.ChecksummedText;

/**
 * The rules of the table {@code inet lsm} in the language of nft(8).
 *
 * <p>They see incoming packets before the administrator's rules do, and accept none finally: a
 * packet that they let pass goes on to the next table. They need no connection tracking: flags tell
 * which packets belong to a connection, and a lookup of the socket tells whether a port is served,
 * also by a service that was started after the rules were made.
 *
 * @param tcp the watched TCP ports, which are not served
 * @param udp the watched UDP ports, which are not served
 * @param spared the hosts that are never blocked
 * @param clientPorts the ephemeral ports of the kernel, where answers arrive
 */
public record NftRuleset(
    Config config, PortSet tcp, PortSet udp, Collection<CidrBlock> spared, PortSet clientPorts) {

  /** Elements of a set; bounds the kernel's memory against forged addresses. */
  public static final int MAX_ELEMENTS = 10_000;

  /** How long the sets keep a probe. */
  static final Duration WINDOW = Duration.ofDays(1);

  /** Deletes the table; deleting one that does not exist would fail. */
  static final String DELETION = "add table inet lsm\ndelete table inet lsm\n";

  /** The sets that probes fill; the names of the sets end with the version of IP. */
  static final List<String> PROBE_SETS =
      List.of("hosts", "syn", "null", "fin", "xmas", "odd", "tcp", "udp", "tries");

  /** Begins the mark of rules that block hosts; 1 is the format of the sets. */
  static final String BLOCKING_MARK = "lsm 1 block ";

  private static final Pattern LOOPBACK = Pattern.compile("(::ffff:)?127\\..*|::1");

  /**
   * Lines with a plus sign are for rules that block hosts. Existing connections of a blocked host
   * go on, and so do answers to this host. Late answers of name servers, whose client is gone, are
   * not probes.
   */
  private static final String TABLE =
      """
      table inet lsm {
        set tcp_ports { type inet_service; flags interval; auto-merge; TCP_PORTS}
        set udp_ports { type inet_service; flags interval; auto-merge; UDP_PORTS}
      FAMILY_4FAMILY_6\
      + chain cut {
      +   ip saddr @ignored4 return
      +   ip saddr @spared4 return
      +   ip6 saddr @ignored6 return
      +   ip6 saddr @spared6 return
      +   udp dport { CLIENT_PORTS } socket transparent { 0, 1 } return
      +   icmp type != echo-request return
      +   icmpv6 type != echo-request return
      +   drop
      + }

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
      +   ip saddr @blocked4 goto cut; ip6 saddr @blocked6 goto cut
          tcp dport @tcp_ports goto probe
          udp dport @udp_ports goto probe
        }
      }
      """;

  /**
   * For IPv4 and again for IPv6: {@code V} is 4 or 6, {@code ip} is ip or ip6. Each type of probe
   * has its own set: nft 1.0.6 crashes when it prints flags from a set. UDP ports have one so that
   * forged datagrams take no room from TCP scans. A host that was blocked within the window is
   * blocked again at its first probe.
   */
  private static final String FAMILY =
      """
        set ignoredV { type ipvV_addr; flags interval; auto-merge; IGNORED}
        set sparedV { type ipvV_addr; flags interval; auto-merge; SPARED}
        set hostsV { type ipvV_addr; flags dynamic,timeout; size MAX; }
        set synV { type ipvV_addr; flags dynamic,timeout; size MAX; }
        set nullV { type ipvV_addr; flags dynamic,timeout; size MAX; }
        set finV { type ipvV_addr; flags dynamic,timeout; size MAX; }
        set xmasV { type ipvV_addr; flags dynamic,timeout; size MAX; }
        set oddV { type ipvV_addr; flags dynamic,timeout; size MAX; }
        set tcpV { type ipvV_addr . inet_service; flags dynamic,timeout; size MAX; }
        set udpV { type ipvV_addr . inet_service; flags dynamic,timeout; size MAX; }
        set triesV { type ipvV_addr; flags dynamic,timeout; size MAX; }
        set caughtV { type ipvV_addr; flags dynamic,timeout; size MAX; }
        set blockedV { type ipvV_addr; flags dynamic,timeout; size MAX; }

        chain probeV {
          ip saddr @ignoredV return
          update @hostsV { ip saddr timeout WINDOW counter }
          FLAGS == syn update @synV { ip saddr timeout WINDOW }
          FLAGS == 0x0 update @nullV { ip saddr timeout WINDOW }
          FLAGS == fin update @finV { ip saddr timeout WINDOW }
          FLAGS == fin|psh|urg update @xmasV { ip saddr timeout WINDOW }
          FLAGS != { syn, 0x0, fin, fin|psh|urg } update @oddV { ip saddr timeout WINDOW }
      +   PROTOCOL ip saddr @caughtV MAY_BLOCK BLOCK
          ip saddr . tcp dport @tcpV return
          ip saddr . udp dport @udpV return
          add @tcpV { ip saddr . tcp dport timeout WINDOW } AT_TCP_TRIGGER
          add @udpV { ip saddr . udp dport timeout WINDOW } AT_UDP_TRIGGER
        }

      """;

  private static final String MAY_BLOCK = "ip saddr != @sparedV fib saddr type != local";
  private static final String BLOCK = "add @blockedV { ip saddr timeout TIME } drop";

  /** Part of the rule that adds a port: where the set is full, a port does not count twice. */
  private static final String AT_TRIGGER =
      "MAY_BLOCK COUNT add @caughtV { ip saddr timeout WINDOW } BLOCK";

  /** Counts ports by a limit whose refill takes longer than the window. */
  private static final String COUNT =
      "add @triesV { ip saddr timeout WINDOW limit rate over 1/day burst BURST packets }";

  /** Without the flags of explicit congestion notification, which any SYN may have (RFC 3168). */
  private static final String FLAGS = "tcp flags & (fin|syn|rst|psh|ack|urg)";

  /** Makes the rules for a configuration where the ports of these snapshots are served. */
  public static NftRuleset of(
      Config config, List<Snapshot> serving, Collection<CidrBlock> spared, PortSet clientPorts) {
    return new NftRuleset(
        config,
        config.sentryTcp().without(served(serving, Set.of(Protocol.TCP, Protocol.TCP6))),
        config.sentryUdp().without(served(serving, Set.of(Protocol.UDP, Protocol.UDP6))),
        config.sentry() == SentryMode.BLOCK ? spared : List.of(),
        clientPorts);
  }

  /** The ports that other hosts can reach. */
  private static PortSet served(List<Snapshot> serving, Set<Protocol> protocols) {
    return PortSet.of(
        serving.stream()
            .flatMap(it -> it.sockets().keySet().stream())
            .filter(it -> it.netns().isEmpty() && protocols.contains(it.protocol()))
            .filter(it -> it.port() > 0 && !LOOPBACK.matcher(it.address()).matches())
            .map(Endpoint::port)
            .collect(Collectors.toSet()));
  }

  boolean blocks() {
    return config.sentry() == SentryMode.BLOCK;
  }

  /** A comment in the table that identifies these rules. */
  String mark() {
    return prefix() + ChecksummedText.sha256(table("")).substring(0, 8);
  }

  /** Identifies the rules that fill the sets in the same way. */
  private String prefix() {
    return blocks() ? BLOCKING_MARK + config.sentryTrigger() + " " : "lsm 1 report ";
  }

  /** Whether the sets of a table with this mark can be kept. */
  boolean fits(String mark) {
    return mark.startsWith(prefix());
  }

  /** Commands of nft that make a new table, in one transaction. */
  String creation() {
    return DELETION + table(mark());
  }

  /** Commands of nft that replace the rules and keep the probes, in one transaction. */
  String replacement() {
    Stream<String> configured =
        Stream.of("tcp_ports", "udp_ports", "ignored4", "ignored6", "spared4", "spared6");
    return "flush table inet lsm\n" + flush(configured) + table(mark());
  }

  /** Commands of nft that empty these sets. */
  static String flush(Stream<String> sets) {
    return sets.map(it -> "flush set inet lsm " + it + "\n").collect(Collectors.joining());
  }

  private String table(String mark) {
    return TABLE
        .replace("TCP_PORTS", elements(tcp.toString()))
        .replace("UDP_PORTS", elements(udp.toString()))
        .replace("FAMILY_4", family("4", "ip "))
        .replace("FAMILY_6", family("6", "ip6 "))
        .replace("CLIENT_PORTS", clientPorts.toString())
        .replace("MARK", mark)
        .replaceAll("(?m)^\\+(.*\n)", blocks() ? " $1" : "");
  }

  private String family(String version, String header) {
    boolean byUdp = config.sentryBlocksByUdp();
    int trigger = config.sentryTrigger();
    return FAMILY
        .replace("IGNORED", elements(config.sentryIgnore(), version))
        .replace("SPARED", elements(spared, version))
        .replace("AT_TCP_TRIGGER", blocks() ? AT_TRIGGER : "")
        .replace("AT_UDP_TRIGGER", blocks() && byUdp ? AT_TRIGGER : "")
        .replace("PROTOCOL", byUdp ? "" : "meta l4proto tcp")
        .replace("MAY_BLOCK", MAY_BLOCK)
        .replace("BLOCK", BLOCK)
        .replace("COUNT", trigger == 1 ? "" : COUNT) // nft takes a burst of 0 for the default, 5
        .replace("BURST", String.valueOf(trigger - 1))
        .replace("FLAGS", FLAGS)
        .replace("WINDOW", time(WINDOW))
        .replace("TIME", time(config.sentryBlock()))
        .replace("MAX", String.valueOf(MAX_ELEMENTS))
        .replace("ip ", header)
        .replace("V", version);
  }

  /** A duration for nft, whose numbers have at most eight digits. */
  static String time(Duration time) {
    return time.toDays() + "d" + time.minusDays(time.toDays()).toSeconds() + "s";
  }

  private static String elements(Collection<CidrBlock> hosts, String version) {
    return elements(
        hosts.stream()
            .filter(it -> it.isIpv6() == version.equals("6"))
            .map(CidrBlock::toString)
            .distinct()
            .sorted()
            .collect(Collectors.joining(",")));
  }

  private static String elements(String list) {
    return list.isEmpty() ? "" : "elements = { " + list + " }; ";
  }
}
