package org.lsm.model;

import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.util.Map;
import java.util.Objects;

/** Error messages for people: what happened, where, and what to do. */
public final class ErrorMessages {
  /** The reasons that Java names by the class of the exception alone. */
  private static final Map<Class<?>, String> REASONS =
      Map.of(
          NoSuchFileException.class, "no such file or directory",
          AccessDeniedException.class,
              "permission denied; run lsm as root, or check who owns the file",
          FileAlreadyExistsException.class, "exists and is not a directory",
          NotDirectoryException.class, "is not a directory",
          DirectoryNotEmptyException.class, "is a directory that is not empty");

  private ErrorMessages() {}

  /** The message for an exception; not escaped. */
  public static String explain(Exception e) {
    if (e instanceof FileSystemException failure) {
      String reason = Objects.requireNonNullElse(failure.getReason(), "cannot be read or written");
      return failure.getFile() + ": " + REASONS.getOrDefault(e.getClass(), reason);
    }
    if (e instanceof RuntimeException) {
      return "internal error: " + e + "; please report it with what --verbose adds";
    }
    return Objects.requireNonNullElse(e.getMessage(), "input or output failed");
  }

  /** The exception for a host with more sockets than memory holds. */
  public static IOException outOfMemory(OutOfMemoryError e) {
    String problem = "there is not enough memory to scan all sockets of this host";
    String advice = "check which program opens so many, or add memory";
    return new IOException(problem + " (" + e.getMessage() + "); " + advice, e);
  }
}
