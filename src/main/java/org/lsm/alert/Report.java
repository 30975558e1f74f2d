package org.lsm.alert;

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
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.lsm.snapshot.Diff;
import org.lsm.snapshot.Diff.Difference;
import org.lsm.snapshot.Diff.Kind;
import org.lsm.snapshot.Endpoint;
import org.lsm.snapshot.Flag;
import org.lsm.snapshot.Holder;
import org.lsm.snapshot.Owner;
import org.lsm.snapshot.Snapshot;
import org.lsm.snapshot.SocketEntry;
import org.lsm.snapshot.Story;
import org.lsm.snapshot.Story.ProcessStory;
import org.lsm.snapshot.Untrusted;

/**
 * The outcome of a comparison in words for people. Every untrusted string is escaped here.
 *
 * @param before what the baseline holds
 * @param after what the scan found
 * @param diff what differs between them
 * @param stories what can be told of what is new or changed
 * @param notes what the reader should know of how far this can be believed; not escaped
 * @param zone the time zone to tell times in
 */
public record Report(
    Snapshot before,
    Snapshot after,
    Diff diff,
    Map<Endpoint, Story> stories,
    List<String> notes,
    ZoneId zone) {

  private static final DateTimeFormatter TIME =
      DateTimeFormatter.ofPattern("yyyy-MM-dd HH:mm:ss xxx", Locale.ROOT);
  private static final Pattern VARIABLE = Pattern.compile("\\$(HOSTNAME|NEW|GONE|CHANGED|DATE)\\b");

  // Lest somebody who opens thousands of sockets make the mail too large to be taken:

  /** Of so many differences of a kind the story is told; of the rest the number. */
  public static final int MOST_OF_A_KIND = 200;

  private static final int MOST_LINES = 3000;
  private static final int MOST_OF_A_SOCKET = 20;
  private static final int LONGEST = 300;
  private static final String INDENT = " ".repeat(9);

  public Report {
    stories = Map.copyOf(stories);
    notes = List.copyOf(notes);
  }

  /** The same report of other differences. */
  public Report with(Diff other) {
    return new Report(before, after, other, stories, notes, zone);
  }

  /** The whole report: verdict, differences, where and when, and what to do. */
  public String text() {
    List<String> lines = new ArrayList<>();
    lines.add(verdict());
    lines.add("");
    lines.addAll(differenceLines());
    lines.add("Host      " + host() + ", Linux " + escape(after.origin().kernel()));
    lines.add("Scanned   " + time(after.origin().time()));
    lines.add(
        String.format(
            "Baseline  %s, %d sockets", time(before.origin().time()), before.sockets().size()));
    notes.forEach(note -> lines.add("Note      " + escape(note)));
    if (!diff.isEmpty()) {
      lines.add("");
      lines.add(
          "If all of this is as it should be, take it into the baseline: lsm generate, or lsm accept SOCKET");
    }
    return String.join("\n", lines) + "\n";
  }

  /** The outcome in one line. */
  public String verdict() {
    if (diff.isEmpty()) {
      return String.format(
          "%s: no difference to the baseline, %d sockets", host(), after.sockets().size());
    }
    return String.format(
        "%s: %d NEW, %d GONE, %d CHANGED",
        host(), diff.count(Kind.NEW), diff.count(Kind.GONE), diff.count(Kind.CHANGED));
  }

  /**
   * This report as an alert.
   *
   * @param subject a line in which $HOSTNAME, $NEW, $GONE, $CHANGED and $DATE are expanded
   */
  public Alert alert(String subject) {
    Map<String, String> variables =
        Map.of(
            "HOSTNAME", host(),
            "NEW", Long.toString(diff.count(Kind.NEW)),
            "GONE", Long.toString(diff.count(Kind.GONE)),
            "CHANGED", Long.toString(diff.count(Kind.CHANGED)),
            "DATE", time(after.origin().time()));
    String expanded =
        VARIABLE
            .matcher(subject)
            .replaceAll(name -> Matcher.quoteReplacement(variables.get(name.group(1))));
    return new Alert(after.origin().host(), after.origin().time(), expanded, text());
  }

  /** The differences alone, each followed by an empty line. */
  public String differences() {
    return String.join("\n", differenceLines()) + "\n";
  }

  private List<String> differenceLines() {
    List<String> lines = new ArrayList<>();
    for (Kind kind : Kind.values()) {
      List<Difference> differences = diff.of(kind);
      for (Difference difference : differences.stream().limit(MOST_OF_A_KIND).toList()) {
        boolean spent = lines.size() > MOST_LINES;
        lines.addAll(lines(difference, spent ? Story.UNTOLD : story(difference)));
      }
      if (differences.size() > MOST_OF_A_KIND) {
        lines.add("… and " + (differences.size() - MOST_OF_A_KIND) + " more " + kind);
        lines.add("");
      }
    }
    return lines;
  }

  private Story story(Difference difference) {
    return stories.getOrDefault(difference.endpoint(), Story.UNTOLD);
  }

  private List<String> lines(Difference difference, Story story) {
    List<String> lines = new ArrayList<>();
    String service = story.service().isEmpty() ? "" : "  (" + escape(story.service()) + ")";
    lines.add(
        String.format("%-8s %s", difference.kind(), escape(difference.endpoint().toString()))
            + service);
    switch (difference.kind()) {
      case NEW -> lines.addAll(held("by", difference.after(), story));
      case GONE -> lines.add(INDENT + "was by " + owners(difference.before()));
      case CHANGED -> {
        lines.add(INDENT + "from " + owners(difference.before()));
        lines.addAll(held("to  ", difference.after(), story));
      }
    }
    if (!story.peers().isEmpty()) {
      lines.add(INDENT + "connected now: " + String.join(", ", story.peers()));
    }
    lines.addAll(flags(INDENT, story.flags()));
    lines.add("");
    return lines;
  }

  private static List<String> flags(String indent, Set<Flag> flags) {
    return flags.isEmpty()
        ? List.of()
        : List.of(
            indent + "! " + flags.stream().map(Flag::words).collect(Collectors.joining(", ")));
  }

  private String host() {
    return escape(after.origin().host());
  }

  private String time(Instant instant) {
    return TIME.format(instant.atZone(zone));
  }

  /** A line for each owner with its processes, and what can be told of the oldest of them. */
  private List<String> held(String word, SocketEntry entry, Story story) {
    if (entry.owners().isEmpty()) {
      return List.of(INDENT + word + " no process");
    }
    Map<Owner, List<Holder>> holders = byOwner(entry);
    List<String> lines = new ArrayList<>();
    for (Owner owner : entry.owners().stream().limit(MOST_OF_A_SOCKET).toList()) {
      lines.add(INDENT + word + " " + name(owner) + processes(holders.get(owner)));
      story.processes().stream()
          .filter(process -> process.holder().owner().equals(owner))
          .forEach(process -> lines.addAll(told(process)));
    }
    if (entry.owners().size() > MOST_OF_A_SOCKET) {
      lines.add(INDENT + "and " + (entry.owners().size() - MOST_OF_A_SOCKET) + " more owners");
    }
    return lines;
  }

  /** The processes of one owner, with the start of the oldest; nothing where none was found. */
  private String processes(List<Holder> holders) {
    if (holders == null) {
      return "";
    }
    Instant start = holders.stream().map(Holder::startTime).min(Instant::compareTo).orElseThrow();
    List<Holder> named = holders.stream().limit(MOST_OF_A_SOCKET).toList();
    int more = holders.size() - named.size();
    return ", PID "
        + pids(named)
        + (more > 0 ? " and " + more + " more" : "")
        + ", started "
        + time(start)
        + " ("
        + age(start)
        + " ago)";
  }

  private static List<String> told(ProcessStory process) {
    String indent = INDENT + "  ";
    List<String> lines = new ArrayList<>();
    if (!process.commandLine().isEmpty()) {
      lines.add(indent + "command  " + escape(process.commandLine()));
    }
    if (!process.workingDirectory().isEmpty()) {
      lines.add(indent + "in       " + escape(process.workingDirectory()));
    }
    if (!process.unit().isEmpty()) {
      lines.add(indent + "unit     " + escape(process.unit()));
    }
    for (Holder parent : process.parents()) {
      lines.add(indent + "child of " + name(parent.owner()) + ", PID " + parent.pid());
    }
    lines.addAll(flags(indent, process.flags()));
    return lines;
  }

  /** Time from a start to the scan in its two largest units: {@code 3 d 4 h}. */
  private String age(Instant start) {
    Duration age = Duration.between(start, after.origin().time());
    long[] units = {age.toDays(), age.toHoursPart(), age.toMinutesPart(), age.toSecondsPart()};
    for (int i = 0; i < 3; i++) {
      if (units[i] > 0) {
        return units[i] + " " + "dhm".charAt(i) + " " + units[i + 1] + " " + "hms".charAt(i);
      }
    }
    return Math.max(0, units[3]) + " s";
  }

  static Map<Owner, List<Holder>> byOwner(SocketEntry entry) {
    return entry.holders().stream()
        .collect(Collectors.groupingBy(Holder::owner, TreeMap::new, Collectors.toList()));
  }

  static String pids(Collection<Holder> holders) {
    return holders.stream()
        .map(Holder::pid)
        .sorted()
        .map(String::valueOf)
        .collect(Collectors.joining(","));
  }

  private static String owners(SocketEntry entry) {
    return entry.owners().isEmpty()
        ? "no process"
        : entry.owners().stream()
            .limit(MOST_OF_A_SOCKET)
            .map(Report::name)
            .collect(Collectors.joining(", "));
  }

  private static String name(Owner owner) {
    return owner.equals(Owner.UNKNOWN)
        ? "an unknown owner"
        : escape(owner.program()) + " (" + escape(owner.user()) + ")";
  }

  /** Untrusted text as it is printed; a very long one is cut. */
  private static String escape(String text) {
    String escaped = Untrusted.escape(text);
    return escaped.length() <= LONGEST ? escaped : escaped.substring(0, LONGEST) + "…";
  }
}
