package org.lsm.alert;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.stream.Collectors.joining;
import static org.lsm.model.TextEscaper.escape;

import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
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
import java.util.function.Function;
import java.util.stream.Stream;
import org.lsm.alert.AlertState.Entry;
import org.lsm.alert.AlertState.Status;
import org.lsm.model.Diff;
import org.lsm.model.Difference;
import org.lsm.model.DifferenceType;
import org.lsm.model.Endpoint;
import org.lsm.model.Owner;
import org.lsm.model.Severity;
import org.lsm.model.Sha256;
import org.lsm.model.SocketEntry;
import org.lsm.model.SocketIdentity;
import org.lsm.report.DiffReport;
import org.lsm.report.EscapedText;

/**
 * Decides when an alert is sent.
 *
 * <p>A difference is active from the compare that first sees it until it was absent from every
 * compare of 30 minutes. It is alerted when it becomes active, when it gets an owner that was not
 * reported with it yet or a higher severity, and when the last alert about it is as old as a
 * reminder. An alert sent for a reminder reports all that differs. When the last active entry is
 * resolved, one all-clear is sent, but not for outbound connections, which are reported once. The
 * same rule holds for what keeps lsm from comparing.
 *
 * <p>Low differences wait for the next alert, whatever its reason, but the all-clear. If there is
 * none, a digest is sent when the first of them has waited for long enough, so that new ones do not
 * delay it, or more than 1,000 are over. It reports all that wait, also those that are over, and
 * repeats the low ones whose reminder is due.
 *
 * <p>An alert names so many differences of a type and counts the others. Those are alerted once
 * more when all of that type can be named.
 *
 * <p>The state is bounded, whatever the users of the host open: its file stays below 16 MiB. Beyond
 * 20,000 entries, one more entry stands for all further differences. Each entry stores up to 100
 * owners (5 once all entries together store 50,000), then as many users with any program; further
 * owners count as reported. 1,000 entries that wait store a line that describes them.
 *
 * @param remind the time between reminders; zero for a reminder at every run
 * @param digest how long the first low difference waits; zero to alert it at once, like others
 * @param maxNamed the number of differences of a type that an alert can name
 */
public record AlertPolicy(Duration remind, Duration digest, int maxNamed) {
  static final int MAX_ENTRIES = 20_000;
  static final int MAX_OWNERS = 100;
  static final int MAX_OWNERS_IF_MANY = 5;
  static final int MANY_OWNERS = 50_000;

  static final int MAX_ENDED = 1000;

  private static final int MAX_TEXTS = 1000;
  private static final int MAX_TEXT = 200; // characters
  private static final int MAX_NAME = 480; // bytes, as it is stored
  static final Duration RESOLVE_AFTER = Duration.ofMinutes(30);
  private static final String FURTHER = "further differences";
  private static final Owner NO_PROCESS = new Owner("", "");

  /**
   * What the policy makes of one run.
   *
   * @param next the state to store once the alert is safe in the outbox
   * @param type empty if no alert is due
   * @param ended low differences that no alert has reported and that are over, in words, escaped
   * @param appeared the differences that became active
   * @param resolved the names of the entries that were resolved
   */
  public record AlertDecision(
      AlertState next,
      Optional<AlertType> type,
      List<Difference> reported,
      List<String> ended,
      List<Difference> appeared,
      List<String> resolved) {
    /** A decision without differences; a type of null stands for no alert. */
    static AlertDecision of(AlertState next, AlertType type) {
      return new AlertDecision(
          next, Optional.ofNullable(type), List.of(), List.of(), List.of(), List.of());
    }
  }

  /** Decides what to report of a compare; {@code differences} is all that differs now. */
  public AlertDecision decide(
      AlertState state,
      List<Difference> differences,
      Function<Difference, Severity> rate,
      SocketIdentity identity,
      Instant now) {
    return new Compare(state, differences, rate, identity, now).decide();
  }

  /**
   * Decides whether to report what keeps lsm from comparing. No difference is resolved by it.
   *
   * @param type {@link AlertType#NO_BASELINE} or {@link AlertType#SCAN_FAILED}
   * @param reason why the scan failed; two reasons that differ in numbers only are one failure
   */
  public AlertDecision decideFailure(AlertState state, AlertType type, String reason, Instant now) {
    SortedMap<String, Entry> next = new TreeMap<>(state.entries());
    String name = bounded(AlertState.failure(type, reason.replaceAll("\\d+", "#")));
    if (!next.containsKey(name) && next.size() >= MAX_ENTRIES) {
      name = AlertState.failure(type, "further reasons");
    }
    Entry known = next.getOrDefault(name, Entry.at(now, Severity.NORMAL)).notAfter(now);
    Entry entry = known.seen(now, known.severity(), known.ownerDigests());
    boolean due = !next.containsKey(name) || hasPassed(remind, entry.lastAlerted(), now);
    next.put(name, due ? entry.alerted(now, Status.NAMED) : entry);
    return AlertDecision.of(new AlertState(next), due ? type : null);
  }

  /** The name of a difference in the state and in the history, not escaped. */
  public static String name(Difference difference, SocketIdentity identity) {
    boolean isGone = difference.type() == DifferenceType.GONE; // it is in the baseline by this name
    Endpoint at = isGone ? difference.endpoint() : identity.key(difference.after());
    // Many users may connect to one port of other hosts, and each is reported once.
    String owners = at.isOutbound() ? " by " + owners(difference.after()) : "";
    return bounded(difference.type() + " " + at + owners);
  }

  /** The users with their units. */
  private static String owners(SocketEntry outbound) {
    Stream<String> owners = outbound.owners().stream().map(it -> it.user() + " " + it.program());
    return owners.map(String::strip).collect(joining(", "));
  }

  /** In whole minutes: cron is never on time to the second. */
  static boolean hasPassed(Duration duration, Instant since, Instant now) {
    Instant end = since.truncatedTo(ChronoUnit.MINUTES).plus(duration);
    return !end.isAfter(now.truncatedTo(ChronoUnit.MINUTES));
  }

  private static String bounded(String name) {
    String escaped = escape(name);
    return escaped.getBytes(UTF_8).length <= MAX_NAME
        ? name
        : escaped.substring(0, MAX_NAME / 4).replace('\\', '?')
            + "..."
            + Sha256.of(escaped).substring(0, 16);
  }

  /** One compare, and what becomes of the state in it. */
  private final class Compare {
    private final Function<Difference, Severity> rate;
    private final Instant now;
    private final SortedMap<String, Entry> next = new TreeMap<>();
    private final Map<String, List<Difference>> current = new LinkedHashMap<>();
    private final Set<String> appeared = new LinkedHashSet<>();
    private final Map<DifferenceType, Integer> counts = new HashMap<>();
    private final Map<Owner, String> digests = new HashMap<>();
    private int totalOwners;
    private int texts;

    Compare(
        AlertState state,
        List<Difference> differences,
        Function<Difference, Severity> rate,
        SocketIdentity identity,
        Instant now) {
      this.rate = rate;
      this.now = now;
      // A time in the future would silence a reminder, or keep back the all-clear, until then.
      state.entries().forEach((name, entry) -> next.put(name, entry.notAfter(now)));
      for (Entry entry : next.values()) {
        totalOwners += entry.ownerDigests().size();
        texts += entry.text().isEmpty() ? 0 : 1;
      }
      for (Difference it : differences) {
        counts.merge(it.type(), 1, Integer::sum);
        String full = name(it, identity);
        String name = next.containsKey(full) || next.size() < MAX_ENTRIES ? full : FURTHER;
        Entry known = next.putIfAbsent(name, Entry.at(now, rate.apply(it)));
        if (known == null || (known.status() == Status.ENDED && !current.containsKey(name))) {
          appeared.add(name);
        }
        current.computeIfAbsent(name, key -> new ArrayList<>()).add(it);
      }
    }

    AlertDecision decide() {
      Set<String> unreported = new LinkedHashSet<>();
      current.keySet().stream().filter(this::hasToBeReported).forEach(unreported::add);
      // An alert of an outbound connection would take the place of the all-clear, which waits.
      boolean isClearLater = unreported.stream().anyMatch(it -> isUrgent(it) && isOutbound(it));
      List<String> resolved = isClearLater ? List.of() : resolved();
      boolean wasUrgent = resolved.stream().anyMatch(this::hasAllClear);
      resolved.forEach(this::end);
      boolean isClear = wasUrgent && next.keySet().stream().noneMatch(this::hasAllClear);
      unreported.stream().filter(it -> !isUrgent(it)).forEach(this::waitForDigest);
      boolean isReminder = current.keySet().stream().anyMatch(it -> isUrgent(it) && isDue(it));
      boolean isDigest = !isClear && isDigestDue();
      boolean isAlert = hasUrgent(unreported) || isReminder || isDigest;
      AlertType other = isDigest ? AlertType.DIGEST : isClear ? AlertType.ALL_CLEAR : null;
      AlertType rest = isReminder ? AlertType.REMINDER : other;
      Set<String> alerted = new LinkedHashSet<>(isAlert ? unreported : Set.of());
      for (String name : isAlert ? current.keySet() : Set.<String>of()) {
        if (isReminder || (isDigest && isDue(name)) || next.get(name).isWaiting()) {
          alerted.add(name);
        }
      }
      List<String> ended = isAlert ? reportEnded() : List.of();
      List<Difference> reported = differences(alerted);
      setAlerted(alerted, unreported, reported);
      return new AlertDecision(
          new AlertState(next),
          Optional.ofNullable(hasUrgent(unreported) ? AlertType.DIFFERENCES : rest),
          reported,
          ended,
          differences(appeared),
          resolved);
    }

    /** Enters what is seen of an entry; returns whether it has to be reported, now or later. */
    private boolean hasToBeReported(String name) {
      Entry entry = next.get(name);
      List<Difference> differences = current.get(name);
      Severity rated = differences.stream().map(rate).reduce(Severity.LOW, Severity::max);
      Entry seen = entry.seen(now, rated, withOwners(entry.ownerDigests(), differences));
      next.put(name, seen);
      return appeared.contains(name)
          || seen.ownerDigests().size() > entry.ownerDigests().size()
          || seen.severity() != entry.severity()
          || (entry.status() == Status.COUNTED
              && counts.get(differences.get(0).type()) <= maxNamed);
    }

    /** The entries that have been absent for long enough. */
    private List<String> resolved() {
      List<String> resolved = new ArrayList<>(next.keySet());
      resolved.removeIf(it -> next.get(it).status() == Status.ENDED);
      resolved.removeIf(it -> !hasPassed(RESOLVE_AFTER, next.get(it).lastSeen(), now));
      return resolved;
    }

    private void end(String name) {
      Entry entry = next.remove(name);
      if (entry.isWaiting()) {
        next.put(name, entry.ended());
      }
    }

    /** Leaves a low difference to the next digest. */
    private void waitForDigest(String name) {
      Entry entry = next.get(name);
      String line = DiffReport.line(current.get(name).get(0), user -> user);
      boolean fits = !entry.text().isEmpty() || texts < MAX_TEXTS;
      texts += fits && entry.text().isEmpty() ? 1 : 0;
      next.put(name, entry.waiting(now, fits ? EscapedText.cut(line, MAX_TEXT) : ""));
    }

    private boolean isUrgent(String name) {
      return digest.isZero() || next.get(name).severity() != Severity.LOW;
    }

    /** Whether an all-clear follows. That a connection has ended clears nothing. */
    private boolean hasAllClear(String name) {
      return isUrgent(name) && !isOutbound(name);
    }

    private boolean isOutbound(String name) {
      // With the slash: a network namespace may have a name that begins in this way.
      return name.startsWith(DifferenceType.NEW + " out-tcp/")
          || name.startsWith(DifferenceType.NEW + " out-udp/");
    }

    private boolean hasUrgent(Collection<String> names) {
      return names.stream().anyMatch(this::isUrgent);
    }

    private boolean isDue(String name) {
      return hasPassed(remind, next.get(name).lastAlerted(), now);
    }

    private boolean isDigestDue() {
      List<Entry> waiting = next.values().stream().filter(Entry::isWaiting).toList();
      long ended = waiting.stream().filter(it -> it.status() == Status.ENDED).count();
      return ended > MAX_ENDED
          || waiting.stream().anyMatch(it -> hasPassed(digest, it.lastAlerted(), now));
    }

    /** What has waited and is not there now, in words. */
    private List<String> reportEnded() {
      List<String> names = new ArrayList<>(next.keySet());
      names.removeIf(it -> current.containsKey(it) || !next.get(it).isWaiting());
      List<String> words = new ArrayList<>();
      for (String name : names) {
        Entry entry = next.remove(name);
        words.add(entry.text().isEmpty() ? EscapedText.escape(name) : entry.text());
        if (entry.status() == Status.WAITING) {
          next.put(name, entry.alerted(now, Status.NAMED)); // it may be back in 30 minutes
        }
      }
      return words;
    }

    private void setAlerted(
        Set<String> alerted, Set<String> unreported, List<Difference> reported) {
      Set<Difference> named = new HashSet<>();
      counts.keySet().forEach(it -> named.addAll(new Diff(reported).of(it, maxNamed)));
      for (String name : alerted) {
        Entry entry = next.get(name);
        boolean wasNamed = entry.status() == Status.NAMED && !unreported.contains(name);
        boolean isNamed = wasNamed || current.get(name).stream().anyMatch(named::contains);
        next.put(name, entry.alerted(now, isNamed ? Status.NAMED : Status.COUNTED));
      }
    }

    private List<Difference> differences(Collection<String> names) {
      Stream<Difference> all = names.stream().flatMap(name -> current.get(name).stream());
      return Severity.sort(all.sorted(Comparator.comparing(Difference::type)).toList(), rate);
    }

    /** The stored owners of an entry and those of these differences, up to the limits. */
    private SortedSet<String> withOwners(SortedSet<String> known, List<Difference> differences) {
      SortedSet<String> all = new TreeSet<>(known);
      for (Difference difference : differences) {
        Set<Owner> owners = new LinkedHashSet<>(difference.identity());
        if (difference.endpoint().isOfClient()) {
          // The next port of the same client may be closed before its program is found.
          difference.users().forEach(it -> owners.add(Owner.maker(it)));
        }
        for (Owner owner : owners.isEmpty() ? Set.of(NO_PROCESS) : owners) {
          int max = totalOwners < MANY_OWNERS ? MAX_OWNERS : MAX_OWNERS_IF_MANY;
          String exact = digest(owner);
          String user = AlertState.USER + digest(new Owner(owner.user(), ""));
          int users = all.tailSet(AlertState.USER).size();
          boolean fits = all.size() - users < max;
          if (!all.contains(exact) && !all.contains(user) && (fits || users < max)) {
            all.add(fits ? exact : user);
            totalOwners++;
          }
        }
      }
      return all;
    }

    private String digest(Owner owner) {
      return digests.computeIfAbsent(owner, it -> it.digest().substring(0, 16));
    }
  }
}
