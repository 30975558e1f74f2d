package org.lsm.cli;

import java.io.IOException;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Supplier;
import java.util.stream.Collectors;
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

  private static final int MOST_STORIES = 2 * Report.MOST_OF_A_KIND;

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
  Report report(Supplier<ZoneId> zone) throws IOException {
    survey.look();
    Diff diff = tell(differences(survey.found()));
    while (!diff.isEmpty() && !isConfirmed(diff)) {
      survey.forget(ownerless(diff));
      survey.look();
      diff = tell(differences(survey.found()));
    }
    return report(diff, survey.found(), zone);
  }

  /** Tells what differs, without another look, between the baseline and what is there to stay. */
  Report reportLasting(Supplier<ZoneId> zone) throws IOException {
    return report(tell(differences(survey.lasting())), survey.lasting(), zone);
  }

  private Report report(Diff diff, Snapshot found, Supplier<ZoneId> zone) {
    Set<Endpoint> closed = survey.closedAgain();
    for (Endpoint endpoint : closed) {
      stories.computeIfPresent(endpoint, (it, story) -> story.with(Flag.ALREADY_CLOSED));
    }
    List<String> notes = new ArrayList<>(survey.notes());
    long fleeting = found.sockets().values().stream().filter(it -> isFleeting(it, closed)).count();
    if (fleeting > 0) {
      notes.add(fleeting + " ephemeral ports were closed before their owner could be found");
    }
    String host = baseline.origin().host();
    if (!host.equals(found.origin().host())) {
      notes.add("the baseline was taken when this host was called " + host);
    }
    return new Report(baseline, visible(found), diff, stories, notes, zone);
  }

  /** The sockets that rules ignore. */
  long ignored() {
    return survey.found().sockets().values().stream().filter(it -> !rules.isOpen(it)).count();
  }

  /** The ports that count by owner. */
  EphemeralPorts ephemeral() {
    return ephemeral;
  }

  private boolean isConfirmed(Diff diff) {
    return survey.isExhausted() || (survey.isSettled() && diff.count(Kind.GONE) == 0);
  }

  private Diff differences(Snapshot found) {
    return Diff.between(baseline, visible(found), ephemeral);
  }

  /** Asks for the stories at once: what can be told now may be gone at the next look. */
  private Diff tell(Diff diff) throws IOException {
    for (Kind kind : List.of(Kind.CHANGED, Kind.NEW)) {
      for (Difference difference : diff.of(kind, Report.MOST_OF_A_KIND)) {
        if (stories.size() < MOST_STORIES && !isTold(difference)) {
          stories.put(difference.endpoint(), survey.story(difference.after()));
        }
      }
    }
    return diff;
  }

  /** Whose holder was found only at a later look has another story than it had before. */
  private boolean isTold(Difference difference) {
    Story story = stories.get(difference.endpoint());
    return story != null
        && (!story.flags().contains(Flag.NO_PROCESS) || difference.after().owners().isEmpty());
  }

  /** That nobody holds a socket is not believed from memory: it may have been on its way. */
  private static Set<Endpoint> ownerless(Diff diff) {
    return diff.differences().stream()
        .map(Difference::after)
        .filter(entry -> entry.owners().isEmpty() || entry.ownerUnknown())
        .map(SocketEntry::endpoint)
        .collect(Collectors.toSet());
  }

  private Snapshot visible(Snapshot found) {
    Set<Endpoint> closed = survey.closedAgain();
    return found.where(entry -> rules.isOpen(entry) && !isFleeting(entry, closed));
  }

  /** A client's port that was closed before its owner could be found tells nobody anything. */
  private boolean isFleeting(SocketEntry entry, Set<Endpoint> closed) {
    return closed.contains(entry.endpoint())
        && ephemeral.covers(entry.endpoint())
        && !ephemeral.covers(entry);
  }
}
