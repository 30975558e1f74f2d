package org.lsm.model;

/** The effective user (or its number) and the program; no PID: a restart is not a difference. */
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
    return other instanceof Owner owner && compareTo(owner) == 0;
  }

  @Override
  public int hashCode() {
    return 31 * user.hashCode() + program.hashCode();
  }
}
