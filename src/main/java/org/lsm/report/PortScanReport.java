package org.lsm.report;

import static org.lsm.report.EscapedText.escape;

import java.time.Instant;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.lsm.model.HostInfo;
import org.lsm.model.Plural;
import org.lsm.model.PortSet;
import org.lsm.model.ScanningHost;
import org.lsm.report.ReportDocument.Line;
import org.lsm.report.ReportDocument.Style;

/**
 * The hosts that probe unused ports of this host, the worst first, at the time of the report.
 *
 * @param rulesLostSince from when on probes may be lost, since somebody has removed the rules
 */
public record PortScanReport(
    HostInfo hostInfo,
    List<ScanningHost> hosts,
    List<String> notes,
    Optional<Instant> rulesLostSince,
    Supplier<ZoneId> zone) {
  private static final String ADVICE =
      "lsm sentry lists every scanning host, lsm sentry unblock ADDRESS lets one in again. Hosts that"
          + " may scan belong in SENTRY_IGNORE in conf.lsm.";

  private static final String RULES_REMOVED =
      "the rules of lsm were removed from the packet filter";

  private static final String ADVICE_ON_RULES =
      "lsm sets its rules again. See who reloads the packet filter: it should replace its own tables"
          + " only, not 'flush ruleset'.";

  /** The hosts that an alert describes; it counts the others. */
  public List<ScanningHost> named() {
    return hosts.subList(0, Math.min(DiffReport.MAX_NAMED, hosts.size()));
  }

  /** The notes, first that of removed rules. */
  List<String> allNotes() {
    List<String> all = new ArrayList<>();
    rulesLostSince.ifPresent(
        it -> all.add(RULES_REMOVED + ": probes since " + time(it) + " may be lost"));
    all.addAll(notes);
    return all;
  }

  private EscapedText outcome() {
    if (hosts.isEmpty()) {
      return EscapedText.of(
          rulesLostSince.isPresent()
              ? RULES_REMOVED
              : "more hosts probed unused ports than can be kept");
    }
    long blocked = hosts.stream().filter(it -> it.blockedUntil().isPresent()).count();
    if (hosts.size() == 1) {
      ScanningHost host = hosts.get(0);
      String ports = Plural.count(host.ports(), "unused port");
      String result = blocked == 1 ? ", it is blocked" : "";
      return EscapedText.of(host.address(), " probed ", ports, result);
    }
    String result =
        blocked > 0
            ? ", " + blocked + " of them " + (blocked == 1 ? "is" : "are") + " blocked"
            : "";
    return EscapedText.of(hosts.size(), " hosts probed unused ports", result);
  }

  /** The whole report: scanning hosts, what to do next, this host and the time. */
  public ReportDocument document() {
    List<Line> lines = new ArrayList<>();
    named().forEach(host -> addLines(lines, host));
    int more = hosts.size() - named().size();
    if (more > 0) {
      lines.add(Line.of(Style.ADVICE, "", "… and ", Plural.count(more, "more host")));
      lines.add(Line.BLANK);
    }
    if (rulesLostSince.isPresent()) {
      lines.add(Line.of(Style.ADVICE, "", ADVICE_ON_RULES));
    }
    if (rulesLostSince.isEmpty() || !hosts.isEmpty()) {
      lines.add(Line.of(Style.ADVICE, "", ADVICE));
    }
    lines.add(Line.BLANK);
    List<Line> facts = allNotes().stream().map(note -> Line.fact("Note", note)).toList();
    return ReportDocument.of(outcome(), lines, hostInfo, zone.get(), facts);
  }

  private void addLines(List<Line> lines, ScanningHost host) {
    lines.add(Line.of(Style.TITLE, "SCAN", EscapedText.withRemark(host.address(), host.name())));
    addPorts(lines, "tcp", host.tcp());
    addPorts(lines, "udp", host.udp());
    lines.add(Line.of(Style.DETAIL, "probes", probeTypes(host)));
    lines.add(Line.of(Style.DETAIL, "packets", host.packets()));
    lines.add(Line.of(Style.DETAIL, "first", time(host.first())));
    lines.add(Line.of(Style.DETAIL, "last", time(host.last())));
    host.blockedUntil()
        .ifPresent(until -> lines.add(Line.of(Style.DETAIL, "blocked", "until ", time(until))));
    lines.add(Line.BLANK);
  }

  private static void addPorts(List<Line> lines, String protocol, SortedSet<Integer> ports) {
    if (!ports.isEmpty()) {
      String list = escape(PortSet.of(ports).toString()).replace(",", ", ");
      lines.add(Line.of(Style.CODE, protocol + " ports", new EscapedText(list)));
    }
  }

  private String time(Instant instant) {
    return Times.format(instant, zone.get());
  }

  /** All ports: {@code tcp 1-1023,8080 udp 53}. A list that is too long is cut. */
  static EscapedText portLists(ScanningHost host) {
    String tcp = host.tcp().isEmpty() ? "" : "tcp " + escape(PortSet.of(host.tcp()).toString());
    String udp = host.udp().isEmpty() ? "" : "udp " + escape(PortSet.of(host.udp()).toString());
    return new EscapedText((tcp + " " + udp).strip());
  }

  private static String probeTypes(ScanningHost host) {
    return host.probeTypes().stream().map(Enum::name).collect(Collectors.joining(" "));
  }

  /** One event for each host that an alert describes, and one that counts the others. */
  public List<LogEvent> events() {
    List<LogEvent> events = new ArrayList<>();
    named().forEach(it -> events.add(new LogEvent("warning", line(it), new TreeMap<>(data(it)))));
    int more = hosts.size() - named().size();
    String rest = more > 0 ? ", " + more + " not logged" : "";
    if (more > 0 || hosts.isEmpty()) {
      events.add(event(outcome().text() + rest));
    }
    if (rulesLostSince.isPresent() && !hosts.isEmpty()) {
      events.add(event(RULES_REMOVED));
    }
    return events;
  }

  private LogEvent event(String escaped) {
    return new LogEvent("warning", escape(hostInfo.host()) + ": " + escaped);
  }

  /** One host in one line for programs that read logs: its address is always the second word. */
  private static String line(ScanningHost host) {
    EscapedText name = EscapedText.withRemark(host.address(), host.name());
    String probes = host.packets() + " packets (" + probeTypes(host) + ")";
    String blocked = host.blockedUntil().isPresent() ? ", blocked" : "";
    return "SCAN " + name + ": " + probes + " to unused ports " + portLists(host) + blocked;
  }

  private static Map<String, String> data(ScanningHost host) {
    return Map.of(
        "kind", "SCAN",
        "address", escape(host.address()),
        "ports", portLists(host).text(),
        "kinds", probeTypes(host).toLowerCase(Locale.ROOT),
        "blocked", host.blockedUntil().isPresent() ? "yes" : "no");
  }

  /** All hosts as a table, followed by the notes. */
  public String table() {
    List<List<String>> rows = new ArrayList<>();
    rows.add(List.of("ADDRESS", "PORTS", "KINDS", "PACKETS", "FIRST", "LAST", "BLOCKED UNTIL"));
    for (ScanningHost it : hosts) {
      String address = escape(it.address());
      String ports = portLists(it).text();
      String kinds = probeTypes(it);
      String packets = String.valueOf(it.packets());
      String until = it.blockedUntil().map(this::time).orElse("-");
      rows.add(List.of(address, ports, kinds, packets, time(it.first()), time(it.last()), until));
    }
    return SocketListing.align(rows)
        + allNotes().stream().map(it -> "Note: " + escape(it) + "\n").collect(Collectors.joining());
  }
}
