package org.lsm.monitor;

import static org.lsm.model.TextEscaper.escape;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.stream.Stream;
import org.lsm.alert.AlertPolicy;
import org.lsm.alert.AlertState;
import org.lsm.model.Diff;
import org.lsm.model.Difference;
import org.lsm.model.DifferenceType;
import org.lsm.model.Snapshot;
import org.lsm.model.SocketEntry;
import org.lsm.model.SocketIdentity;
import org.lsm.report.Json;
import org.lsm.storage.StateDirectory;

/**
 * The differences that were active within the last REMIND, hence reported then, or within two days
 * if REMIND is shorter; as the history has them. Some may still be there.
 */
public final class EndedDifferences {
  /** A digest arrives a day late. */
  private static final Duration MIN_AGE = Duration.ofDays(2);

  private EndedDifferences() {}

  /**
   * Reads those that this baseline does not have yet. What was added to a known socket is CHANGED,
   * with the owners of both.
   */
  public static Diff read(Components components, BaselineComparison comparison) throws IOException {
    SocketIdentity identity = comparison.identity();
    Duration remind = components.config().remind();
    Instant since = components.now().minus(remind.compareTo(MIN_AGE) > 0 ? remind : MIN_AGE);
    Map<String, Difference> reported = new LinkedHashMap<>(); // by name, as are the times
    Map<String, Instant> times = new HashMap<>();
    components
        .history()
        .forEach(
            event -> {
              if (event.event().equals("resolved")) {
                times.put(event.what(), event.time());
                if (event.time().isBefore(since)) {
                  reported.remove(event.what()); // the history of years does not fit into memory
                }
              } else if (event.event().equals("appeared")) {
                for (Difference it : Json.difference(event.difference()).stream().toList()) {
                  String name = escape(AlertPolicy.name(it, identity));
                  reported.put(name, it);
                  times.put(name, event.time());
                }
              }
            });
    Path state = components.config().stateDirectory().resolve(StateDirectory.ALERT_STATE);
    AlertState.read(state).entries().keySet().forEach(it -> times.put(escape(it), Instant.MAX));
    reported.keySet().removeIf(it -> times.get(it).isBefore(since));
    Snapshot baseline = comparison.baseline();
    return new Diff(
        reported.values().stream().flatMap(it -> missing(it, baseline, identity)).toList());
  }

  private static Stream<Difference> missing(
      Difference it, Snapshot baseline, SocketIdentity identity) {
    SocketEntry known = baseline.sockets().get(it.endpoint());
    SocketEntry alike = baseline.sockets().get(identity.key(it.after()));
    if (it.type() == DifferenceType.GONE) {
      return Stream.of(it).filter(gone -> known != null && !known.optional());
    }
    if (known == null) {
      return Stream.of(new Difference(DifferenceType.NEW, it.after(), it.after()))
          .filter(added -> alike == null || !it.after().ownersBeyond(alike).isEmpty());
    }
    return Stream.of(new Difference(DifferenceType.CHANGED, known, known.and(it.after())))
        .filter(added -> !it.after().ownersBeyond(known).isEmpty());
  }
}
