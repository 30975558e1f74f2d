package org.lsm.report;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.lsm.report.Golden.assertGolden;

import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.lsm.alert.Alert;
import org.lsm.alert.AlertType;
import org.lsm.model.Plural;
import org.lsm.model.ScanningHost;

/** Reports of port scans as text, HTML, log events and tables, to the character. */
class PortScanReportTest {

  private static final ScanningHost BLOCKED =
      SampleAlerts.scanningHost("192.0.2.66", "scan.example.org", "21-23,8080", "53", true);
  private static final ScanningHost LOUD =
      SampleAlerts.scanningHost("2001:db8::66", "", "1-4", "", false);
  private static final ScanningHost UDP =
      SampleAlerts.scanningHost("192.0.2.67", "", "", "7,9,19", false);

  @Test
  void oneHost() {
    assertGolden("port-scan.txt", SampleAlerts.scans(BLOCKED).document().text());
  }

  @Test
  void severalHostsWithNotes() {
    PortScanReport report =
        new PortScanReport(
            SampleAlerts.hostInfo("2026-01-02T03:04:05Z"),
            List.of(LOUD, UDP),
            List.of("they may\nbe forged"),
            Optional.empty(),
            () -> ZoneId.of("Asia/Kolkata"));

    assertGolden("port-scans.txt", report.document().text());
  }

  @Test
  void asHtml() {
    String html = SampleAlerts.scans(BLOCKED, LOUD).document().html();

    assertTrue(html.contains(Golden.read("port-scans.html")), html);
    assertTrue(html.contains("\n.scan h2 b { background: "), html);
  }

  @ParameterizedTest
  @CsvSource({
    "1, 0, '10.0.0.0 probed 3 unused ports'",
    "2, 0, 2 hosts probed unused ports",
    "200, 0, 200 hosts probed unused ports",
    "201, 1, 201 hosts probed unused ports",
    "9999, 9799, 9999 hosts probed unused ports"
  })
  void namesTwoHundredAndCountsOthers(int hosts, int more, String verdict) {
    PortScanReport report = SampleAlerts.crowd(hosts);
    String text = report.document().text();

    assertEquals("web1: " + verdict, report.document().headline());
    assertEquals(hosts - more, text.lines().filter(it -> it.startsWith("SCAN ")).count());
    assertEquals(
        more > 0,
        text.contains("\n… and " + Plural.count(more, "more host") + "\n\nlsm sentry "),
        text);
    List<LogEvent> events = report.events();
    assertEquals(hosts - more + (more > 0 ? 1 : 0), events.size());
    assertEquals(
        more > 0,
        events
            .get(events.size() - 1)
            .message()
            .equals("web1: " + verdict + ", " + more + " not logged"));
    Alert alert = Alert.of(report, "s");
    assertEquals(hosts - more, alert.report().getAsJsonArray("scans").size());
    assertEquals(hosts - more, alert.targets().size());
    assertEquals(hosts - more, alert.ports().size());
    assertEquals(hosts + 1, report.table().lines().count(), "the command shows all");
  }

  @Test
  void tooManyHostsToKeep() {
    PortScanReport report = SampleAlerts.scans();
    String verdict = "web1: more hosts probed unused ports than can be kept";

    assertEquals(verdict, report.document().headline());
    assertGolden("too-many-port-scans.txt", report.document().text());
    assertEquals(List.of(verdict), report.events().stream().map(LogEvent::message).toList());
    Alert alert = Alert.of(report, "s");
    assertEquals(verdict, alert.summary());
    assertEquals(List.of(), alert.targets());
    assertEquals(List.of(), alert.ports());
  }

  @Test
  void removedRules() {
    PortScanReport report = removedRules(List.of());

    assertGolden("removed-rules.txt", report.document().text());
    assertTrue(
        Json.of(report).contains("\"the rules of lsm were removed from the packet filter: probes"),
        Json.of(report));
    String beside = removedRules(List.of(BLOCKED)).document().text();
    assertTrue(beside.startsWith("web1: 192.0.2.66 probed"), beside);
    assertTrue(beside.contains("'flush ruleset'"), beside);
    assertTrue(beside.contains("lsm sentry unblock"), beside);
    List<LogEvent> events = removedRules(List.of(BLOCKED)).events();
    assertEquals(2, events.size());
    assertEquals(
        "web1: the rules of lsm were removed from the packet filter", events.get(1).message());
  }

  private static PortScanReport removedRules(List<ScanningHost> hosts) {
    return new PortScanReport(
        SampleAlerts.hostInfo("2026-01-02T03:04:05Z"),
        hosts,
        List.of(),
        Optional.of(Instant.parse("2026-01-02T02:54:05Z")),
        () -> ZoneOffset.UTC);
  }

  /** fail2ban finds the address in its place, whatever else the line contains. */
  @Test
  void eventPerHost() {
    List<LogEvent> events = SampleAlerts.scans(BLOCKED, UDP).events();

    assertEquals(
        List.of(
            "SCAN 192.0.2.66  (scan.example.org): 77 packets (SYN XMAS UDP) to unused ports tcp"
                + " 21-23,8080 udp 53, blocked",
            "SCAN 192.0.2.67: 77 packets (UDP) to unused ports udp 7,9,19"),
        events.stream().map(LogEvent::message).toList());
    assertEquals(
        Map.of(
            "kind", "SCAN",
            "address", "192.0.2.66",
            "ports", "tcp 21-23,8080 udp 53",
            "kinds", "syn xmas udp",
            "blocked", "yes"),
        events.get(0).data());
    assertEquals("no", events.get(1).data().get("blocked"));
    assertEquals(Set.of("warning"), Set.of(events.get(0).level()));
  }

  @Test
  void alert() {
    Alert alert = Alert.of(SampleAlerts.scans(BLOCKED, LOUD, UDP), "$NEW new on $HOSTNAME");

    assertEquals("0 new on web1: port scan", alert.subject());
    assertEquals("web1: 3 hosts probed unused ports, 1 of them is blocked", alert.summary());
    assertEquals(AlertType.PORT_SCAN, alert.type());
    assertEquals("port_scan", alert.report().get("event").getAsString());
    assertEquals(List.of("192.0.2.66", "2001:db8::66", "192.0.2.67"), alert.targets());
    assertEquals(
        List.of("tcp/21-23,tcp/8080,udp/53", "tcp/1-4", "udp/7,udp/9,udp/19"), alert.ports());
  }

  @Test
  void table() {
    assertGolden("port-scan-table.txt", SampleAlerts.scans(BLOCKED, LOUD).table());
    assertEquals(
        "ADDRESS  PORTS  KINDS  PACKETS  FIRST  LAST  BLOCKED UNTIL\n",
        SampleAlerts.scans().table());
  }

  /** Every other port: a list of them all would not fit into a line of a log, or of mail. */
  @Test
  void cutsLongPortList() {
    StringBuilder odd = new StringBuilder();
    for (int port = 1; port <= 20_000; port += 2) {
      odd.append(port).append(',');
    }
    ScanningHost host =
        SampleAlerts.scanningHost("192.0.2.66", "", odd.toString(), odd.toString(), false);
    PortScanReport report = SampleAlerts.scans(host);

    assertTrue(report.document().headline().contains("probed 20000 unused ports"));
    String ports = PortScanReport.portLists(host).text();
    assertTrue(ports.startsWith("tcp 1,3,5,7,9,11,"), ports);
    assertTrue(ports.contains("… udp 1,3,") && ports.endsWith("…"), ports);
    assertTrue(report.document().text().lines().allMatch(it -> it.length() < 1200));
    assertTrue(report.events().get(0).message().length() < 1200);
    assertTrue(Alert.of(report, "s").ports().get(0).matches("tcp/1,tcp/3,.{480,490}…"));
  }

  @ParameterizedTest
  @MethodSource("org.lsm.report.DiffReportTest#hostileTexts")
  void escapesHostileText(String raw, String escaped) {
    PortScanReport report =
        SampleAlerts.scans(SampleAlerts.scanningHost(raw, raw, "1-3", "", true));
    String text = report.document().text();
    LogEvent event = report.events().get(0);

    assertTrue(text.contains("SCAN     " + escaped + "  (" + escaped + ")\n"), text);
    assertTrue(event.message().startsWith("SCAN " + escaped + "  (" + escaped + "): 77 "));
    assertEquals(escaped, event.data().get("address"));
    assertTrue(report.table().contains("\n" + escaped + " "), report.table());
    assertEquals(List.of(escaped), Alert.of(report, "s").targets());
    assertFalse(report.document().html().contains("<script"), "no script");
  }
}
