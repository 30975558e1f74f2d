package org.lsm.alert;

import java.time.Instant;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.lsm.snapshot.Diff;
import org.lsm.snapshot.Diff.Difference;
import org.lsm.snapshot.Diff.Kind;
import org.lsm.snapshot.Holder;
import org.lsm.snapshot.Owner;
import org.lsm.snapshot.Snapshot;
import org.lsm.snapshot.SocketEntry;
import org.lsm.snapshot.Untrusted;

/**
 * The outcome of a comparison in words for people. Every untrusted string is escaped here.
 *
 * @param before what the baseline holds
 * @param after what the scan found
 * @param diff what differs between them
 * @param notes what the reader should know of how far this can be believed; not escaped
 * @param zone the time zone to tell times in
 */
public record Report(Snapshot before, Snapshot after, Diff diff, List<String> notes, ZoneId zone) {

  private static final DateTimeFormatter TIME =
      DateTimeFormatter.ofPattern("yyyy-MM-dd HH:mm:ss xxx", Locale.ROOT);
  private static final Pattern VARIABLE = Pattern.compile("\\$(HOSTNAME|NEW|GONE|CHANGED|DATE)\\b");
  private static final String INDENT = " ".repeat(9);

  public Report {
    notes = List.copyOf(notes);
  }

  /** The whole report: verdict, differences, where and when, and what to do. */
  public String text() {
    List<String> lines = new ArrayList<>();
    lines.add(verdict());
    lines.add("");
    lines.addAll(differenceLines());
    lines.add("Host      " + host() + ", Linux " + Untrusted.escape(after.origin().kernel()));
    lines.add("Scanned   " + time(after.origin().time()));
    lines.add(
        String.format(
            "Baseline  %s, %d sockets", time(before.origin().time()), before.sockets().size()));
    notes.forEach(note -> lines.add("Note      " + Untrusted.escape(note)));
    if (!diff.isEmpty()) {
      lines.add("");
      lines.add("If all of this is as it should be, make it the new baseline: lsm generate");
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
    for (Difference difference : diff.differences()) {
      lines.add(
          String.format(
              "%-8s %s", difference.kind(), Untrusted.escape(difference.endpoint().toString())));
      switch (difference.kind()) {
        case NEW -> lines.addAll(held("by", difference.after()));
        case GONE -> lines.add(INDENT + "was by " + owners(difference.before()));
        case CHANGED -> {
          lines.add(INDENT + "from " + owners(difference.before()));
          lines.addAll(held("to  ", difference.after()));
        }
      }
      lines.add("");
    }
    return lines;
  }

  private String host() {
    return Untrusted.escape(after.origin().host());
  }

  private String time(Instant instant) {
    return TIME.format(instant.atZone(zone));
  }

  /** One line an owner, with its processes. */
  private List<String> held(String word, SocketEntry entry) {
    if (entry.owners().isEmpty()) {
      return List.of(INDENT + word + " no process");
    }
    Map<Owner, List<Holder>> holders = byOwner(entry);
    return entry.owners().stream()
        .map(owner -> INDENT + word + " " + name(owner) + processes(holders.get(owner)))
        .toList();
  }

  /** The processes of one owner, with the start of the oldest; nothing where none was found. */
  private String processes(List<Holder> holders) {
    if (holders == null) {
      return "";
    }
    Instant since = holders.stream().map(Holder::startTime).min(Instant::compareTo).orElseThrow();
    return ", PID " + pids(holders) + ", started " + time(since);
  }

  private static Map<Owner, List<Holder>> byOwner(SocketEntry entry) {
    return entry.holders().stream()
        .collect(Collectors.groupingBy(Holder::owner, TreeMap::new, Collectors.toList()));
  }

  private static String pids(Collection<Holder> holders) {
    return holders.stream()
        .map(Holder::pid)
        .sorted()
        .map(String::valueOf)
        .collect(Collectors.joining(","));
  }

  private static String owners(SocketEntry entry) {
    return entry.owners().isEmpty()
        ? "no process"
        : entry.owners().stream().map(Report::name).collect(Collectors.joining(", "));
  }

  private static String name(Owner owner) {
    return owner.equals(Owner.UNKNOWN)
        ? "an unknown owner"
        : Untrusted.escape(owner.program()) + " (" + Untrusted.escape(owner.user()) + ")";
  }

  /**
   * All sockets of a snapshot as a table, one line an owner: protocol, local address, user, PIDs,
   * program.
   */
  public static String table(Snapshot snapshot) {
    List<List<String>> rows = new ArrayList<>();
    rows.add(List.of("PROTOCOL", "LOCAL ADDRESS", "USER", "PID", "PROGRAM"));
    for (SocketEntry entry : snapshot.sockets().values()) {
      String protocol = entry.endpoint().protocol().label();
      String local = Untrusted.escape(entry.endpoint().local());
      Map<Owner, List<Holder>> holders = byOwner(entry);
      for (Owner owner : entry.owners()) {
        rows.add(
            List.of(
                protocol,
                local,
                Untrusted.escape(owner.user()),
                holders.containsKey(owner) ? pids(holders.get(owner)) : "?",
                Untrusted.escape(owner.program())));
      }
      if (entry.owners().isEmpty()) {
        rows.add(List.of(protocol, local, "-", "-", "-"));
      }
    }
    return align(rows);
  }

  /** Pads all columns but the last to their widest cell, or 40 characters where that is less. */
  private static String align(List<List<String>> rows) {
    int columns = rows.get(0).size();
    StringBuilder format = new StringBuilder();
    for (int i = 0; i < columns - 1; i++) {
      int column = i;
      int width = rows.stream().mapToInt(row -> row.get(column).length()).max().orElse(1);
      format.append("%-").append(Math.min(width, 40)).append("s  ");
    }
    String line = format.append("%s%n").toString();
    return rows.stream()
        .map(row -> String.format(line, row.toArray()))
        .collect(Collectors.joining());
  }
}
