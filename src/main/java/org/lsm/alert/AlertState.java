package org.lsm.alert;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.lsm.model.Diff;
import org.lsm.model.Difference;
import org.lsm.model.DifferenceType;
import org.lsm.model.Endpoint;
import org.lsm.model.EphemeralPorts;
import org.lsm.model.Owner;
import org.lsm.report.DiffReport;
import org.lsm.storage.AtomicFile;
import org.lsm.storage.ChecksummedText;

/**
 * What the administrator was told, and when: decides what is worth an alert.
 *
 * <p>A difference is told when it first appears, and again at each reminder while it lasts. One
 * that ends and comes back within the time of a reminder is not told again; only if an all-clear
 * was sent in between it is, for else it would have been taken back silently. From then on it
 * counts as flapping, and the all-clear waits until it has stayed away for the time of a reminder.
 *
 * @param entries what was told, by what it was about
 */
public record AlertState(SortedMap<String, Entry> entries) {

  private static final String KIND = "lsm-alert-state";
  private static final String FORMAT = "1";

  private static final String NO_BASELINE = "no baseline";

  /** Before the reason why nothing could be compared. */
  private static final String ERROR = "trouble: ";

  private static final Optional<Instant> NOT = Optional.empty();

  /** In the place of an owner: that no process holds it any more is worth telling as well. */
  private static final Owner NOBODY = new Owner("", "");

  /** Lest somebody who opens sockets under ever new names fill the disk; the rest is told again. */
  private static final int MOST_ENDED = 10_000;

  /** How it stands with a difference. */
  enum Phase {
    /** It was counted in what was told, but not named. */
    COUNTED,
    /** It was told. */
    OPEN,
    /** It has ended, and that was told. */
    CLEARED,
    /** It came back after that. */
    FLAPPING
  }

  /**
   * What was told of a difference.
   *
   * @param phase how it stands
   * @param told when it was told last
   * @param ended since when it differs no more; empty while it does
   * @param owners all owners that were told
   */
  record Entry(Phase phase, Instant told, Optional<Instant> ended, SortedSet<Owner> owners) {

    boolean lasts() {
      return ended.isEmpty();
    }
  }

  /**
   * What one comparison makes of it.
   *
   * @param next what was told once this is
   * @param told the differences to tell now
   * @param type why to tell them; empty if nothing is to be told
   * @param appeared the differences that were not there at the last comparison
   * @param ended names of those that are no longer
   */
  public record Decision(
      AlertState next,
      List<Difference> told,
      Optional<AlertType> type,
      List<Difference> appeared,
      List<String> ended) {}

  public AlertState {
    entries = new TreeMap<>(entries);
  }

  /** Nothing was told yet. */
  public static AlertState nothing() {
    return new AlertState(new TreeMap<>());
  }

  /**
   * Reads what was told. One that is damaged costs a repetition, never a silence: everything is
   * fresh, and if nothing differs that is told as well.
   */
  public static AlertState read(Path file) {
    try {
      return parse(new String(AtomicFile.read(file), StandardCharsets.UTF_8));
    } catch (NoSuchFileException e) {
      return nothing();
    } catch (IOException | RuntimeException e) {
      Optional<Instant> ended = Optional.of(Instant.EPOCH);
      Entry lost = new Entry(Phase.OPEN, Instant.EPOCH, ended, new TreeSet<>());
      return new AlertState(new TreeMap<>(Map.of("what was told before", lost)));
    }
  }

  /** Writes it durably, if it is not what the file holds anyway. */
  public void write(Path file, AlertState before) throws IOException {
    if (!entries.equals(before.entries)) {
      AtomicFile.write(file, format().getBytes(StandardCharsets.UTF_8));
    }
  }

  /** The number of differences that last. */
  public long lasting() {
    return entries.keySet().stream().filter(key -> lasts(key) && !isTrouble(key)).count();
  }

  /** Whether nothing can be compared. */
  public boolean isBlind() {
    return entries.keySet().stream().anyMatch(key -> lasts(key) && isTrouble(key));
  }

  private static boolean isTrouble(String key) {
    return key.equals(NO_BASELINE) || key.startsWith(ERROR);
  }

  /**
   * Decides what to tell of a comparison.
   *
   * @param differences all that differs now
   * @param ephemeral the ports that count by owner
   * @param time now
   * @param remind how long to say nothing more of what lasts; zero for not at all
   */
  public Decision decide(
      List<Difference> differences, EphemeralPorts ephemeral, Instant time, Duration remind) {
    if (differences.isEmpty() && entries.isEmpty()) {
      // Nearly every run: what is below would only load code to find that out.
      return new Decision(this, List.of(), Optional.empty(), List.of(), List.of());
    }
    Map<String, List<Difference>> current = new LinkedHashMap<>();
    for (Difference difference : differences) {
      current.computeIfAbsent(key(difference, ephemeral), it -> new ArrayList<>()).add(difference);
    }
    return new Comparing(time, remind).decide(current);
  }

  /** Decides whether to tell that there is no baseline; nothing is known of differences then. */
  public Decision decideWithoutBaseline(Instant time, Duration remind) {
    return new Comparing(time, remind)
        .decide(NO_BASELINE, AlertType.NO_BASELINE, !lasts(NO_BASELINE));
  }

  /**
   * Decides whether to tell that nothing could be compared.
   *
   * @param reason why, which makes it the same trouble whatever the numbers in it
   */
  public Decision decideInTrouble(String reason, Instant time, Duration remind) {
    String key = ERROR + reason.replaceAll("\\d+", "#");
    boolean fresh = Comparing.isFresh(entries.get(key), new TreeSet<>());
    return new Comparing(time, remind).decide(key, AlertType.SCAN_FAILED, fresh);
  }

  /** What makes a difference the same at the next comparison; its owners are compared apart. */
  private static String key(Difference difference, EphemeralPorts ephemeral) {
    Endpoint endpoint = difference.endpoint();
    boolean covered = ephemeral.covers(difference.after());
    return difference.type() + " " + (covered ? EphemeralPorts.generalize(endpoint) : endpoint);
  }

  private static SortedSet<Owner> owners(List<Difference> differences) {
    SortedSet<Owner> owners = new TreeSet<>();
    for (Difference difference : differences) {
      owners.addAll(difference.after().owners());
      if (difference.after().owners().isEmpty()) {
        owners.add(NOBODY);
      }
    }
    return owners;
  }

  private boolean lasts(String key) {
    return entries.containsKey(key) && entries.get(key).lasts();
  }

  private static List<Difference> differences(
      Collection<String> keys, Map<String, List<Difference>> current) {
    return keys.stream()
        .flatMap(key -> current.get(key).stream())
        .sorted(Comparator.comparing(Difference::type))
        .toList();
  }

  /** One comparison with what was told. */
  private final class Comparing {

    private final Instant now;
    private final Duration remind;

    Comparing(Instant time, Duration remind) {
      // cron is never on time to the second, and a reminder should not come later each day.
      this.now = time.truncatedTo(ChronoUnit.MINUTES);
      this.remind = remind;
    }

    Decision decide(Map<String, List<Difference>> current) {
      boolean reminder = current.keySet().stream().anyMatch(key -> isDue(entries.get(key)));
      Set<String> fresh = fresh(current);
      fresh.addAll(nameable(current));
      Set<String> telling = new LinkedHashSet<>(fresh);
      if (reminder) {
        telling.addAll(current.keySet());
      }
      List<Difference> told = differences(telling, current);
      SortedMap<String, Entry> next = next(current, telling, Set.copyOf(named(told)));
      boolean clear = current.isEmpty() && isClear(next.values());
      AlertType type =
          !fresh.isEmpty() ? AlertType.DIFFERENCES : reminder ? AlertType.REMINDER : null;
      return new Decision(
          new AlertState(kept(next, clear)),
          told,
          Optional.ofNullable(clear ? AlertType.ALL_CLEAR : type),
          differences(current.keySet().stream().filter(key -> !lasts(key)).toList(), current),
          entries.keySet().stream()
              .filter(key -> lasts(key) && !current.containsKey(key))
              .toList());
    }

    private SortedMap<String, Entry> next(
        Map<String, List<Difference>> current, Set<String> telling, Set<Difference> named) {
      SortedMap<String, Entry> next = new TreeMap<>();
      entries.forEach((key, entry) -> next.put(key, ended(entry)));
      current.forEach(
          (key, differences) ->
              next.put(
                  key,
                  lasting(
                      key,
                      telling.contains(key),
                      differences.stream().anyMatch(named::contains),
                      owners(differences))));
      return next;
    }

    private Set<String> fresh(Map<String, List<Difference>> current) {
      return current.keySet().stream()
          .filter(key -> isFresh(entries.get(key), owners(current.get(key))))
          .collect(Collectors.toCollection(LinkedHashSet::new));
    }

    /**
     * What was only counted as long as there was too much to name, and is still there now that
     * there is not: who makes a lot of noise for a moment is not to hide what stays.
     */
    private List<String> nameable(Map<String, List<Difference>> current) {
      Map<DifferenceType, Integer> counts = new EnumMap<>(DifferenceType.class);
      current.values().forEach(it -> counts.merge(it.get(0).type(), it.size(), Integer::sum));
      return current.keySet().stream()
          .filter(key -> entries.containsKey(key) && entries.get(key).phase() == Phase.COUNTED)
          .filter(key -> counts.get(current.get(key).get(0).type()) <= DiffReport.MAX_NAMED)
          .toList();
    }

    private static List<Difference> named(List<Difference> told) {
      return DiffReport.named(new Diff(told));
    }

    Decision decide(String trouble, AlertType kind, boolean fresh) {
      boolean due = fresh || isDue(entries.get(trouble));
      SortedMap<String, Entry> next = new TreeMap<>(entries);
      next.put(trouble, lasting(trouble, due, true, new TreeSet<>()));
      Optional<AlertType> type = due ? Optional.of(kind) : Optional.empty();
      return new Decision(new AlertState(next), List.of(), type, List.of(), List.of());
    }

    private static boolean isFresh(Entry known, SortedSet<Owner> owners) {
      return known == null || known.phase() == Phase.CLEARED || !known.owners().containsAll(owners);
    }

    /** A clock that was set back must not silence anything. */
    private boolean isDue(Entry known) {
      return known != null
          && (known.told().isAfter(now) || !known.told().plus(remind).isAfter(now));
    }

    private Entry lasting(String key, boolean tellNow, boolean named, SortedSet<Owner> owners) {
      Entry known = entries.getOrDefault(key, new Entry(Phase.OPEN, now, NOT, owners));
      SortedSet<Owner> all = new TreeSet<>(known.owners());
      all.addAll(owners);
      return new Entry(phase(key, named), tellNow ? now : known.told(), NOT, all);
    }

    private Phase phase(String key, boolean named) {
      Phase phase = entries.containsKey(key) ? entries.get(key).phase() : Phase.COUNTED;
      return switch (phase) {
        case COUNTED -> named ? Phase.OPEN : Phase.COUNTED;
        case OPEN -> Phase.OPEN;
        case CLEARED, FLAPPING -> Phase.FLAPPING;
      };
    }

    private Entry ended(Entry entry) {
      return entry.lasts()
          ? new Entry(entry.phase(), entry.told(), Optional.of(now), entry.owners())
          : entry;
    }

    /** Whether an all-clear is owed, and nothing that flaps may be back in a moment. */
    private boolean isClear(Collection<Entry> ended) {
      return ended.stream().anyMatch(entry -> entry.phase() != Phase.CLEARED)
          && ended.stream().noneMatch(entry -> entry.phase() == Phase.FLAPPING && isRecent(entry));
    }

    /** A clock that was set back must not keep an all-clear either. */
    private boolean isRecent(Entry entry) {
      return entry
          .ended()
          .map(ended -> !ended.isAfter(now) && ended.plus(remind).isAfter(now))
          .orElse(true);
    }

    /** What is worth remembering: what lasts, and what ended not long ago. */
    private SortedMap<String, Entry> kept(SortedMap<String, Entry> next, boolean clear) {
      SortedMap<String, Entry> kept = new TreeMap<>();
      next.entrySet().stream()
          .filter(it -> isRecent(it.getValue()))
          .sorted(Comparator.comparing(it -> endOrNever(it.getValue()), Comparator.reverseOrder()))
          .limit(MOST_ENDED + next.values().stream().filter(Entry::lasts).count())
          .forEach(it -> kept.put(it.getKey(), clear ? cleared(it.getValue()) : it.getValue()));
      return kept;
    }

    private static Instant endOrNever(Entry entry) {
      return entry.ended().orElse(Instant.MAX);
    }

    private static Entry cleared(Entry entry) {
      return new Entry(Phase.CLEARED, entry.told(), entry.ended(), entry.owners());
    }
  }

  String format() {
    ChecksummedText text = new ChecksummedText(KIND, FORMAT);
    entries.forEach(
        (key, entry) -> {
          List<String> fields = new ArrayList<>();
          fields.add(key);
          fields.add(entry.phase().name());
          fields.add(entry.told().toString());
          fields.add(entry.ended().map(Instant::toString).orElse(""));
          for (Owner owner : entry.owners()) {
            fields.add(owner.user());
            fields.add(owner.program());
          }
          text.line(fields.toArray(String[]::new));
        });
    return text.seal();
  }

  static AlertState parse(String text) {
    SortedMap<String, Entry> entries = new TreeMap<>();
    for (List<String> line : ChecksummedText.open(text, KIND, FORMAT)) {
      Iterator<String> field = line.iterator();
      String key = field.next();
      Phase phase = Phase.valueOf(field.next());
      Instant told = Instant.parse(field.next());
      Optional<Instant> ended =
          Optional.of(field.next()).filter(it -> !it.isEmpty()).map(Instant::parse);
      SortedSet<Owner> owners = new TreeSet<>();
      while (field.hasNext()) {
        owners.add(new Owner(field.next(), field.next()));
      }
      entries.put(key, new Entry(phase, told, ended, owners));
    }
    return new AlertState(entries);
  }
}
