package org.lsm.report;

import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.lsm.alert.Alert.Event;
import org.lsm.model.Diff;
import org.lsm.model.Difference;
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
import org.lsm.model.TextEscaper;
import org.lsm.report.ReportDocument.Line;
import org.lsm.report.ReportDocument.Style;

/**
 * The outcome of a comparison in words for people. Every untrusted string is escaped here.
 *
 * @param before what the baseline holds
 * @param after what the scan found
 * @param diff what differs between them, as far as it is to be told
 * @param still what differs too, but was told before
 * @param detailsByEndpoint what can be told of what is new or changed
 * @param notes what the reader should know of how far this can be believed; not escaped
 * @param zone the time zone to tell times in; asked for only then, for it takes a while to find
 */
public record DiffReport(
    Snapshot before,
    Snapshot after,
    Diff diff,
    List<Difference> still,
    Map<Endpoint, SocketDetails> detailsByEndpoint,
    List<String> notes,
    Supplier<ZoneId> zone) {

  // Lest somebody who opens thousands of sockets make the mail too large to be taken:

  /** Of so many differences of a kind the story is told; of the rest the number. */
  public static final int MOST_OF_A_KIND = 200;

  private static final int MOST_LINES = 3000;
  private static final int MOST_OF_A_SOCKET = 20;

  /** Of one name, in characters; that of a socket is never longer, even if all is escaped. */
  private static final int LONGEST = 500;

  private static final int LONGEST_LINE = 600;
  private static final int INDENT = 9;
  private static final int DEEP = 11;

  public DiffReport {
    still = List.copyOf(still);
    detailsByEndpoint = Map.copyOf(detailsByEndpoint);
    notes = List.copyOf(notes);
  }

  /** A report of all that differs. */
  public DiffReport(
      Snapshot before,
      Snapshot after,
      Diff diff,
      Map<Endpoint, SocketDetails> detailsByEndpoint,
      List<String> notes,
      Supplier<ZoneId> zone) {
    this(before, after, diff, List.of(), detailsByEndpoint, notes, zone);
  }

  /** The same report of a part of its differences; the others are named as told before. */
  public DiffReport telling(List<Difference> told) {
    Set<Difference> chosen = Set.copyOf(told);
    List<Difference> rest =
        diff.differences().stream().filter(difference -> !chosen.contains(difference)).toList();
    return new DiffReport(before, after, new Diff(told), rest, detailsByEndpoint, notes, zone);
  }

  /** The differences that people are told one by one. */
  public List<Difference> named() {
    return named(diff);
  }

  /** Of each kind no more than people are told one by one. */
  public static List<Difference> named(Diff diff) {
    return Stream.of(DifferenceType.values())
        .flatMap(kind -> diff.of(kind, MOST_OF_A_KIND).stream())
        .toList();
  }

  /** The whole report: verdict, differences, where and when, and what to do. */
  public ReportDocument page() {
    List<Line> lines = new ArrayList<>();
    lines.add(Line.of(Style.HEADLINE, verdict()));
    lines.add(Line.blank());
    lines.addAll(differenceLines());
    lines.addAll(stillLines());
    lines.addAll(scanned(after.hostInfo(), zone.get()));
    lines.add(
        Line.fact(
            "Baseline",
            String.format(
                "%s, %d sockets",
                time(before.hostInfo().time(), zone.get()), before.sockets().size())));
    notes.forEach(note -> lines.add(Line.fact("Note", escape(note))));
    if (named().size() < diff.differences().size()) {
      lines.add(
          Line.fact(
              "More",
              "lsm history --format json has all that was alerted, lsm compare --format json all"
                  + " that differs now"));
    }
    if (!diff.isEmpty()) {
      lines.add(Line.blank());
      lines.add(
          Line.of(
              Style.ADVICE,
              "If all of this is as it should be, take it into the baseline: lsm generate, or lsm"
                  + " accept SOCKET"));
    }
    return new ReportDocument(lines);
  }

  /** What there is to tell to try whether it arrives. */
  public static ReportDocument test(HostInfo hostInfo, ZoneId zone) {
    return notice(
        hostInfo,
        zone,
        "test alert",
        "somebody ran lsm test-alert",
        "Alerts of lsm arrive. Nothing was compared for this one.");
  }

  /** What there is to tell where nothing can be compared for want of a baseline. */
  public static ReportDocument withoutBaseline(HostInfo hostInfo, String reason, ZoneId zone) {
    return notice(
        hostInfo,
        zone,
        "the baseline cannot be read, nothing is compared",
        reason,
        "If nobody of you did this, somebody else did: look around before a new baseline is taken.");
  }

  /** What there is to tell where nothing can be compared. */
  public static ReportDocument trouble(HostInfo hostInfo, String reason, ZoneId zone) {
    return notice(
        hostInfo,
        zone,
        "nothing could be compared",
        reason,
        "Until this is mended lsm sees nothing: run lsm compare on the host, and lsm status.");
  }

  private static ReportDocument notice(
      HostInfo hostInfo, ZoneId zone, String headline, String reason, String advice) {
    List<Line> lines = new ArrayList<>();
    lines.add(Line.of(Style.HEADLINE, escape(hostInfo.host()) + ": " + headline));
    lines.add(Line.blank());
    lines.add(Line.fact("Reason", escape(reason)));
    lines.addAll(scanned(hostInfo, zone));
    lines.add(Line.blank());
    lines.add(Line.of(Style.ADVICE, advice));
    return new ReportDocument(lines);
  }

  /** The whole report as text. */
  public String text() {
    return page().text();
  }

  /** Where and when a scan was made. */
  public static List<Line> scanned(HostInfo hostInfo, ZoneId zone) {
    return List.of(
        Line.fact("Host", escape(hostInfo.host()) + ", Linux " + escape(hostInfo.kernel())),
        Line.fact("Scanned", time(hostInfo.time(), zone)));
  }

  /** The outcome in one line. */
  public String verdict() {
    if (diff.isEmpty()) {
      return String.format(
          "%s: no difference to the baseline, %d sockets", host(), after.sockets().size());
    }
    return String.format(
        "%s: %d NEW, %d GONE, %d CHANGED",
        host(),
        diff.count(DifferenceType.NEW),
        diff.count(DifferenceType.GONE),
        diff.count(DifferenceType.CHANGED));
  }

  /** The differences alone, each followed by an empty line. */
  public String differences() {
    return new ReportDocument(differenceLines()).text();
  }

  private List<Line> differenceLines() {
    List<Line> lines = new ArrayList<>();
    for (DifferenceType kind : DifferenceType.values()) {
      for (Difference difference : diff.of(kind, MOST_OF_A_KIND)) {
        boolean spent = lines.size() > MOST_LINES;
        lines.addAll(lines(difference, spent ? SocketDetails.UNKNOWN : details(difference)));
      }
      long more = diff.count(kind) - MOST_OF_A_KIND;
      if (more > 0) {
        lines.add(Line.of(Style.ADVICE, "… and " + more + " more " + kind));
        lines.add(Line.blank());
      }
    }
    return lines;
  }

  /** The differences for a log, one an event, and the number of those that are too many. */
  public List<Event> events() {
    List<Event> events = new ArrayList<>();
    for (Difference difference : named()) {
      String level = difference.type() == DifferenceType.GONE ? "warning" : "alert";
      events.add(new Event(level, line(difference), data(difference)));
    }
    int more = diff.differences().size() - events.size();
    if (more > 0) {
      events.add(new Event("alert", verdict() + ", " + more + " not logged", new TreeMap<>()));
    }
    return events;
  }

  /** What there is to say of a difference in a few words, each under its name. */
  public static SortedMap<String, String> data(Difference difference) {
    SortedMap<String, String> data = new TreeMap<>();
    data.put("kind", difference.type().name());
    data.put("socket", escape(difference.endpoint().toString()));
    data.put("owners", owners(difference.after()));
    data.put(
        "pids", pids(difference.after().processes().stream().limit(MOST_OF_A_SOCKET).toList()));
    return data;
  }

  /** One difference in one line, short enough for a log. */
  public static String line(Difference difference) {
    Collection<ProcessRef> processes = difference.after().processes();
    String who =
        switch (difference.type()) {
          case NEW -> " by " + owners(difference.after());
          case GONE -> " was by " + owners(difference.before());
          case CHANGED ->
              " from " + owners(difference.before()) + " to " + owners(difference.after());
        };
    String pids = pids(processes.stream().limit(MOST_OF_A_SOCKET).toList());
    // A space in a name would let it go on as if lsm had said it.
    return difference.type()
        + " "
        + escape(difference.endpoint().toString()).replace(" ", "\\x20")
        + cut(who, LONGEST_LINE)
        + (processes.isEmpty() ? "" : ", PID " + pids);
  }

  private List<Line> stillLines() {
    List<Line> lines = new ArrayList<>();
    for (Difference difference : still.stream().limit(MOST_OF_A_SOCKET).toList()) {
      String name = difference.type() + " " + escape(difference.endpoint().toString());
      lines.add(Line.fact("Still", name + ", told before"));
    }
    if (still.size() > MOST_OF_A_SOCKET) {
      int more = still.size() - MOST_OF_A_SOCKET;
      lines.add(Line.fact("Still", "… and " + more + " more, told before"));
    }
    return lines;
  }

  /** What can be told of a difference. */
  public SocketDetails details(Difference difference) {
    return detailsByEndpoint.getOrDefault(difference.endpoint(), SocketDetails.UNKNOWN);
  }

  private List<Line> lines(Difference difference, SocketDetails details) {
    List<Line> lines = new ArrayList<>();
    String service = details.service().isEmpty() ? "" : "  (" + escape(details.service()) + ")";
    lines.add(
        new Line(
            Style.valueOf(difference.type().name()),
            0,
            String.format("%-8s", difference.type()),
            escape(difference.endpoint().toString()) + service));
    switch (difference.type()) {
      case NEW -> lines.addAll(held("by", difference.after(), details));
      case GONE -> lines.add(detail("was by", owners(difference.before())));
      case CHANGED -> {
        lines.add(detail("from", owners(difference.before())));
        lines.addAll(held("to  ", difference.after(), details));
      }
    }
    if (!details.peers().isEmpty()) {
      lines.add(detail("connected now:", escape(String.join(", ", details.peers()))));
    }
    lines.addAll(flags(INDENT, details.flags()));
    details
        .suspectedParent()
        .map(it -> detail("perhaps part of the name of", escape(it.toString())))
        .ifPresent(lines::add);
    lines.add(Line.blank());
    return lines;
  }

  private static Line detail(String label, String text) {
    return new Line(Style.DETAIL, INDENT, label, text);
  }

  private static List<Line> flags(int indent, Set<Flag> flags) {
    String words = flags.stream().map(Flag::words).collect(Collectors.joining(", "));
    return flags.isEmpty() ? List.of() : List.of(new Line(Style.FLAG, indent, "!", words));
  }

  private String host() {
    return escape(after.hostInfo().host());
  }

  public static String time(Instant instant, ZoneId zone) {
    return DateTimeFormatter.ofPattern("yyyy-MM-dd HH:mm:ss xxx", Locale.ROOT)
        .format(instant.atZone(zone));
  }

  /** A line for each owner with its processes, and what can be told of the oldest of them. */
  private List<Line> held(String word, SocketEntry entry, SocketDetails details) {
    if (entry.owners().isEmpty()) {
      return List.of(detail(word, "no process" + claim(details)));
    }
    Map<Owner, List<ProcessRef>> processes = byOwner(entry);
    List<Line> lines = new ArrayList<>();
    for (Owner owner : entry.owners().stream().limit(MOST_OF_A_SOCKET).toList()) {
      lines.add(detail(word, name(owner) + processes(processes.get(owner))));
      details.processes().stream()
          .filter(process -> process.process().owner().equals(owner))
          .forEach(process -> lines.addAll(told(process)));
    }
    if (entry.owners().size() > MOST_OF_A_SOCKET) {
      lines.add(detail("and", (entry.owners().size() - MOST_OF_A_SOCKET) + " more owners"));
    }
    return lines;
  }

  private static String claim(SocketDetails details) {
    List<ProcessRef> processes = details.inodeHolders().stream().limit(MOST_OF_A_SOCKET).toList();
    String owners =
        processes.stream()
            .map(ProcessRef::owner)
            .distinct()
            .map(DiffReport::name)
            .collect(Collectors.joining(", "));
    return processes.isEmpty()
        ? ""
        : " for sure; its inode is held by " + owners + ", PID " + pids(processes);
  }

  /** The processes of one owner, with the start of the oldest; nothing where none was found. */
  private String processes(List<ProcessRef> processes) {
    if (processes == null) {
      return "";
    }
    Instant start =
        processes.stream().map(ProcessRef::startTime).min(Instant::compareTo).orElseThrow();
    List<ProcessRef> named = processes.stream().limit(MOST_OF_A_SOCKET).toList();
    int more = processes.size() - named.size();
    return ", PID "
        + pids(named)
        + (more > 0 ? " and " + more + " more" : "")
        + ", started "
        + when(start, after.hostInfo().time(), zone.get());
  }

  private static List<Line> told(ProcessDetails process) {
    List<Line> lines = new ArrayList<>();
    tell(lines, "command ", process.commandLine());
    tell(lines, "in      ", process.workingDirectory());
    tell(lines, "unit    ", process.unit());
    for (ProcessRef parent : process.parents()) {
      lines.add(deep("child of", name(parent.owner()) + ", PID " + parent.pid()));
    }
    lines.addAll(flags(DEEP, process.flags()));
    return lines;
  }

  private static void tell(List<Line> lines, String label, String text) {
    if (!text.isEmpty()) {
      lines.add(deep(label, escape(text)));
    }
  }

  private static Line deep(String label, String text) {
    return new Line(Style.DETAIL, DEEP, label, text);
  }

  /** A time, and how long ago it was. */
  public static String when(Instant time, Instant now, ZoneId zone) {
    return time(time, zone) + " (" + age(time, now) + " ago)";
  }

  /** Time from a start to the scan in its two largest units: {@code 3 d 4 h}. */
  static String age(Instant start, Instant now) {
    Duration age = Duration.between(start, now);
    long[] units = {age.toDays(), age.toHoursPart(), age.toMinutesPart(), age.toSecondsPart()};
    for (int i = 0; i < 3; i++) {
      if (units[i] > 0) {
        return units[i] + " " + "dhm".charAt(i) + " " + units[i + 1] + " " + "hms".charAt(i);
      }
    }
    return Math.max(0, units[3]) + " s";
  }

  public static Map<Owner, List<ProcessRef>> byOwner(SocketEntry entry) {
    return entry.processes().stream()
        .collect(Collectors.groupingBy(ProcessRef::owner, TreeMap::new, Collectors.toList()));
  }

  public static String pids(Collection<ProcessRef> processes) {
    return processes.stream()
        .map(ProcessRef::pid)
        .sorted()
        .map(String::valueOf)
        .collect(Collectors.joining(","));
  }

  private static String owners(SocketEntry entry) {
    return entry.owners().isEmpty()
        ? "no process"
        : entry.owners().stream()
            .limit(MOST_OF_A_SOCKET)
            .map(DiffReport::name)
            .collect(Collectors.joining(", "));
  }

  private static String name(Owner owner) {
    return owner.equals(Owner.UNKNOWN)
        ? "an unknown owner"
        : escape(owner.program()) + " (" + escape(owner.user()) + ")";
  }

  /** Untrusted text as it is printed; a very long one is cut. */
  public static String escape(String text) {
    return cut(TextEscaper.escape(text), LONGEST);
  }

  private static String cut(String text, int most) {
    if (text.length() <= most) {
      return text;
    }
    // Not between the two halves of a character.
    int end = Character.isHighSurrogate(text.charAt(most - 1)) ? most - 1 : most;
    return text.substring(0, end) + "…";
  }
}
