package org.lsm.sentry;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import org.lsm.model.ScanSummary;
import org.lsm.model.ScanningHost;
import org.lsm.storage.AtomicFile;
import org.lsm.storage.ChecksummedText;

/**
 * What is remembered of who has probed: whom the administrator was told of, and who is blocked, for
 * the kernel forgets that when it boots. That there is such a file tells that there may be a table.
 *
 * @param trouble why the packet filter could not be used at the last run; empty if it could
 * @param flood when the last alert was sent that had too many hosts to name them all
 * @param told whom the administrator was told of, and when
 * @param blocked who is blocked, and until when
 */
public record SentryState(
    String trouble,
    Instant flood,
    SortedMap<String, Instant> told,
    SortedMap<String, Instant> blocked) {

  private static final String KIND = "lsm-sentry";
  private static final String FORMAT = "1";

  private static final Duration JITTER = Duration.ofSeconds(2);

  /** Lest forged addresses fill the disk; who is forgotten is told again. */
  private static final int MOST = 20_000;

  /**
   * Who makes up more addresses than can be named, or than there is room for, gets an alert an hour
   * at most.
   */
  private static final Duration FLOOD = Duration.ofHours(1);

  /**
   * What one look at the table makes of it.
   *
   * @param next what to remember once these were told
   * @param told the hosts to tell now, those that are blocked and have tried most first
   * @param due whether there is something to tell: hosts, or that there were too many to keep
   */
  public record Decision(SentryState next, List<ScanningHost> told, boolean due) {}

  public SentryState {
    told = new TreeMap<>(told);
    blocked = new TreeMap<>(blocked);
  }

  /** A state that remembers nothing. */
  public static SentryState empty() {
    return new SentryState("", Instant.EPOCH, new TreeMap<>(), new TreeMap<>());
  }

  /** Reads a state; one that is damaged costs a repetition, never a silence. */
  public static SentryState read(Path file) {
    try {
      return parse(new String(AtomicFile.read(file), StandardCharsets.UTF_8));
    } catch (IOException | RuntimeException e) {
      return empty();
    }
  }

  /** Writes it durably, if it is not what the file holds anyway. */
  public void write(Path file) throws IOException {
    byte[] content = format().getBytes(StandardCharsets.UTF_8);
    try {
      if (Arrays.equals(content, AtomicFile.read(file))) {
        return;
      }
    } catch (NoSuchFileException e) {
      // then it is written
    }
    AtomicFile.write(file, content);
  }

  /**
   * Decides whom to tell of.
   *
   * @param probes what the table has
   * @param trigger with so many ports a host is one to tell of
   * @param most so many can be named in one alert
   * @param remind how long to say nothing more of a host that goes on
   */
  public Decision decide(ScanSummary probes, int trigger, int most, Instant now, Duration remind) {
    List<ScanningHost> fresh = new ArrayList<>();
    for (ScanningHost prober : probes.hosts()) {
      if (prober.scans(trigger) && isFresh(prober, now, remind)) {
        fresh.add(prober);
      }
    }
    fresh.sort(ScanningHost.WORST_FIRST);
    SortedMap<String, Instant> next = new TreeMap<>(told);
    fresh.forEach(it -> next.put(it.address(), now.truncatedTo(ChronoUnit.SECONDS)));
    SortedMap<String, Instant> kept = recent(next, now, remind);
    boolean flooding = fresh.size() > most;
    boolean lately = !flood.isAfter(now) && flood.plus(FLOOD).isAfter(now);
    if (flooding && lately) {
      // Passed over for good: as long as they are blocked, they would hide who comes after them.
      return new Decision(new SentryState(trouble, flood, kept, blocked), List.of(), false);
    }
    // Behind the many that knock once there may be one that scans, whom there was no room for.
    boolean full = probes.overflowing() && !lately;
    return new Decision(
        new SentryState(trouble, flooding || full ? now : flood, kept, blocked),
        fresh,
        full || !fresh.isEmpty());
  }

  /** A clock that was set back must not silence anything. */
  private boolean isFresh(ScanningHost prober, Instant now, Duration remind) {
    Instant last = told.get(prober.address());
    // cron is never on time to the second.
    Instant due = last == null ? now : last.plus(remind).truncatedTo(ChronoUnit.MINUTES);
    return last == null || last.isAfter(now) || (!due.isAfter(now) && prober.last().isAfter(last));
  }

  /** What may still matter: no probe is older than the window of the table. */
  private static SortedMap<String, Instant> recent(
      SortedMap<String, Instant> told, Instant now, Duration remind) {
    Instant oldest = now.minus(remind).minus(NftRuleset.WINDOW);
    SortedMap<String, Instant> recent = new TreeMap<>();
    told.entrySet().stream()
        .filter(it -> it.getValue().isAfter(oldest))
        .sorted(Map.Entry.comparingByValue(Comparator.reverseOrder()))
        .limit(MOST)
        .forEach(it -> recent.put(it.getKey(), it.getValue()));
    return recent;
  }

  /**
   * The same with what the table says of who is blocked, which may differ by a second each time.
   */
  public SentryState blocking(SortedMap<String, Instant> now) {
    SortedMap<String, Instant> next = new TreeMap<>(now);
    next.replaceAll(
        (address, until) -> {
          Instant known = blocked.getOrDefault(address, Instant.MIN);
          boolean same = !known.isBefore(until.minus(JITTER)) && !known.isAfter(until.plus(JITTER));
          return same ? known : until;
        });
    return new SentryState(trouble, flood, told, next);
  }

  /** The same with a host that the administrator knows of. */
  public SentryState told(String address, Instant now) {
    SortedMap<String, Instant> next = new TreeMap<>(told);
    next.put(address, now);
    return new SentryState(trouble, flood, next, blocked);
  }

  /** The same with why the packet filter cannot be used. */
  public SentryState troubled(String reason) {
    return new SentryState(reason, flood, told, blocked);
  }

  String format() {
    ChecksummedText text = new ChecksummedText(KIND, FORMAT);
    text.line("trouble", trouble);
    text.line("flood", flood.toString());
    told.forEach((address, time) -> text.line("told", address, time.toString()));
    blocked.forEach((address, time) -> text.line("blocked", address, time.toString()));
    return text.seal();
  }

  private static Instant time(String text) {
    if (!Character.isDigit(text.charAt(0))) {
      throw new IllegalArgumentException("no calendar has this year: " + text);
    }
    return Instant.parse(text);
  }

  static SentryState parse(String text) {
    String trouble = "";
    Instant flood = Instant.EPOCH;
    SortedMap<String, Instant> told = new TreeMap<>();
    SortedMap<String, Instant> blocked = new TreeMap<>();
    for (List<String> line : ChecksummedText.open(text, KIND, FORMAT)) {
      switch (line.get(0)) {
        case "trouble" -> trouble = line.get(1);
        case "flood" -> flood = time(line.get(1));
        case "told" -> told.put(line.get(1), time(line.get(2)));
        case "blocked" -> blocked.put(line.get(1), time(line.get(2)));
        default -> throw new IllegalArgumentException("unknown line '" + line.get(0) + "'");
      }
    }
    return new SentryState(trouble, flood, told, blocked);
  }
}
