package org.lsm.monitor;

import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.util.Objects;
import org.lsm.config.ConfigException;

/** Error messages for people: what happened, where, and what to do. */
public final class ErrorMessages {
  private ErrorMessages() {}

  /** The message for an exception; not escaped. */
  public static String explain(Exception e) {
    if (e instanceof NoSuchFileException missing) {
      return missing.getFile() + ": no such file or directory";
    }
    if (e instanceof AccessDeniedException denied) {
      return denied.getFile() + ": permission denied; run lsm as root, or check who owns the file";
    }
    if (e instanceof FileAlreadyExistsException other) {
      return other.getFile() + ": exists and is not a directory";
    }
    if (e instanceof FileSystemException failure) {
      String type = failure.getClass().getSimpleName(); // says it all where there is no reason
      return failure.getFile() + ": " + Objects.requireNonNullElse(failure.getReason(), type);
    }
    if (e instanceof IOException || e instanceof ConfigException) {
      return Objects.requireNonNullElse(e.getMessage(), e.toString());
    }
    return "internal error: " + e + "; please report it with what --verbose adds";
  }

  /** The exception for a host with more sockets than memory holds. */
  public static IOException outOfMemory(OutOfMemoryError e) {
    String problem = "there is not enough memory to scan all sockets of this host";
    String advice = "check which program opens so many, or add memory";
    return new IOException(problem + " (" + e.getMessage() + "); " + advice, e);
  }
}
