package org.lsm.proc;

/** A row that is not what the kernel documents; it is skipped, counted and reported. */
final class MalformedRowException extends Exception {
  private static final long serialVersionUID = 1L;

  MalformedRowException(String reason) {
    super(reason);
  }
}
