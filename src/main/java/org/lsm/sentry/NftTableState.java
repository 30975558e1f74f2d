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
import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import org.lsm.model.ProbeType;
import org.lsm.model.ScanSummary;
import org.lsm.model.ScanningHost;

/**
 * What is in the table, out of the JSON that nft writes (libnftables-json(5)).
 *
 * @param foreign whether there is something in it, but none of the sets of lsm
 * @param mark tells which rules it has; empty if they are not of lsm
 * @param probes who has probed
 * @param blocked who is blocked, and until when
 */
public record NftTableState(
    boolean foreign, String mark, ScanSummary probes, SortedMap<String, Instant> blocked) {

  /** With so many elements a set counts as full: more could come before the next look. */
  private static final int NEARLY_FULL = NftRuleset.MOST * 9 / 10;

  /**
   * Takes it apart. It is read element by element: what is in a full table would not fit into
   * memory as a tree.
   *
   * @param now when it was written
   * @throws IOException if it is not what nft writes
   */
  static NftTableState parse(String json, Instant now) throws IOException {
    Parser parser = new Parser(now);
    // Before it nft may write warnings of what others have done to the tables.
    String text = json.substring(Math.max(0, json.indexOf("{\"nftables\"")));
    try (JsonReader reader = new JsonReader(new StringReader(text))) {
      reader.beginObject();
      if (!reader.nextName().equals("nftables")) {
        throw new IllegalStateException("no ruleset");
      }
      reader.beginArray();
      while (reader.hasNext()) {
        parser.item(reader);
      }
      return parser.content();
    } catch (IOException | RuntimeException e) {
      throw new IOException(
          "nft wrote something that is no table of lsm; see 'nft -j list table inet lsm'", e);
    }
  }

  /** Whether its rules block anybody; those of another mode stay until the next run. */
  public boolean blocks() {
    return NftRuleset.blocks(mark);
  }

  /** What is known of a host so far. */
  private static final class Host {
    private final TreeSet<Integer> tcp = new TreeSet<>();
    private final TreeSet<Integer> udp = new TreeSet<>();
    private final Set<ProbeType> probeTypes = EnumSet.noneOf(ProbeType.class);
    private long packets;
    private Instant first = Instant.MAX;
    private Instant last = Instant.MIN;

    private void seen(Instant time) {
      first = first.isBefore(time) ? first : time;
      last = last.isAfter(time) ? last : time;
    }

    private ScanningHost prober(String address, Instant blockedUntil) {
      Optional<Instant> until = Optional.ofNullable(blockedUntil);
      // Where there was no room to count the packets, each port has had one.
      long least = Math.max(packets, tcp.size() + udp.size());
      return new ScanningHost(
          address, "", tcp, udp, new TreeSet<>(probeTypes), least, first, last, until);
    }
  }

  private static final class Parser {
    private final Instant now;
    private final Map<String, Host> hosts = new HashMap<>();
    private final SortedMap<String, Instant> blocked = new TreeMap<>();
    private boolean filled;
    private boolean own;
    private String mark = "";
    private boolean overflowing;

    Parser(Instant now) {
      this.now = now.truncatedTo(ChronoUnit.SECONDS); // nft tells no less
    }

    NftTableState content() {
      List<ScanningHost> found = new ArrayList<>();
      hosts.forEach((address, host) -> found.add(host.prober(address, blocked.get(address))));
      return new NftTableState(filled && !own, mark, new ScanSummary(found, overflowing), blocked);
    }

    /** One of {@code {"table": {...}}}, {@code {"set": {...}}}, {@code {"rule": {...}}}. */
    void item(JsonReader reader) throws IOException {
      reader.beginObject();
      String what = reader.nextName();
      filled |= !what.equals("metainfo") && !what.equals("table");
      reader.beginObject();
      String name = "";
      while (reader.hasNext()) {
        String key = reader.nextName();
        if (key.equals("name")) {
          name = reader.nextString();
          own |= name.equals("hosts4");
        } else if (key.equals("elem") && what.equals("set")) {
          elements(name, reader);
        } else if (key.equals("comment") && what.equals("rule")) {
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
      long timeout = element.get("timeout").getAsLong();
      Instant end = now.plusSeconds(element.get("expires").getAsLong());
      Instant start = end.minusSeconds(timeout);
      JsonElement value = element.get("val");
      JsonArray key =
          value.isJsonObject() ? value.getAsJsonObject().getAsJsonArray("concat") : null;
      String address = key == null ? value.getAsString() : key.get(0).getAsString();
      String name = set.substring(0, set.length() - 1);
      switch (name) {
        case "hosts" -> {
          Host host = host(address, start);
          host.packets = element.getAsJsonObject("counter").get("packets").getAsLong();
        }
        case "tcp" -> host(address, start).tcp.add(key.get(1).getAsInt());
        case "udp" -> {
          host(address, start).probeTypes.add(ProbeType.UDP);
          host(address, start).udp.add(key.get(1).getAsInt());
        }
        case "blocked" -> {
          host(address, start);
          blocked.put(address, end);
        }
        case "tries", "caught" -> {
          // of use to the rules alone
        }
        default ->
            host(address, start).probeTypes.add(ProbeType.valueOf(name.toUpperCase(Locale.ROOT)));
      }
    }

    private Host host(String address, Instant seen) {
      Host host = hosts.computeIfAbsent(address, it -> new Host());
      host.seen(seen);
      return host;
    }
  }
}
