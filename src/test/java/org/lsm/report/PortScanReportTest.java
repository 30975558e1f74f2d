package org.lsm.report;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.ZoneId;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.lsm.alert.Alert;
import org.lsm.alert.Alert.Event;
import org.lsm.alert.AlertType;
import org.lsm.model.ScanningHost;

/** What people, logs and programs are told of hosts that knock, to the character. */
class PortScanReportTest {

  private static final ScanningHost BLOCKED =
      SampleAlerts.prober("192.0.2.66", "scan.example.org", "21-23,8080", "53", true);
  private static final ScanningHost LOUD =
      SampleAlerts.prober("2001:db8::66", "", "1-4", "", false);
  private static final ScanningHost UDP =
      SampleAlerts.prober("192.0.2.67", "", "", "7,9,19", false);

  private static final String TAIL =
      """
      Host      web1, Linux 6.1.0
      Scanned   2026-01-02 03:04:05 +00:00

      lsm sentry shows all that is known; SENTRY_IGNORE is for hosts that may do this, lsm sentry\
       unblock ADDRESS lets one in again
      """;

  @Test
  void oneHostInTheWholeReport() {
    String expected =
        """
        web1: 192.0.2.66 probed 5 unused ports, it is blocked

        SCAN     192.0.2.66  (scan.example.org)
                 ports   tcp 21-23,8080 udp 53
                 kinds   SYN XMAS UDP
                 packets 77, 2026-01-02 03:00:00 +00:00 to 2026-01-02 03:04:00 +00:00
                 blocked until 2026-01-03 01:17:25 +00:00

        """
            + TAIL;

    assertEquals(expected, SampleAlerts.scans(BLOCKED).page().text());
  }

  @Test
  void severalHostsWithNotes() {
    PortScanReport report =
        new PortScanReport(
            SampleAlerts.hostInfo("2026-01-02T03:04:05Z"),
            List.of(LOUD, UDP),
            List.of("they may\nbe forged"),
            () -> ZoneId.of("Asia/Kolkata"));
    String expected =
        """
        web1: 2 hosts probed unused ports

        SCAN     2001:db8::66
                 ports   tcp 1-4
                 kinds   SYN XMAS
                 packets 77, 2026-01-02 08:30:00 +05:30 to 2026-01-02 08:34:00 +05:30

        SCAN     192.0.2.67
                 ports   udp 7,9,19
                 kinds   UDP
                 packets 77, 2026-01-02 08:30:00 +05:30 to 2026-01-02 08:34:00 +05:30

        """
            + TAIL.replace(
                "03:04:05 +00:00\n", "08:34:05 +05:30\nNote      they may\\x0abe forged\n");

    assertEquals(expected, report.page().text());
  }

  @Test
  void eachHostIsASectionOfThePage() {
    String html = SampleAlerts.scans(BLOCKED, LOUD).page().html();
    String expected =
        """
        <h1>web1: 2 hosts probed unused ports, 1 of them are blocked</h1>
        <section class="scan">
        <h2><b>SCAN</b> 192.0.2.66  (scan.example.org)</h2>
        <p class="fact"><span>ports</span> tcp 21-23,8080 udp 53</p>
        <p class="fact"><span>kinds</span> SYN XMAS UDP</p>
        <p class="fact"><span>packets</span> 77, 2026-01-02 03:00:00 +00:00 to 2026-01-02 03:04:00 +00:00</p>
        <p class="fact"><span>blocked</span> until 2026-01-03 01:17:25 +00:00</p>
        </section>
        <section class="scan">
        <h2><b>SCAN</b> 2001:db8::66</h2>
        <p class="fact"><span>ports</span> tcp 1-4</p>
        """;

    assertTrue(html.contains(expected), html);
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
  void twoHundredAreNamedAndTheOthersCounted(int hosts, int more, String verdict) {
    PortScanReport report = SampleAlerts.crowd(hosts);
    String text = report.page().text();

    assertEquals("web1: " + verdict, report.page().headline());
    assertEquals(hosts - more, text.lines().filter(it -> it.startsWith("SCAN ")).count());
    assertEquals(more > 0, text.contains("\n… and " + more + " more hosts\n\nHost "), text);
    List<Event> events = report.events();
    assertEquals(hosts - more + (more > 0 ? 1 : 0), events.size());
    assertEquals(
        more > 0,
        events
            .get(events.size() - 1)
            .message()
            .equals("web1: " + verdict + ", " + more + " not logged"));
    Alert alert = Alert.of(report, "s");
    assertEquals(hosts - more, alert.report().getAsJsonArray("scans").size());
    assertEquals(hosts - more, alert.targets().split(" ", -1).length);
    assertEquals(hosts + 1, report.table().lines().count(), "the command shows all");
  }

  @Test
  void thatThereWereTooManyToKeepIsAnEventOfItsOwn() {
    PortScanReport report = SampleAlerts.scans();
    String verdict = "web1: more hosts probed unused ports than can be kept";

    assertEquals(verdict, report.page().headline());
    assertEquals(verdict + "\n\n" + TAIL, report.page().text());
    assertEquals(List.of(verdict), report.events().stream().map(Event::message).toList());
    Alert alert = Alert.of(report, "s");
    assertEquals(verdict, alert.summary());
    assertEquals("", alert.targets() + alert.targetPorts());
  }

  /** fail2ban and people find the address in its place, whatever else stands there. */
  @Test
  void eachHostIsAnEventOfALog() {
    List<Event> events = SampleAlerts.scans(BLOCKED, UDP).events();

    assertEquals(
        List.of(
            "SCAN 192.0.2.66  (scan.example.org): 77 packets (SYN XMAS UDP) to unused ports tcp"
                + " 21-23,8080 udp 53, blocked",
            "SCAN 192.0.2.67: 77 packets (UDP) to unused ports udp 7,9,19"),
        events.stream().map(Event::message).toList());
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
  void theAlertSaysWhatItIs() {
    Alert alert = Alert.of(SampleAlerts.scans(BLOCKED, LOUD, UDP), "$NEW new on $HOSTNAME");

    assertEquals("0 new on web1: port scan", alert.subject());
    assertEquals("web1: 3 hosts probed unused ports, 1 of them are blocked", alert.summary());
    assertEquals(AlertType.PORT_SCAN, alert.type());
    assertEquals("port_scan", alert.report().get("event").getAsString());
    assertEquals("192.0.2.66 2001:db8::66 192.0.2.67", alert.targets());
    assertEquals("tcp/21-23,tcp/8080,udp/53 tcp/1-4 udp/7,udp/9,udp/19", alert.targetPorts());
  }

  @Test
  void theTableHasALineForEachHost() {
    String expected =
        """
        ADDRESS       PORTS                  KINDS         PACKETS  FIRST                       LAST                        BLOCKED UNTIL
        192.0.2.66    tcp 21-23,8080 udp 53  SYN XMAS UDP  77       2026-01-02 03:00:00 +00:00  2026-01-02 03:04:00 +00:00  2026-01-03 01:17:25 +00:00
        2001:db8::66  tcp 1-4                SYN XMAS      77       2026-01-02 03:00:00 +00:00  2026-01-02 03:04:00 +00:00  -
        """;

    assertEquals(expected, SampleAlerts.scans(BLOCKED, LOUD).table());
    assertEquals(
        "ADDRESS  PORTS  KINDS  PACKETS  FIRST  LAST  BLOCKED UNTIL\n",
        SampleAlerts.scans().table());
  }

  /** Every other port: a list of them all would not fit into a line of a log, or of mail. */
  @Test
  void aLongListOfPortsIsCut() {
    StringBuilder odd = new StringBuilder();
    for (int port = 1; port <= 20_000; port += 2) {
      odd.append(port).append(',');
    }
    ScanningHost host =
        SampleAlerts.prober("192.0.2.66", "", odd.toString(), odd.toString(), false);
    PortScanReport report = SampleAlerts.scans(host);

    assertTrue(report.page().headline().contains("probed 20000 unused ports"));
    String ports = PortScanReport.ports(host);
    assertTrue(ports.startsWith("tcp 1,3,5,7,9,11,"), ports);
    assertTrue(ports.contains("… udp 1,3,") && ports.endsWith("…"), ports);
    assertTrue(report.page().text().lines().allMatch(it -> it.length() < 1200));
    assertTrue(report.events().get(0).message().length() < 1200);
    assertTrue(Alert.of(report, "s").targetPorts().matches("tcp/1,tcp/3,.{480,490}…"));
  }

  /** None of it is from the table of the kernel, but from a program that writes of it. */
  @ParameterizedTest
  @MethodSource("org.lsm.report.DiffReportTest#hostileTexts")
  void hostileTextIsEscapedWhereverItStands(String raw, String escaped) {
    PortScanReport report = SampleAlerts.scans(SampleAlerts.prober(raw, raw, "1-3", "", true));
    String text = report.page().text();
    Event event = report.events().get(0);

    assertTrue(text.contains("SCAN     " + escaped + "  (" + escaped + ")\n"), text);
    assertTrue(event.message().startsWith("SCAN " + escaped + "  (" + escaped + "): 77 "));
    assertEquals(escaped, event.data().get("address"));
    assertTrue(report.table().contains("\n" + escaped + " "), report.table());
    assertEquals(escaped, Alert.of(report, "s").targets());
    assertFalse(report.page().html().contains("<script"), "no page of somebody else's");
  }
}
