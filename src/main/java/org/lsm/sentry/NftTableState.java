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
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import org.lsm.model.ProbeType;
import org.lsm.model.ScanSummary;
import org.lsm.model.ScanningHost;

/**
 * The content of the table, parsed from the JSON that nft prints (libnftables-json(5)).
 *
 * @param foreign whether the table has content, but none of lsm's sets
 * @param mark the mark of its rules, see {@link NftRuleset#mark}; empty if they are not lsm's
 * @param summary the hosts that sent probes
 * @param blocked the end of each block, by address
 */
public record NftTableState(
    boolean foreign, String mark, ScanSummary summary, SortedMap<String, Instant> blocked) {

  /** From this size on, a set may be full before the next run. */
  private static final int NEARLY_FULL = NftRuleset.MAX_ELEMENTS * 9 / 10;

  /**
   * Parses the output of nft, element by element: the tree of a full table would not fit into
   * memory.
   *
   * @param now when it was printed
   * @throws IOException if it is not the output of nft
   */
  static NftTableState parse(String json, Instant now) throws IOException {
    Parser parser = new Parser(now);
    // nft may print warnings before, about changes that others made to the tables.
    String text = json.substring(Math.max(0, json.indexOf("{\"nftables\"")));
    try (JsonReader reader = new JsonReader(new StringReader(text))) {
      reader.beginObject();
      if (!reader.nextName().equals("nftables")) {
        throw new IllegalStateException("not a ruleset");
      }
      reader.beginArray();
      while (reader.hasNext()) {
        parser.item(reader);
      }
      return parser.result();
    } catch (IOException | RuntimeException e) {
      throw new IOException(
          "the output of nft is not a table of lsm; see 'nft -j list table inet lsm'", e);
    }
  }

  /** Whether the rules block hosts: after a change of SENTRY, the old ones stay until a compare. */
  public boolean blocks() {
    return NftRuleset.blocks(mark);
  }

  /** Collects the data of a host from several sets. */
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
  }

  private static final class Parser {
    private final Instant now;
    private final Map<String, HostBuilder> hosts = new HashMap<>();
    private final SortedMap<String, Instant> blocked = new TreeMap<>();
    private boolean hasContent;
    private boolean hasSetOfLsm;
    private String mark = "";
    private boolean overflowing;

    Parser(Instant now) {
      this.now = now.truncatedTo(ChronoUnit.SECONDS); // as the times of nft
    }

    NftTableState result() {
      List<ScanningHost> found = new ArrayList<>();
      hosts.forEach((address, host) -> found.add(host.build(address, blocked.get(address))));
      return new NftTableState(
          hasContent && !hasSetOfLsm, mark, new ScanSummary(found, overflowing), blocked);
    }

    /** One of {@code {"table": {...}}}, {@code {"set": {...}}}, {@code {"rule": {...}}}. */
    void item(JsonReader reader) throws IOException {
      reader.beginObject();
      String type = reader.nextName();
      hasContent |= !type.equals("metainfo") && !type.equals("table");
      reader.beginObject();
      String name = "";
      while (reader.hasNext()) {
        String key = reader.nextName();
        if (key.equals("name")) {
          name = reader.nextString();
          hasSetOfLsm |= name.equals("hosts4");
        } else if (key.equals("elem") && type.equals("set")) {
          elements(name, reader);
        } else if (key.equals("comment") && type.equals("rule")) {
          mark = reader.nextString();
        } else {
          reader.skipValue();
        }
      }
      reader.endObject();
      reader.endObject();
    }

    private void elements(String set, JsonReader reader) throws IOException {
      int count = 0;
      reader.beginArray();
      while (reader.hasNext()) {
        JsonElement element = JsonParser.parseReader(reader);
        if (element.isJsonObject() && element.getAsJsonObject().has("elem")) {
          element(set, element.getAsJsonObject().getAsJsonObject("elem"));
          count++;
        }
      }
      reader.endArray();
      boolean blocks = set.startsWith("blocked") || set.startsWith("caught");
      overflowing |= !blocks && count >= NEARLY_FULL;
    }

    private void element(String set, JsonObject element) {
      Instant end = now.plusSeconds(element.get("expires").getAsLong());
      Instant start = end.minusSeconds(element.get("timeout").getAsLong());
      JsonElement value = element.get("val");
      JsonArray pair =
          value.isJsonObject() ? value.getAsJsonObject().getAsJsonArray("concat") : null;
      String address = pair == null ? value.getAsString() : pair.get(0).getAsString();
      String name = set.substring(0, set.length() - 1);
      if (name.equals("tries") || name.equals("caught")) {
        return; // only the rules use them
      }
      HostBuilder host = hosts.computeIfAbsent(address, it -> new HostBuilder());
      host.first = host.first.isBefore(start) ? host.first : start;
      host.last = host.last.isAfter(start) ? host.last : start;
      switch (name) {
        case "hosts" ->
            host.packets = element.getAsJsonObject("counter").get("packets").getAsLong();
        case "tcp" -> host.tcp.add(pair.get(1).getAsInt());
        case "udp" -> {
          host.probeTypes.add(ProbeType.UDP);
          host.udp.add(pair.get(1).getAsInt());
        }
        case "blocked" -> blocked.put(address, end);
        default -> host.probeTypes.add(ProbeType.valueOf(name.toUpperCase(Locale.ROOT)));
      }
    }
  }
}
