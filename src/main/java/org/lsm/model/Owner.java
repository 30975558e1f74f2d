package org.lsm.model;

import static org.lsm.model.TextEscaper.escape;

/**
 * The effective user (or its number) and the program; no PID: a restart is not a difference. A path
 * of more than 512 characters is cut in the middle, where its SHA-256 replaces what was cut.
 *
 * @param script what an interpreter runs, {@link #UNKNOWN_SCRIPT} where that cannot be known; empty
 *     for other programs
 */
public record Owner(String user, String program, String script) implements Comparable<Owner> {
  public static final String UNKNOWN_SCRIPT = "?";

  /** An owner that lsm lacks the privileges to see. */
  public static final Owner UNKNOWN = new Owner("?", "?");

  private static final int MAX_PATH = 512;
  private static final int MAX_PART = 200; // of a longer path, before and after its digest
  private static final String MAKER = "(maker)"; // no program: the path of one has a slash

  public Owner {
    program = bounded(program);
    script = bounded(script);
  }

  /** An owner whose program is not an interpreter. */
  public Owner(String user, String program) {
    this(user, program, "");
  }

  /**
   * The user who made a socket, if no process of that user holds it. It counts as an owner: else, a
   * rule or a baseline that has only the holders would cover a socket that was handed over.
   */
  public static Owner maker(String user) {
    return new Owner(user, MAKER);
  }

  /** All owners of a socket that are not kept by name, with the digest of all its owners. */
  static Owner further(int count, String digest) {
    return new Owner("", Plural.count(count, "more owner") + " (sha256 " + digest + ")");
  }

  private static String bounded(String path) {
    return path.length() <= MAX_PATH
        ? path
        : path.substring(0, MAX_PART)
            + "..."
            + Sha256.of(escape(path))
            + "..."
            + path.substring(path.length() - MAX_PART);
  }

  public boolean isMaker() {
    return program.equals(MAKER);
  }

  boolean isFurther() {
    return !program.isEmpty() && Character.isDigit(program.charAt(0)); // a path begins otherwise
  }

  /** How many owners this one stands for. */
  public int count() {
    return isFurther() ? Integer.parseInt(program.substring(0, program.indexOf(' '))) : 1;
  }

  /** SHA-256 of the user, the program and the script, as 64 hexadecimal digits. */
  public String digest() {
    // Escaped text has no tab, and bytes that are not UTF-8 still differ when they are encoded.
    return Sha256.of(escape(user) + "\t" + escape(program) + "\t" + escape(script));
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
    return other instanceof Owner owner
        && program.equals(owner.program)
        && script.equals(owner.script)
        && user.equals(owner.user);
  }

  @Override
  public int hashCode() {
    return 31 * (31 * user.hashCode() + program.hashCode()) + script.hashCode();
  }
}
