package org.lsm.alert;

import static org.lsm.alert.ActiveAlert.ALERTNAME;
import static org.lsm.alert.AlertPolicy.hasPassed;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.lsm.report.AlertLabels;
import org.lsm.report.Json;
import org.lsm.storage.ChecksummedText;

/**
 * The file {@code alertmanager-state}: the alerts that fire in Alertmanager, and those that were
 * resolved lately. Each compare makes the next state of it, and all of it is posted.
 *
 * @param host the name of the host by which {@code instance} was found
 * @param instance the label of that name, which must not change with the answers of a resolver
 * @param time of the compare
 * @param firing by their subjects
 */
public record FiringAlerts(
    String host,
    String instance,
    Instant time,
    SortedMap<String, FiringAlert> firing,
    List<FiringAlert> resolved) {
  /** The state before the first alert. */
  public static final FiringAlerts NONE =
      new FiringAlerts("", "", Instant.EPOCH, new TreeMap<>(), List.of());

  static final int MAX_NAMED = 200; // firing alerts of an alertname
  static final int MAX_RESOLVED = 500;

  private static final String KIND = "lsm-alertmanager-state";
  private static final String FORMAT = "1";
  private static final Duration REPEAT_RESOLVED = Duration.ofMinutes(15);
  private static final Duration VALIDITY = Duration.ofHours(24); // of an alert that fires

  /** An alert; {@code resolvedAt} is null while it fires. */
  record FiringAlert(
      String subject,
      SortedMap<String, String> labels,
      SortedMap<String, String> annotations,
      Instant startsAt,
      Instant lastSeen,
      Instant resolvedAt) {
    /** Returns the alert with times in the future set to now. */
    FiringAlert notAfter(Instant now) {
      Instant seen = Collections.min(List.of(lastSeen, now));
      Instant start = Collections.min(List.of(startsAt, seen));
      Instant end = resolvedAt == null || resolvedAt.isBefore(now) ? resolvedAt : now;
      return new FiringAlert(subject, labels, annotations, start, seen, end);
    }

    FiringAlert resolved(Instant now) {
      return new FiringAlert(subject, labels, annotations, startsAt, lastSeen, now);
    }

    /** Whether it has these labels, but for owners that are missing now. */
    boolean covers(SortedMap<String, String> now) {
      SortedMap<String, String> all = new TreeMap<>(now);
      for (String it : List.of("program", "user")) {
        if (labels.containsKey(it) && values(labels, it).containsAll(values(now, it))) {
          all.put(it, labels.get(it));
        }
      }
      return all.equals(labels);
    }

    private static List<String> values(Map<String, String> labels, String name) {
      String value = labels.getOrDefault(name, "");
      return value.isEmpty() ? List.of() : List.of(value.split(AlertLabels.SEPARATOR, -1));
    }

    /** An alert ends when it was last seen; one that fires is valid until it is posted again. */
    PostableAlert postable(Instant validUntil) {
      return resolvedAt == null
          ? new PostableAlert(labels, annotations, startsAt, validUntil)
          : new PostableAlert(labels, annotations, null, lastSeen);
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
   * <p>An alert fires until it was absent from every compare of 30 minutes, or its subject has
   * other labels. Then it is resolved, and stays for 15 minutes and until every node has accepted
   * that, but not longer than the nodes keep one that fires.
   *
   * @param current what is active, those first that are posted if there are too many
   * @param compared whether what is not in {@code current} was absent
   * @param accepted the time of the state that every node has accepted
   */
  public FiringAlerts next(
      List<ActiveAlert> current, boolean compared, Instant accepted, Instant now) {
    SortedMap<String, FiringAlert> next = new TreeMap<>(firing);
    next.replaceAll((subject, it) -> it.notAfter(now));
    List<FiringAlert> over = new ArrayList<>();
    resolved.forEach(it -> over.add(it.notAfter(now)));
    List<ActiveAlert> appeared = new ArrayList<>();
    for (ActiveAlert it : current) {
      boolean isOver = hasPassed(AlertPolicy.RESOLVE_AFTER, it.lastSeen(), now); // a port scan
      if (!isOver && next.containsKey(it.subject())) {
        put(next, over, it, now);
      } else if (!isOver) {
        appeared.add(it);
      }
    }
    for (FiringAlert it : List.copyOf(next.values())) {
      if (compared && hasPassed(AlertPolicy.RESOLVE_AFTER, it.lastSeen, now)) {
        over.add(next.remove(it.subject).resolved(now));
      }
    }
    addNew(next, over, appeared, now);
    return new FiringAlerts(
        host,
        instance,
        now,
        next,
        over.stream()
            .filter(it -> !isDone(it.resolvedAt, accepted, now))
            .sorted(Comparator.comparing(FiringAlert::resolvedAt).reversed())
            .limit(MAX_RESOLVED)
            .toList());
  }

  /** Adds the alerts that there is room for, and one that counts the others. */
  private static void addNew(
      SortedMap<String, FiringAlert> next,
      List<FiringAlert> over,
      List<ActiveAlert> appeared,
      Instant now) {
    Map<String, Integer> counts = new HashMap<>();
    next.values().forEach(it -> counts.merge(it.labels.get(ALERTNAME), 1, Integer::sum));
    Map<String, List<ActiveAlert>> further = new TreeMap<>();
    for (ActiveAlert it : appeared) {
      String name = it.labels().get(ALERTNAME);
      if (counts.merge(name, 1, Integer::sum) <= MAX_NAMED) {
        put(next, over, it, now);
      } else {
        further.computeIfAbsent(name, any -> new ArrayList<>()).add(it);
      }
    }
    further.values().forEach(it -> put(next, over, it.get(0).further(it.size()), now));
  }

  /** Enters what is active; other labels of its subject are resolved. */
  private static void put(
      SortedMap<String, FiringAlert> next,
      List<FiringAlert> over,
      ActiveAlert active,
      Instant now) {
    FiringAlert before = next.get(active.subject());
    boolean isSame = before != null && before.covers(active.labels());
    if (before != null && !isSame) {
      over.add(before.resolved(now));
    }
    FiringAlert entered =
        new FiringAlert(
            active.subject(),
            isSame ? before.labels : active.labels(),
            active.annotations().get(),
            isSame ? before.startsAt : active.firstSeen(),
            active.lastSeen(),
            null);
    next.put(active.subject(), entered.notAfter(now));
    over.removeIf(it -> it.labels.equals(entered.labels));
  }

  private static boolean isDone(Instant resolvedAt, Instant accepted, Instant now) {
    boolean isAccepted = !resolvedAt.isAfter(accepted) && !accepted.isAfter(now);
    return hasPassed(isAccepted ? REPEAT_RESOLVED : VALIDITY, resolvedAt, now);
  }

  public boolean isEmpty() {
    return firing.isEmpty() && resolved.isEmpty();
  }

  /** All alerts as they are posted. */
  public List<PostableAlert> postable() {
    return all().map(it -> it.postable(time.plus(VALIDITY))).toList();
  }

  private Stream<FiringAlert> all() {
    return Stream.concat(firing.values().stream(), resolved.stream());
  }

  /** Reads a state; a damaged one is an IllegalArgumentException. */
  public static FiringAlerts read(Path file) throws IOException {
    List<List<String>> lines = ChecksummedText.read(file, KIND, FORMAT);
    List<String> head = lines.get(0);
    SortedMap<String, FiringAlert> firing = new TreeMap<>();
    List<FiringAlert> resolved = new ArrayList<>();
    for (List<String> line : lines.subList(1, lines.size())) {
      FiringAlert alert = Json.read(line.get(0), FiringAlert.class);
      if (alert.resolvedAt == null) {
        firing.put(alert.subject, alert);
      } else {
        resolved.add(alert);
      }
    }
    Instant time = ChecksummedText.time(head.get(2));
    return new FiringAlerts(head.get(0), head.get(1), time, firing, resolved);
  }

  public void write(Path file) throws IOException {
    ChecksummedText text = new ChecksummedText(KIND, FORMAT).line(host, instance, time);
    all().forEach(it -> text.line(Json.line(it)));
    text.write(file);
  }
}
