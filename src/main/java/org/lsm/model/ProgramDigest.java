package org.lsm.model;

/**
 * The content of the file of a program.
 *
 * @param path as /proc/PID/exe names it
 * @param sha256 64 hexadecimal digits; empty if it is unknown
 * @param vouched whether a package of this host has this content at this path
 */
public record ProgramDigest(String path, ProgramFile file, String sha256, boolean vouched) {
  // A record links these methods at run time, which costs 10 ms at each start.
  @Override
  public boolean equals(Object other) {
    return other instanceof ProgramDigest it
        && vouched == it.vouched
        && file.equals(it.file)
        && path.equals(it.path)
        && sha256.equals(it.sha256);
  }

  @Override
  public int hashCode() {
    return 31 * (31 * path.hashCode() + file.hashCode()) + sha256.hashCode();
  }

  /** Whether both have the same content at the same path. */
  public boolean hasContentOf(ProgramDigest other) {
    return !sha256.isEmpty() && sha256.equals(other.sha256) && path.equals(other.path);
  }

  public ProgramDigest with(boolean isVouched) {
    return new ProgramDigest(path, file, sha256, isVouched);
  }
}
