package org.lsm.alert;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
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
import java.util.stream.Stream;
import org.lsm.model.Diff;
import org.lsm.model.Difference;
import org.lsm.model.ErrorMessages;
import org.lsm.report.DiffReport;
import org.lsm.report.EscapedText;
import org.lsm.report.Json;
import org.lsm.report.SocketListing;
import org.lsm.report.Times;
import org.lsm.storage.AtomicFile;
import org.lsm.storage.FileLock;

/**
 * The log of what lsm found, sent and changed: {@code history.jsonl}, one JSON object a line,
 * rotated so that all files together have at most 20 MiB.
 */
public final class History {
  private static final int MAX_FILE_SIZE = 4 * 1024 * 1024;
  private static final int MAX_ROTATED = 4;

  // One append must not push everything else out of the files.
  private static final int MAX_EVENTS = 1000;
  private static final int MAX_DETAILS_LENGTH = 256 * 1024;
  private static final int MAX_OTHERS_LENGTH = 512 * 1024;

  private static final Duration LOCK_TIMEOUT = Duration.ofSeconds(10);

  private final Path file;
  private final Clock clock;
  private final String user;
  private final Consumer<String> warn;

  /**
   * One line. All strings are escaped.
   *
   * @param event its kind: appeared, resolved, accepted, delivered, failed, ...
   * @param by the user who ran lsm
   * @param difference the details of a difference that appeared or was accepted, else null
   * @param others the differences beyond the first few hundred, in brief, else null
   */
  public record Event(
      Instant time, String event, String by, String what, JsonObject difference, JsonArray others) {
    public Event {
      Stream.of(time, event, by, what).forEach(Objects::requireNonNull);
    }

    /** Whether this is an alert that the channel of this name has accepted. */
    public boolean isDelivery(String channel) {
      return event.equals("delivered") && what.startsWith(channel + ": ");
    }
  }

  /** {@code warn} receives an escaped message when the history cannot be written or read. */
  public History(Path directory, Clock clock, String user, Consumer<String> warn) {
    this.file = directory.resolve("history.jsonl");
    this.clock = clock;
    this.user = EscapedText.escape(user);
    this.warn = warn;
  }

  /** Appends an event for each of these texts, which are escaped already. */
  public void append(String event, String... texts) {
    List<Event> events = new ArrayList<>();
    Stream.of(texts).limit(MAX_EVENTS).forEach(it -> events.add(event(event, it, null, null)));
    if (texts.length > MAX_EVENTS) {
      events.add(event(event, more(texts.length - MAX_EVENTS), null, null));
    }
    write(events);
  }

  /** Appends that a channel has accepted an alert; the receipt says where, not escaped. */
  public void appendDelivery(String channel, Alert alert, String receipt) {
    String suffix = receipt.isEmpty() ? "" : "; " + EscapedText.escape(receipt);
    append("delivered", channel + ": " + alert.subject() + suffix);
  }

  /** Appends an event for each difference that a report names, and one for the others in brief. */
  public void append(String event, List<Difference> differences, DiffReport report) {
    if (differences.isEmpty()) {
      return; // the code below would only load classes
    }
    List<Difference> named = DiffReport.named(new Diff(differences));
    List<JsonObject> details = Json.details(named, report, MAX_DETAILS_LENGTH);
    List<Event> events = new ArrayList<>();
    for (int i = 0; i < named.size(); i++) {
      events.add(event(event, report.line(named.get(i)), details.get(i), null));
    }
    if (differences.size() > named.size()) {
      List<Difference> others = new ArrayList<>(differences);
      others.removeIf(Set.copyOf(named)::contains);
      JsonArray brief = Json.brief(Diff.inTurns(others), report, MAX_OTHERS_LENGTH);
      events.add(event(event, more(others.size()), null, brief));
    }
    write(events);
  }

  private static String more(int count) {
    return "… and " + count + " more";
  }

  private Event event(String event, String text, JsonObject difference, JsonArray others) {
    return new Event(clock.instant(), event, user, text, difference, others);
  }

  @SuppressWarnings("try") // the lock is only held
  private synchronized void write(List<Event> events) {
    if (events.isEmpty()) {
      return;
    }
    String lines = events.stream().map(it -> Json.line(it) + "\n").collect(Collectors.joining());
    byte[] bytes = lines.getBytes(StandardCharsets.UTF_8);
    try (FileChannel lock = FileLock.take(file.resolveSibling("history.lock"), LOCK_TIMEOUT)) {
      rotate(bytes.length);
      try (FileChannel channel = AtomicFile.open(file)) {
        long size = channel.size();
        OutputStream out = Channels.newOutputStream(channel.position(size));
        ByteBuffer last = ByteBuffer.allocate(1);
        // A run that was killed, or a full disk, may leave a line without its end.
        if (size > 0 && channel.read(last, size - 1) == 1 && last.get(0) != '\n') {
          out.write('\n');
        }
        out.write(bytes);
        channel.force(true);
      }
    } catch (IOException e) {
      warn.accept("cannot write the history: " + EscapedText.escape(ErrorMessages.explain(e)));
    }
  }

  private void rotate(int growth) throws IOException {
    if (!Files.exists(file) || Files.size(file) + growth < MAX_FILE_SIZE) {
      return;
    }
    for (int age = MAX_ROTATED - 1; age >= 0; age--) {
      if (Files.exists(file(age))) {
        Files.move(file(age), file(age + 1), StandardCopyOption.REPLACE_EXISTING);
      }
    }
  }

  /** The file that was rotated so many times; 0 for the current one. */
  private Path file(int age) {
    return age == 0 ? file : file.resolveSibling(file.getFileName() + "." + age);
  }

  /** The events at and after a time, oldest first. */
  public List<Event> since(Instant time) throws IOException {
    List<Event> events = new ArrayList<>();
    forEach(
        it -> {
          if (!it.time().isBefore(time)) {
            events.add(it);
          }
        });
    return events;
  }

  /** Passes all events to a consumer, oldest first; damaged lines are counted in a warning. */
  public void forEach(Consumer<Event> reader) throws IOException {
    int damaged = 0;
    for (int age = MAX_ROTATED; age >= 0; age--) {
      byte[] content = Files.exists(file(age)) ? AtomicFile.read(file(age)) : new byte[0];
      for (String line : new String(content, StandardCharsets.UTF_8).lines().toList()) {
        try {
          reader.accept(Json.read(line, Event.class));
        } catch (RuntimeException e) {
          damaged++;
        }
      }
    }
    if (damaged > 0) {
      warn.accept(damaged + " damaged lines in " + file + " and its rotated files were skipped");
    }
  }

  /** A table with a header line. */
  public static String table(List<Event> events, ZoneId zone) {
    List<List<String>> rows = new ArrayList<>(List.of(List.of("TIME", "EVENT", "BY", "WHAT")));
    for (Event it : events) {
      rows.add(List.of(Times.format(it.time, zone), it.event, it.by, it.what));
    }
    return SocketListing.align(rows);
  }
}
