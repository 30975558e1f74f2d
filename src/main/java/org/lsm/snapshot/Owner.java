package org.lsm.snapshot;

import java.util.Comparator;

/**
 * Who holds a socket, as far as identity goes: never a PID, so that a restart is no difference.
 *
 * @param user name of the effective user, or the number where it has no name
 * @param program path of the executable, as {@code /proc/PID/exe} names it
 */
public record Owner(String user, String program) implements Comparable<Owner> {

  /** Stands for a holder that could not be found out, for want of privilege. */
  public static final Owner UNKNOWN = new Owner("?", "?");

  private static final Comparator<Owner> ORDER =
      Comparator.comparing(Owner::program).thenComparing(Owner::user);

  @Override
  public int compareTo(Owner other) {
    return ORDER.compare(this, other);
  }
}
