package org.lsm.monitor;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.function.BiFunction;
import org.lsm.config.Rules;
import org.lsm.config.Rules.Rule;
import org.lsm.model.Diff;
import org.lsm.model.Difference;
import org.lsm.model.DifferenceType;
import org.lsm.model.Endpoint;
import org.lsm.model.Snapshot;
import org.lsm.model.SocketEntry;
import org.lsm.proc.HelperProcesses;

/**
 * Compares sockets with the rules that allow and require some of them; what no rule allows is
 * compared with the baseline.
 */
public record RuleCheck(Rules rules, HelperProcesses helpers) {
  /**
   * Returns the differences.
   *
   * @param visible the sockets found that no rule ignores
   * @param found all of them: a rule may require an ignored one
   * @param comparison of a baseline and sockets
   */
  Diff diff(
      Snapshot baseline,
      Snapshot visible,
      Snapshot found,
      BiFunction<Snapshot, Snapshot, Diff> comparison) {
    Set<Endpoint> accepted = visible.where(this::accepts).sockets().keySet();
    Snapshot rest = visible.where(it -> !accepted.contains(it.endpoint()));
    Snapshot known = baseline.where(it -> !accepted.contains(it.endpoint()));
    Set<Endpoint> optional = known.where(it -> !rules.allowing(it).isEmpty()).sockets().keySet();
    List<Difference> differences = new ArrayList<>();
    for (Difference it : comparison.apply(known.withOptional(optional), rest).differences()) {
      SocketEntry allowed = rules.allowed(it.after()).orElse(null); // never of GONE: optional
      if (allowed == null) {
        differences.add(it);
      } else {
        SocketEntry was = it.type() == DifferenceType.NEW ? allowed : allowed.and(it.before());
        if (!hasOnlyOwnersOf(was, it.after())) {
          differences.add(new Difference(DifferenceType.CHANGED, was, it.after()));
        }
      }
    }
    return new Diff(missing(rest, found)).and(differences);
  }

  /** Whether rules allow all owners of a socket, or the others are their helpers. */
  public boolean accepts(SocketEntry now) {
    return rules.allowed(now).filter(allowed -> hasOnlyOwnersOf(allowed, now)).isPresent();
  }

  /** Whether a socket has no owners but these and their helpers. */
  private boolean hasOnlyOwnersOf(SocketEntry was, SocketEntry now) {
    return now.ownersBeyond(was).isEmpty() || helpers.areHelpers(was, now);
  }

  /** What rules require and nobody holds is GONE; if only others hold it, it is CHANGED. */
  private List<Difference> missing(Snapshot rest, Snapshot found) {
    List<Difference> missing = new ArrayList<>();
    for (Rule rule : rules.rules()) {
      SocketEntry required = rule.required();
      if (required == null || found.sockets().values().stream().anyMatch(rule::matches)) {
        continue;
      }
      Snapshot ofOthers = rest.where(it -> rule.endpoint().test(it.endpoint()));
      for (SocketEntry now : ofOthers.sockets().values()) {
        SocketEntry was = new SocketEntry(now.endpoint(), required.owners(), List.of());
        missing.add(new Difference(DifferenceType.CHANGED, was, now, rule.location()));
      }
      if (ofOthers.sockets().isEmpty()) {
        missing.add(new Difference(DifferenceType.GONE, required, required, rule.location()));
      }
    }
    return missing;
  }
}
