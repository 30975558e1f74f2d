package org.lsm.report;

import static org.lsm.report.DiffReport.escape;

import java.time.Instant;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.SortedMap;
import java.util.StringJoiner;
import java.util.TreeMap;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.lsm.alert.Alert.Event;
import org.lsm.alert.AlertType;
import org.lsm.model.HostInfo;
import org.lsm.model.PortSet;
import org.lsm.model.ScanningHost;
import org.lsm.report.ReportDocument.Line;
import org.lsm.report.ReportDocument.Style;

/**
 * The hosts that probe unused ports, in words for people.
 *
 * @param hostInfo this host, and when it was looked at
 * @param hosts those to tell of, the worst first
 * @param notes what the reader should know of how far this can be believed; not escaped
 * @param zone the time zone to tell times in
 */
public record PortScanReport(
    HostInfo hostInfo, List<ScanningHost> hosts, List<String> notes, Supplier<ZoneId> zone) {

  /** So many hosts are named, the others counted. */
  public static final int MOST = DiffReport.MOST_OF_A_KIND;

  private static final int INDENT = 9;

  public PortScanReport {
    hosts = List.copyOf(hosts);
    notes = List.copyOf(notes);
  }

  /** The hosts that are told one by one. */
  public List<ScanningHost> named() {
    return hosts.subList(0, Math.min(MOST, hosts.size()));
  }

  private int more() {
    return hosts.size() - named().size();
  }

  private String verdict() {
    String here = escape(hostInfo.host()) + ": ";
    if (hosts.isEmpty()) {
      return here + "more hosts probed unused ports than can be kept";
    }
    long blocked = hosts.stream().filter(it -> it.blockedUntil().isPresent()).count();
    if (hosts.size() == 1) {
      ScanningHost host = hosts.get(0);
      return here
          + String.format("%s probed %d unused ports", escape(host.address()), host.ports())
          + (blocked == 1 ? ", it is blocked" : "");
    }
    return here
        + String.format("%d hosts probed unused ports", hosts.size())
        + (blocked > 0 ? ", " + blocked + " of them are blocked" : "");
  }

  /** The whole report: who did it and how, where and when, and what to do. */
  public ReportDocument page() {
    List<Line> lines = new ArrayList<>();
    lines.add(Line.of(Style.HEADLINE, verdict()));
    lines.add(Line.blank());
    named().forEach(host -> lines.addAll(lines(host)));
    if (more() > 0) {
      lines.add(Line.of(Style.ADVICE, "… and " + more() + " more hosts"));
      lines.add(Line.blank());
    }
    lines.addAll(DiffReport.scanned(hostInfo, zone.get()));
    notes.forEach(note -> lines.add(Line.fact("Note", escape(note))));
    lines.add(Line.blank());
    lines.add(
        Line.of(
            Style.ADVICE,
            "lsm sentry shows all that is known; SENTRY_IGNORE is for hosts that may do this, lsm"
                + " sentry unblock ADDRESS lets one in again"));
    return new ReportDocument(lines);
  }

  private List<Line> lines(ScanningHost host) {
    List<Line> lines = new ArrayList<>();
    lines.add(new Line(Style.SCAN, 0, "SCAN    ", name(host)));
    lines.add(detail("ports  ", ports(host)));
    lines.add(detail("kinds  ", probeTypes(host)));
    lines.add(
        detail(
            "packets",
            String.format("%d, %s to %s", host.packets(), time(host.first()), time(host.last()))));
    host.blockedUntil().ifPresent(until -> lines.add(detail("blocked", "until " + time(until))));
    lines.add(Line.blank());
    return lines;
  }

  private static Line detail(String label, String text) {
    return new Line(Style.DETAIL, INDENT, label, text);
  }

  private String time(Instant instant) {
    return DiffReport.time(instant, zone.get());
  }

  private static String name(ScanningHost host) {
    return escape(host.address())
        + (host.name().isEmpty() ? "" : "  (" + escape(host.name()) + ")");
  }

  /** All ports, {@code tcp 1-1023,8080 udp 53}; a list that is too long is cut. */
  static String ports(ScanningHost host) {
    StringJoiner ports = new StringJoiner(" ");
    if (!host.tcp().isEmpty()) {
      ports.add("tcp").add(escape(PortSet.of(host.tcp()).toString()));
    }
    if (!host.udp().isEmpty()) {
      ports.add("udp").add(escape(PortSet.of(host.udp()).toString()));
    }
    return ports.toString();
  }

  static String probeTypes(ScanningHost host) {
    return host.probeTypes().stream().map(Enum::name).collect(Collectors.joining(" "));
  }

  /** The hosts for a log, one an event, and the number of those that are too many. */
  public List<Event> events() {
    List<Event> events = new ArrayList<>();
    named()
        .forEach(
            host -> events.add(new Event(AlertType.PORT_SCAN.level(), line(host), data(host))));
    if (more() > 0 || hosts.isEmpty()) {
      String text = verdict() + (more() > 0 ? ", " + more() + " not logged" : "");
      events.add(new Event(AlertType.PORT_SCAN.level(), text, new TreeMap<>()));
    }
    return events;
  }

  /** In one line, made for those who read logs: the address is always its second word. */
  private static String line(ScanningHost host) {
    return String.format(
        "SCAN %s: %d packets (%s) to unused ports %s%s",
        name(host),
        host.packets(),
        probeTypes(host),
        ports(host),
        host.blockedUntil().isPresent() ? ", blocked" : "");
  }

  private static SortedMap<String, String> data(ScanningHost host) {
    SortedMap<String, String> data = new TreeMap<>();
    data.put("kind", "SCAN");
    data.put("address", escape(host.address()));
    data.put("ports", ports(host));
    data.put("kinds", probeTypes(host).toLowerCase(Locale.ROOT));
    data.put("blocked", host.blockedUntil().isPresent() ? "yes" : "no");
    return data;
  }

  /** What is known of each host, as a table, with the notes behind it. */
  public String table() {
    List<List<String>> rows = new ArrayList<>();
    rows.add(List.of("ADDRESS", "PORTS", "KINDS", "PACKETS", "FIRST", "LAST", "BLOCKED UNTIL"));
    for (ScanningHost host : hosts) {
      rows.add(
          List.of(
              escape(host.address()),
              ports(host),
              probeTypes(host),
              String.valueOf(host.packets()),
              time(host.first()),
              time(host.last()),
              host.blockedUntil().map(this::time).orElse("-")));
    }
    return SocketListing.align(rows)
        + notes.stream().map(it -> "Note: " + escape(it) + "\n").collect(Collectors.joining());
  }
}
