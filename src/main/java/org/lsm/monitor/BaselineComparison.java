package org.lsm.monitor;

import java.io.IOException;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Supplier;
import org.lsm.config.Rules;
import org.lsm.model.Diff;
import org.lsm.model.Difference;
import org.lsm.model.DifferenceType;
import org.lsm.model.Endpoint;
import org.lsm.model.Flag;
import org.lsm.model.Plural;
import org.lsm.model.PortSet;
import org.lsm.model.Protocol;
import org.lsm.model.Snapshot;
import org.lsm.model.SocketDetails;
import org.lsm.model.SocketEntry;
import org.lsm.model.SocketIdentity;
import org.lsm.proc.HelperProcesses;
import org.lsm.proc.SocketScanner.DetailsSelector;
import org.lsm.report.DiffReport;
import org.lsm.sentry.HostPorts;

/**
 * Compares a host with a baseline and confirms each difference by further scans: a socket is GONE
 * if every scan missed it, and NEW if one scan saw it, even if the next did not.
 *
 * @param scans of the host, none made yet
 * @param identity what makes a socket the same
 * @param rules for the sockets to ignore on both sides, and those to allow and require
 * @param programs whose files are compared with those of the baseline
 * @param helpers owners that do not make a known socket CHANGED
 */
public record BaselineComparison(
    RepeatedScan scans,
    Snapshot baseline,
    SocketIdentity identity,
    Rules rules,
    ProgramCheck programs,
    HelperProcesses helpers,
    Supplier<ZoneId> zone,
    UserNames users) {

  private static final int MAX_DETAILS = 2 * DiffReport.MAX_NAMED;

  public BaselineComparison {
    baseline = baseline.where(entry -> !rules.ignores(entry));
  }

  /** What makes a socket the same, according to the scans so far. */
  @Override
  public SocketIdentity identity() {
    return scans.identityAfter(identity);
  }

  /** Scans until the differences are confirmed, and reports all of them. */
  public DiffReport compare() throws IOException {
    Selector selector = new Selector();
    scans.scanOnce(selector);
    while (!selector.diff.isEmpty() && !isConfirmed(selector.diff)) {
      scans.dropFromCache(withoutOwner(selector.diff));
      scans.scanOnce(selector);
    }
    Diff diff = selector.diff.withoutGone(scans.damaged());
    return report(diff, scans.found(), selector.visible);
  }

  /** Scans until the sockets are stable, and reports the differences that are still there. */
  public DiffReport compareStable() throws IOException {
    scans.scanUntilStable(new Selector());
    Snapshot open = scans.open();
    Snapshot visible = visible(open);
    return report(diff(visible).withoutGone(scans.damaged()), open, visible);
  }

  /**
   * The ports that this host serves: by a baseline, and as the scans have found them. Those that a
   * client has chosen change all the time, and would change the rules of the packet filter.
   */
  HostPorts ports(Snapshot accepted) {
    SocketIdentity current = identity();
    Snapshot found = scans.found().where(it -> current.key(it).port() != Endpoint.EPHEMERAL);
    PortSet clients = PortSet.parse(identity.first() + "-" + identity.last());
    return HostPorts.of(List.of(accepted, found), clients, rules);
  }

  /**
   * Whether one complete scan and the rules decided: no program file or process was read for it,
   * and no name service was asked.
   */
  boolean dependsOnScanOnly() {
    return scans.isSingleAndComplete()
        && !programs.hasReadFiles()
        && !helpers.hasReadProcesses()
        && !users.hasAsked();
  }

  /** The number of sockets found that rules ignore. */
  public long ignored() {
    return scans.found().sockets().values().stream().filter(rules::ignores).count();
  }

  /** Compares what each scan has found so far, and selects the sockets that the report names. */
  private final class Selector implements DetailsSelector {
    private Snapshot visible;
    private Diff diff;

    @Override
    public Collection<SocketEntry> select(Snapshot found) {
      visible = visible(found);
      diff = diff(visible);
      if (diff.isEmpty()) {
        return List.of();
      }
      List<SocketEntry> selected = new ArrayList<>();
      int room = MAX_DETAILS - scans.details().size();
      for (DifferenceType type : List.of(DifferenceType.CHANGED, DifferenceType.NEW)) {
        for (Difference difference : diff.of(type, DiffReport.MAX_NAMED)) {
          if (selected.size() < room && lacksDetails(difference.after())) {
            selected.add(difference.after());
          }
        }
      }
      return selected;
    }

    /** An owner that only a later scan found has details that the earlier scan did not see. */
    private boolean lacksDetails(SocketEntry entry) {
      SocketDetails known = scans.details().get(entry.endpoint());
      return known == null || (known.processes().isEmpty() && !entry.processes().isEmpty());
    }
  }

  private boolean isConfirmed(Diff diff) {
    return scans.isExhausted() || (scans.isStable() && diff.of(DifferenceType.GONE).size() == 0);
  }

  /** A cache is no proof that a socket has no owner: it may have been passed on meanwhile. */
  private static Set<Endpoint> withoutOwner(Diff diff) {
    Set<Endpoint> endpoints = new HashSet<>();
    for (Difference difference : diff.differences()) {
      SocketEntry entry = difference.after();
      if (entry.ownerNotFound()) {
        endpoints.add(entry.endpoint());
      }
    }
    return endpoints;
  }

  private Diff diff(Snapshot visible) {
    Diff diff =
        rules.onlyIgnore()
            ? differing(baseline, visible)
            : new RuleCheck(rules, helpers).diff(baseline, visible, scans.found(), this::differing);
    List<SocketEntry> replaced = programs.replaced(visible);
    return replaced.isEmpty() ? diff : diff.withReplaced(replaced);
  }

  private Diff differing(Snapshot was, Snapshot now) {
    List<Difference> differences =
        new ArrayList<>(Diff.between(was, now, identity()).differences());
    differences.removeIf(it -> it.type() == DifferenceType.CHANGED && !isProven(it));
    return new Diff(differences);
  }

  /**
   * Whether a socket has changed hands: not if its further owners are helpers, whose processes have
   * to be read while they run, hence in the scan; nor if it closed before its owner was found.
   */
  private boolean isProven(Difference changed) {
    SocketEntry now = changed.after();
    boolean closed = now.hasNoProcess() && scans.hasClosedAgain(now.endpoint());
    return !closed && !helpers.areHelpers(changed.before(), now);
  }

  /**
   * Whether a socket closed before its owner was found and is not reported: one of a client, or one
   * that no other host can reach and that a rule may ignore.
   */
  private boolean isUnreported(SocketEntry entry) {
    Endpoint at = entry.endpoint();
    return scans.isShortLivedClient(entry)
        || (scans.isExhausted()
            && at.protocol() == Protocol.UNIX
            && entry.ownerNotFound()
            && scans.hasClosedAgain(at)
            && !baseline.sockets().containsKey(at)
            && rules.mayIgnore(at));
  }

  /** The sockets found, without the ignored ones. */
  public Snapshot visible(Snapshot found) {
    return programs
        .withOldPaths(found)
        .where(entry -> !rules.ignores(entry) && !isUnreported(entry));
  }

  private DiffReport report(Diff diff, Snapshot found, Snapshot visible) {
    Set<Endpoint> closed = scans.closedAgain();
    Map<Endpoint, SocketDetails> details = new HashMap<>(scans.details());
    for (Endpoint endpoint : closed) {
      details.computeIfPresent(endpoint, (it, known) -> known.with(Flag.ALREADY_CLOSED));
    }
    for (Difference it : diff.differences()) {
      if (!programs.replacedPrograms(it.after()).isEmpty()) {
        details.computeIfPresent(it.endpoint(), (at, known) -> known.with(Flag.PROGRAM_REPLACED));
      }
    }
    if (!diff.isEmpty()) {
      users.readLoginUids(); // a failure is a note
    }
    List<String> notes = notes(found);
    return new DiffReport(baseline, visible, diff, details, notes, zone, users);
  }

  private List<String> notes(Snapshot found) {
    List<String> notes = new ArrayList<>(scans.notes());
    notes.addAll(programs.notes());
    notes.addAll(users.notes());
    int shortLived = 0;
    for (SocketEntry entry : found.sockets().values()) {
      shortLived += isUnreported(entry) ? 1 : 0;
    }
    if (shortLived > 0) {
      String sockets = Plural.count(shortLived, "socket");
      notes.add(sockets + " closed before the owner was found");
    }
    String host = baseline.hostInfo().host();
    if (!host.equals(found.hostInfo().host())) {
      notes.add("the baseline is of a host with the name " + host);
    }
    return notes;
  }
}
