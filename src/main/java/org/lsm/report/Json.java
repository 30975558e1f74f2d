package org.lsm.report;

import static org.lsm.model.TextEscaper.escape;

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
import org.lsm.alert.History;
import org.lsm.model.Difference;
import org.lsm.model.DifferenceType;
import org.lsm.model.Endpoint;
import org.lsm.model.Flag;
import org.lsm.model.HostInfo;
import org.lsm.model.Owner;
import org.lsm.model.PortSet;
import org.lsm.model.ProcessDetails;
import org.lsm.model.ProcessRef;
import org.lsm.model.ScanningHost;
import org.lsm.model.SocketDetails;
import org.lsm.model.SocketEntry;

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
  public static String of(DiffReport report, Optional<PortScanReport> scans) {
    List<JsonObject> all =
        report.diff().differences().stream().map(it -> difference(it, report.details(it))).toList();
    JsonObject json = object(report, all, report.still().stream());
    scans.ifPresent(
        it -> {
          json.add("scans", scans(it.hosts()));
          json.getAsJsonArray("notes").addAll(strings(it.notes()));
        });
    return print(json);
  }

  /** The hosts that probe unused ports. */
  public static String of(PortScanReport report) {
    return print(object(report, report.hosts()));
  }

  public static JsonObject object(PortScanReport report, List<ScanningHost> hosts) {
    JsonObject json = object(report.hostInfo());
    json.add("scans", scans(hosts));
    json.add("notes", strings(report.notes()));
    return json;
  }

  private static JsonArray scans(List<ScanningHost> hosts) {
    return array(hosts, Json::scan);
  }

  private static JsonObject scan(ScanningHost host) {
    JsonObject json = new JsonObject();
    json.addProperty("address", escape(host.address()));
    json.addProperty("name", escape(host.name()));
    json.add("ports", strings(ports(host)));
    json.add("kinds", array(host.probeTypes(), it -> new JsonPrimitive(name(it))));
    json.addProperty("packets", host.packets());
    json.addProperty("first_seen", host.first().toString());
    json.addProperty("last_seen", host.last().toString());
    json.addProperty("blocked_until", host.blockedUntil().map(Instant::toString).orElse(null));
    return json;
  }

  /** Ports and ranges: {@code tcp/1-1023}, {@code udp/53}. */
  private static List<String> ports(ScanningHost host) {
    List<String> ports = new ArrayList<>();
    PortSet.of(host.tcp()).ranges().forEach(range -> ports.add("tcp/" + range));
    PortSet.of(host.udp()).ranges().forEach(range -> ports.add("udp/" + range));
    return ports;
  }

  /** How it stands with the monitor. */
  public static String of(StatusReport status) {
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
  public static String print(Object json) {
    return GSON.toJson(json) + "\n";
  }

  /** In one line, without its end. */
  public static String line(Object json) {
    return LINES.toJson(json);
  }

  /**
   * The reverse of {@link #print} and {@link #line}.
   *
   * @throws RuntimeException if it is no such object
   */
  public static <T> T read(String json, Class<T> type) {
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
  public static JsonObject bounded(DiffReport report) {
    List<JsonObject> told = told(report.named(), report, LONGEST);
    return object(report, told, report.still().stream().limit(DiffReport.MOST_OF_A_KIND));
  }

  private static JsonObject object(
      DiffReport report, List<JsonObject> differences, Stream<Difference> still) {
    JsonObject json = object(report.after().hostInfo());
    json.addProperty("baseline_time", report.before().hostInfo().time().toString());
    for (DifferenceType kind : DifferenceType.values()) {
      json.addProperty(name(kind), report.diff().count(kind));
    }
    json.add("differences", array(differences, it -> it));
    json.add("still", strings(still.map(it -> it.type() + " " + it.endpoint()).toList()));
    json.add("notes", strings(report.notes()));
    return json;
  }

  /** A listing: the sockets with their owners. */
  public static String of(SocketListing listing) {
    JsonObject json = object(listing.snapshot().hostInfo());
    json.add(
        "sockets",
        array(
            listing.snapshot().sockets().values(),
            entry -> {
              JsonObject socket = endpoint(entry.endpoint());
              socket.add("owners", array(entry.owners(), Json::owner));
              socket.add("processes", array(entry.processes(), Json::process));
              socket.addProperty("ignored_by_line", listing.ignoredBy().get(entry.endpoint()));
              return socket;
            }));
    json.add("notes", strings(listing.notes()));
    return print(json);
  }

  public static JsonObject object(HostInfo hostInfo) {
    JsonObject json = new JsonObject();
    json.addProperty("host", escape(hostInfo.host()));
    json.addProperty("kernel", escape(hostInfo.kernel()));
    json.addProperty("time", hostInfo.time().toString());
    json.addProperty("lsm", hostInfo.version());
    return json;
  }

  /** The name of a constant in JSON. */
  public static String name(Enum<?> constant) {
    return constant.name().toLowerCase(Locale.ROOT);
  }

  /** These differences, with their stories as long as all of it has so many characters at most. */
  public static List<JsonObject> told(List<Difference> differences, DiffReport report, int most) {
    List<JsonObject> told = new ArrayList<>();
    int length = 0;
    for (Difference difference : differences) {
      SocketDetails details = length < most ? report.details(difference) : SocketDetails.UNKNOWN;
      JsonObject json = difference(difference, details);
      length += line(json).length();
      told.add(json);
    }
    return told;
  }

  public static JsonObject difference(Difference difference, SocketDetails details) {
    JsonObject json = new JsonObject();
    json.addProperty("kind", difference.type().name());
    endpoint(difference.endpoint()).asMap().forEach(json::add);
    json.addProperty("service", escape(details.service()));
    json.add("owners_before", owners(difference, DifferenceType.NEW, difference.before()));
    json.add("owners", owners(difference, DifferenceType.GONE, difference.after()));
    json.add("flags", array(details.flags(), Json::flag));
    json.addProperty(
        "origin", escape(details.suspectedParent().map(Endpoint::toString).orElse("")));
    json.add("claimed", array(details.inodeHolders(), Json::process));
    json.add("peers", strings(details.peers()));
    json.add("pids", array(difference.after().processes(), it -> new JsonPrimitive(it.pid())));
    json.add("processes", array(details.processes(), Json::process));
    return json;
  }

  /**
   * Differences in a few words, those of the same kind, owners and processes together.
   *
   * @param most so many characters at most; the rest is left out
   */
  public static JsonArray brief(List<Difference> differences, int most) {
    Map<Map<String, String>, JsonArray> sockets = new LinkedHashMap<>();
    int length = 0;
    for (Difference difference : differences) {
      Map<String, String> data = new TreeMap<>(DiffReport.data(difference));
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
  private static JsonArray owners(Difference difference, DifferenceType none, SocketEntry side) {
    return difference.type() == none ? new JsonArray() : array(side.owners(), Json::owner);
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

  private static JsonObject process(ProcessRef process) {
    JsonObject json = owner(process.owner());
    json.addProperty("pid", process.pid());
    json.addProperty("start_time", process.startTime().toString());
    return json;
  }

  private static JsonObject process(ProcessDetails details) {
    JsonObject json = process(details.process());
    json.addProperty("command_line", escape(details.commandLine()));
    json.addProperty("working_directory", escape(details.workingDirectory()));
    json.addProperty("unit", escape(details.unit()));
    json.add("parents", array(details.parents(), Json::process));
    json.add("flags", array(details.flags(), Json::flag));
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
