package org.lsm.report;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.lsm.report.Golden.assertGolden;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import com.networknt.schema.InputFormat;
import com.networknt.schema.JsonSchemaFactory;
import com.networknt.schema.SchemaLocation;
import com.networknt.schema.SpecVersion.VersionFlag;
import com.networknt.schema.ValidationMessage;
import java.nio.file.Path;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.lsm.alert.Alert;
import org.lsm.alert.AlertType;
import org.lsm.alert.History.Event;
import org.lsm.model.Diff;
import org.lsm.model.Difference;
import org.lsm.model.DifferenceType;
import org.lsm.model.Endpoint;
import org.lsm.model.Flag;
import org.lsm.model.HostInfo;
import org.lsm.model.Owner;
import org.lsm.model.PortClient;
import org.lsm.model.ProcessDetails;
import org.lsm.model.ProcessRef;
import org.lsm.model.Protocol;
import org.lsm.model.Snapshot;
import org.lsm.model.SocketDetails;
import org.lsm.model.SocketEntry;
import org.lsm.model.SocketOwners;
import org.lsm.report.StatusReport.Item;
import org.lsm.report.StatusReport.Severity;

/** The JSON output, to the character and by the schemas that are shipped. */
public class JsonTest {

  private static final Instant BASELINE = Instant.parse("2026-01-01T00:00:00Z");
  private static final Instant STARTED = Instant.parse("2026-01-02T01:00:00.250Z");
  private static final Instant SCAN = Instant.parse("2026-01-02T03:04:05Z");
  private static final Endpoint WEB = Endpoint.of("web:tcp6", "[::]:80");
  private static final ProcessRef NGINX =
      new ProcessRef(80, 9, STARTED, new Owner("www-data", "/usr/sbin/nginx"));
  private static final ProcessRef SHELL =
      new ProcessRef(1, 1, BASELINE, new Owner("root", "/bin/sh"));
  private static final SocketEntry OLD_SSH =
      new SocketEntry(
          Endpoint.of("tcp", "0.0.0.0:22"),
          new TreeSet<>(Set.of(new Owner("root", "/usr/sbin/sshd"))),
          List.of());

  private static final Instant PROBED = Instant.parse("2026-01-02T03:00:05Z");

  @Test
  void report() {
    SocketEntry web = SocketEntry.heldBy(WEB, new SocketOwners(List.of(NGINX), true));
    ProcessDetails process =
        new ProcessDetails(
            NGINX,
            "nginx -g <daemon> 'off'",
            "/srv",
            "nginx.service",
            List.of(SHELL),
            EnumSet.of(Flag.INTERPRETER));
    SocketDetails details =
        new SocketDetails(
                "http",
                List.of("192.0.2.1:9"),
                List.of(process),
                EnumSet.of(Flag.BEYOND_LOOPBACK),
                Optional.of(new Endpoint("", Protocol.UNIX, "@x", 0)))
            .with(List.of(new PortClient("192.0.2.9", 3, PROBED, PROBED.plusSeconds(60))));
    DiffReport report =
        new DiffReport(
            snapshot(BASELINE, OLD_SSH),
            snapshot(SCAN, web),
            new Diff(
                List.of(
                    new Difference(DifferenceType.NEW, web, web),
                    new Difference(DifferenceType.GONE, OLD_SSH, OLD_SSH))),
            List.of(new Difference(DifferenceType.CHANGED, OLD_SSH, web)),
            List.of("NEW unix/@\\\\x by /bin/x (joe)"),
            Map.of(WEB, details),
            Map.of(),
            List.of("a note"),
            () -> ZoneOffset.UTC,
            user -> user);
    String json = Json.of(report, Optional.empty());
    assertGolden("report.json", json);
    assertValid("report", json);
  }

  @Test
  void listing() {
    SocketEntry web = SocketEntry.heldBy(WEB, new SocketOwners(List.of(NGINX), false));
    SocketListing listing =
        new SocketListing(
            snapshot(SCAN, web, OLD_SSH.asOptional()),
            Map.of(OLD_SSH.endpoint(), "ignore.lsm:3"),
            Map.of(),
            List.of("a note"));
    assertGolden("listing.json", Json.of(listing));
    assertValid("listing", Json.of(listing));
  }

  @Test
  void outboundDifferences() {
    for (SocketDetails details :
        List.of(SampleAlerts.liveOutbound(), SampleAlerts.endedOutbound())) {
      DiffReport report =
          SampleAlerts.outbound(
              details,
              SampleAlerts.outbound("out-tcp", "public:443"),
              SampleAlerts.outbound("out-udp", "link-local:0"));
      String json = Json.of(report, Optional.empty());
      assertValid("report", json);
      JsonArray all = JsonParser.parseString(json).getAsJsonObject().getAsJsonArray("differences");
      assertEquals(2, all.size());
      JsonObject first = all.get(0).getAsJsonObject();
      assertStrings("out-tcp/public:443", first, "socket");
      assertStrings("out-tcp", first, "protocol");
      assertStrings("public", first, "address");
      assertStrings(details.processes().isEmpty() ? "low" : "high", first, "severity");
      assertEquals(443, first.get("port").getAsInt());
      assertEquals(0, all.get(1).getAsJsonObject().get("port").getAsInt());
      Alert alert = Alert.of(AlertType.DIFFERENCES, report, "s");
      assertValid("alert", Json.print(alert.report()));
    }
  }

  @Test
  void outboundListing() {
    List<OutboundListing.Row> rows = new ArrayList<>();
    for (String local : List.of("public:443", "link-local:0")) {
      Owner owner = new Owner("joe", local.equals("public:443") ? "a\nb.service" : "");
      Endpoint endpoint = Endpoint.of("out-udp", local);
      rows.add(
          new OutboundListing.Row(endpoint, owner, BASELINE, SCAN, 42, "192.0.2.7", "learned"));
    }
    HostInfo host = new HostInfo("web1", "6.1.0", SCAN, "1.0.0");

    String json = new OutboundListing(host, rows).json();

    assertGolden("outbound.json", json);
    assertValid("outbound", json);
    String empty = new OutboundListing(host, List.of()).json();
    assertValid("outbound", empty);
    assertNotEquals(Set.of(), problems("outbound", empty.replace("connections", "sockets")));
  }

  /** Port scans are the same in a comparison, in an alert and in what the command prints. */
  @Test
  void portScans() {
    PortScanReport scans =
        new PortScanReport(
            SampleAlerts.hostInfo("2026-01-02T03:04:05Z"),
            List.of(
                SampleAlerts.scanningHost("192.0.2.66", "scan.example.org", "1-21,23", "53", true),
                SampleAlerts.scanningHost("2001:db8::66", "", "", "7,9", false)),
            List.of("a note"),
            Optional.empty(),
            () -> ZoneOffset.UTC);
    String json = Json.of(scans);
    assertGolden("port-scans.json", json);
    assertValid("sentry", json);
    JsonObject whole = JsonParser.parseString(json).getAsJsonObject();
    JsonArray all = whole.getAsJsonArray("scans");
    String report = Json.of(SampleAlerts.report(), Optional.of(scans));
    assertValid("report", report);
    assertEquals(all, JsonParser.parseString(report).getAsJsonObject().get("scans"));
    String text = Json.print(Alert.of(scans, "s").report());
    JsonObject alert = JsonParser.parseString(text).getAsJsonObject();
    assertEquals(all, alert.get("scans"));
    assertEquals(whole.get("notes"), alert.get("notes"));
    assertValid("alert", text);
  }

  @Test
  void status() {
    StatusReport status =
        new StatusReport(
            List.of(
                new Item("lsm", "1.0.0", Severity.OK),
                new Item("Cron", "\\x1b", Severity.CRITICAL)),
            List.of());

    assertGolden("status.json", Json.of(status));
    assertValid("status", Json.of(status));
    assertEquals("lsm        1.0.0\nCron     ! \\x1b\n", status.text());
  }

  @Test
  void history() {
    DiffReport report = SampleAlerts.report("/run/\033", "joe", "/bin/x");
    List<Difference> differences = report.diff().differences();
    Event appeared =
        new Event(
            SampleAlerts.TIME,
            "appeared",
            "root",
            DiffReport.line(differences.get(0), it -> it),
            Json.details(differences, report, 1000).get(0),
            Json.brief(differences, report, 1000));
    Event baseline = new Event(SampleAlerts.TIME, "baseline", "joe", "2 sockets", null, null);
    String json = Json.print(Map.of("events", List.of(appeared, baseline)));

    assertGolden("history.json", json);
    assertValid("history", json);
    assertEquals(appeared, Json.read(Json.line(appeared), Event.class), "not escaped twice");
  }

  @ParameterizedTest
  @EnumSource(AlertType.class)
  void alert(AlertType type) {
    DiffReport report = SampleAlerts.report("/run/\033", "joe", "/bin/x");
    Alert alert = Alert.of(type, report, "s");
    ReportDocument document = DiffReport.test(report.after().hostInfo(), ZoneOffset.UTC);
    Alert other = Alert.of(type, report.after().hostInfo(), document, "s", ZoneOffset.UTC);

    assertValid("alert", Json.print(alert.report()));
    assertValid("alert", Json.print(other.report()));
    assertEquals(alert, Json.read(Json.print(alert), Alert.class), "not escaped twice");
  }

  @ParameterizedTest
  @MethodSource("org.lsm.report.DiffReportTest#hostileTexts")
  void escapesHostileText(String raw, String escaped) {
    Endpoint endpoint = new Endpoint(raw, Protocol.UNIX, raw, 0);
    ProcessRef process = new ProcessRef(7, 7, STARTED, new Owner(raw, raw));
    SocketEntry entry = SocketEntry.heldBy(endpoint, new SocketOwners(List.of(process), true));
    SocketDetails details =
        new SocketDetails(
            raw,
            List.of(raw),
            List.of(
                new ProcessDetails(
                    process, raw, raw, raw, List.of(process), EnumSet.allOf(Flag.class))),
            EnumSet.allOf(Flag.class),
            Optional.of(endpoint));
    Snapshot snapshot = Snapshot.of(new HostInfo(raw, raw, SCAN, "1.0.0"), List.of(entry));
    DiffReport report =
        new DiffReport(
            snapshot,
            snapshot,
            new Diff(List.of(new Difference(DifferenceType.CHANGED, entry, entry))),
            List.of(new Difference(DifferenceType.GONE, entry, entry)),
            List.of(),
            Map.of(endpoint, details),
            Map.of(),
            List.of(raw),
            () -> ZoneOffset.UTC,
            user -> user);

    String json = Json.of(report, Optional.empty());

    assertValid("report", json);
    JsonObject parsed = JsonParser.parseString(json).getAsJsonObject();
    JsonObject difference = parsed.getAsJsonArray("differences").get(0).getAsJsonObject();
    JsonObject first = difference.getAsJsonArray("processes").get(0).getAsJsonObject();
    assertEquals(escaped + ":unix/" + escaped, difference.get("socket").getAsString());
    assertStrings(escaped, parsed, "host", "kernel");
    assertStrings(escaped, difference, "netns", "address", "service");
    assertStrings(escaped, first, "user", "program", "command_line", "working_directory", "unit");
    assertStrings(
        escaped, first.getAsJsonArray("parents").get(0).getAsJsonObject(), "user", "program");
    for (String owners : List.of("owners", "owners_before")) {
      assertStrings(
          escaped, difference.getAsJsonArray(owners).get(0).getAsJsonObject(), "user", "program");
    }
    assertEquals(array(escaped), difference.getAsJsonArray("peers"));
    assertEquals(array(escaped), parsed.getAsJsonArray("notes"));
    assertEquals(array("GONE " + escaped + ":unix/" + escaped), parsed.getAsJsonArray("still"));

    String listing = Json.of(new SocketListing(snapshot, Map.of(), Map.of(), List.of(raw)));
    assertValid("listing", listing);
    assertEquals(0, json.chars().filter(c -> c < ' ' && c != '\n').count());
    assertEquals(0, listing.chars().filter(c -> c < ' ' && c != '\n').count());
  }

  /** What the history has can be accepted, but no row that may be forged. */
  @ParameterizedTest
  @MethodSource("org.lsm.report.DiffReportTest#hostileTexts")
  void readsDifferencesBack(String raw) {
    Endpoint endpoint = new Endpoint(raw, Protocol.UNIX, raw, 0);
    SocketEntry before =
        new SocketEntry(endpoint, new TreeSet<>(Set.of(new Owner(raw, raw, raw))), List.of());
    ProcessRef process = new ProcessRef(7, 0, Instant.EPOCH, Owner.UNKNOWN);
    SocketEntry after =
        new SocketEntry(endpoint, new TreeSet<>(Set.of(new Owner("a", raw))), List.of(process));
    List<Difference> all =
        List.of(
            new Difference(DifferenceType.NEW, after, after),
            new Difference(DifferenceType.CHANGED, before, after),
            new Difference(DifferenceType.GONE, before, before));
    for (Difference difference : all) {
      for (Flag flag : Flag.values()) {
        SocketDetails details = SocketDetails.UNKNOWN.with(flag);
        DiffReport report =
            new DiffReport(
                snapshot(BASELINE),
                snapshot(SCAN),
                new Diff(all),
                Map.of(endpoint, details),
                List.of(),
                () -> ZoneOffset.UTC,
                user -> user);
        JsonObject json = Json.details(List.of(difference), report, 100_000).get(0);
        boolean mayBeForged = flag == Flag.FORGED || flag == Flag.UNVERIFIED;
        assertEquals(
            mayBeForged ? Optional.empty() : Optional.of(difference), Json.difference(json));
      }
    }
    assertEquals(Optional.empty(), Json.difference(null));
  }

  @Test
  void ephemeralPortIsMinusOne() {
    SocketEntry entry =
        SocketEntry.heldBy(
            Endpoint.of("udp", "0.0.0.0:ephemeral"), new SocketOwners(List.of(), true));
    String json = Json.of(new SocketListing(snapshot(SCAN, entry), Map.of(), Map.of(), List.of()));
    assertValid("listing", json);
    JsonObject socket =
        JsonParser.parseString(json)
            .getAsJsonObject()
            .getAsJsonArray("sockets")
            .get(0)
            .getAsJsonObject();
    assertEquals(-1, socket.get("port").getAsInt());
    assertEquals("udp/0.0.0.0:ephemeral", socket.get("socket").getAsString());
  }

  @Test
  void schemasRefuseUnknownFields() {
    String json =
        Json.of(new SocketListing(snapshot(SCAN, OLD_SSH), Map.of(), Map.of(), List.of()));
    assertNotEquals(Set.of(), problems("listing", json.replace("\"host\"", "\"hosts\"")));
    assertNotEquals(Set.of(), problems("report", json));
  }

  private static void assertStrings(String expected, JsonObject object, String... fields) {
    for (String field : fields) {
      assertEquals(expected, object.get(field).getAsString(), field);
    }
  }

  private static JsonArray array(String only) {
    JsonArray array = new JsonArray();
    array.add(only);
    return array;
  }

  /** The output is as a schema in {@code src/main/schema} describes it. */
  public static void assertValid(String schema, String json) {
    assertEquals(Set.of(), problems(schema, json));
  }

  private static Set<ValidationMessage> problems(String schema, String json) {
    Path file = Path.of("src/main/schema", schema + ".schema.json").toAbsolutePath();
    return JsonSchemaFactory.getInstance(VersionFlag.V202012)
        .getSchema(SchemaLocation.of(file.toUri().toString()))
        .validate(json, InputFormat.JSON);
  }

  private static Snapshot snapshot(Instant time, SocketEntry... entries) {
    return Snapshot.of(new HostInfo("web1", "6.1.0", time, "1.0.0"), List.of(entries));
  }
}
