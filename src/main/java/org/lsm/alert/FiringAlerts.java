package org.lsm.alert;

import static org.lsm.alert.AlertPolicy.hasPassed;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import org.lsm.report.AlertLabels;
import org.lsm.report.Json;
import org.lsm.storage.ChecksummedText;

/**
 * The file {@code alertmanager-state}: the alerts that fire in Alertmanager, or are resolved there
 * since a short time. Each compare makes the next state of it, and all of it is posted.
 *
 * @param host the name of the host by which {@code instance} was found
 * @param instance the label of that name, which must not change with the answers of a resolver
 * @param time of the compare
 * @param alerts by their labels
 */
public record FiringAlerts(
    String host, String instance, Instant time, SortedMap<String, FiringAlert> alerts) {
  /** The state before the first alert. */
  public static final FiringAlerts NONE = new FiringAlerts("", "", Instant.EPOCH, new TreeMap<>());

  static final int MAX_NAMED = 200; // firing alerts of an alertname
  static final int MAX_RESOLVED = 500;

  private static final String KIND = "lsm-alertmanager-state";
  private static final String FORMAT = "1";
  private static final Duration REPEAT_RESOLVED = Duration.ofMinutes(15);
  private static final Duration VALIDITY = Duration.ofHours(24); // of an alert that fires

  /** An alert; {@code resolvedAt} is null while it fires. */
  public record FiringAlert(
      String subject,
      SortedMap<String, String> labels,
      SortedMap<String, String> annotations,
      Instant startsAt,
      Instant lastSeen,
      Instant resolvedAt) {
    static FiringAlert of(ActiveAlert active, Instant start, Instant now) {
      return new FiringAlert(
              active.subject(),
              active.labels(),
              active.annotations().get(),
              start,
              active.lastSeen(),
              null)
          .notAfter(now);
    }

    FiringAlert notAfter(Instant now) {
      Instant seen = Collections.min(List.of(lastSeen, now));
      Instant start = Collections.min(List.of(startsAt, seen));
      return new FiringAlert(subject, labels, annotations, start, seen, resolvedAt);
    }

    FiringAlert resolved(Instant now) {
      return new FiringAlert(subject, labels, annotations, startsAt, lastSeen, now);
    }

    boolean fires() {
      return resolvedAt == null;
    }

    private String alertname() {
      return labels.get(ActiveAlert.ALERTNAME);
    }

    /** Whether it has these labels, but for owners that are missing now. */
    private boolean covers(SortedMap<String, String> now) {
      SortedMap<String, String> all = new TreeMap<>(now);
      for (String it : List.of("program", "user")) {
        if (values(labels, it).containsAll(values(now, it)) && labels.containsKey(it)) {
          all.put(it, labels.get(it));
        }
      }
      return all.equals(labels);
    }

    private static Set<String> values(Map<String, String> labels, String name) {
      String value = labels.getOrDefault(name, "");
      return value.isEmpty()
          ? Set.of()
          : Set.copyOf(List.of(value.split(AlertLabels.SEPARATOR, -1)));
    }
  }

  /** An alert as the API takes it; a resolved one has no start. */
  public record PostableAlert(
      SortedMap<String, String> labels,
      SortedMap<String, String> annotations,
      Instant startsAt,
      Instant endsAt) {}

  /**
   * The state after a run.
   *
   * <p>An alert stays until it was absent from every compare of 30 minutes. Then it is resolved, at
   * once if its subject has other labels now. A resolved alert stays for 15 minutes, and until
   * every node has accepted it, but not longer than the nodes keep one that fires.
   *
   * @param current what is active, those first that are posted if there are too many
   * @param compared whether what is not in {@code current} was absent
   * @param accepted the time of the state that every node has accepted
   */
  public FiringAlerts next(
      List<ActiveAlert> current, boolean compared, Instant accepted, Instant now) {
    SortedMap<String, FiringAlert> next = new TreeMap<>();
    alerts.forEach((key, it) -> next.put(key, it.notAfter(now)));
    Map<String, List<FiringAlert>> known = new HashMap<>();
    next.values().stream()
        .filter(FiringAlert::fires)
        .forEach(it -> known.computeIfAbsent(it.subject, any -> new ArrayList<>()).add(it));
    Set<String> seen = new HashSet<>();
    Set<String> subjects = new HashSet<>();
    List<ActiveAlert> appeared = new ArrayList<>();
    for (ActiveAlert it : current) {
      if (hasPassed(AlertPolicy.RESOLVE_AFTER, it.lastSeen(), now)) {
        continue; // a port scan that is over
      }
      subjects.add(it.subject());
      Optional<FiringAlert> same =
          known.getOrDefault(it.subject(), List.of()).stream()
              .filter(alert -> alert.covers(it.labels()))
              .findFirst();
      if (same.isPresent()) {
        seen.add(put(next, it.with(same.get().labels), now));
      } else {
        appeared.add(it);
      }
    }
    next.replaceAll(
        (key, it) -> {
          boolean isOver = compared && hasPassed(AlertPolicy.RESOLVE_AFTER, it.lastSeen, now);
          boolean isOther = subjects.contains(it.subject) && !seen.contains(key);
          return it.fires() && (isOver || isOther) ? it.resolved(now) : it;
        });
    addNew(next, appeared, now);
    dropResolved(next, accepted, now);
    return new FiringAlerts(host, instance, now, next);
  }

  /** Adds the alerts that there is room for, and one that counts the others. */
  private static void addNew(
      SortedMap<String, FiringAlert> next, List<ActiveAlert> appeared, Instant now) {
    Map<String, Integer> counts = new HashMap<>();
    next.values().stream()
        .filter(FiringAlert::fires)
        .forEach(it -> counts.merge(it.alertname(), 1, Integer::sum));
    Map<String, List<ActiveAlert>> further = new TreeMap<>();
    for (ActiveAlert it : appeared) {
      if (counts.merge(it.alertname(), 1, Integer::sum) <= MAX_NAMED) {
        put(next, it, now);
      } else {
        further.computeIfAbsent(it.alertname(), any -> new ArrayList<>()).add(it);
      }
    }
    further.values().forEach(it -> put(next, it.get(0).further(it.size()), now));
  }

  private static String put(SortedMap<String, FiringAlert> next, ActiveAlert active, Instant now) {
    String key = key(active.labels());
    FiringAlert before = next.get(key);
    Instant start = before == null ? active.firstSeen() : before.fires() ? before.startsAt : now;
    next.put(key, FiringAlert.of(active, start, now));
    return key;
  }

  private static String key(SortedMap<String, String> labels) {
    return Json.line(labels);
  }

  private static void dropResolved(
      SortedMap<String, FiringAlert> next, Instant accepted, Instant now) {
    List<FiringAlert> resolved =
        next.values().stream()
            .filter(it -> !it.fires())
            .sorted(Comparator.comparing(FiringAlert::resolvedAt, Comparator.reverseOrder()))
            .toList();
    for (int i = 0; i < resolved.size(); i++) {
      if (i >= MAX_RESOLVED || isDone(resolved.get(i).resolvedAt, accepted, now)) {
        next.remove(key(resolved.get(i).labels));
      }
    }
  }

  private static boolean isDone(Instant resolvedAt, Instant accepted, Instant now) {
    boolean wasPosted =
        hasPassed(REPEAT_RESOLVED, resolvedAt, now) && !resolvedAt.isAfter(accepted);
    return wasPosted || hasPassed(VALIDITY, resolvedAt, now);
  }

  public boolean isEmpty() {
    return alerts.isEmpty();
  }

  /** All alerts as they are posted. */
  public List<PostableAlert> postable() {
    return alerts.values().stream()
        .map(
            it ->
                new PostableAlert(
                    it.labels,
                    it.annotations,
                    it.fires() ? it.startsAt : null,
                    it.fires() ? time.plus(VALIDITY) : it.lastSeen))
        .toList();
  }

  /** Reads a state; a damaged one is an IllegalArgumentException. */
  public static FiringAlerts read(Path file) throws IOException {
    List<List<String>> lines = ChecksummedText.read(file, KIND, FORMAT);
    List<String> head = lines.get(0);
    SortedMap<String, FiringAlert> alerts = new TreeMap<>();
    for (List<String> line : lines.subList(1, lines.size())) {
      FiringAlert alert = Json.read(line.get(0), FiringAlert.class);
      alerts.put(key(alert.labels), alert);
    }
    return new FiringAlerts(head.get(0), head.get(1), ChecksummedText.time(head.get(2)), alerts);
  }

  public void write(Path file) throws IOException {
    ChecksummedText text = new ChecksummedText(KIND, FORMAT).line(host, instance, time);
    alerts.values().forEach(it -> text.line(Json.line(it)));
    text.write(file);
  }
}
