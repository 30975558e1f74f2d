package org.lsm.monitor;

import static org.lsm.model.TextEscaper.escape;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.lsm.alert.AlertState;
import org.lsm.alert.History;
import org.lsm.model.Diff;
import org.lsm.model.Difference;
import org.lsm.model.DifferenceType;
import org.lsm.model.Snapshot;
import org.lsm.model.SocketEntry;
import org.lsm.report.Json;
import org.lsm.storage.StateDirectory;

/**
 * The differences that were active within the last REMIND, hence reported then, or within a day if
 * REMIND is shorter; as the history has them. Some may still be there.
 */
public final class EndedDifferences {
  private static final Duration MIN_AGE = Duration.ofDays(1);

  private final Map<String, Difference> differences = new LinkedHashMap<>(); // by name
  private final Map<String, Instant> active = new HashMap<>(); // the last known time, by name

  private EndedDifferences() {}

  /**
   * Reads those that this baseline does not have yet. What was added to a known socket is CHANGED,
   * with the owners of both.
   */
  public static Diff read(Components components, Snapshot baseline) throws IOException {
    EndedDifferences ended = new EndedDifferences();
    components.history().forEach(ended::add);
    Path state = components.config().stateDirectory().resolve(StateDirectory.ALERT_STATE);
    Set<String> now =
        AlertState.read(state).entries().keySet().stream()
            .map(it -> escape(it))
            .collect(Collectors.toSet());
    Duration remind = components.config().remind();
    Instant since = components.now().minus(remind.compareTo(MIN_AGE) > 0 ? remind : MIN_AGE);
    List<Difference> missing = new ArrayList<>();
    ended.differences.forEach(
        (name, it) -> {
          if (now.contains(name) || !ended.active.get(name).isBefore(since)) {
            addMissing(it, baseline.sockets().get(it.endpoint()), missing);
          }
        });
    return new Diff(missing);
  }

  private void add(History.Event event) {
    if (event.event().equals("appeared")) {
      Json.difference(event.difference())
          .ifPresent(
              it -> {
                String name = escape(it.type() + " " + it.endpoint());
                differences.put(name, it);
                active.put(name, event.time());
              });
    } else if (event.event().equals("resolved")) {
      active.replace(event.what(), event.time());
    }
  }

  private static void addMissing(Difference it, SocketEntry known, List<Difference> missing) {
    if (it.type() == DifferenceType.GONE) {
      if (known != null && !known.optional()) {
        missing.add(new Difference(DifferenceType.GONE, known, known));
      }
    } else if (known == null) {
      missing.add(new Difference(DifferenceType.NEW, it.after(), it.after()));
    } else if (!it.after().ownersBeyond(known).isEmpty()) {
      missing.add(new Difference(DifferenceType.CHANGED, known, known.and(it.after())));
    }
  }
}
