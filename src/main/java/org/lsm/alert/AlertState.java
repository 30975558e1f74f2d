package org.lsm.alert;

import java.io.IOException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.lsm.model.Severity;
import org.lsm.storage.ChecksummedText;

/**
 * The file {@code alert-state}: what is active or waits for a digest, and when it was alerted; see
 * {@link AlertPolicy}.
 *
 * @param entries by name: type and endpoint of differences, or a failure
 */
public record AlertState(SortedMap<String, Entry> entries) {
  /** Marks the digest of a user with any program; sorts behind all hexadecimal digits. */
  static final String USER = "u";

  private static final String KIND = "lsm-alert-state";
  private static final String FORMAT = "1";
  private static final String NO_BASELINE = "no baseline";
  private static final String SCAN_FAILED = "scan failed: ";
  private static final String DAMAGED = "alert-state was damaged"; // all that was active until then

  /** Whether an alert has reported an entry. */
  public enum Status {
    NAMED,
    /** It was one of too many to be named. */
    COUNTED,
    /** It is low, and the next digest reports it, or any other alert before. */
    WAITING,
    /** It has waited and is resolved meanwhile. */
    ENDED
  }

  /**
   * A difference or failure that is active, or waits for a digest.
   *
   * @param lastAlerted when it was reported last; of one that waits, since when
   * @param severity the highest since it is active
   * @param text what a digest says of it if it is over by then; may be empty
   * @param ownerDigests the owners that were reported with it, 16 hexadecimal digits each
   */
  public record Entry(
      Instant lastSeen,
      Instant lastAlerted,
      Severity severity,
      Status status,
      String text,
      SortedSet<String> ownerDigests) {
    static Entry at(Instant time, Severity severity) {
      return new Entry(time, time, severity, Status.NAMED, "", Collections.emptySortedSet());
    }

    Entry seen(Instant now, Severity rated, SortedSet<String> digests) {
      return new Entry(now, lastAlerted, severity.max(rated), status, text, digests);
    }

    Entry alerted(Instant now, Status reported) {
      return new Entry(lastSeen, now, severity, reported, "", ownerDigests);
    }

    Entry waiting(Instant now, String words) {
      Instant since = isWaiting() ? lastAlerted : now;
      return new Entry(lastSeen, since, severity, Status.WAITING, words, ownerDigests);
    }

    Entry ended() {
      return new Entry(lastSeen, lastAlerted, severity, Status.ENDED, text, ownerDigests);
    }

    boolean isWaiting() {
      return status == Status.WAITING || status == Status.ENDED;
    }

    /** The same entry with times in the future set to now. */
    Entry notAfter(Instant now) {
      Instant seen = Collections.min(List.of(lastSeen, now));
      Instant alerted = Collections.min(List.of(lastAlerted, now));
      return new Entry(seen, alerted, severity, status, text, ownerDigests);
    }
  }

  public AlertState {
    entries = Collections.unmodifiableSortedMap(new TreeMap<>(entries));
  }

  public static AlertState empty() {
    return new AlertState(new TreeMap<>());
  }

  /**
   * Reads a state; it is empty if there is no file. A damaged file yields an entry that the next
   * compare resolves: it costs a repeated alert or an all-clear, never a silence.
   */
  public static AlertState read(Path file) {
    try {
      return parse(ChecksummedText.read(file, KIND, FORMAT));
    } catch (NoSuchFileException e) {
      return empty();
    } catch (IOException | RuntimeException e) {
      return new AlertState(
          new TreeMap<>(Map.of(DAMAGED, Entry.at(Instant.EPOCH, Severity.NORMAL))));
    }
  }

  /** Returns the state with the entries of another one, which count if both have one. */
  public AlertState with(AlertState other) {
    SortedMap<String, Entry> all = new TreeMap<>(entries);
    all.putAll(other.entries);
    return new AlertState(all);
  }

  /** Writes the state durably, unless it equals {@code before}, which the file holds. */
  public void writeIfChanged(Path file, AlertState before) throws IOException {
    if (!entries.equals(before.entries)) {
      format().write(file);
    }
  }

  public long activeDifferences() {
    return entries.entrySet().stream()
        .filter(it -> !isFailure(it.getKey()) && it.getValue().status() != Status.ENDED)
        .count();
  }

  /** Whether a run has failed since this time. */
  public boolean isFailing(Instant lastCompare) {
    return entries.entrySet().stream()
        .anyMatch(it -> isFailure(it.getKey()) && it.getValue().lastSeen().isAfter(lastCompare));
  }

  private static boolean isFailure(String name) {
    return name.equals(NO_BASELINE) || name.startsWith(SCAN_FAILED) || name.equals(DAMAGED);
  }

  static String failure(AlertType type, String reason) {
    return type == AlertType.NO_BASELINE ? NO_BASELINE : SCAN_FAILED + reason;
  }

  ChecksummedText format() {
    ChecksummedText text = new ChecksummedText(KIND, FORMAT);
    entries.forEach(
        (name, it) -> {
          Stream<Object> head =
              Stream.of(name, it.lastSeen, it.lastAlerted, it.severity, it.status, it.text);
          text.line(Stream.concat(head, it.ownerDigests.stream()).toArray());
        });
    return text;
  }

  static AlertState parse(List<List<String>> lines) {
    SortedMap<String, Entry> entries = new TreeMap<>();
    for (List<String> line : lines) {
      Instant lastSeen = ChecksummedText.time(line.get(1));
      Instant lastAlerted = ChecksummedText.time(line.get(2));
      Severity severity = Severity.valueOf(line.get(3));
      Status status = Status.valueOf(line.get(4));
      SortedSet<String> digests = new TreeSet<>(line.subList(6, line.size()));
      if (!digests.stream().allMatch(it -> it.matches("u?[0-9a-f]{16}"))) {
        throw new IllegalArgumentException("not an entry of " + KIND + ": " + line);
      }
      String name = line.get(0);
      entries.put(name, new Entry(lastSeen, lastAlerted, severity, status, line.get(5), digests));
    }
    return new AlertState(entries);
  }
}
