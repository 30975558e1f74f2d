package org.lsm.report;

import com.google.gson.FieldNamingPolicy;
import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonArray;
import com.google.gson.JsonDeserializer;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import com.google.gson.JsonSerializer;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.stream.Stream;
import org.lsm.model.Connection;
import org.lsm.model.Diff;
import org.lsm.model.Difference;
import org.lsm.model.DifferenceCounts;
import org.lsm.model.DifferenceType;
import org.lsm.model.Endpoint;
import org.lsm.model.EnumName;
import org.lsm.model.Facts;
import org.lsm.model.HostInfo;
import org.lsm.model.Owner;
import org.lsm.model.Plural;
import org.lsm.model.PortClient;
import org.lsm.model.ProcessDetails;
import org.lsm.model.ProcessRef;
import org.lsm.model.Protocol;
import org.lsm.model.ScanningHost;
import org.lsm.model.SocketDetails;
import org.lsm.model.SocketEntry;
import org.lsm.model.TextEscaper;
import org.lsm.report.JsonViews.ClientView;
import org.lsm.report.JsonViews.ConnectionView;
import org.lsm.report.JsonViews.ConnectionsView;
import org.lsm.report.JsonViews.CountsView;
import org.lsm.report.JsonViews.DiffView;
import org.lsm.report.JsonViews.DifferenceView;
import org.lsm.report.JsonViews.EndpointView;
import org.lsm.report.JsonViews.HostDifferenceView;
import org.lsm.report.JsonViews.HostView;
import org.lsm.report.JsonViews.HostsView;
import org.lsm.report.JsonViews.ItemView;
import org.lsm.report.JsonViews.ListingView;
import org.lsm.report.JsonViews.OwnersView;
import org.lsm.report.JsonViews.ProcessDetailsView;
import org.lsm.report.JsonViews.ProcessView;
import org.lsm.report.JsonViews.ScanView;
import org.lsm.report.JsonViews.StatusView;

/**
 * Reports and listings for programs, as the schemas in {@code src/main/schema} describe them. Times
 * are RFC 3339 in UTC. Strings are escaped, because not every name on a host is Unicode.
 */
public final class Json {
  /** Bytes of the differences of an alert; the rest of it fits into another 256 KiB. */
  private static final int MAX_ALERT = 768 * 1024;

  private static final GsonBuilder BUILDER =
      new GsonBuilder()
          .disableHtmlEscaping()
          .registerTypeAdapter(
              Instant.class,
              (JsonSerializer<Instant>) (time, type, gson) -> new JsonPrimitive(time.toString()))
          .registerTypeAdapter(
              Instant.class,
              (JsonDeserializer<Instant>) (json, type, gson) -> time(json.getAsString()));

  private static final int MAX_CLIENTS = 20; // of a port

  /** For what is escaped already: stored alerts and events. */
  private static final Gson STORED = BUILDER.create();

  private static final Gson PRINTED = BUILDER.setPrettyPrinting().create();

  /** For views, whose strings are not escaped yet. */
  private static final Gson VIEWS =
      BUILDER
          .setFieldNamingPolicy(FieldNamingPolicy.LOWER_CASE_WITH_UNDERSCORES)
          .registerTypeAdapter(
              String.class,
              (JsonSerializer<String>) (s, type, gson) -> new JsonPrimitive(TextEscaper.escape(s)))
          .registerTypeAdapter(
              String.class,
              (JsonDeserializer<String>)
                  (json, type, gson) -> TextEscaper.unescape(json.getAsString()))
          .registerTypeHierarchyAdapter(
              Enum.class,
              (JsonSerializer<Enum<?>>)
                  (constant, type, gson) -> new JsonPrimitive(EnumName.of(constant)))
          .create();

  private Json() {}

  /** A whole report, together with the port scans that the same run found. */
  public static String of(DiffReport report, Optional<PortScanReport> portScans) {
    List<JsonObject> all = list(report.diff().differences(), it -> difference(it, report, true));
    JsonObject json = object(report, all, report.alertedBefore().stream());
    if (portScans.isPresent()) {
      JsonObject scans = object(portScans.get(), portScans.get().hosts());
      json.add("scans", scans.get("scans"));
      json.getAsJsonArray("notes").addAll(scans.getAsJsonArray("notes"));
    }
    return print(json);
  }

  /** All scanning hosts. */
  public static String of(PortScanReport report) {
    return print(object(report, report.hosts()));
  }

  public static String of(HostsReport report) {
    List<JsonObject> all = list(report.differences(), it -> difference(it, report));
    return print(merge(new HostsView(report.names().size(), all)));
  }

  private static JsonObject difference(Difference it, HostsReport report) {
    var view = new HostDifferenceView(ownersBefore(it), ownersNow(it), report.names(it));
    return merge(EndpointView.of(it.type().name(), it.endpoint()), view);
  }

  public static String of(SocketListing listing) {
    Collection<SocketEntry> entries = listing.snapshot().sockets().values();
    List<JsonObject> sockets = list(entries, it -> socket(it, listing));
    ListingView view = new ListingView(null, sockets, listing.notes());
    return print(merge(HostView.of(listing.snapshot().hostInfo()), view));
  }

  public static String of(ConnectionListing listing) {
    List<JsonObject> all = list(listing.connections(), it -> connection(it, listing));
    ConnectionsView view = new ConnectionsView(all, listing.notes());
    return print(merge(HostView.of(listing.hostInfo()), view));
  }

  private static JsonObject connection(Connection it, ConnectionListing listing) {
    SocketEntry entry = listing.entry(it);
    return merge(
        EndpointView.of(null, entry.endpoint()),
        new ConnectionView(
            it.remote().address(),
            it.remote().port(),
            listing.hosts().get(it.remote().address()),
            it.outbound() ? "out" : "in",
            listing.service(it),
            it.state()),
        it.traffic(),
        new OwnersView(
            entry.owners(),
            list(entry.processes(), process -> process(process, listing.details())),
            null,
            null,
            null));
  }

  public static String of(StatusReport status) {
    List<ItemView> items =
        status.items().stream()
            .map(it -> new ItemView(it.name(), it.text(), it.isFault()))
            .toList();
    return print(new StatusView(status.isGood() ? "good" : "fault", items));
  }

  /** A report as an alert has it: the differences that its text describes, and all counts. */
  public static JsonObject bounded(DiffReport report) {
    List<JsonObject> named =
        details(DiffReport.named(report.diff()), report, MAX_ALERT).stream()
            .filter(Objects::nonNull)
            .toList();
    int more = report.diff().differences().size() - named.size() + report.endedWithoutName();
    Stream<Difference> before = report.alertedBefore().stream().limit(DiffReport.MAX_NAMED);
    JsonObject json = object(report, named, before);
    if (more > 0) {
      String cut = Plural.count(more, "more difference") + ": " + DiffReport.MORE;
      json.getAsJsonArray("notes").add(cut);
    }
    return json;
  }

  /** A report as an alert has it: the scanning hosts that its text describes. */
  public static JsonObject bounded(PortScanReport report) {
    return object(report, report.named());
  }

  /** The host and time of an alert that compares nothing. */
  public static JsonObject object(HostInfo hostInfo) {
    return merge(HostView.of(hostInfo));
  }

  private static JsonObject object(
      DiffReport report, List<JsonObject> differences, Stream<Difference> alertedBefore) {
    DifferenceCounts counts = DifferenceCounts.of(report.diff());
    Instant baselineTime = report.before().isDeclared() ? null : report.before().hostInfo().time();
    List<String> still = alertedBefore.map(it -> it.type() + " " + it.endpoint()).toList();
    Stream<String> ended = report.ended().stream().limit(DiffReport.MAX_ENDED);
    return merge(
        HostView.of(report.after().hostInfo()),
        new CountsView(
            baselineTime,
            counts.added(),
            counts.gone(),
            counts.changed(),
            report.severity().orElse(null)),
        new DiffView(differences, still, ended.map(JsonPrimitive::new).toList(), report.notes()));
  }

  private static JsonObject object(PortScanReport report, List<ScanningHost> hosts) {
    ListingView view = new ListingView(list(hosts, ScanView::of), null, report.allNotes());
    return merge(HostView.of(report.hostInfo()), view);
  }

  /**
   * Differences of {@code max} bytes together, when printed. Those of users in turn fill half of
   * that with their details, then the rest without; null stands for one that does not fit.
   */
  public static List<JsonObject> details(List<Difference> differences, DiffReport report, int max) {
    var chosen =
        DiffReport.fitting(
            Diff.inTurns(differences), max, (it, all) -> difference(it, report, all), Json::size);
    return list(differences, chosen::get);
  }

  private static int size(JsonObject json) {
    return print(List.of(List.of(json))).getBytes(StandardCharsets.UTF_8).length;
  }

  /** Differences in short, grouped by type, owners and processes, of {@code max} characters. */
  public static JsonArray brief(List<Difference> differences, DiffReport report, int max) {
    Map<Map<String, String>, List<String>> groups = new LinkedHashMap<>();
    int length = 0;
    for (Difference difference : differences) {
      Map<String, String> group = new TreeMap<>(report.data(difference));
      String socket = group.remove("socket");
      length += line(socket).length() + (groups.containsKey(group) ? 1 : line(group).length());
      if (length > max) {
        break;
      }
      groups.computeIfAbsent(group, it -> new ArrayList<>()).add(socket);
    }
    JsonArray json = new JsonArray();
    for (var group : groups.entrySet()) {
      JsonObject object = STORED.toJsonTree(group.getKey()).getAsJsonObject();
      object.add("sockets", STORED.toJsonTree(group.getValue()));
      json.add(object);
    }
    return json;
  }

  /** What is escaped already, on several lines. */
  public static String print(Object json) {
    return PRINTED.toJson(json) + "\n";
  }

  /** What is escaped already, in one line without its end. */
  public static String line(Object json) {
    return STORED.toJson(json);
  }

  /** The reverse of {@link #print} and {@link #line}; a RuntimeException for other text. */
  public static <T> T read(String json, Class<T> type) {
    return Objects.requireNonNull(STORED.fromJson(json, type));
  }

  private static Instant time(String text) {
    if (!Character.isDigit(text.charAt(0))) {
      // Instant.parse accepts years that RFC 3339 does not have.
      throw new IllegalArgumentException("not a time of RFC 3339: " + text);
    }
    return Instant.parse(text);
  }

  private static JsonObject difference(
      Difference difference, DiffReport report, boolean withDetails) {
    SocketDetails details = withDetails ? report.details(difference) : SocketDetails.UNKNOWN;
    return merge(
        EndpointView.of(difference.type().name(), difference.endpoint()),
        new DifferenceView(
            report.severity(difference),
            details.service(),
            ownersBefore(difference),
            ownersNow(difference),
            details.flags(),
            difference.requiredBy().isEmpty() ? null : difference.requiredBy(),
            details.suspectedParent().map(Endpoint::toString).orElse(""),
            details.peers(),
            details.clients().isEmpty() ? null : clients(details),
            report.absentAt(difference).orElse(null),
            list(difference.after().processes(), ProcessRef::pid),
            list(details.processes(), Json::process),
            view(details.facts())));
  }

  private static List<ClientView> clients(SocketDetails details) {
    Stream<PortClient> first = details.clients().stream().limit(MAX_CLIENTS);
    return first
        .map(it -> new ClientView(it.address(), it.packets(), it.first(), it.last()))
        .toList();
  }

  private static Set<Owner> ownersBefore(Difference it) {
    return it.type() == DifferenceType.NEW ? Set.of() : it.before().owners();
  }

  private static Set<Owner> ownersNow(Difference it) {
    return it.type() == DifferenceType.GONE ? Set.of() : it.after().owners();
  }

  /** Reads a difference back; empty if it did not fit, or its socket may be a forged row. */
  public static Optional<Difference> difference(JsonObject json) {
    if (json == null || json.get("flags").toString().matches(".*\"(forged|unverified)\".*")) {
      return Optional.empty();
    }
    EndpointView at = VIEWS.fromJson(json, EndpointView.class);
    Protocol protocol = Protocol.of(at.protocol()).orElseThrow();
    Endpoint endpoint = new Endpoint(at.netns(), protocol, at.address(), at.port());
    List<ProcessRef> processes = new ArrayList<>();
    for (int pid : VIEWS.fromJson(json.get("pids"), int[].class)) {
      processes.add(new ProcessRef(pid, 0, Instant.EPOCH, Owner.UNKNOWN));
    }
    SocketEntry before = new SocketEntry(endpoint, owners(json.get("owners_before")), List.of());
    SocketEntry after = new SocketEntry(endpoint, owners(json.get("owners")), processes);
    DifferenceType type = DifferenceType.valueOf(at.kind());
    return Optional.of(
        new Difference(
            type,
            type == DifferenceType.NEW ? after : before,
            type == DifferenceType.GONE ? before : after));
  }

  private static SortedSet<Owner> owners(JsonElement json) {
    return new TreeSet<>(List.of(VIEWS.fromJson(json, Owner[].class)));
  }

  private static JsonObject socket(SocketEntry entry, SocketListing listing) {
    List<JsonObject> processes = list(entry.processes(), Json::process);
    Boolean optional = entry.optional() ? true : null;
    String ignoredBy = listing.ignoredBy().get(entry.endpoint());
    String allowedBy = listing.allowedBy().get(entry.endpoint());
    OwnersView view = new OwnersView(entry.owners(), processes, optional, ignoredBy, allowedBy);
    return merge(EndpointView.of(null, entry.endpoint()), view);
  }

  private static JsonObject process(ProcessRef process) {
    return merge(process.owner(), new ProcessView(process.pid(), process.startTime()));
  }

  /** A process, with its details where they are known. */
  private static JsonObject process(ProcessRef process, Map<Integer, ProcessDetails> details) {
    ProcessDetails known = details.get(process.pid());
    return known == null ? process(process) : process(known);
  }

  static JsonObject process(ProcessDetails details) {
    return merge(
        process(details.process()),
        new ProcessDetailsView(
            details.commandLine(),
            details.workingDirectory(),
            details.unit(),
            list(details.parents(), Json::process),
            details.flags(),
            view(details.facts())));
  }

  /** Returns null if there are none. */
  private static JsonObject view(Facts facts) {
    JsonObject json = new JsonObject();
    facts.values().forEach((fact, values) -> json.add(EnumName.of(fact), VIEWS.toJsonTree(values)));
    return json.isEmpty() ? null : json;
  }

  private static <T, V> List<V> list(Collection<T> values, Function<T, V> view) {
    return values.stream().map(view).toList();
  }

  /** One object with the fields of all these views. */
  static JsonObject merge(Object... views) {
    JsonObject json = new JsonObject();
    for (Object view : views) {
      VIEWS.toJsonTree(view).getAsJsonObject().asMap().forEach(json::add);
    }
    return json;
  }
}
