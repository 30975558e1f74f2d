package org.lsm.config;

import java.nio.file.Path;

/** A mistake in a configuration file; the message says where it is and what to do. */
public final class ConfigException extends Exception {
  private static final long serialVersionUID = 1L;

  ConfigException(Path file, int line, String problem) {
    super(file + ":" + line + ": " + problem);
  }

  ConfigException(Path file, String problem) {
    super(file + ": " + problem);
  }
}
