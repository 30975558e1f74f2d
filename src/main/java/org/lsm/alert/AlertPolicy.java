package org.lsm.alert;

import static java.nio.charset.StandardCharsets.UTF_8;
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
import org.lsm.alert.AlertState.Entry;
import org.lsm.model.Diff;
import org.lsm.model.Difference;
import org.lsm.model.DifferenceType;
import org.lsm.model.Endpoint;
import org.lsm.model.Owner;
import org.lsm.model.Sha256;
import org.lsm.model.SocketIdentity;

/**
 * Decides when an alert is sent.
 *
 * <p>A difference is active from the compare that first sees it until it was absent from every
 * compare of 30 minutes. It is alerted when it becomes active, when it gets an owner that was not
 * reported with it yet, and when the last alert about it is as old as a reminder. An alert sent for
 * a reminder reports all that differs. When the last active entry is resolved, one all-clear is
 * sent. The same rule holds for what keeps lsm from comparing.
 *
 * <p>An alert names so many differences of a type and counts the others. Those are alerted once
 * more when all of that type can be named.
 *
 * <p>The state is bounded, whatever the users of the host open: its file stays below 16 MiB. Beyond
 * 20,000 entries, one more entry stands for all further differences. Each entry stores up to 100
 * owners (5 once all entries together store 50,000), then as many users with any program; further
 * owners count as reported.
 *
 * @param remind the time between reminders; zero for a reminder at every run
 * @param maxNamed the number of differences of a type that an alert can name
 */
public record AlertPolicy(Duration remind, int maxNamed) {
  static final int MAX_ENTRIES = 20_000;
  static final int MAX_OWNERS = 100;
  static final int MAX_OWNERS_IF_MANY = 5;
  static final int MANY_OWNERS = 50_000;

  private static final int MAX_NAME = 480; // bytes, as it is stored
  private static final Duration RESOLVE_AFTER = Duration.ofMinutes(30);
  private static final String FURTHER = "further differences";
  private static final Owner NO_PROCESS = new Owner("", "");

  /**
   * What the policy makes of one run.
   *
   * @param next the state to store once the alert is safe in the outbox
   * @param type empty if no alert is due
   * @param appeared the differences that became active
   * @param resolved the names of the entries that were resolved
   */
  public record AlertDecision(
      AlertState next,
      Optional<AlertType> type,
      List<Difference> reported,
      List<Difference> appeared,
      List<String> resolved) {
    /** A decision without differences; a type of null stands for no alert. */
    static AlertDecision of(AlertState next, AlertType type) {
      return new AlertDecision(next, Optional.ofNullable(type), List.of(), List.of(), List.of());
    }
  }

  /** Decides what to report of a compare; {@code differences} is all that differs now. */
  public AlertDecision decide(
      AlertState state, List<Difference> differences, SocketIdentity identity, Instant now) {
    return new Compare(state, differences, identity, now).decide();
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
    Entry entry = next.getOrDefault(name, Entry.at(now)).notAfter(now);
    boolean due = !next.containsKey(name) || hasPassed(remind, entry.lastAlerted(), now);
    next.put(name, due ? entry.alerted(now, true) : entry.seen(now, entry.ownerDigests()));
    return AlertDecision.of(new AlertState(next), due ? type : null);
  }

  /** In whole minutes: cron is never on time to the second. */
  private static boolean hasPassed(Duration duration, Instant since, Instant now) {
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
    private final Instant now;
    private final SortedMap<String, Entry> next = new TreeMap<>();
    private final Map<String, List<Difference>> current = new LinkedHashMap<>();
    private final Set<String> appeared = new LinkedHashSet<>();
    private final Map<DifferenceType, Integer> counts = new HashMap<>();
    private final Map<Owner, String> digests = new HashMap<>();
    private int totalOwners;

    Compare(AlertState state, List<Difference> differences, SocketIdentity identity, Instant now) {
      this.now = now;
      // A time in the future would silence a reminder, or keep back the all-clear, until then.
      state.entries().forEach((name, entry) -> next.put(name, entry.notAfter(now)));
      next.values().forEach(it -> totalOwners += it.ownerDigests().size());
      for (Difference it : differences) {
        counts.merge(it.type(), 1, Integer::sum);
        boolean isGone = it.type() == DifferenceType.GONE; // it is in the baseline by this name
        Endpoint own = isGone ? it.endpoint() : identity.key(it.after());
        String full = bounded(it.type() + " " + own);
        String name = next.containsKey(full) || next.size() < MAX_ENTRIES ? full : FURTHER;
        if (next.putIfAbsent(name, Entry.at(now)) == null) {
          appeared.add(name);
        }
        current.computeIfAbsent(name, key -> new ArrayList<>()).add(it);
      }
    }

    AlertDecision decide() {
      boolean due = false;
      Set<String> fresh = new LinkedHashSet<>();
      for (String name : current.keySet()) {
        Entry entry = next.get(name);
        due |= hasPassed(remind, entry.lastAlerted(), now);
        Entry seen = entry.seen(now, withOwners(entry.ownerDigests(), current.get(name)));
        next.put(name, seen);
        boolean hasNewOwner = seen.ownerDigests().size() > entry.ownerDigests().size();
        boolean canBeNamed = counts.get(current.get(name).get(0).type()) <= maxNamed;
        if (appeared.contains(name) || hasNewOwner || (!entry.named() && canBeNamed)) {
          fresh.add(name);
        }
      }
      Set<String> alerted = new LinkedHashSet<>(fresh);
      alerted.addAll(due ? current.keySet() : Set.of());
      List<Difference> reported = differences(alerted);
      Set<Difference> named = new HashSet<>();
      counts.keySet().forEach(it -> named.addAll(new Diff(reported).of(it, maxNamed)));
      for (String name : alerted) {
        boolean wasNamed = next.get(name).named() && !fresh.contains(name);
        boolean isNamed = current.get(name).stream().anyMatch(named::contains);
        next.computeIfPresent(name, (it, entry) -> entry.alerted(now, isNamed || wasNamed));
      }
      List<String> ended = new ArrayList<>(next.keySet());
      ended.removeIf(it -> !hasPassed(RESOLVE_AFTER, next.get(it).lastSeen(), now));
      ended.forEach(name -> next.remove(name));
      boolean allResolved = next.isEmpty() && !ended.isEmpty();
      AlertType rest = due ? AlertType.REMINDER : allResolved ? AlertType.ALL_CLEAR : null;
      Optional<AlertType> why = Optional.ofNullable(fresh.isEmpty() ? rest : AlertType.DIFFERENCES);
      return new AlertDecision(new AlertState(next), why, reported, differences(appeared), ended);
    }

    private List<Difference> differences(Collection<String> names) {
      return names.stream()
          .flatMap(name -> current.get(name).stream())
          .sorted(Comparator.comparing(Difference::type))
          .toList();
    }

    /** The stored owners of an entry and those of these differences, up to the limits. */
    private SortedSet<String> withOwners(SortedSet<String> known, List<Difference> differences) {
      SortedSet<String> all = new TreeSet<>(known);
      for (Difference difference : differences) {
        Set<Owner> owners = difference.identity();
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
