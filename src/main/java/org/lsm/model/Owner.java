package org.lsm.model;

/**
 * The owner of a socket. It has no PID: a restart of the program is not a difference.
 *
 * @param user name of the effective user, or its number if it has no name
 * @param program target of {@code /proc/PID/exe}
 */
public record Owner(String user, String program) implements Comparable<Owner> {

  /** An owner that lsm lacks the privileges to see. */
  public static final Owner UNKNOWN = new Owner("?", "?");

  @Override
  public int compareTo(Owner other) {
    int order = program.compareTo(other.program);
    return order != 0 ? order : user.compareTo(other.user);
  }

  // See Endpoint.equals.

  @Override
  public boolean equals(Object other) {
    return other instanceof Owner owner && user.equals(owner.user) && program.equals(owner.program);
  }

  @Override
  public int hashCode() {
    return 31 * user.hashCode() + program.hashCode();
  }
}
