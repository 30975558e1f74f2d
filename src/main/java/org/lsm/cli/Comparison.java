package org.lsm.cli;

import java.io.IOException;
import java.time.ZoneId;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import org.lsm.alert.Report;
import org.lsm.config.IgnoreRules;
import org.lsm.proc.Survey;
import org.lsm.snapshot.Diff;
import org.lsm.snapshot.Diff.Difference;
import org.lsm.snapshot.Diff.Kind;
import org.lsm.snapshot.Endpoint;
import org.lsm.snapshot.EphemeralPorts;
import org.lsm.snapshot.Flag;
import org.lsm.snapshot.Snapshot;
import org.lsm.snapshot.SocketEntry;
import org.lsm.snapshot.Story;

/**
 * Compares a host with a baseline, and looks again before it believes a difference: a socket is
 * gone only if every look missed it, and one that was there at the first look and is closed at the
 * next was still opened by somebody.
 */
final class Comparison {

  private final Survey survey;
  private final Snapshot baseline;
  private final EphemeralPorts ephemeral;
  private final IgnoreRules rules;
  private final Map<Endpoint, Story> stories = new HashMap<>();

  /**
   * @param survey of the host
   * @param baseline to compare with
   * @param ephemeral the ports that count by owner
   * @param rules for what is ignored on both sides
   */
  Comparison(Survey survey, Snapshot baseline, EphemeralPorts ephemeral, IgnoreRules rules) {
    this.survey = survey;
    this.baseline = baseline.where(rules::isOpen);
    this.ephemeral = ephemeral;
    this.rules = rules;
  }

  /** Looks until the differences are confirmed, and tells them. */
  Report report(ZoneId zone) throws IOException {
    Diff diff = look();
    while (!diff.isEmpty() && !isConfirmed(diff)) {
      diff = look();
    }
    Set<Endpoint> closed = survey.closedAgain();
    closed.forEach(
        endpoint ->
            stories.computeIfPresent(endpoint, (it, story) -> story.with(Flag.ALREADY_CLOSED)));
    return new Report(baseline, found(), diff, stories, survey.notes(), zone);
  }

  private boolean isConfirmed(Diff diff) {
    return survey.isExhausted() || (survey.isSettled() && diff.count(Kind.GONE) == 0);
  }

  private Diff look() throws IOException {
    survey.look();
    Diff diff = Diff.between(baseline, found(), ephemeral);
    for (Difference difference : diff.differences()) {
      // Asked at once: what can be told now may be gone at the next look.
      if (difference.kind() != Kind.GONE && !stories.containsKey(difference.endpoint())) {
        stories.put(difference.endpoint(), survey.story(difference.after()));
      }
    }
    return diff;
  }

  private Snapshot found() {
    Set<Endpoint> closed = survey.closedAgain();
    return survey.found().where(entry -> rules.isOpen(entry) && !isFleeting(entry, closed));
  }

  /** A client's port that was closed before its owner could be found tells nobody anything. */
  private boolean isFleeting(SocketEntry entry, Set<Endpoint> closed) {
    return closed.contains(entry.endpoint())
        && ephemeral.covers(entry.endpoint())
        && !ephemeral.covers(entry);
  }
}
