package org.lsm.sentry;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.lsm.model.Protocol;
import org.lsm.model.Sha256;
import org.lsm.sentry.NftTable.Nft;

/**
 * The table {@code inet lsm_outbound} in the kernel, which records new outbound connections,
 * through nft(8).
 *
 * @param lister runs nft where it finds no control groups: it would search all of them for the name
 *     of each element
 */
public record OutboundTable(Nft nft, SetLister lister) {
  /** How long the kernel keeps what is new for a compare to read. */
  public static final Duration KEPT = Duration.ofHours(2);

  /** What is new within that time, by a version of IP. */
  static final int MAX_NEW = 5000;

  private static final int MAX_KNOWN = 10_000; // of a kind of network
  private static final int NEARLY_FULL = MAX_NEW * 9 / 10;

  /** The deepest control group that is looked up; deeper ones count as their ancestor. */
  private static final int MAX_LEVEL = 6;

  /** A lookup that finds an element counts the packet, as the update does: this one finds none. */
  private static final String LEVEL =
      """
          KEY != @KNOWN goto NEW
          update @KNOWN { KEY timeout 1d } return
      """;

  private static final String NEW_CHAIN =
      """
        chain NEW {
          add @new4 { KEY . ip daddr timeout 2h } add @KNOWN { KEY timeout 1d }
          add @new6 { KEY . ip6 daddr timeout 2h } add @KNOWN { KEY timeout 1d }
        }
      """;
  private static final long MAX_AGE = 86_400; // as the rules have it, in seconds

  private static final String DELETION =
      "add table inet lsm_outbound\ndelete table inet lsm_outbound\n";
  private static final String KEY = "OUTBOUND";

  /** The kinds of networks, as {@link org.lsm.model.SocketIdentity#addressClass} names them. */
  public static final List<String> NETWORKS = List.of("public", "private", "link-local");

  /** Lists sets of this table as JSON, one after the other. */
  @FunctionalInterface
  public interface SetLister {
    String list(List<String> sets) throws IOException;
  }

  /**
   * What the kernel has recorded as new within {@link #KEPT}.
   *
   * @param isOverflowing whether some may be missing
   */
  public record Recorded(List<OutboundFlow> flows, boolean isOverflowing) {
    /** The same with the paths of control groups in place of their numbers. */
    public Recorded in(Map<String, String> groups) {
      return new Recorded(flows.stream().map(it -> it.in(groups)).toList(), isOverflowing);
    }
  }

  /**
   * A flow and its packets, which the kernel counts for a day; those of new flows are unknown: 0.
   */
  public record Counted(OutboundFlow flow, long packets) {}

  /** Identifies the rules, with or without units: those of another version of lsm are replaced. */
  public static String mark(boolean withUnits) {
    return Sha256.of(rules(withUnits)).substring(0, 8);
  }

  /**
   * Makes the table anew, without the units of systemd if the kernel (before 5.13) or nft lacks
   * what they need. Returns the mark of its rules.
   *
   * @param hasUnits whether nft can find control groups of version 2 by their path
   */
  public String create(boolean hasUnits) throws IOException {
    if (hasUnits) {
      try {
        execute(DELETION + rules(true));
        return mark(true);
      } catch (IOException e) {
        // The next attempt shows whether nft works at all.
      }
    }
    execute(DELETION + rules(false));
    return mark(false);
  }

  /**
   * A rule fails, and the next one follows, where the control group of a process is not so deep.
   */
  private static String rules(boolean withUnits) {
    StringBuilder chains = new StringBuilder();
    for (String network : NETWORKS) {
      StringBuilder levels = new StringBuilder();
      for (int level = withUnits ? MAX_LEVEL : 0; level >= 0; level--) {
        String unit = withUnits ? ". socket cgroupv2 level " + level + " " : "";
        String[] values = {
          "KEY", "meta skuid " + unit + ". meta l4proto . th dport",
          "KNOWN", known(network),
          "NEW", "new_" + kind(network) + level
        };
        chains.append(replace(NEW_CHAIN, values));
        levels.append(replace(LEVEL, values));
      }
      chains.append("  chain " + kind(network) + " {\n" + levels + "  }\n");
    }
    return replace(
        NftRuleset.template("outbound.nft"),
        "CHAINS\n",
        chains.toString(),
        "UNIT_TYPE",
        withUnits ? ". cgroupsv2 " : "",
        "KNOWN_MAX",
        String.valueOf(MAX_KNOWN),
        "NEW_MAX",
        String.valueOf(MAX_NEW));
  }

  /** Replaces words by what follows each of them. */
  private static String replace(String template, String... values) {
    String text = template;
    for (int i = 0; i < values.length; i += 2) {
      text = text.replace(values[i], values[i + 1]);
    }
    return text;
  }

  /** Reads what is new; empty if the table does not exist. */
  public Optional<Recorded> read(Instant now) throws IOException {
    Optional<String> json = list(List.of("new4", "new6"));
    if (json.isEmpty()) {
      return Optional.empty();
    }
    List<OutboundFlow> flows = new ArrayList<>();
    boolean isOverflowing = false;
    for (String set : json.get().split("\n(?=\\{)", -1)) {
      List<Counted> elements = parse(set, true, now);
      elements.forEach(it -> flows.add(it.flow()));
      isOverflowing |= elements.size() >= NEARLY_FULL;
    }
    return Optional.of(new Recorded(flows, isOverflowing));
  }

  /** Reads the packets to one of {@link #NETWORKS}. */
  public List<Counted> count(String network, Map<String, String> groups, Instant now)
      throws IOException {
    String json = list(List.of(known(network))).orElse("");
    return parse(json, false, now).stream()
        .map(it -> new Counted(it.flow().in(groups), it.packets()))
        .toList();
  }

  private static String known(String network) {
    return "known_" + kind(network);
  }

  /** The part of the names in the table for one of {@link #NETWORKS}. */
  private static String kind(String network) {
    return network.replace("-local", "");
  }

  /** Deletes what was read, which makes room for more; what the kernel knows stays. */
  public void flush() throws IOException {
    execute("flush set inet lsm_outbound new4\nflush set inet lsm_outbound new6\n");
  }

  /** Removes the table, if it exists and nft is installed. */
  public void remove() throws IOException {
    NftTable.run(nft, KEY, List.of("-f", "-"), DELETION, NftTable.NO_PROGRAM);
  }

  private void execute(String commands) throws IOException {
    NftTable.run(nft, KEY, List.of("-f", "-"), commands);
  }

  private Optional<String> list(List<String> sets) throws IOException {
    Nft listing = (arguments, input) -> lister.list(sets);
    return NftTable.run(listing, KEY, List.of(), "", NftTable.NOT_FOUND);
  }

  /** Parses a set as libnftables-json(5) has it; most are empty, and need no parser. */
  static List<Counted> parse(String json, boolean hasAddress, Instant now) throws IOException {
    List<Counted> all = new ArrayList<>();
    if (!json.contains("\"elem\"")) {
      return all;
    }
    try {
      JsonElement items = JsonParser.parseString(json.substring(json.indexOf("{\"nftables\"")));
      for (JsonElement item : items.getAsJsonObject().getAsJsonArray("nftables")) {
        JsonObject set = item.getAsJsonObject().getAsJsonObject("set");
        for (JsonElement it : set == null ? new JsonArray() : set.getAsJsonArray("elem")) {
          JsonObject element = it.getAsJsonObject().getAsJsonObject("elem");
          JsonObject counter = element.getAsJsonObject("counter");
          long packets = counter == null ? 0 : counter.get("packets").getAsLong();
          all.add(new Counted(flow(element, hasAddress, now), packets));
        }
      }
      return all;
    } catch (RuntimeException e) {
      throw new IOException(
          "the output of nft is not a set of lsm; see 'nft -j list table inet lsm_outbound'", e);
    }
  }

  /**
   * Parses user, control group if there are units, protocol, port, and the address if there is one.
   */
  private static OutboundFlow flow(JsonObject element, boolean hasAddress, Instant now) {
    JsonArray key = element.getAsJsonObject("val").getAsJsonArray("concat");
    Iterator<JsonElement> parts = key.iterator();
    long uid = parts.next().getAsLong();
    boolean hasUnit = key.size() == (hasAddress ? 5 : 4);
    String group = hasUnit ? parts.next().getAsString() : "";
    Protocol protocol =
        switch (parts.next().getAsString()) { // a number on a host without /etc/protocols
          case "tcp", "6" -> Protocol.OUT_TCP;
          case "udp", "17" -> Protocol.OUT_UDP;
          default -> throw new IllegalArgumentException("a protocol that no rule adds");
        };
    int port = Integer.parseInt(parts.next().getAsString());
    if (port < 0 || port > 65535) {
      throw new IllegalArgumentException("not a port: " + port);
    }
    String address = hasAddress ? parts.next().getAsString() : "";
    long timeout = element.get("timeout").getAsLong();
    long age = Math.max(0, Math.min(timeout - element.get("expires").getAsLong(), MAX_AGE));
    Instant time = now.truncatedTo(ChronoUnit.SECONDS).minusSeconds(age);
    return new OutboundFlow(uid, group, protocol, port, address, time);
  }
}
