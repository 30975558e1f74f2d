package org.lsm.report;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.lsm.report.Golden.assertGolden;
import static org.lsm.report.JsonTest.assertValid;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.lsm.model.Connection;
import org.lsm.model.Connection.Traffic;
import org.lsm.model.Endpoint;
import org.lsm.model.Owner;
import org.lsm.model.ProcessDetails;
import org.lsm.model.ProcessRef;
import org.lsm.model.SocketEntry;
import org.lsm.model.SocketKey;
import org.lsm.model.SocketOwners;

/** The connections as text and as JSON. */
class ConnectionListingTest {

  private static final String IPV6 = "[2001:db8:1234:5678:9abc:def0:1234:567";
  private static final Map<String, String> SERVICES =
      Map.of("22/tcp", "ssh", "443/tcp", "https", "60222/udp", "x");
  private static final Traffic RATE =
      new Traffic(34_000_000L, 1234L, null, null).since(Traffic.NONE, Duration.ofSeconds(2));

  private static final ProcessDetails NC =
      new ProcessDetails(
          process(2371, "www-data", "/usr/bin/nc.openbsd", "2026-01-01T00:00:00Z"),
          "nc 203.0.113.7 443",
          "/tmp",
          "apache2.service",
          List.of(process(991, "www-data", "/usr/sbin/apache2", "2026-01-01T00:00:00Z")),
          Set.of());

  private final Map<SocketKey, SocketEntry> owners = new HashMap<>();

  @Test
  void printsTextAndJson() {
    Connection out = connection(7, "tcp", "10.0.0.5:52394", "203.0.113.7:443", true, RATE);
    Connection in =
        connection(8, "tcp6", IPV6 + "1]:22", IPV6 + "2]:60222", false, traffic(999L, 0L));
    Connection closed =
        connection(0, "tcp", "10.0.0.5:22", "10.0.0.6:9", false, traffic(null, null));
    hold(out, process(2371, "www-data", "/usr/bin/nc.openbsd", "2026-01-01T00:00:00Z"));
    hold(
        in,
        process(901, "root", "/usr/sbin/sshd", "2026-01-02T03:04:04Z"),
        process(902, "root", "/usr/sbin/sshd", "2026-01-02T02:04:04Z"),
        process(903, "joe", "/usr/lib/openssh/sshd-session", "2026-01-02T03:04:05Z"));
    ConnectionListing listing = listing(out, in, closed);

    assertGolden("connections.txt", listing.text());
    assertTrue(listing.text().lines().allMatch(it -> it.length() <= 80), listing.text());
    assertGolden("connections.json", Json.of(listing));
    assertValid("connections", Json.of(listing));
  }

  @ParameterizedTest
  @CsvSource({
    "0, 0 B",
    "999, 999 B",
    "1000, 1.0 kB",
    "9949, 9.9 kB",
    "9950, 10 kB",
    "999499, 999 kB",
    "999500, 1.0 MB",
    "34000000, 34 MB",
    "1000000000000, 1.0 TB",
    "999999999999999999, 1.0 EB",
    ", -",
  })
  void roundsBytes(Long bytes, String text) {
    assertEquals(text, ConnectionListing.bytes(bytes));
  }

  @ParameterizedTest
  @MethodSource("org.lsm.report.DiffReportTest#hostileTexts")
  void escapesHostileText(String raw, String escaped) {
    Connection it = connection(7, "tcp", "10.0.0.5:1", "10.0.0.6:443", true, RATE);
    hold(it, process(7, raw, raw, "2026-01-02T03:04:05Z"));
    ConnectionListing listing =
        new ConnectionListing(
            SampleAlerts.hostInfo("2026-01-02T03:04:05Z"),
            List.of(it),
            owners,
            Map.of("443/tcp", raw),
            Map.of("10.0.0.6", raw),
            Map.of(7, details(7, raw)),
            List.of(raw));

    List<String> lines = listing.text().lines().toList();
    assertEquals(7, lines.size());
    assertTrue(lines.get(1).endsWith(" -> 10.0.0.6:443  (" + escaped + ") ESTAB"), lines.get(1));
    assertEquals(
        List.of(
            "remote host " + escaped,
            escaped + " (" + escaped + ") PID 7, 0 s",
            "command " + escaped,
            "unit " + escaped,
            "parent " + escaped + " (" + escaped + ") PID 7"),
        lines.subList(2, 7).stream().map(String::strip).toList());
    assertValid("connections", Json.of(listing));
    JsonObject json = JsonParser.parseString(Json.of(listing)).getAsJsonObject();
    JsonObject first = json.getAsJsonArray("connections").get(0).getAsJsonObject();
    JsonObject process = first.getAsJsonArray("processes").get(0).getAsJsonObject();
    assertEquals(escaped, first.get("service").getAsString());
    assertEquals(escaped, process.get("program").getAsString());
    assertEquals(escaped, json.getAsJsonArray("notes").get(0).getAsString());
  }

  private ConnectionListing listing(Connection... connections) {
    return new ConnectionListing(
        SampleAlerts.hostInfo("2026-01-02T03:04:05Z"),
        List.of(connections),
        owners,
        SERVICES,
        Map.of("203.0.113.7", "c2.example.net", "2001:db8::1", ""),
        Map.of(2371, NC),
        List.of("a note"));
  }

  private static Connection connection(
      long inode, String table, String local, String remote, boolean outbound, Traffic traffic) {
    SocketKey socket = new SocketKey(inode, 33, Endpoint.of(table, local));
    return new Connection(socket, Endpoint.of(table, remote), "ESTAB", outbound, traffic);
  }

  private static Traffic traffic(Long sent, Long received) {
    return new Traffic(sent, received, null, null);
  }

  /** With a parent like the process; each text is {@code text}. */
  private static ProcessDetails details(int pid, String text) {
    ProcessRef process = process(pid, text, text, "2026-01-02T03:04:05Z");
    return new ProcessDetails(process, text, text, text, List.of(process), Set.of());
  }

  private static ProcessRef process(int pid, String user, String program, String start) {
    return new ProcessRef(pid, 9, Instant.parse(start), new Owner(user, program));
  }

  private void hold(Connection connection, ProcessRef... processes) {
    SocketOwners held = new SocketOwners(List.of(processes), true);
    Endpoint at = connection.socket().endpoint();
    owners.put(connection.socket(), SocketEntry.heldBy(at, held));
  }
}
