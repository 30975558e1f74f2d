package org.lsm.model;

/**
 * The content of the file of a program.
 *
 * @param path as /proc/PID/exe names it
 * @param sha256 64 hexadecimal digits; empty if it is unknown
 * @param vouched whether a package of this host has this content at this path
 */
public record ProgramDigest(String path, ProgramFile file, String sha256, boolean vouched) {
  /** Whether both have the same content at the same path. */
  public boolean hasContentOf(ProgramDigest other) {
    return !sha256.isEmpty() && sha256.equals(other.sha256) && path.equals(other.path);
  }

  public ProgramDigest with(boolean isVouched) {
    return new ProgramDigest(path, file, sha256, isVouched);
  }
}
