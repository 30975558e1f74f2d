package org.lsm.report;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import com.networknt.schema.InputFormat;
import com.networknt.schema.JsonSchemaFactory;
import com.networknt.schema.SpecVersion.VersionFlag;
import com.networknt.schema.ValidationMessage;
import java.io.IOException;
import java.io.InputStream;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.lsm.alert.Alert;
import org.lsm.model.Diff;
import org.lsm.model.Difference;
import org.lsm.model.DifferenceType;
import org.lsm.model.Endpoint;
import org.lsm.model.Flag;
import org.lsm.model.HostInfo;
import org.lsm.model.Owner;
import org.lsm.model.ProcessDetails;
import org.lsm.model.ProcessRef;
import org.lsm.model.Protocol;
import org.lsm.model.Snapshot;
import org.lsm.model.SocketDetails;
import org.lsm.model.SocketEntry;

/** What programs read, against the schemas that are kept beside this test. */
class JsonTest {

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

  @Test
  void aReportHasExactlyTheseFields() throws IOException {
    SocketEntry web = SocketEntry.heldBy(WEB, List.of(NGINX), true);
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
            Optional.of(new Endpoint(Protocol.UNIX, "@x", 0)),
            List.of());
    DiffReport report =
        new DiffReport(
            snapshot(BASELINE, OLD_SSH),
            snapshot(SCAN, web),
            new Diff(
                List.of(
                    new Difference(DifferenceType.NEW, web, web),
                    new Difference(DifferenceType.GONE, OLD_SSH, OLD_SSH))),
            List.of(new Difference(DifferenceType.CHANGED, OLD_SSH, web)),
            Map.of(WEB, details),
            List.of("a note"),
            () -> ZoneOffset.UTC);
    String expected =
        """
        {
          "host": "web1",
          "kernel": "6.1.0",
          "time": "2026-01-02T03:04:05Z",
          "lsm": "1.0.0",
          "baseline_time": "2026-01-01T00:00:00Z",
          "new": 1,
          "gone": 1,
          "changed": 0,
          "differences": [
            {
              "kind": "NEW",
              "socket": "web:tcp6/[::]:80",
              "netns": "web",
              "protocol": "tcp6",
              "address": "::",
              "port": 80,
              "service": "http",
              "owners_before": [],
              "owners": [
                {
                  "user": "www-data",
                  "program": "/usr/sbin/nginx"
                }
              ],
              "flags": [
                "beyond_loopback"
              ],
              "origin": "unix/@x",
              "claimed": [],
              "peers": [
                "192.0.2.1:9"
              ],
              "pids": [
                80
              ],
              "processes": [
                {
                  "user": "www-data",
                  "program": "/usr/sbin/nginx",
                  "pid": 80,
                  "start_time": "2026-01-02T01:00:00.250Z",
                  "command_line": "nginx -g <daemon> 'off'",
                  "working_directory": "/srv",
                  "unit": "nginx.service",
                  "parents": [
                    {
                      "user": "root",
                      "program": "/bin/sh",
                      "pid": 1,
                      "start_time": "2026-01-01T00:00:00Z"
                    }
                  ],
                  "flags": [
                    "interpreter"
                  ]
                }
              ]
            },
            {
              "kind": "GONE",
              "socket": "tcp/0.0.0.0:22",
              "netns": "",
              "protocol": "tcp",
              "address": "0.0.0.0",
              "port": 22,
              "service": "",
              "owners_before": [
                {
                  "user": "root",
                  "program": "/usr/sbin/sshd"
                }
              ],
              "owners": [],
              "flags": [],
              "origin": "",
              "claimed": [],
              "peers": [],
              "pids": [],
              "processes": []
            }
          ],
          "still": [
            "CHANGED web:tcp6/[::]:80"
          ],
          "notes": [
            "a note"
          ]
        }
        """;
    assertEquals(expected, Json.of(report, Optional.empty()));
    assertValid("report", expected);
  }

  @Test
  void aListingHasExactlyTheseFields() throws IOException {
    SocketEntry web = SocketEntry.heldBy(WEB, List.of(NGINX), false);
    SocketListing listing =
        new SocketListing(
            snapshot(SCAN, web, OLD_SSH),
            new TreeMap<>(Map.of(OLD_SSH.endpoint(), 3)),
            List.of("a note"));
    String expected =
        """
        {
          "host": "web1",
          "kernel": "6.1.0",
          "time": "2026-01-02T03:04:05Z",
          "lsm": "1.0.0",
          "sockets": [
            {
              "socket": "tcp/0.0.0.0:22",
              "netns": "",
              "protocol": "tcp",
              "address": "0.0.0.0",
              "port": 22,
              "owners": [
                {
                  "user": "root",
                  "program": "/usr/sbin/sshd"
                }
              ],
              "processes": [],
              "ignored_by_line": 3
            },
            {
              "socket": "web:tcp6/[::]:80",
              "netns": "web",
              "protocol": "tcp6",
              "address": "::",
              "port": 80,
              "owners": [
                {
                  "user": "www-data",
                  "program": "/usr/sbin/nginx"
                },
                {
                  "user": "?",
                  "program": "?"
                }
              ],
              "processes": [
                {
                  "user": "www-data",
                  "program": "/usr/sbin/nginx",
                  "pid": 80,
                  "start_time": "2026-01-02T01:00:00.250Z"
                }
              ]
            }
          ],
          "notes": [
            "a note"
          ]
        }
        """;
    assertEquals(expected, Json.of(listing));
    assertValid("listing", expected);
  }

  /** As they stand in a comparison, in an alert and in what the command prints. */
  @Test
  void aScanHasExactlyTheseFields() throws IOException {
    PortScanReport scans =
        new PortScanReport(
            SampleAlerts.hostInfo("2026-01-02T03:04:05Z"),
            List.of(
                SampleAlerts.prober("192.0.2.66", "scan.example.org", "1-21,23", "53", true),
                SampleAlerts.prober("2001:db8::66", "", "", "7,9", false)),
            List.of("a note"),
            () -> ZoneOffset.UTC);
    String expected =
        """
        {
          "host": "web1",
          "kernel": "6.1.0",
          "time": "2026-01-02T03:04:05Z",
          "lsm": "1.0.0",
          "scans": [
            {
              "address": "192.0.2.66",
              "name": "scan.example.org",
              "ports": [
                "tcp/1-21",
                "tcp/23",
                "udp/53"
              ],
              "kinds": [
                "syn",
                "xmas",
                "udp"
              ],
              "packets": 77,
              "first_seen": "2026-01-02T03:00:00Z",
              "last_seen": "2026-01-02T03:04:00Z",
              "blocked_until": "2026-01-03T01:17:25Z"
            },
            {
              "address": "2001:db8::66",
              "name": "",
              "ports": [
                "udp/7",
                "udp/9"
              ],
              "kinds": [
                "udp"
              ],
              "packets": 77,
              "first_seen": "2026-01-02T03:00:00Z",
              "last_seen": "2026-01-02T03:04:00Z"
            }
          ],
          "notes": [
            "a note"
          ]
        }
        """;
    assertEquals(expected, Json.of(scans));
    JsonObject whole = JsonParser.parseString(expected).getAsJsonObject();
    JsonArray all = whole.getAsJsonArray("scans");
    String report = Json.of(SampleAlerts.report(), Optional.of(scans));
    assertValid("report", report);
    assertEquals(all, JsonParser.parseString(report).getAsJsonObject().get("scans"));
    String text = Json.print(Alert.of(scans, "s").report());
    JsonObject alert = JsonParser.parseString(text).getAsJsonObject();
    assertEquals(all, alert.get("scans"));
    assertEquals(whole.get("notes"), alert.get("notes"));
  }

  @ParameterizedTest
  @MethodSource("org.lsm.report.DiffReportTest#hostileTexts")
  void hostileTextIsEscapedWhereverItStands(String raw, String escaped) throws IOException {
    Endpoint endpoint = new Endpoint(raw, Protocol.UNIX, raw, 0);
    ProcessRef process = new ProcessRef(7, 7, STARTED, new Owner(raw, raw));
    SocketEntry entry = SocketEntry.heldBy(endpoint, List.of(process), true);
    SocketDetails details =
        new SocketDetails(
            raw,
            List.of(raw),
            List.of(
                new ProcessDetails(
                    process, raw, raw, raw, List.of(process), EnumSet.allOf(Flag.class))),
            EnumSet.allOf(Flag.class),
            Optional.of(endpoint),
            List.of(process));
    Snapshot snapshot = Snapshot.of(new HostInfo(raw, raw, SCAN, "1.0.0"), List.of(entry));
    DiffReport report =
        new DiffReport(
            snapshot,
            snapshot,
            new Diff(List.of(new Difference(DifferenceType.CHANGED, entry, entry))),
            List.of(new Difference(DifferenceType.GONE, entry, entry)),
            Map.of(endpoint, details),
            List.of(raw),
            () -> ZoneOffset.UTC);

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

    String listing = Json.of(new SocketListing(snapshot, new TreeMap<>(), List.of(raw)));
    assertValid("listing", listing);
    assertEquals(0, json.chars().filter(c -> c < ' ' && c != '\n').count());
    assertEquals(0, listing.chars().filter(c -> c < ' ' && c != '\n').count());
  }

  @Test
  void anEphemeralPortIsMinusOne() throws IOException {
    SocketEntry entry =
        SocketEntry.heldBy(Endpoint.of("udp", "0.0.0.0:ephemeral"), List.of(), true);
    String json = Json.of(new SocketListing(snapshot(SCAN, entry), new TreeMap<>(), List.of()));
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
  void theSchemasRefuseAnUnknownField() throws IOException {
    String json = Json.of(new SocketListing(snapshot(SCAN, OLD_SSH), new TreeMap<>(), List.of()));
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

  private static void assertValid(String schema, String json) throws IOException {
    assertEquals(Set.of(), problems(schema, json));
  }

  private static Set<ValidationMessage> problems(String schema, String json) throws IOException {
    try (InputStream in = JsonTest.class.getResourceAsStream(schema + ".schema.json")) {
      return JsonSchemaFactory.getInstance(VersionFlag.V202012)
          .getSchema(in)
          .validate(json, InputFormat.JSON);
    }
  }

  private static Snapshot snapshot(Instant time, SocketEntry... entries) {
    return Snapshot.of(new HostInfo("web1", "6.1.0", time, "1.0.0"), List.of(entries));
  }
}
