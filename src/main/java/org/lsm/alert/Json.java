package org.lsm.alert;

import static org.lsm.snapshot.Untrusted.escape;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonArray;
import com.google.gson.JsonDeserializationContext;
import com.google.gson.JsonDeserializer;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import com.google.gson.JsonSerializationContext;
import com.google.gson.JsonSerializer;
import java.lang.reflect.Type;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.stream.Stream;
import org.lsm.snapshot.Diff.Difference;
import org.lsm.snapshot.Diff.Kind;
import org.lsm.snapshot.Endpoint;
import org.lsm.snapshot.Flag;
import org.lsm.snapshot.Holder;
import org.lsm.snapshot.Owner;
import org.lsm.snapshot.Ports;
import org.lsm.snapshot.Prober;
import org.lsm.snapshot.Snapshot.Origin;
import org.lsm.snapshot.SocketEntry;
import org.lsm.snapshot.Story;
import org.lsm.snapshot.Story.ProcessStory;

/**
 * Reports and listings for programs. The names of the fields are a promise; times are RFC 3339 in
 * UTC; strings are escaped as they are for people, for not every name on a host is Unicode.
 */
public final class Json {

  /** Of what is sent, in characters. */
  private static final int LONGEST = 1024 * 1024;

  private static final GsonBuilder BUILDER =
      new GsonBuilder()
          .disableHtmlEscaping()
          .registerTypeAdapter(Instant.class, (JsonSerializer<Instant>) Json::time)
          .registerTypeAdapter(Instant.class, (JsonDeserializer<Instant>) Json::time);

  private static final Gson LINES = BUILDER.create();
  private static final Gson GSON = BUILDER.setPrettyPrinting().create();

  private Json() {}

  /** A report: what differs, with all that could be told of it, and who probes unused ports. */
  public static String of(Report report, Optional<ScanReport> scans) {
    List<JsonObject> all =
        report.diff().differences().stream().map(it -> difference(it, report.story(it))).toList();
    JsonObject json = object(report, all, report.still().stream());
    scans.ifPresent(
        it -> {
          json.add("scans", scans(it.hosts()));
          json.getAsJsonArray("notes").addAll(strings(it.notes()));
        });
    return print(json);
  }

  /** The hosts that probe unused ports. */
  public static String of(ScanReport report) {
    return print(object(report, report.hosts()));
  }

  static JsonObject object(ScanReport report, List<Prober> hosts) {
    JsonObject json = object(report.origin());
    json.add("scans", scans(hosts));
    json.add("notes", strings(report.notes()));
    return json;
  }

  private static JsonArray scans(List<Prober> hosts) {
    return array(hosts, Json::scan);
  }

  private static JsonObject scan(Prober host) {
    JsonObject json = new JsonObject();
    json.addProperty("address", escape(host.address()));
    json.addProperty("name", escape(host.name()));
    json.add("ports", strings(ports(host)));
    json.add("kinds", array(host.kinds(), it -> new JsonPrimitive(name(it))));
    json.addProperty("packets", host.packets());
    json.addProperty("first_seen", host.first().toString());
    json.addProperty("last_seen", host.last().toString());
    json.addProperty("blocked_until", host.blockedUntil().map(Instant::toString).orElse(null));
    return json;
  }

  /** Ports and ranges: {@code tcp/1-1023}, {@code udp/53}. */
  private static List<String> ports(Prober host) {
    List<String> ports = new ArrayList<>();
    Ports.of(host.tcp()).ranges().forEach(range -> ports.add("tcp/" + range));
    Ports.of(host.udp()).ranges().forEach(range -> ports.add("udp/" + range));
    return ports;
  }

  /** How it stands with the monitor. */
  public static String of(Status status) {
    JsonObject json = new JsonObject();
    json.addProperty("status", status.isGood() ? "good" : "fault");
    json.add("items", GSON.toJsonTree(status.items()));
    return print(json);
  }

  /** What happened. */
  public static String of(List<History.Event> events) {
    return print(Map.of("events", events));
  }

  /** As people can read it. */
  static String print(Object json) {
    return GSON.toJson(json) + "\n";
  }

  /** In one line, without its end. */
  static String line(Object json) {
    return LINES.toJson(json);
  }

  /**
   * The reverse of {@link #print} and {@link #line}.
   *
   * @throws RuntimeException if it is no such object
   */
  static <T> T read(String json, Class<T> type) {
    return Objects.requireNonNull(LINES.fromJson(json, type));
  }

  private static JsonElement time(Instant time, Type type, JsonSerializationContext context) {
    return new JsonPrimitive(time.toString());
  }

  private static Instant time(JsonElement json, Type type, JsonDeserializationContext context) {
    String time = json.getAsString();
    if (!Character.isDigit(time.charAt(0))) {
      // An Instant may have years that no calendar has.
      throw new IllegalArgumentException("no time of RFC 3339: " + time);
    }
    return Instant.parse(time);
  }

  /** A report as it is sent: of each kind no more than people are told of, and the numbers. */
  static JsonObject bounded(Report report) {
    List<JsonObject> told = told(report.named(), report, LONGEST);
    return object(report, told, report.still().stream().limit(Report.MOST_OF_A_KIND));
  }

  private static JsonObject object(
      Report report, List<JsonObject> differences, Stream<Difference> still) {
    JsonObject json = object(report.after().origin());
    json.addProperty("baseline_time", report.before().origin().time().toString());
    for (Kind kind : Kind.values()) {
      json.addProperty(name(kind), report.diff().count(kind));
    }
    json.add("differences", array(differences, it -> it));
    json.add("still", strings(still.map(it -> it.kind() + " " + it.endpoint()).toList()));
    json.add("notes", strings(report.notes()));
    return json;
  }

  /** A listing: the sockets with their owners. */
  public static String of(Listing listing) {
    JsonObject json = object(listing.snapshot().origin());
    json.add(
        "sockets",
        array(
            listing.snapshot().sockets().values(),
            entry -> {
              JsonObject socket = endpoint(entry.endpoint());
              socket.add("owners", array(entry.owners(), Json::owner));
              socket.add("processes", array(entry.holders(), Json::holder));
              socket.addProperty("ignored_by_line", listing.ignoredBy().get(entry.endpoint()));
              return socket;
            }));
    json.add("notes", strings(listing.notes()));
    return print(json);
  }

  static JsonObject object(Origin origin) {
    JsonObject json = new JsonObject();
    json.addProperty("host", escape(origin.host()));
    json.addProperty("kernel", escape(origin.kernel()));
    json.addProperty("time", origin.time().toString());
    json.addProperty("lsm", origin.version());
    return json;
  }

  /** The name of a constant in JSON. */
  static String name(Enum<?> constant) {
    return constant.name().toLowerCase(Locale.ROOT);
  }

  /** These differences, with their stories as long as all of it has so many characters at most. */
  static List<JsonObject> told(List<Difference> differences, Report report, int most) {
    List<JsonObject> told = new ArrayList<>();
    int length = 0;
    for (Difference difference : differences) {
      Story story = length < most ? report.story(difference) : Story.UNTOLD;
      JsonObject json = difference(difference, story);
      length += line(json).length();
      told.add(json);
    }
    return told;
  }

  static JsonObject difference(Difference difference, Story story) {
    JsonObject json = new JsonObject();
    json.addProperty("kind", difference.kind().name());
    endpoint(difference.endpoint()).asMap().forEach(json::add);
    json.addProperty("service", escape(story.service()));
    json.add("owners_before", owners(difference, Kind.NEW, difference.before()));
    json.add("owners", owners(difference, Kind.GONE, difference.after()));
    json.add("flags", array(story.flags(), Json::flag));
    json.addProperty("origin", escape(story.origin().map(Endpoint::toString).orElse("")));
    json.add("claimed", array(story.claimed(), Json::holder));
    json.add("peers", strings(story.peers()));
    json.add("pids", array(difference.after().holders(), it -> new JsonPrimitive(it.pid())));
    json.add("processes", array(story.processes(), Json::process));
    return json;
  }

  /**
   * Differences in a few words, those of the same kind, owners and processes together.
   *
   * @param most so many characters at most; the rest is left out
   */
  static JsonArray brief(List<Difference> differences, int most) {
    Map<Map<String, String>, JsonArray> sockets = new LinkedHashMap<>();
    int length = 0;
    for (Difference difference : differences) {
      Map<String, String> data = new TreeMap<>(Report.data(difference));
      String socket = data.remove("socket");
      length += line(socket).length() + (sockets.containsKey(data) ? 1 : line(data).length());
      if (length > most) {
        break;
      }
      sockets.computeIfAbsent(data, it -> new JsonArray()).add(socket);
    }
    return array(sockets.entrySet(), Json::brief);
  }

  private static JsonObject brief(Map.Entry<Map<String, String>, JsonArray> sockets) {
    JsonObject json = LINES.toJsonTree(sockets.getKey()).getAsJsonObject();
    json.add("sockets", sockets.getValue());
    return json;
  }

  /** The owners on one side of a difference, on which a difference of one kind has none. */
  private static JsonArray owners(Difference difference, Kind none, SocketEntry side) {
    return difference.kind() == none ? new JsonArray() : array(side.owners(), Json::owner);
  }

  private static JsonObject endpoint(Endpoint endpoint) {
    JsonObject json = new JsonObject();
    json.addProperty("socket", escape(endpoint.toString()));
    json.addProperty("netns", escape(endpoint.netns()));
    json.addProperty("protocol", endpoint.protocol().label());
    json.addProperty("address", escape(endpoint.address()));
    json.addProperty("port", endpoint.port());
    return json;
  }

  private static JsonObject owner(Owner owner) {
    JsonObject json = new JsonObject();
    json.addProperty("user", escape(owner.user()));
    json.addProperty("program", escape(owner.program()));
    return json;
  }

  private static JsonObject holder(Holder holder) {
    JsonObject json = owner(holder.owner());
    json.addProperty("pid", holder.pid());
    json.addProperty("start_time", holder.startTime().toString());
    return json;
  }

  private static JsonObject process(ProcessStory story) {
    JsonObject json = holder(story.holder());
    json.addProperty("command_line", escape(story.commandLine()));
    json.addProperty("working_directory", escape(story.workingDirectory()));
    json.addProperty("unit", escape(story.unit()));
    json.add("parents", array(story.parents(), Json::holder));
    json.add("flags", array(story.flags(), Json::flag));
    return json;
  }

  private static JsonElement flag(Flag flag) {
    return new JsonPrimitive(name(flag));
  }

  private static JsonArray strings(Collection<String> values) {
    return array(values, value -> new JsonPrimitive(escape(value)));
  }

  private static <T> JsonArray array(Collection<T> values, Function<T, JsonElement> each) {
    JsonArray array = new JsonArray();
    values.forEach(value -> array.add(each.apply(value)));
    return array;
  }
}
