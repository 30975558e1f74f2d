package org.lsm.alert;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import org.lsm.model.Diff;
import org.lsm.model.Difference;
import org.lsm.report.DiffReport;
import org.lsm.report.Json;
import org.lsm.report.PortScanReport;
import org.lsm.report.EscapedText;
import org.lsm.report.SocketListing;
import org.lsm.report.Times;
import org.lsm.storage.AtomicFile;
import org.lsm.storage.FileLock;

/** What happened, one JSON object a line, in a file whose size is bounded by rotation. */
public final class History {

  private static final long LARGEST = 4L * 1024 * 1024;
  private static final int PREDECESSORS = 4;

  /** Lest somebody who opens thousands of sockets push out what happened before. */
  private static final int MOST_AT_ONCE = 1000;

  /** In characters of the stories of an event; in those of names of what is too much to tell. */
  private static final int MOST_STORIES = 256 * 1024;

  private static final int MOST_OTHERS = 512 * 1024;

  private static final Duration PATIENCE = Duration.ofSeconds(10);

  private final Path file;
  private final Clock clock;
  private final String by;
  private final Consumer<String> warn;

  /**
   * One thing that happened. All strings are escaped.
   *
   * @param time when
   * @param event what kind of thing, in a word
   * @param by who ran lsm
   * @param what what it was, in words
   * @param difference all that could be told of a difference that appeared; else null
   * @param others in brief the differences that were too many to be told one by one; else null
   */
  public record Event(
      Instant time, String event, String by, String what, JsonObject difference, JsonArray others) {

    public Event {
      Objects.requireNonNull(time);
      Objects.requireNonNull(event);
      Objects.requireNonNull(by);
      Objects.requireNonNull(what);
    }
  }

  /**
   * @param directory where the file is
   * @param clock tells when something happens
   * @param by who runs lsm
   * @param warn told of what cannot be written: no reason to fail
   */
  public History(Path directory, Clock clock, String by, Consumer<String> warn) {
    this.file = directory.resolve("history.jsonl");
    this.clock = clock;
    this.by = EscapedText.escape(by);
    this.warn = warn;
  }

  /** Adds an event. */
  public void add(String event, String what) {
    append(List.of(event(event, what)));
  }

  /** Adds an event for each of these names. */
  public void addAll(String event, List<String> names) {
    List<Event> events = new ArrayList<>();
    names.stream()
        .limit(MOST_AT_ONCE)
        .forEach(it -> events.add(event(event, EscapedText.escape(it))));
    if (names.size() > MOST_AT_ONCE) {
      events.add(event(event, more(names.size() - MOST_AT_ONCE)));
    }
    append(events);
  }

  /** Adds an event for each host of a report, and one for those that are too many. */
  public void add(String event, PortScanReport report) {
    append(report.events().stream().map(it -> event(event, it.message())).toList());
  }

  /**
   * Adds an event for each of these differences that people are told of, with all that a report
   * tells of it, and one for all the others.
   */
  public void addAll(String event, List<Difference> differences, DiffReport report) {
    List<Difference> named = DiffReport.named(new Diff(differences));
    List<Event> events = new ArrayList<>();
    List<JsonObject> told = Json.details(named, report, MOST_STORIES);
    for (int i = 0; i < named.size(); i++) {
      events.add(event(event, DiffReport.line(named.get(i)), told.get(i), null));
    }
    if (differences.size() > named.size()) {
      Set<Difference> chosen = Set.copyOf(named);
      List<Difference> others = differences.stream().filter(it -> !chosen.contains(it)).toList();
      JsonArray brief = Json.brief(Diff.inTurns(others), MOST_OTHERS);
      events.add(event(event, more(others.size()), null, brief));
    }
    append(events);
  }

  private static String more(int count) {
    return "… and " + count + " more";
  }

  private Event event(String event, String what) {
    return event(event, what, null, null);
  }

  private Event event(String event, String what, JsonObject difference, JsonArray others) {
    return new Event(clock.instant(), event, by, what, difference, others);
  }

  @SuppressWarnings("try") // the lock is only held
  private void append(List<Event> events) {
    if (events.isEmpty()) {
      return;
    }
    String lines = events.stream().map(it -> Json.line(it) + "\n").collect(Collectors.joining());
    try (FileLock lock = FileLock.take(file.resolveSibling("history.lock"), PATIENCE)) {
      rotate(lines.length());
      append(lines);
    } catch (IOException e) {
      warn.accept("the history lacks what happened now: " + EscapedText.escape(e.getMessage()));
    }
  }

  private void append(String lines) throws IOException {
    try (FileChannel channel = AtomicFile.open(file)) {
      // A run that was killed may have left half a line.
      String text = (endsInLine(channel) ? "\n" : "") + lines;
      ByteBuffer buffer = ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8));
      channel.position(channel.size());
      while (buffer.hasRemaining()) {
        channel.write(buffer);
      }
      channel.force(true);
    }
  }

  private static boolean endsInLine(FileChannel channel) throws IOException {
    ByteBuffer last = ByteBuffer.allocate(1);
    return channel.size() > 0 && channel.read(last, channel.size() - 1) == 1 && last.get(0) != '\n';
  }

  private void rotate(int growth) throws IOException {
    if (!Files.exists(file) || Files.size(file) + growth < LARGEST) {
      return;
    }
    for (int age = PREDECESSORS - 1; age >= 0; age--) {
      if (Files.exists(file(age))) {
        Files.move(file(age), file(age + 1), StandardCopyOption.REPLACE_EXISTING);
      }
    }
  }

  /** Events as a table. */
  public static String table(List<Event> events, ZoneId zone) {
    List<List<String>> rows = new ArrayList<>();
    rows.add(List.of("TIME", "EVENT", "BY", "WHAT"));
    events.forEach(
        it -> rows.add(List.of(Times.format(it.time(), zone), it.event(), it.by(), it.what())));
    return SocketListing.align(rows);
  }

  /** The file of this age; 0 is the one that is written. */
  private Path file(int age) {
    return age == 0 ? file : file.resolveSibling(file.getFileName() + "." + age);
  }

  /** The events since a time, the oldest first; lines that are damaged are told and passed over. */
  public List<Event> since(Instant time) throws IOException {
    List<Event> events = new ArrayList<>();
    int damaged = 0;
    for (int age = PREDECESSORS; age >= 0; age--) {
      if (Files.exists(file(age))) {
        String text = new String(AtomicFile.read(file(age)), StandardCharsets.UTF_8);
        for (String line : text.lines().toList()) {
          try {
            events.add(Json.read(line, Event.class));
          } catch (RuntimeException e) {
            damaged++;
          }
        }
      }
    }
    if (damaged > 0) {
      warn.accept(damaged + " lines of " + file + " and its predecessors are damaged");
    }
    return events.stream().filter(it -> !it.time().isBefore(time)).toList();
  }
}
