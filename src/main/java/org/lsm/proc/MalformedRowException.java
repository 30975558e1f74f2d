package org.lsm.proc;

/** A row that is not laid out as the kernel documents it. */
final class MalformedRowException extends Exception {
  private static final long serialVersionUID = 1L;

  MalformedRowException(String reason) {
    super(reason);
  }
}
