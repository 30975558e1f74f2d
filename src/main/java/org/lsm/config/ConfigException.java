package org.lsm.config;

import java.nio.file.Path;

/** Something in a configuration file is wrong; the message says where and what to do. */
public final class ConfigException extends Exception {
  private static final long serialVersionUID = 1L;

  ConfigException(Path file, int line, String problem) {
    super(file + ":" + line + ": " + problem);
  }

  ConfigException(Path file, String problem) {
    super(file + ": " + problem);
  }
}
