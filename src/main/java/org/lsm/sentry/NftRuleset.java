package org.lsm.sentry;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.lsm.config.CidrBlock;
import org.lsm.config.Config;
import org.lsm.config.Config.SentryMode;
import org.lsm.model.PortSet;
import org.lsm.model.Sha256;

/**
 * The rules of the table {@code inet lsm} in the language of nft(8). They see incoming packets
 * before the administrator's rules do, and accept none finally: a packet that they let pass goes on
 * to the next table. They need no connection tracking: flags show which packets belong to a
 * connection, and a lookup of the socket shows whether a port is served, also by a service that was
 * started after the rules were made.
 *
 * @param ports of this host
 * @param tcp the watched ports, which are not served; udp likewise
 * @param ignored the hosts that are neither reported nor blocked
 * @param spared the hosts that are never blocked
 */
public record NftRuleset(
    Config config,
    HostPorts ports,
    PortSet tcp,
    PortSet udp,
    Collection<CidrBlock> ignored,
    Collection<CidrBlock> spared) {
  /** Elements of a set; bounds the kernel's memory against forged addresses. */
  public static final int MAX_ELEMENTS = 10_000;

  static final Duration WINDOW = Duration.ofDays(1); // for which the sets keep a probe

  /** Deletes the table; deleting one that does not exist would fail. */
  static final String DELETION = "add table inet lsm\ndelete table inet lsm\n";

  /** The sets of hosts that probes fill; the names of the sets end with the version of IP. */
  static final List<String> HOST_SETS = List.of("hosts", "syn", "null", "fin", "xmas", "odd");

  /** All sets that probes fill. */
  static final List<String> PROBE_SETS =
      Stream.concat(HOST_SETS.stream(), Stream.of("tcp", "udp", "tries")).toList();

  /** The sets of those who came to a port that is served and not known. */
  static final List<String> SERVED_SETS = List.of("served", "latest");

  static final String BLOCKING_MARK = "lsm 1 block "; // a prefix; 1 is the format of the sets

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

  /** Makes the rules for a configuration on a host with these ports. */
  public static NftRuleset of(
      Config config, HostPorts ports, Collection<CidrBlock> ignored, Collection<CidrBlock> spared) {
    PortSet tcp = config.sentryTcp().without(ports.tcp());
    PortSet udp = config.sentryUdp().without(ports.udp());
    var neverBlocked = config.sentry() == SentryMode.BLOCK ? spared : List.<CidrBlock>of();
    return new NftRuleset(config, ports, tcp, udp, ignored, neverBlocked);
  }

  boolean blocks() {
    return config.sentry() == SentryMode.BLOCK;
  }

  /** A comment in the table that identifies these rules. */
  public String mark() {
    return prefix() + Sha256.of(table("")).substring(0, 8);
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
        Stream.of(
            "tcp_ports",
            "udp_ports",
            "known_tcp",
            "known_udp",
            "ignored4",
            "ignored6",
            "spared4",
            "spared6");
    return "flush table inet lsm\n" + flush(configured) + table(mark());
  }

  /** Commands of nft that empty these sets. */
  static String flush(Stream<String> sets) {
    return sets.map(it -> "flush set inet lsm " + it + "\n").collect(Collectors.joining());
  }

  private String table(String mark) {
    return template("table.nft")
        .replace("TCP_PORTS", elements(tcp.toString()))
        .replace("UDP_PORTS", elements(udp.toString()))
        .replace("KNOWN_TCP", elements(ports.knownTcp().toString()))
        .replace("KNOWN_UDP", elements(ports.knownUdp().toString()))
        .replace("FAMILY_4", family("4", "ip "))
        .replace("FAMILY_6", family("6", "ip6 "))
        .replace("CLIENT_PORTS", ports.clients().toString())
        .replace("MARK", mark)
        .replaceAll("(?m)^\\+(.*\n)", blocks() ? " $1" : "");
  }

  private String family(String version, String header) {
    boolean byUdp = config.sentryBlocksByUdp();
    int trigger = config.sentryTrigger();
    return template("family.nft")
        .replace("IGNORED", elements(ignored, version))
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

  /** A template beside this class, without its comments. */
  private static String template(String name) {
    try (InputStream in = NftRuleset.class.getResourceAsStream(name)) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8).replaceAll("(?m)^ *#.*\n", "");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** A duration for nft, whose numbers have at most eight digits. */
  static String time(Duration time) {
    return time.toDays() + "d" + time.minusDays(time.toDays()).toSeconds() + "s";
  }

  private static String elements(Collection<CidrBlock> hosts, String version) {
    Stream<CidrBlock> family = hosts.stream().filter(it -> it.isIpv6() == version.equals("6"));
    List<String> names = family.map(CidrBlock::toString).distinct().sorted().toList();
    return elements(String.join(",", names));
  }

  private static String elements(String list) {
    return list.isEmpty() ? "" : "elements = { " + list + " }; ";
  }
}
