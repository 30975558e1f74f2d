package org.lsm.report;

import static org.lsm.report.EscapedText.escape;

import java.time.Instant;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.lsm.model.Diff;
import org.lsm.model.Difference;
import org.lsm.model.DifferenceCounts;
import org.lsm.model.DifferenceType;
import org.lsm.model.Endpoint;
import org.lsm.model.Flag;
import org.lsm.model.HostInfo;
import org.lsm.model.Owner;
import org.lsm.model.ProcessDetails;
import org.lsm.model.ProcessRef;
import org.lsm.model.Snapshot;
import org.lsm.model.SocketDetails;
import org.lsm.model.SocketEntry;
import org.lsm.report.ReportDocument.Line;
import org.lsm.report.ReportDocument.Style;

/**
 * The result of a comparison.
 *
 * @param before the baseline
 * @param after what the scan found
 * @param diff the differences to report
 * @param alertedBefore the other differences; they are only listed
 * @param detailsByEndpoint the details of new and changed sockets
 * @param notes what limits this result, a sentence each
 * @param zone the time zone of the report; finding it takes a while, so it is asked for late
 */
public record DiffReport(
    Snapshot before,
    Snapshot after,
    Diff diff,
    List<Difference> alertedBefore,
    Map<Endpoint, SocketDetails> detailsByEndpoint,
    List<String> notes,
    Supplier<ZoneId> zone) {

  // Somebody who opens thousands of sockets must not make the mail too large to be accepted.

  /** Differences of one type that a report describes; it counts the others. */
  public static final int MAX_NAMED = 200;

  private static final int MAX_DETAILED_LINES = 3000;
  private static final int MAX_PER_SOCKET = 20;
  private static final int MAX_LOG_LINE = 600;

  public DiffReport {
    alertedBefore = List.copyOf(alertedBefore);
    detailsByEndpoint = Map.copyOf(detailsByEndpoint);
    notes = List.copyOf(notes);
  }

  /** A report of all differences. */
  public DiffReport(
      Snapshot before,
      Snapshot after,
      Diff diff,
      Map<Endpoint, SocketDetails> detailsByEndpoint,
      List<String> notes,
      Supplier<ZoneId> zone) {
    this(before, after, diff, List.of(), detailsByEndpoint, notes, zone);
  }

  /** The same report of some of its differences; the others are listed as alerted before. */
  public DiffReport reporting(List<Difference> differences) {
    Set<Difference> chosen = Set.copyOf(differences);
    List<Difference> others =
        diff.differences().stream().filter(difference -> !chosen.contains(difference)).toList();
    return new DiffReport(
        before, after, new Diff(differences), others, detailsByEndpoint, notes, zone);
  }

  /** The number of differences of each type. */
  public DifferenceCounts counts() {
    return DifferenceCounts.of(diff);
  }

  /** The differences that the report describes. */
  public List<Difference> named() {
    return named(diff);
  }

  /** At most {@link #MAX_NAMED} differences of each type. */
  public static List<Difference> named(Diff diff) {
    return Stream.of(DifferenceType.values())
        .flatMap(type -> diff.of(type, MAX_NAMED).stream())
        .toList();
  }

  /** The details of the socket that differs. */
  public SocketDetails details(Difference difference) {
    return detailsByEndpoint.getOrDefault(difference.endpoint(), SocketDetails.UNKNOWN);
  }

  /** The whole report: verdict, differences, host and times, and what to do next. */
  public ReportDocument document() {
    List<Line> lines = new ArrayList<>();
    lines.add(Line.of(Style.HEADLINE, "", verdict()));
    lines.add(Line.BLANK);
    lines.addAll(differenceLines());
    lines.addAll(alertedBeforeLines());
    lines.addAll(ReportDocument.scanned(after.hostInfo(), zone.get()));
    String baselineTime = Times.format(before.hostInfo().time(), zone.get());
    lines.add(Line.fact("Baseline", baselineTime, ", ", before.sockets().size(), " sockets"));
    notes.forEach(note -> lines.add(Line.fact("Note", note)));
    if (named().size() < diff.differences().size()) {
      lines.add(
          Line.fact(
              "More",
              "lsm history --format json has all that was alerted, lsm compare --format json all"
                  + " that differs now"));
    }
    if (!diff.isEmpty()) {
      lines.add(Line.BLANK);
      lines.add(
          Line.of(
              Style.ADVICE,
              "",
              "If all of this is as it should be, take it into the baseline: lsm generate, or lsm"
                  + " accept SOCKET"));
    }
    return new ReportDocument(lines);
  }

  /** The report of {@code lsm test-alert}. */
  public static ReportDocument test(HostInfo hostInfo, ZoneId zone) {
    return notice(
        hostInfo,
        zone,
        "test alert",
        "somebody ran lsm test-alert",
        "Alerts of lsm arrive. Nothing was compared for this one.");
  }

  /** The report where the baseline is missing or damaged. */
  public static ReportDocument withoutBaseline(HostInfo hostInfo, String reason, ZoneId zone) {
    return notice(
        hostInfo,
        zone,
        "the baseline cannot be read, nothing is compared",
        reason,
        "If none of you did this, somebody else did: check the host before you take a new"
            + " baseline.");
  }

  /** The report where a scan failed. */
  public static ReportDocument scanFailed(HostInfo hostInfo, String reason, ZoneId zone) {
    return notice(
        hostInfo,
        zone,
        "nothing could be compared",
        reason,
        "Until this is fixed, lsm detects nothing: run lsm compare on the host, and lsm status.");
  }

  private static ReportDocument notice(
      HostInfo hostInfo, ZoneId zone, String headline, String reason, String advice) {
    List<Line> lines = new ArrayList<>();
    lines.add(Line.of(Style.HEADLINE, "", hostInfo.host(), ": ", headline));
    lines.add(Line.BLANK);
    lines.add(Line.fact("Reason", reason));
    lines.addAll(ReportDocument.scanned(hostInfo, zone));
    lines.add(Line.BLANK);
    lines.add(Line.of(Style.ADVICE, "", advice));
    return new ReportDocument(lines);
  }

  /** The whole report as text. */
  public String text() {
    return document().text();
  }

  /** The differences alone as text, each followed by an empty line. */
  public String differencesText() {
    return new ReportDocument(differenceLines()).text();
  }

  private EscapedText verdict() {
    String host = after.hostInfo().host();
    if (diff.isEmpty()) {
      return EscapedText.of(
          host, ": no difference to the baseline, ", after.sockets().size(), " sockets");
    }
    DifferenceCounts counts = counts();
    return EscapedText.of(
        host,
        String.format(
            ": %d NEW, %d GONE, %d CHANGED", counts.added(), counts.gone(), counts.changed()));
  }

  private List<Line> differenceLines() {
    List<Line> lines = new ArrayList<>();
    for (DifferenceType type : DifferenceType.values()) {
      for (Difference difference : diff.of(type, MAX_NAMED)) {
        boolean full = lines.size() > MAX_DETAILED_LINES;
        lines.addAll(lines(difference, full ? SocketDetails.UNKNOWN : details(difference)));
      }
      long more = diff.count(type) - MAX_NAMED;
      if (more > 0) {
        lines.add(Line.of(Style.ADVICE, "", "… and ", more, " more ", type));
        lines.add(Line.BLANK);
      }
    }
    return lines;
  }

  private List<Line> alertedBeforeLines() {
    List<Line> lines = new ArrayList<>();
    for (Difference difference : alertedBefore.stream().limit(MAX_PER_SOCKET).toList()) {
      lines.add(
          Line.fact("Still", difference.type(), " ", difference.endpoint(), ", alerted before"));
    }
    int more = alertedBefore.size() - MAX_PER_SOCKET;
    if (more > 0) {
      lines.add(Line.fact("Still", "… and ", more, " more, alerted before"));
    }
    return lines;
  }

  private List<Line> lines(Difference difference, SocketDetails details) {
    List<Line> lines = new ArrayList<>();
    String title = String.format("%-8s", difference.type());
    EscapedText name = EscapedText.withRemark(difference.endpoint(), details.service());
    lines.add(Line.of(Style.TITLE, title, name));
    switch (difference.type()) {
      case NEW -> lines.addAll(owners("by", difference.after(), details));
      case GONE -> lines.add(Line.of(Style.DETAIL, "was by", owners(difference.before())));
      case CHANGED -> {
        lines.add(Line.of(Style.DETAIL, "from", owners(difference.before())));
        lines.addAll(owners("to  ", difference.after(), details));
      }
    }
    if (!details.peers().isEmpty()) {
      lines.add(Line.of(Style.DETAIL, "connected now:", String.join(", ", details.peers())));
    }
    lines.addAll(flags(Style.FLAGS, details.flags()));
    details
        .suspectedParent()
        .ifPresent(it -> lines.add(Line.of(Style.DETAIL, "perhaps part of the name of", it)));
    lines.add(Line.BLANK);
    return lines;
  }

  /** A line for each owner with its processes, followed by the details of the oldest of them. */
  private List<Line> owners(String label, SocketEntry entry, SocketDetails details) {
    if (entry.owners().isEmpty()) {
      return List.of(Line.of(Style.DETAIL, label, owners(entry)));
    }
    Map<Owner, List<ProcessRef>> processes = byOwner(entry);
    List<Line> lines = new ArrayList<>();
    for (Owner owner : entry.owners().stream().limit(MAX_PER_SOCKET).toList()) {
      lines.add(
          Line.of(
              Style.DETAIL,
              label,
              name(owner),
              processes(processes.getOrDefault(owner, List.of()))));
      details.processes().stream()
          .filter(process -> process.process().owner().equals(owner))
          .forEach(process -> lines.addAll(lines(process)));
    }
    int more = entry.owners().size() - MAX_PER_SOCKET;
    if (more > 0) {
      lines.add(Line.of(Style.DETAIL, "and", more, " more owners"));
    }
    return lines;
  }

  /** The processes of one owner, with the start of the oldest. */
  private String processes(List<ProcessRef> processes) {
    if (processes.isEmpty()) {
      return "";
    }
    Instant start =
        processes.stream().map(ProcessRef::startTime).min(Instant::compareTo).orElseThrow();
    int more = processes.size() - MAX_PER_SOCKET;
    return ", PID "
        + firstPids(processes)
        + (more > 0 ? " and " + more + " more" : "")
        + ", started "
        + Times.formatWithAge(start, after.hostInfo().time(), zone.get());
  }

  private static List<Line> lines(ProcessDetails process) {
    List<Line> lines = new ArrayList<>();
    lines.addAll(unlessEmpty("command ", process.commandLine()));
    lines.addAll(unlessEmpty("in      ", process.workingDirectory()));
    lines.addAll(unlessEmpty("unit    ", process.unit()));
    for (ProcessRef parent : process.parents()) {
      lines.add(
          Line.of(Style.DEEP_DETAIL, "child of", name(parent.owner()), ", PID ", parent.pid()));
    }
    lines.addAll(flags(Style.DEEP_FLAGS, process.flags()));
    return lines;
  }

  private static List<Line> unlessEmpty(String label, String text) {
    return text.isEmpty() ? List.of() : List.of(Line.of(Style.DEEP_DETAIL, label, text));
  }

  private static List<Line> flags(Style style, Set<Flag> flags) {
    String words = flags.stream().map(Flag::words).collect(Collectors.joining(", "));
    return flags.isEmpty() ? List.of() : List.of(Line.of(style, "!", words));
  }

  /** One event for each difference that the report describes, and one that counts the others. */
  public List<LogEvent> events() {
    List<LogEvent> events = new ArrayList<>();
    for (Difference difference : named()) {
      String level = difference.type() == DifferenceType.GONE ? "warning" : "alert";
      events.add(new LogEvent(level, line(difference), data(difference)));
    }
    int more = diff.differences().size() - events.size();
    if (more > 0) {
      events.add(new LogEvent("alert", verdict() + ", " + more + " not logged"));
    }
    return events;
  }

  /** One difference as the fields of a log event, escaped. */
  static SortedMap<String, String> data(Difference difference) {
    SortedMap<String, String> data = new TreeMap<>();
    data.put("kind", difference.type().name());
    data.put("socket", escape(difference.endpoint().toString()));
    data.put("owners", owners(difference.after()).text());
    data.put("pids", firstPids(difference.after().processes()));
    return data;
  }

  /** One difference in one line, escaped and short enough for a log. */
  public static String line(Difference difference) {
    EscapedText owners =
        switch (difference.type()) {
          case NEW -> EscapedText.of(" by ", owners(difference.after()));
          case GONE -> EscapedText.of(" was by ", owners(difference.before()));
          case CHANGED ->
              EscapedText.of(
                  " from ", owners(difference.before()), " to ", owners(difference.after()));
        };
    String pids = firstPids(difference.after().processes());
    // A name with a space in it could imitate the words that follow it.
    return difference.type()
        + " "
        + escape(difference.endpoint().toString()).replace(" ", "\\x20")
        + EscapedText.cut(owners.text(), MAX_LOG_LINE)
        + (pids.isEmpty() ? "" : ", PID " + pids);
  }

  static Map<Owner, List<ProcessRef>> byOwner(SocketEntry entry) {
    return entry.processes().stream()
        .collect(Collectors.groupingBy(ProcessRef::owner, TreeMap::new, Collectors.toList()));
  }

  private static String firstPids(List<ProcessRef> processes) {
    return pids(processes.subList(0, Math.min(MAX_PER_SOCKET, processes.size())));
  }

  static String pids(Collection<ProcessRef> processes) {
    return processes.stream()
        .map(ProcessRef::pid)
        .sorted()
        .map(String::valueOf)
        .collect(Collectors.joining(","));
  }

  private static EscapedText owners(SocketEntry entry) {
    return entry.owners().isEmpty()
        ? EscapedText.of("no process")
        : new EscapedText(
            entry.owners().stream()
                .limit(MAX_PER_SOCKET)
                .map(owner -> name(owner).text())
                .collect(Collectors.joining(", ")));
  }

  private static EscapedText name(Owner owner) {
    return owner.equals(Owner.UNKNOWN)
        ? EscapedText.of("an unknown owner")
        : EscapedText.of(owner.program(), " (", owner.user(), ")");
  }
}
