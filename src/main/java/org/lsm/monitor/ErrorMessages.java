package org.lsm.monitor;

import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import org.lsm.config.ConfigException;

/** What went wrong, in words for people. */
public final class ErrorMessages {

  private ErrorMessages() {}

  /** What happened, where, and what to do; not escaped. */
  public static String explain(Exception e) {
    if (e instanceof NoSuchFileException missing) {
      return missing.getFile() + ": no such file or directory";
    }
    if (e instanceof AccessDeniedException denied) {
      return denied.getFile() + ": permission denied; run lsm as root, or check who owns the file";
    }
    if (e instanceof FileAlreadyExistsException other) {
      return other.getFile() + ": exists and is no directory";
    }
    if (e instanceof FileSystemException failure) {
      String reason = failure.getReason(); // null where the class says it all
      return failure.getFile()
          + ": "
          + (reason == null ? failure.getClass().getSimpleName() : reason);
    }
    if (e instanceof IOException || e instanceof ConfigException) {
      return e.getMessage();
    }
    return "internal error: " + e + "; please report it with what --verbose adds";
  }

  /** The sockets of this host are more than there is memory for. */
  public static IOException outOfMemory(OutOfMemoryError e) {
    return new IOException(
        "there is not enough memory to look at all sockets of this host ("
            + e.getMessage()
            + "); see who opens so many, or give the host more",
        e);
  }
}
