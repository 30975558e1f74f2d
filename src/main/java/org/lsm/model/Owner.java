package org.lsm.model;

/**
 * Who holds a socket, as far as identity goes: never a PID, so that a restart is no difference.
 *
 * @param user name of the effective user, or the number where it has no name
 * @param program path of the executable, as {@code /proc/PID/exe} names it
 */
public record Owner(String user, String program) implements Comparable<Owner> {

  /** Stands for a holder that could not be found out, for want of privilege. */
  public static final Owner UNKNOWN = new Owner("?", "?");

  @Override
  public int compareTo(Owner other) {
    int order = program.compareTo(other.program);
    return order != 0 ? order : user.compareTo(other.user);
  }

  // As a record would have them; but those are made at run time, which costs each start 10 ms.

  @Override
  public boolean equals(Object other) {
    return other instanceof Owner owner && user.equals(owner.user) && program.equals(owner.program);
  }

  @Override
  public int hashCode() {
    return 31 * user.hashCode() + program.hashCode();
  }
}
