package org.lsm.report;

import static org.lsm.report.EscapedText.escape;

import java.time.Instant;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
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
 * The result of a comparison with a baseline, and what limits it, a sentence each.
 *
 * @param alertedBefore the other differences; they are only listed
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
  /** Differences of a type that a report describes; with thousands, a mail would be too large. */
  public static final int MAX_NAMED = 200;

  private static final int MAX_DETAILED = 3000; // lines
  private static final int MAX_PER_SOCKET = 20;
  private static final int MAX_LOG_LINE = 600;

  private static final String MORE =
      "lsm history --format json has all that was alerted, lsm compare --format json all that"
          + " differs now";
  private static final String ADVICE =
      "If all of this is as it should be, take it into the baseline: lsm generate, or lsm accept"
          + " SOCKET";
  private static final String CHECK_HOST =
      "If none of you did this, somebody else did: check the host before you take a new baseline.";
  private static final String REPAIR =
      "Until this is fixed, lsm detects nothing: run lsm compare on the host, and lsm status.";

  /** The same report of some of its differences; the others are listed as alerted before. */
  public DiffReport reporting(List<Difference> differences) {
    Set<Difference> chosen = Set.copyOf(differences);
    List<Difference> rest = diff.differences().stream().filter(it -> !chosen.contains(it)).toList();
    Diff part = new Diff(differences);
    return new DiffReport(before, after, part, rest, detailsByEndpoint, notes, zone);
  }

  /** At most {@link #MAX_NAMED} differences of each type. */
  public static List<Difference> named(Diff diff) {
    Stream<DifferenceType> types = Stream.of(DifferenceType.values());
    return types.flatMap(type -> diff.of(type, MAX_NAMED).stream()).toList();
  }

  public SocketDetails details(Difference difference) {
    return detailsByEndpoint.getOrDefault(difference.endpoint(), SocketDetails.UNKNOWN);
  }

  /** The whole report: verdict, differences, host and times, and what to do next. */
  public ReportDocument document() {
    List<Line> body = differenceLines();
    for (Difference it : alertedBefore.stream().limit(MAX_PER_SOCKET).toList()) {
      body.add(Line.fact("Still", it.type(), " ", it.endpoint(), ", alerted before"));
    }
    int more = alertedBefore.size() - MAX_PER_SOCKET;
    if (more > 0) {
      body.add(Line.fact("Still", "… and ", more, " more, alerted before"));
    }
    List<Line> facts = new ArrayList<>();
    String baselineTime = Times.format(before.hostInfo().time(), zone.get());
    facts.add(Line.fact("Baseline", baselineTime, ", ", before.sockets().size(), " sockets"));
    notes.forEach(note -> facts.add(Line.fact("Note", note)));
    if (named(diff).size() < diff.differences().size()) {
      facts.add(Line.fact("More", MORE));
    }
    String advice = diff.isEmpty() ? "" : ADVICE;
    return ReportDocument.of(verdict(), body, after.hostInfo(), zone.get(), facts, advice);
  }

  /** The report of {@code lsm test-alert}. */
  public static ReportDocument test(HostInfo hostInfo, ZoneId zone) {
    String advice = "Alerts of lsm arrive. Nothing was compared for this one.";
    return notice(hostInfo, zone, "test alert", "somebody ran lsm test-alert", advice);
  }

  /** The report where the baseline is missing or damaged. */
  public static ReportDocument withoutBaseline(HostInfo hostInfo, String reason, ZoneId zone) {
    String headline = "the baseline cannot be read, nothing is compared";
    return notice(hostInfo, zone, headline, reason, CHECK_HOST);
  }

  /** The report where a scan failed. */
  public static ReportDocument scanFailed(HostInfo hostInfo, String reason, ZoneId zone) {
    return notice(hostInfo, zone, "nothing could be compared", reason, REPAIR);
  }

  private static ReportDocument notice(
      HostInfo hostInfo, ZoneId zone, String headline, String reason, String advice) {
    EscapedText verdict = EscapedText.of(hostInfo.host(), ": ", headline);
    List<Line> body = List.of(Line.fact("Reason", reason));
    return ReportDocument.of(verdict, body, hostInfo, zone, List.of(), advice);
  }

  /** The differences alone as text, each followed by an empty line. */
  public String differencesText() {
    return new ReportDocument(differenceLines()).text();
  }

  private EscapedText verdict() {
    String host = after.hostInfo().host();
    if (diff.isEmpty()) {
      int sockets = after.sockets().size();
      return EscapedText.of(host, ": no difference to the baseline, ", sockets, " sockets");
    }
    DifferenceCounts it = DifferenceCounts.of(diff);
    return EscapedText.of(
        host, ": ", it.added(), " NEW, ", it.gone(), " GONE, ", it.changed(), " CHANGED");
  }

  private List<Line> differenceLines() {
    List<Line> lines = new ArrayList<>();
    for (DifferenceType type : DifferenceType.values()) {
      for (Difference it : diff.of(type, MAX_NAMED)) {
        addLines(lines, it, lines.size() > MAX_DETAILED ? SocketDetails.UNKNOWN : details(it));
      }
      int more = diff.of(type).size() - MAX_NAMED;
      if (more > 0) {
        lines.add(Line.of(Style.ADVICE, "", "… and ", more, " more ", type));
        lines.add(Line.BLANK);
      }
    }
    return lines;
  }

  private void addLines(List<Line> lines, Difference difference, SocketDetails details) {
    EscapedText name = EscapedText.withRemark(difference.endpoint(), details.service());
    lines.add(Line.of(Style.TITLE, String.format("%-8s", difference.type()), name));
    switch (difference.type()) {
      case NEW -> addOwners(lines, "by", difference.after(), details);
      case GONE -> lines.add(Line.of(Style.DETAIL, "was by", owners(difference.before())));
      case CHANGED -> {
        lines.add(Line.of(Style.DETAIL, "from", owners(difference.before())));
        addOwners(lines, "to  ", difference.after(), details);
      }
    }
    String parent = details.suspectedParent().map(Endpoint::toString).orElse("");
    addText(lines, Style.DETAIL, "connected now:", String.join(", ", details.peers()));
    addText(lines, Style.FLAGS, "!", words(details.flags()));
    addText(lines, Style.DETAIL, "perhaps part of the name of", parent);
    lines.add(Line.BLANK);
  }

  /** A line for each owner with its processes, followed by the details of the oldest of them. */
  private void addOwners(List<Line> lines, String label, SocketEntry entry, SocketDetails details) {
    addText(lines, Style.DETAIL, label, entry.owners().isEmpty() ? owners(entry).text() : "");
    Map<Owner, List<ProcessRef>> processes = byOwner(entry);
    for (Owner owner : entry.owners().stream().limit(MAX_PER_SOCKET).toList()) {
      String described = describe(processes.getOrDefault(owner, List.of()));
      lines.add(Line.of(Style.DETAIL, label, name(owner), described));
      details.processes().stream()
          .filter(process -> process.process().owner().equals(owner))
          .forEach(process -> addDetails(lines, process));
    }
    int more = entry.owners().size() - MAX_PER_SOCKET;
    addText(lines, Style.DETAIL, "and", more > 0 ? more + " more owners" : "");
  }

  /** The processes of one owner, with the start of the oldest. */
  private String describe(List<ProcessRef> processes) {
    int more = processes.size() - MAX_PER_SOCKET;
    String pids = pids(processes, MAX_PER_SOCKET) + (more > 0 ? " and " + more + " more" : "");
    return processes.stream()
        .map(ProcessRef::startTime)
        .min(Instant::compareTo)
        .map(start -> Times.formatWithAge(start, after.hostInfo().time(), zone.get()))
        .map(start -> ", PID " + pids + ", started " + start)
        .orElse("");
  }

  private static void addDetails(List<Line> lines, ProcessDetails process) {
    addText(lines, Style.DEEP_DETAIL, "command ", process.commandLine());
    addText(lines, Style.DEEP_DETAIL, "in      ", process.workingDirectory());
    addText(lines, Style.DEEP_DETAIL, "unit    ", process.unit());
    for (ProcessRef it : process.parents()) {
      lines.add(Line.of(Style.DEEP_DETAIL, "child of", name(it.owner()), ", PID ", it.pid()));
    }
    addText(lines, Style.DEEP_FLAGS, "!", words(process.flags()));
  }

  /** Adds a line unless its text is empty. */
  private static void addText(List<Line> lines, Style style, String label, String text) {
    if (!text.isEmpty()) {
      lines.add(Line.of(style, label, text));
    }
  }

  private static String words(Set<Flag> flags) {
    return flags.stream().map(Flag::words).collect(Collectors.joining(", "));
  }

  /** One event for each difference that the report describes, and one that counts the others. */
  public List<LogEvent> events() {
    List<LogEvent> events = new ArrayList<>();
    for (Difference difference : named(diff)) {
      String level = difference.type() == DifferenceType.GONE ? "warning" : "alert";
      events.add(new LogEvent(level, line(difference), new TreeMap<>(data(difference))));
    }
    int more = diff.differences().size() - events.size();
    if (more > 0) {
      events.add(new LogEvent("alert", verdict() + ", " + more + " not logged"));
    }
    return events;
  }

  /** One difference as the fields of a log event, escaped. */
  static Map<String, String> data(Difference difference) {
    return Map.of(
        "kind", difference.type().name(),
        "socket", escape(difference.endpoint().toString()),
        "owners", owners(difference.after()).text(),
        "pids", pids(difference.after().processes(), MAX_PER_SOCKET));
  }

  /** One difference in one line, escaped and short enough for a log. */
  public static String line(Difference it) {
    String owners =
        switch (it.type()) {
          case NEW -> " by " + owners(it.after());
          case GONE -> " was by " + owners(it.before());
          case CHANGED -> " from " + owners(it.before()) + " to " + owners(it.after());
        };
    String pids = pids(it.after().processes(), MAX_PER_SOCKET);
    // A name with a space in it could imitate the words that follow it.
    String socket = escape(it.endpoint().toString()).replace(" ", "\\x20");
    String who = EscapedText.cut(owners, MAX_LOG_LINE) + (pids.isEmpty() ? "" : ", PID " + pids);
    return it.type() + " " + socket + who;
  }

  static Map<Owner, List<ProcessRef>> byOwner(SocketEntry entry) {
    return entry.processes().stream().collect(Collectors.groupingBy(ProcessRef::owner));
  }

  /** The PIDs of the first {@code max} processes in order. */
  static String pids(List<ProcessRef> processes, int max) {
    Stream<Integer> pids = processes.stream().limit(max).map(ProcessRef::pid).sorted();
    return pids.map(String::valueOf).collect(Collectors.joining(","));
  }

  private static EscapedText owners(SocketEntry entry) {
    Stream<Owner> owners = entry.owners().stream().limit(MAX_PER_SOCKET);
    String names = owners.map(it -> name(it).text()).collect(Collectors.joining(", "));
    return new EscapedText(names.isEmpty() ? "no process" : names);
  }

  private static EscapedText name(Owner owner) {
    return owner.equals(Owner.UNKNOWN)
        ? EscapedText.of("an unknown owner")
        : EscapedText.of(owner.program(), " (", owner.user(), ")");
  }
}
