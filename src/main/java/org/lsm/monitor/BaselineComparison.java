package org.lsm.monitor;

import java.io.IOException;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.lsm.config.IgnoreRules;
import org.lsm.model.Diff;
import org.lsm.model.Difference;
import org.lsm.model.DifferenceType;
import org.lsm.model.Endpoint;
import org.lsm.model.EphemeralPorts;
import org.lsm.model.Flag;
import org.lsm.model.Snapshot;
import org.lsm.model.SocketDetails;
import org.lsm.model.SocketEntry;
import org.lsm.report.DiffReport;

/**
 * Compares a host with a baseline, and looks again before it believes a difference: a socket is
 * gone only if every look missed it, and one that was there at the first look and is closed at the
 * next was still opened by somebody.
 */
public final class BaselineComparison {

  private static final int MOST_STORIES = 2 * DiffReport.MOST_OF_A_KIND;

  private final RepeatedScan scans;
  private final Snapshot baseline;
  private final EphemeralPorts ephemeral;
  private final IgnoreRules rules;
  private final Map<Endpoint, SocketDetails> detailsByEndpoint = new HashMap<>();

  /**
   * @param scans of the host
   * @param baseline to compare with
   * @param ephemeral the ports that count by owner
   * @param rules for what is ignored on both sides
   */
  public BaselineComparison(
      RepeatedScan scans, Snapshot baseline, EphemeralPorts ephemeral, IgnoreRules rules) {
    this.scans = scans;
    this.baseline = baseline.where(rules::isOpen);
    this.ephemeral = ephemeral;
    this.rules = rules;
  }

  /** Looks until the differences are confirmed, and tells them. */
  public DiffReport report(Supplier<ZoneId> zone) throws IOException {
    scans.look();
    Diff diff = tell(differences(scans.found()));
    while (!diff.isEmpty() && !isConfirmed(diff)) {
      scans.forget(ownerless(diff));
      scans.look();
      diff = tell(differences(scans.found()));
    }
    return report(diff, scans.found(), zone);
  }

  /** Tells what differs, without another look, between the baseline and what is there to stay. */
  public DiffReport reportLasting(Supplier<ZoneId> zone) throws IOException {
    return report(tell(differences(scans.lasting())), scans.lasting(), zone);
  }

  private DiffReport report(Diff diff, Snapshot found, Supplier<ZoneId> zone) {
    Set<Endpoint> closed = scans.closedAgain();
    for (Endpoint endpoint : closed) {
      detailsByEndpoint.computeIfPresent(
          endpoint, (it, details) -> details.with(Flag.ALREADY_CLOSED));
    }
    List<String> notes = new ArrayList<>(scans.notes());
    long fleeting = found.sockets().values().stream().filter(it -> isFleeting(it, closed)).count();
    if (fleeting > 0) {
      notes.add(fleeting + " ephemeral ports were closed before their owner could be found");
    }
    String host = baseline.hostInfo().host();
    if (!host.equals(found.hostInfo().host())) {
      notes.add("the baseline was taken when this host was called " + host);
    }
    return new DiffReport(baseline, visible(found), diff, detailsByEndpoint, notes, zone);
  }

  /** The sockets that rules ignore. */
  public long ignored() {
    return scans.found().sockets().values().stream().filter(it -> !rules.isOpen(it)).count();
  }

  /** The ports that count by owner. */
  public EphemeralPorts ephemeral() {
    return ephemeral;
  }

  private boolean isConfirmed(Diff diff) {
    return scans.isExhausted() || (scans.isSettled() && diff.count(DifferenceType.GONE) == 0);
  }

  private Diff differences(Snapshot found) {
    return Diff.between(baseline, visible(found), ephemeral);
  }

  /** Asks for the stories at once: what can be told now may be gone at the next look. */
  private Diff tell(Diff diff) throws IOException {
    for (DifferenceType kind : List.of(DifferenceType.CHANGED, DifferenceType.NEW)) {
      for (Difference difference : diff.of(kind, DiffReport.MOST_OF_A_KIND)) {
        if (detailsByEndpoint.size() < MOST_STORIES && !isTold(difference)) {
          detailsByEndpoint.put(difference.endpoint(), scans.details(difference.after()));
        }
      }
    }
    return diff;
  }

  /** Whose holder was found only at a later look has another story than it had before. */
  private boolean isTold(Difference difference) {
    SocketDetails details = detailsByEndpoint.get(difference.endpoint());
    return details != null
        && (!details.flags().contains(Flag.NO_PROCESS) || difference.after().owners().isEmpty());
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
    Set<Endpoint> closed = scans.closedAgain();
    return found.where(entry -> rules.isOpen(entry) && !isFleeting(entry, closed));
  }

  /** A client's port that was closed before its owner could be found tells nobody anything. */
  private boolean isFleeting(SocketEntry entry, Set<Endpoint> closed) {
    return closed.contains(entry.endpoint())
        && ephemeral.covers(entry.endpoint())
        && !ephemeral.covers(entry);
  }
}
