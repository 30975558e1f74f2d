package org.lsm.sentry;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import com.google.gson.stream.JsonReader;
import java.io.IOException;
import java.io.StringReader;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Pattern;
import org.lsm.model.PortClient;
import org.lsm.model.PortSet;
import org.lsm.model.ProbeType;
import org.lsm.model.Protocol;
import org.lsm.model.ScanSummary;
import org.lsm.model.ScanningHost;
import org.lsm.model.ServedPort;

/**
 * The content of the table, parsed from the JSON that nft prints (libnftables-json(5)).
 *
 * @param foreign whether the table has content, but none of lsm's sets
 * @param mark the mark of its rules, see {@link NftRuleset#mark}; empty if they are not lsm's
 * @param summary the hosts that sent probes
 * @param blocked the end of each block, by address
 * @param served the ports that were served while no rule knew them
 * @param servedOverflowing whether {@code served} may lack some
 */
public record NftTableState(
    boolean foreign,
    String mark,
    ScanSummary summary,
    SortedMap<String, Instant> blocked,
    List<ServedPort> served,
    boolean servedOverflowing) {
  /** From this size on, a set may be full before the next run. */
  private static final int NEARLY_FULL = NftRuleset.MAX_ELEMENTS * 9 / 10;

  private static final int ASKED_NEARLY_FULL = 65_535 * 9 / 10;

  static final String NETWORK_PREFIX = "/64";

  /** How nft prints the first address of a network of 64 bits; no host has it (RFC 4291, 2.6.1). */
  private static final Pattern NETWORK = Pattern.compile("([0-9a-f]{1,4}:){1,4}:");

  /** Parses the output of nft by element: memory may not have room for the tree of all. */
  static NftTableState parse(String json, Instant now) throws IOException {
    // nft may print warnings before, about changes that others made to the tables.
    int start = json.indexOf("{\"nftables\"");
    try (JsonReader reader = new JsonReader(new StringReader(json.substring(start)))) {
      return new Parser(reader, now).table();
    } catch (IOException | RuntimeException e) {
      throw new IOException(
          "the output of nft is not a table of lsm; see 'nft -j list table inet lsm'", e);
    }
  }

  /** Whether the rules block hosts: after a change of SENTRY, the old ones stay until a compare. */
  public boolean blocks() {
    return mark.startsWith(NftRuleset.BLOCKING_MARK);
  }

  private record Port(Protocol protocol, int number) {}

  /** Collects the data of a host, or of one at a port, from several sets. */
  private static final class HostBuilder {
    private final TreeSet<Integer> tcp = new TreeSet<>();
    private final TreeSet<Integer> udp = new TreeSet<>();
    private final TreeSet<ProbeType> probeTypes = new TreeSet<>();
    private long packets;
    private Instant first = Instant.MAX;
    private Instant last = Instant.MIN;

    private ScanningHost build(String address, Instant blockedUntil) {
      // Where the set that counts packets was full, count one for each port.
      long least = Math.max(packets, tcp.size() + udp.size());
      Optional<Instant> until = Optional.ofNullable(blockedUntil);
      return new ScanningHost(address, "", tcp, udp, probeTypes, least, first, last, until);
    }

    private PortClient client(String address) {
      return new PortClient(address, Math.max(packets, 1), first, last);
    }
  }

  private static final class Parser {
    private final JsonReader reader;
    private final Instant now;
    private final Map<String, HostBuilder> hosts = new HashMap<>();
    private final Map<Port, Map<String, HostBuilder>> clients = new HashMap<>();
    private final Map<String, PortSet> known = new HashMap<>();
    private final SortedMap<String, Instant> blocked = new TreeMap<>();
    private boolean hasContent;
    private boolean hasSetOfLsm;
    private String mark = "";
    private boolean overflowing;
    private boolean servedOverflowing;
    private boolean askedOverflowing;

    Parser(JsonReader reader, Instant now) {
      this.reader = reader;
      this.now = now.truncatedTo(ChronoUnit.SECONDS); // as the times of nft
    }

    NftTableState table() throws IOException {
      reader.beginObject();
      reader.skipValue(); // its name
      reader.beginArray();
      while (reader.hasNext()) {
        item();
      }
      List<ScanningHost> found = new ArrayList<>();
      hosts.forEach((address, host) -> found.add(host.build(address, blocked.get(address))));
      ScanSummary summary = new ScanSummary(found, overflowing);
      boolean foreign = hasContent && !hasSetOfLsm;
      return new NftTableState(foreign, mark, summary, blocked, served(), servedOverflowing);
    }

    /**
     * The ports that no rule knew yet: of the others, the rules have kept old clients. Not those of
     * UDP if there was no room for what this host asks: their clients may be answers.
     */
    private List<ServedPort> served() {
      List<ServedPort> served = new ArrayList<>();
      for (var port : clients.entrySet()) {
        Port at = port.getKey();
        PortSet ofRules = known.get("known_" + at.protocol().label());
        boolean isKnown = ofRules != null && ofRules.ports().get(at.number());
        if (!isKnown && !(askedOverflowing && at.protocol() == Protocol.UDP)) {
          List<PortClient> all = new ArrayList<>();
          port.getValue().forEach((address, host) -> all.add(host.client(address)));
          served.add(new ServedPort(at.protocol(), at.number(), all));
        }
      }
      served.sort(Comparator.comparing(ServedPort::endpoint));
      return served;
    }

    /** One of {@code {"table": {...}}}, {@code {"set": {...}}}, {@code {"rule": {...}}}. */
    private void item() throws IOException {
      reader.beginObject();
      String type = reader.nextName();
      hasContent |= !type.equals("metainfo") && !type.equals("table");
      reader.beginObject();
      String name = "";
      while (reader.hasNext()) {
        switch (type + " " + reader.nextName()) {
          case "set name" -> name = reader.nextString();
          case "set elem" -> {
            if (name.startsWith("known_")) {
              known.put(name, ports());
            } else {
              elements(name);
            }
          }
          case "rule comment" -> mark = reader.nextString();
          default -> reader.skipValue();
        }
      }
      hasSetOfLsm |= name.equals("hosts4");
      reader.endObject();
      reader.endObject();
    }

    /** Ports, and ranges like {@code {"range": [1, 112]}}. */
    private PortSet ports() {
      List<String> ranges = new ArrayList<>();
      for (JsonElement it : JsonParser.parseReader(reader).getAsJsonArray()) {
        JsonArray range = it.isJsonObject() ? it.getAsJsonObject().getAsJsonArray("range") : null;
        ranges.add(
            range == null
                ? it.getAsString()
                : range.get(0).getAsString() + "-" + range.get(1).getAsString());
      }
      return PortSet.parse(String.join(",", ranges));
    }

    private void elements(String set) throws IOException {
      String name = set.replaceFirst("[46]$", "");
      int count = 0;
      reader.beginArray();
      while (reader.hasNext()) {
        JsonElement element = JsonParser.parseReader(reader);
        if (element.isJsonObject() && element.getAsJsonObject().has("elem")) {
          element(name, element.getAsJsonObject().getAsJsonObject("elem"));
          count++;
        }
      }
      reader.endArray();
      boolean isOfServed = NftRuleset.SERVED_SETS.contains(name);
      askedOverflowing |= count >= ASKED_NEARLY_FULL && name.equals("asked");
      servedOverflowing |= (count >= NEARLY_FULL && isOfServed) || askedOverflowing;
      overflowing |= count >= NEARLY_FULL && !isOfServed && !name.matches("blocked|caught|asked");
    }

    private void element(String set, JsonObject json) {
      Instant end = now.plusSeconds(json.get("expires").getAsLong());
      Instant start = end.minusSeconds(json.get("timeout").getAsLong());
      JsonElement val = json.get("val");
      JsonArray pair = val.isJsonObject() ? val.getAsJsonObject().getAsJsonArray("concat") : null;
      String address = (pair == null ? val : pair.get(0)).getAsString();
      if (set.matches("tries|caught|asked")) {
        return; // only the rules use them
      }
      boolean isOfServed = NftRuleset.SERVED_SETS.contains(set);
      if (!isOfServed && NETWORK.matcher(address).matches()) {
        address += NETWORK_PREFIX;
      }
      var knownHosts =
          isOfServed ? clients.computeIfAbsent(port(pair), it -> new HashMap<>()) : hosts;
      HostBuilder host = knownHosts.computeIfAbsent(address, it -> new HostBuilder());
      host.first = host.first.isBefore(start) ? host.first : start;
      host.last = host.last.isAfter(start) ? host.last : start;
      switch (set) {
        case "latest" -> {} // its time counts
        case "hosts", "served" ->
            host.packets = json.getAsJsonObject("counter").get("packets").getAsLong();
        case "tcp" -> host.tcp.add(pair.get(1).getAsInt());
        case "udp" -> {
          host.probeTypes.add(ProbeType.UDP);
          host.udp.add(pair.get(1).getAsInt());
        }
        case "blocked" -> blocked.put(address, end);
        default -> host.probeTypes.add(ProbeType.valueOf(set.toUpperCase(Locale.ROOT)));
      }
    }

    /** The protocol is a name, or a number on a host without /etc/protocols. */
    private static Port port(JsonArray parts) {
      Protocol protocol =
          switch (parts.get(1).getAsString()) {
            case "tcp", "6" -> Protocol.TCP;
            case "udp", "17" -> Protocol.UDP;
            default -> throw new IllegalArgumentException("a protocol that no rule adds");
          };
      return new Port(protocol, parts.get(2).getAsInt());
    }
  }
}
