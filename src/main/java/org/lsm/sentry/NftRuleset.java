package org.lsm.sentry;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.regex.Pattern;
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
 * @param neighbours the IPv6 networks whose addresses count as a host each; of others, each network
 *     of 64 bits
 * @param ignored the hosts that are neither reported nor blocked
 * @param spared the hosts that are never blocked
 */
public record NftRuleset(
    Config config,
    HostPorts ports,
    Collection<CidrBlock> neighbours,
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

  /** A set that the configuration or the host fills, and no packet. */
  private static final Pattern CONFIGURED =
      Pattern.compile("set (\\w+) \\{ type \\w+; flags interval");

  /** The sets of those who came to a port that is served and not known. */
  static final List<String> SERVED_SETS = List.of("served", "latest");

  static final String BLOCKING_MARK = "lsm 1 block "; // a prefix; 1 is the format of the sets

  private static final String NETWORK = "ip6 saddr & ffff:ffff:ffff:ffff::";

  private static final String MAY_BLOCK = "ip saddr != @sparedV fib saddr type != local";
  private static final String BLOCK = "add @blockedV { KEY timeout TIME } drop";

  /** Part of the rule that adds a port: where the set is full, a port does not count twice. */
  private static final String AT_TRIGGER =
      "MAY_BLOCK COUNT add @caughtV { KEY timeout WINDOW } BLOCK";

  /** Counts ports by a limit whose refill takes longer than the window. */
  private static final String COUNT =
      "add @triesV { KEY timeout WINDOW limit rate over 1/day burst BURST packets }";

  /** Without the flags of explicit congestion notification, which any SYN may have (RFC 3168). */
  private static final String FLAGS = "tcp flags & (fin|syn|rst|psh|ack|urg)";

  /** The watched ports, which are not served. */
  PortSet tcp() {
    return config.sentryTcp().without(ports.tcp());
  }

  PortSet udp() {
    return config.sentryUdp().without(ports.udp());
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
    String table = table(mark());
    Stream<String> configured = CONFIGURED.matcher(table).results().map(it -> it.group(1));
    return "flush table inet lsm\n" + flush(configured) + table;
  }

  /** Commands of nft that empty these sets. */
  static String flush(Stream<String> sets) {
    return sets.map(it -> "flush set inet lsm " + it + "\n").collect(Collectors.joining());
  }

  private String table(String mark) {
    return template("table.nft")
        .replace("TCP_PORTS", elements(tcp().toString()))
        .replace("UDP_PORTS", elements(udp().toString()))
        .replace("KNOWN_TCP", elements(ports.knownTcp().toString()))
        .replace("KNOWN_UDP", elements(ports.knownUdp().toString()))
        .replace("NEIGHBOURS", elements(neighbours, "6"))
        .replace("FAMILY_4", family("4"))
        .replace("FAMILY_6", family("6"))
        .replace("PROBE_4", probe("4", "probe4", "ip saddr"))
        .replace("PROBE_6", probe("6", "probe6", NETWORK))
        .replace("PROBE_NEIGHBOUR", probe("6", "probe_neighbour", "ip6 saddr"))
        .replace("NETWORK", NETWORK)
        .replace("CLIENT_PORTS", ports.clients().toString())
        .replace("MARK", mark)
        .replaceAll("(?m)^\\+(.*\n)", blocks() ? " $1" : "");
  }

  private String family(String version) {
    return ofVersion(version, template("family.nft"))
        .replace("IGNORED", elements(hosts(ignored), version))
        .replace("SPARED", elements(blocks() ? hosts(spared) : List.of(), version));
  }

  /** The chain that counts probes by a key, the address of a host or its network. */
  private String probe(String version, String name, String key) {
    boolean byUdp = config.sentryBlocksByUdp();
    int trigger = config.sentryTrigger();
    String template =
        template("probe.nft")
            .replace("AT_TCP_TRIGGER", blocks() ? AT_TRIGGER : "")
            .replace("AT_UDP_TRIGGER", blocks() && byUdp ? AT_TRIGGER : "")
            .replace("PROTOCOL", byUdp ? "" : "meta l4proto tcp")
            .replace("MAY_BLOCK", MAY_BLOCK)
            .replace("BLOCK", BLOCK)
            .replace("COUNT", trigger == 1 ? "" : COUNT) // nft takes a burst of 0 for 5
            .replace("BURST", String.valueOf(trigger - 1))
            .replace("FLAGS", FLAGS);
    return ofVersion(version, template).replace("NAME", name).replace("KEY", key);
  }

  private String ofVersion(String version, String template) {
    return template
        .replace("WINDOW", time(WINDOW))
        .replace("TIME", time(config.sentryBlock()))
        .replace("MAX", String.valueOf(MAX_ELEMENTS))
        .replace("ip ", version.equals("4") ? "ip " : "ip6 ")
        .replace("V", version);
  }

  private List<CidrBlock> hosts(Collection<CidrBlock> blocks) {
    return blocks.stream().map(it -> it.host(neighbours)).toList();
  }

  /** A template beside this class, without its comments. */
  static String template(String name) {
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
