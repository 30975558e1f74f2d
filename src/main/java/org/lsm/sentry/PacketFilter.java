package org.lsm.sentry;

import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.lsm.model.Endpoint;
import org.lsm.model.PortSet;

/**
 * The rules of the packet filter, to estimate whether it drops the first packet of another host to
 * a socket: if a base chain drops it, and no rule may accept it, whatever their order. Where a rule
 * accepts some addresses, or lsm does not understand it, the socket may be reached. What a chain
 * drops that others jump to decides nothing: only some packets may come there.
 *
 * @param rules as {@code nft list ruleset} prints them
 */
public record PacketFilter(String rules) {
  private static final int MAX_RULES = 1 << 20; // characters

  private static final Pattern PORTS = Pattern.compile("\\w+ dport (!= )?(\\{[^}]*}|\\d\\S*)");

  /** Rules for other packets, with the protocol of the socket for PROTOCOL. */
  private static final String OTHERS =
      ".*(\\bct state (?!\\S*new)[a-z,]+ .*|\\bct state vmap \\{((?!new :).)*}"
          + "|\\biif(name)? \"lo\" .*|\\b(?!PROTOCOL)(tcp|udp|sctp|dccp|icmp\\w*) .*)";

  private static final String PROTOCOLS =
      "(meta l4proto|ip protocol|ip6 nexthdr) \\{[^}]*\\bPROTOCOL\\b[^}]*} ";

  /** What decides nothing within a rule. */
  private static final Pattern REMARK =
      Pattern.compile(
          "counter packets \\d+ bytes \\d+|log( (prefix|level) (\"[^\"]*\"|\\S+))*|comment \".*\""
              + "|(?<=reject) with .*");

  private enum Effect {
    DROP,
    MAY_PASS,
    NONE
  }

  /** Whether a socket of TCP or UDP seems to be out of reach of other hosts. */
  public boolean seemsToDrop(Endpoint endpoint) {
    String label = endpoint.protocol().label();
    String protocol = label.replace("6", "");
    boolean isBoth = endpoint.address().equals("::"); // takes IPv4 as well, ipv6(7)
    try {
      return rules.length() <= MAX_RULES
          && drops(label.equals(protocol) ? "ip" : "ip6", protocol, endpoint.port())
          && (!isBoth || drops("ip", protocol, endpoint.port()));
    } catch (IllegalArgumentException e) {
      return false; // ports of another form
    }
  }

  private boolean drops(String family, String protocol, int port) {
    boolean isOfFamily = false;
    boolean isInput = false; // whether packets to this host may come to the chain
    boolean isBase = false; // whether all of them do
    boolean dropped = false;
    for (String line : rules.lines().map(String::strip).toList()) {
      if (line.startsWith("table ")) {
        isOfFamily = line.matches("table (inet|" + family + ") .*");
        isInput = false;
        isBase = false;
      } else if (line.startsWith("chain ")) {
        isInput = isOfFamily;
        isBase = false;
      } else if (line.startsWith("type ")) {
        isInput &= line.contains(" hook input ");
        isBase = isInput;
        dropped |= isInput && line.endsWith("policy drop;");
      } else if (isInput) {
        Effect effect = effect(line, protocol, port);
        dropped |= isBase && effect == Effect.DROP;
        if (effect == Effect.MAY_PASS) {
          return false;
        }
      }
    }
    return dropped;
  }

  private static Effect effect(String line, String protocol, int port) {
    String rule = REMARK.matcher(line).replaceAll("").strip();
    rule = rule.replaceAll(PROTOCOLS.replace("PROTOCOL", protocol), "");
    if (rule.matches(OTHERS.replace("PROTOCOL", protocol))) {
      return Effect.NONE;
    }
    Matcher ports = PORTS.matcher(rule);
    if (ports.find()) {
      boolean isNegated = ports.group(1) != null;
      PortSet set = PortSet.parse(ports.group(2).replaceAll("[{}\\s]", ""));
      if (set.ports().get(port) == isNegated) {
        return Effect.NONE;
      }
      rule = rule.replace(ports.group(), "").strip();
    }
    if (rule.matches("(drop|reject.*)")) {
      return Effect.DROP;
    }
    return rule.matches(".*\\b(accept|vmap|queue|xt)\\b.*") ? Effect.MAY_PASS : Effect.NONE;
  }
}
