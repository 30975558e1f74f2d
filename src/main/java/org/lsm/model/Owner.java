package org.lsm.model;

/**
 * The effective user (or its number) and the program; no PID: a restart is not a difference.
 *
 * @param script what an interpreter runs, {@link #UNKNOWN_SCRIPT} where that cannot be known; empty
 *     for other programs
 */
public record Owner(String user, String program, String script) implements Comparable<Owner> {
  public static final String UNKNOWN_SCRIPT = "?";

  /** An owner that lsm lacks the privileges to see. */
  public static final Owner UNKNOWN = new Owner("?", "?");

  /** An owner whose program is not an interpreter. */
  public Owner(String user, String program) {
    this(user, program, "");
  }

  @Override
  public int compareTo(Owner other) {
    int order = program.compareTo(other.program);
    order = order != 0 ? order : script.compareTo(other.script);
    return order != 0 ? order : user.compareTo(other.user);
  }

  // See Endpoint.equals.
  @Override
  public boolean equals(Object other) {
    return other instanceof Owner owner && compareTo(owner) == 0;
  }

  @Override
  public int hashCode() {
    return 31 * (31 * user.hashCode() + program.hashCode()) + script.hashCode();
  }
}
