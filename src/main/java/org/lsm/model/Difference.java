package org.lsm.model;

import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;

/**
 * An endpoint that differs between two snapshots. A NEW or GONE one has the same entry twice, and
 * so has a CHANGED one of which only the file of a program was replaced.
 *
 * @param requiredBy the rule that requires a socket which is GONE, or is CHANGED as all its owners
 *     are others; empty for other differences
 */
public record Difference(
    DifferenceType type, SocketEntry before, SocketEntry after, String requiredBy) {
  /** A difference to the baseline. */
  public Difference(DifferenceType type, SocketEntry before, SocketEntry after) {
    this(type, before, after, "");
  }

  public Endpoint endpoint() {
    return after.endpoint();
  }

  /** Returns the difference with a socket that is optional once it is accepted. */
  public Difference asOptional() {
    return new Difference(type, before, after.asOptional(), requiredBy);
  }

  /** Whether it has the same owners, but the file of a program was replaced. */
  public boolean isReplaced() {
    return type == DifferenceType.CHANGED
        && requiredBy.isEmpty()
        && before.owners().equals(after.owners());
  }

  /**
   * The owners that an alert reports; if a program file was replaced, also one entry for each file,
   * so that a second replacement is a new alert.
   */
  public Set<Owner> identity() {
    Set<Owner> identity = new TreeSet<>(after.owners());
    for (ProcessRef it : isReplaced() ? after.processes() : List.<ProcessRef>of()) {
      // The numbers stand in for the script: only the digest is used.
      identity.add(new Owner(it.owner().user(), it.owner().program(), it.file().numbers()));
    }
    return identity;
  }

  public Set<String> users() {
    return after.owners().stream().map(Owner::user).collect(Collectors.toSet());
  }
}
