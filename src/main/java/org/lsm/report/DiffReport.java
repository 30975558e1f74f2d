package org.lsm.report;

import static org.lsm.report.EscapedText.escape;

import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.BiFunction;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.function.ToIntFunction;
import java.util.stream.Stream;
import org.lsm.model.Diff;
import org.lsm.model.Difference;
import org.lsm.model.DifferenceCounts;
import org.lsm.model.DifferenceType;
import org.lsm.model.Endpoint;
import org.lsm.model.EnumName;
import org.lsm.model.Flag;
import org.lsm.model.HostInfo;
import org.lsm.model.Plural;
import org.lsm.model.Severity;
import org.lsm.model.Snapshot;
import org.lsm.model.SocketDetails;
import org.lsm.report.ReportDocument.Line;
import org.lsm.report.ReportDocument.Style;

/**
 * The result of a comparison with a baseline, and what limits it, a sentence each.
 *
 * @param diff most severe first
 * @param alertedBefore the other differences; they are only listed
 * @param ended low differences that are over before they were alerted, in words, escaped
 * @param absentAt when a scan last missed a difference, for those that this scan was first to find
 * @param zone the time zone of the report; finding it takes a while, so it is asked for late
 */
public record DiffReport(
    Snapshot before,
    Snapshot after,
    Diff diff,
    List<Difference> alertedBefore,
    List<String> ended,
    Map<Endpoint, SocketDetails> detailsByEndpoint,
    Map<Endpoint, Instant> absentAt,
    List<String> notes,
    Supplier<ZoneId> zone,
    Users users) {
  /** Differences of a type that a report describes; with thousands, a mail would be too large. */
  public static final int MAX_NAMED = 200;

  // Bytes of text and HTML, and of the events; as a mail, those may be twice as many.
  private static final int MAX_SIZE = 480 * 1024;
  private static final int MAX_PER_SOCKET = 20; // PIDs, or names of differences
  private static final int MAX_NOTES = 20;
  static final int MAX_ENDED = 100; // those that are named
  private static final int MAX_LOG_LINE = 600;
  private static final int MAX_OUTCOME_SOCKET = 60;

  private static final String LOW_LEVEL = "notice";

  static final String HIGH = "[high]";

  static final String MORE =
      "lsm history --format json has all that was alerted, lsm compare --format json all that"
          + " differs now";

  public DiffReport {
    if (!diff.isEmpty()) { // a quiet run loads no class for the severity
      diff = new Diff(Severity.sort(diff.differences(), rating(detailsByEndpoint, users)));
    }
    if (notes.size() > MAX_NOTES) {
      List<String> first = new ArrayList<>(notes.subList(0, MAX_NOTES - 1));
      first.add("… and " + (notes.size() - first.size()) + " more notes");
      notes = first;
    }
  }

  /** A report of all differences that are there now. */
  public DiffReport(
      Snapshot before,
      Snapshot after,
      Diff diff,
      Map<Endpoint, SocketDetails> detailsByEndpoint,
      List<String> notes,
      Supplier<ZoneId> zone,
      Users users) {
    this(
        before, after, diff, List.of(), List.of(), detailsByEndpoint, Map.of(), notes, zone, users);
  }

  /**
   * The same report of some of its differences, and of {@link #ended} ones; the others are listed
   * as alerted before.
   */
  public DiffReport reporting(List<Difference> differences, List<String> over) {
    Set<Difference> chosen = Set.copyOf(differences);
    List<Difference> rest = diff.differences().stream().filter(it -> !chosen.contains(it)).toList();
    Diff part = new Diff(differences);
    return new DiffReport(
        before, after, part, rest, over, detailsByEndpoint, absentAt, notes, zone, users);
  }

  /** The report of these differences and details in place of its own, with further notes. */
  public DiffReport with(Diff all, Map<Endpoint, SocketDetails> details, List<String> more) {
    List<String> allNotes = Stream.concat(notes.stream(), more.stream()).toList();
    return new DiffReport(
        before, after, all, alertedBefore, ended, details, absentAt, allNotes, zone, users);
  }

  /**
   * The same report, with what this scan was the first to find.
   *
   * @param lastCompare the last scan that was compared; the one of the baseline may be later
   */
  public DiffReport withAbsentAt(List<Difference> appeared, Optional<Instant> lastCompare) {
    if (before.isDeclared() && lastCompare.isEmpty()) {
      return this;
    }
    Instant baseline = before.hostInfo().time();
    Instant last = lastCompare.filter(baseline::isBefore).orElse(baseline);
    Map<Endpoint, Instant> times = new HashMap<>();
    appeared.forEach(it -> times.put(it.endpoint(), last));
    return new DiffReport(
        before, after, diff, alertedBefore, ended, detailsByEndpoint, times, notes, zone, users);
  }

  /** The same report with other details. */
  public DiffReport withDetails(Map<Endpoint, SocketDetails> details) {
    return new DiffReport(
        before, after, diff, alertedBefore, ended, details, absentAt, notes, zone, users);
  }

  /** At most {@link #MAX_NAMED} differences of each type. */
  public static List<Difference> named(Diff diff) {
    Stream<DifferenceType> types = Stream.of(DifferenceType.values());
    return types.flatMap(type -> diff.of(type, MAX_NAMED).stream()).toList();
  }

  public SocketDetails details(Difference difference) {
    return detailsByEndpoint.getOrDefault(difference.endpoint(), SocketDetails.UNKNOWN);
  }

  public Severity severity(Difference difference) {
    return rating(detailsByEndpoint, users).apply(difference);
  }

  private static Function<Difference, Severity> rating(
      Map<Endpoint, SocketDetails> details, Users users) {
    return it ->
        Severity.of(it, details.getOrDefault(it.endpoint(), SocketDetails.UNKNOWN), users::isLogin);
  }

  int endedWithoutName() {
    return Math.max(0, ended.size() - MAX_ENDED);
  }

  /** The highest severity of the differences. */
  Optional<Severity> severity() {
    Optional<Severity> low = ended.isEmpty() ? Optional.empty() : Optional.of(Severity.LOW);
    return diff.differences().stream().findFirst().map(this::severity).or(() -> low);
  }

  /** The type of a difference, with a mark if it is high. */
  String type(Difference difference) {
    return difference.type() + (severity(difference) == Severity.HIGH ? " " + HIGH : "");
  }

  /** The whole report: outcome, differences, what to do next, host and times. */
  public ReportDocument document() {
    return document(true);
  }

  /** The whole report; without advice where {@code lsm accept} does not know the baseline. */
  public ReportDocument document(boolean withAdvice) {
    List<DifferenceGroup> groups = groups();
    IdentityHashMap<DifferenceGroup, List<Line>> blocks = blocks(groups);
    List<Line> body = differenceLines(groups, blocks);
    addList(body, "Ended", ended, MAX_ENDED);
    addList(body, "Still", alertedBefore.stream().map(this::still).toList(), MAX_PER_SOCKET);
    if (withAdvice && !groups.isEmpty()) {
      body.addAll(Advice.of(groups));
    }
    List<Line> facts = new ArrayList<>();
    String sockets = ", " + Plural.count(before.sockets().size(), "socket");
    facts.add(
        before.isDeclared()
            ? Line.fact("Baseline", "declared by rules.d")
            : Line.fact("Baseline", Times.format(before.hostInfo().time(), zone.get()), sockets));
    notes.forEach(note -> facts.add(Line.fact("Note", note)));
    int named = blocks.keySet().stream().mapToInt(it -> it.named().size()).sum();
    if (named < diff.differences().size() || endedWithoutName() > 0) {
      facts.add(Line.fact("More", MORE));
    }
    return ReportDocument.of(outcome(), body, after.hostInfo(), zone.get(), facts);
  }

  private String still(Difference it) {
    String remark = severity(it) == Severity.LOW ? "low" : "alerted before";
    return escape(it.type() + " " + it.endpoint()) + ", " + remark;
  }

  /** Adds a line for each of the first texts, and one for the others. */
  private static void addList(List<Line> lines, String label, List<String> texts, int max) {
    texts.stream().limit(max).forEach(it -> lines.add(Line.fact(label, new EscapedText(it))));
    if (texts.size() > max) {
      lines.add(Line.fact(label, "… and ", texts.size() - max, " more"));
    }
    if (!texts.isEmpty()) {
      lines.add(Line.BLANK);
    }
  }

  /** The report of {@code lsm test-alert}. */
  public static ReportDocument test(HostInfo hostInfo, ZoneId zone) {
    List<Line> body =
        List.of(
            Line.fact("Reason", "lsm test-alert was run"),
            Line.fact("Result", "alerts of lsm arrive; nothing was compared for this one"));
    return ReportDocument.of(EscapedText.of("test alert"), body, hostInfo, zone, List.of());
  }

  /** The differences alone as text, each followed by an empty line. */
  public String differencesText() {
    List<DifferenceGroup> groups = groups();
    return new ReportDocument(differenceLines(groups, blocks(groups))).text();
  }

  /** The outcome in a few words: the only difference, or how many there are. */
  private EscapedText outcome() {
    String over = ended.isEmpty() ? "" : ended.size() + " ended";
    if (diff.isEmpty()) {
      String low = alertedBefore.isEmpty() ? "" : " but " + alertedBefore.size() + " low";
      String sockets = Plural.count(after.sockets().size(), "socket");
      String none = "no difference to the baseline" + low + ", " + sockets;
      return EscapedText.of(over.isEmpty() ? none : over);
    }
    String mark = severity().equals(Optional.of(Severity.HIGH)) ? HIGH + " " : "";
    String and = over.isEmpty() ? "" : ", " + over;
    if (diff.differences().size() > 1) {
      return EscapedText.of(mark, DifferenceCounts.of(diff), and);
    }
    Difference it = diff.differences().get(0);
    String socket = EscapedText.cut(EscapedText.word(it.endpoint()), MAX_OUTCOME_SOCKET);
    return new EscapedText(
        mark + it.type() + " " + socket + " " + OwnerText.brief(it.after(), users) + and);
  }

  private List<DifferenceGroup> groups() {
    return DifferenceGroup.of(this);
  }

  /** The blocks of these groups that fit into the report, chosen so that users take turns. */
  private static IdentityHashMap<DifferenceGroup, List<Line>> blocks(List<DifferenceGroup> groups) {
    return fitting(
        Diff.inTurns(groups, it -> it.named().get(0).users()),
        MAX_SIZE,
        DifferenceGroup::lines,
        block -> block.stream().mapToInt(Line::size).sum());
  }

  /**
   * Makes texts until {@code max} bytes are full: with details up to half of that, then without.
   * What does not fit is left out.
   */
  static <T, R> IdentityHashMap<T, R> fitting(
      List<T> inTurns, int max, BiFunction<T, Boolean, R> maker, ToIntFunction<R> sizeOf) {
    IdentityHashMap<T, R> chosen = new IdentityHashMap<>();
    long size = 0;
    long detailed = 0; // also what was too large: making it takes time
    for (T it : inTurns) {
      R text = maker.apply(it, detailed < max);
      int length = sizeOf.applyAsInt(text);
      detailed += length;
      if (size + length > max / 2) {
        text = maker.apply(it, false);
        length = sizeOf.applyAsInt(text);
      }
      if (size + length <= max) {
        chosen.put(it, text);
        size += length;
      }
    }
    return chosen;
  }

  private List<Line> differenceLines(
      List<DifferenceGroup> groups, IdentityHashMap<DifferenceGroup, List<Line>> blocks) {
    List<Line> lines = new ArrayList<>();
    List<DifferenceGroup> shown = groups.stream().filter(blocks::containsKey).toList();
    shown.forEach(it -> lines.addAll(blocks.get(it)));
    for (DifferenceType type : DifferenceType.values()) {
      int more = diff.of(type).size() - shown.stream().mapToInt(it -> it.count(type)).sum();
      if (more > 0) {
        lines.add(Line.of(Style.ADVICE, "", "… and ", more, " more ", type));
        lines.add(Line.BLANK);
      }
    }
    return lines;
  }

  String timeWithAge(Instant time) {
    return Times.formatWithAge(time, after.hostInfo().time(), zone.get());
  }

  /** From when a scan missed a difference to this one, which found it. */
  String between(Instant absent) {
    return Times.formatBetween(absent, after.hostInfo().time(), zone.get());
  }

  /** A time, or two of them if they differ. */
  String between(Instant first, Instant last) {
    return first.equals(last)
        ? "at " + Times.format(first, zone.get())
        : Times.formatBetween(first, last, zone.get());
  }

  Optional<Instant> absentAt(Difference difference) {
    return Optional.ofNullable(absentAt.get(difference.endpoint()));
  }

  /** One event for each difference that the report describes, and one that counts the others. */
  public List<LogEvent> events() {
    List<LogEvent> events = new ArrayList<>();
    int size = 0;
    for (Difference difference : Diff.inTurns(named(diff))) {
      var event =
          new LogEvent(level(difference), line(difference), new TreeMap<>(data(difference)));
      size += Json.line(event).getBytes(StandardCharsets.UTF_8).length;
      if (size <= MAX_SIZE) {
        events.add(event);
      }
    }
    int more = diff.differences().size() - events.size();
    if (more > 0) {
      String counts = after.hostInfo().host() + ": " + DifferenceCounts.of(diff);
      events.add(new LogEvent("alert", escape(counts) + ", " + more + " not logged"));
    }
    ended.stream()
        .limit(MAX_ENDED)
        .forEach(it -> events.add(new LogEvent(LOW_LEVEL, it + ", ended")));
    return events;
  }

  private String level(Difference difference) {
    String level = difference.type() == DifferenceType.GONE ? "warning" : "alert";
    return severity(difference) == Severity.LOW ? LOW_LEVEL : level;
  }

  /** One difference as the fields of a log event, escaped. */
  Map<String, String> data(Difference difference) {
    return Map.of(
        "kind", difference.type().name(),
        "severity", EnumName.of(severity(difference)),
        "socket", escape(difference.endpoint().toString()),
        "owners",
            EscapedText.cut(OwnerText.of(difference.after(), user -> user).text(), MAX_LOG_LINE),
        "pids", OwnerText.pids(difference.after().processes(), MAX_PER_SOCKET));
  }

  /** One difference in one line, escaped and short enough for a log. */
  public String line(Difference difference) {
    return type(difference) + line(difference, users).substring(difference.type().name().length());
  }

  /** The line of a difference that is not high. */
  public static String line(Difference it, Users users) {
    EscapedText before = OwnerText.of(it.before(), users);
    EscapedText after = OwnerText.of(it.after(), users);
    String owners =
        switch (it.type()) {
          case NEW -> " by " + after;
          case GONE -> " was by " + before;
          case CHANGED ->
              it.isReplaced()
                  ? " by " + after + ": " + Flag.PROGRAM_REPLACED.words()
                  : " from " + before + " to " + after;
        };
    String pids = OwnerText.pids(it.after().processes(), MAX_PER_SOCKET);
    String socket = it.type() + " " + EscapedText.word(it.endpoint());
    String rule = it.requiredBy().isEmpty() ? "" : ", required by " + escape(it.requiredBy());
    String line = socket + EscapedText.cut(owners, MAX_LOG_LINE) + rule;
    return pids.isEmpty() ? line : line + ", PID " + pids;
  }
}
