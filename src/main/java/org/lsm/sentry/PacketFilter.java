package org.lsm.sentry;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.lsm.model.Endpoint;

/**
 * The rules of the packet filter, to estimate whether it drops the first packet of another host to
 * a socket: if something drops it, and no rule may accept it, whatever their order. Where a rule
 * accepts some addresses, or lsm does not understand it, the socket may be reached.
 *
 * @param objects chains and rules as nft prints them (libnftables-json(5))
 */
public record PacketFilter(List<JsonObject> objects) {
  private static final int MAX_JSON = 1 << 20; // characters; its tree takes 20 times as much memory
  private static final Set<String> DROPS = Set.of("drop", "reject");

  /** Statements that decide nothing; the rules of a chain that is jumped to are seen anyway. */
  private static final Set<String> NEUTRAL =
      Set.of("counter", "log", "limit", "mangle", "set", "jump", "goto", "return", "match");

  /** Parses the output of nft; without rules if there is none, too much, or another text. */
  public static PacketFilter parse(String json) {
    List<JsonObject> objects = new ArrayList<>();
    int start = json.indexOf("{\"nftables\"");
    if (start < 0 || json.length() > MAX_JSON) {
      return new PacketFilter(objects); // nft is not installed, or needs more privileges
    }
    try {
      JsonObject all = JsonParser.parseString(json.substring(start)).getAsJsonObject();
      all.getAsJsonArray("nftables").forEach(it -> objects.add(it.getAsJsonObject()));
    } catch (RuntimeException e) {
      objects.clear();
    }
    return new PacketFilter(objects);
  }

  /** Whether a socket of TCP or UDP seems to be out of reach of other hosts. */
  public boolean seemsToDrop(Endpoint endpoint) {
    String label = endpoint.protocol().label();
    boolean isBoth = endpoint.address().equals("::"); // takes IPv4 as well, ipv6(7)
    String protocol = label.replace("6", "");
    try {
      return drops(label.endsWith("6") ? "ip6" : "ip", protocol, endpoint.port())
          && (!isBoth || drops("ip", protocol, endpoint.port()));
    } catch (RuntimeException e) {
      return false; // an expression of another form
    }
  }

  private boolean drops(String family, String protocol, int port) {
    List<String> others = new ArrayList<>(); // base chains that see other packets
    boolean dropped = false;
    for (JsonObject object : objects) {
      JsonObject it = object.entrySet().iterator().next().getValue().getAsJsonObject();
      String name = text(it, "family") + " " + text(it, "table") + " ";
      boolean isInput = text(it, "hook").equals("input");
      boolean isOther = !Set.of("inet", family).contains(text(it, "family"));
      if (isOther || (object.has("chain") && !isInput && it.has("hook"))) {
        others.add(name + text(it, "name"));
      } else if (object.has("chain")) {
        dropped |= isInput && text(it, "policy").equals("drop");
      } else if (object.has("rule") && !others.contains(name + text(it, "chain"))) {
        String effect = effect(it.getAsJsonArray("expr"), family, protocol, port);
        dropped |= effect.equals("drop");
        if (effect.equals("may pass")) {
          return false;
        }
      }
    }
    return dropped;
  }

  /** What a rule does with the packet: drop, may pass, or none of both. */
  private static String effect(JsonArray statements, String family, String protocol, int port) {
    boolean isSure = true;
    for (JsonElement element : statements) {
      JsonObject statement = element.getAsJsonObject();
      String kind = statement.keySet().iterator().next();
      if (kind.equals("match")) {
        JsonObject match = statement.getAsJsonObject(kind);
        String left = match.get("left").toString().replaceAll("[\"{}]", "");
        left = left.replaceFirst("^payload:protocol:", "");
        boolean isOther = left.matches("(tcp|udp|sctp|dccp|icmp|icmpv6),.*");
        if (isOther && !left.startsWith(protocol + ",")) {
          return "none";
        }
        Boolean matches = matches(left, match.get("right"), family, protocol, port);
        if (matches != null && matches == text(match, "op").equals("!=")) {
          return "none";
        }
        isSure &= matches != null;
      } else if (DROPS.contains(kind)) {
        return isSure ? "drop" : "none";
      } else if (kind.equals("vmap") && isOfConnections(statement.getAsJsonObject(kind))) {
        return "none";
      } else if (!NEUTRAL.contains(kind)) {
        return "may pass"; // accept, or what this does not know
      }
    }
    return "none";
  }

  /** Whether the left side of a match has a value of the right side; null if that depends. */
  private static Boolean matches(
      String left, JsonElement right, String family, String protocol, int port) {
    return switch (left) {
      case "tcp,field:dport", "udp,field:dport", "th,field:dport" -> has(right, "" + port);
      case "meta:key:l4proto", "ip,field:protocol", "ip6,field:nexthdr" -> has(right, protocol);
      case "meta:key:nfproto" -> has(right, family.equals("ip6") ? "ipv6" : "ipv4");
      case "ct:key:state" -> has(right, "new");
      case "meta:key:iif", "meta:key:iifname" ->
          right.toString().equals("\"lo\"") ? Boolean.FALSE : null;
      default -> null;
    };
  }

  /** Whether a value, a range of ports, or a set is or has one; null if that is not printed. */
  private static Boolean has(JsonElement values, String wanted) {
    if (values.isJsonPrimitive()) {
      String text = values.getAsString();
      return text.startsWith("@") ? null : Boolean.valueOf(text.equals(wanted));
    } else if (values.isJsonArray()) {
      for (JsonElement it : values.getAsJsonArray()) {
        Boolean found = has(it, wanted);
        if (found == null || found) {
          return found;
        }
      }
      return false;
    }
    JsonObject object = values.getAsJsonObject();
    if (object.has("range")) {
      JsonArray range = object.getAsJsonArray("range");
      int port = Integer.parseInt(wanted);
      return range.get(0).getAsInt() <= port && port <= range.get(1).getAsInt();
    }
    return object.has("set") ? has(object.get("set"), wanted) : null;
  }

  /** Whether verdicts depend on the state of connections, and a first packet gets none. */
  private static boolean isOfConnections(JsonObject map) {
    return map.get("key").toString().contains("\"state\"")
        && !map.get("data").toString().contains("\"new\"");
  }

  private static String text(JsonObject object, String name) {
    JsonElement value = object.get(name);
    return value != null && value.isJsonPrimitive() ? value.getAsString() : "";
  }
}
