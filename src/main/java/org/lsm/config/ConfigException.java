package org.lsm.config;

/** A mistake in a configuration file; the message says where it is and what to do. */
public final class ConfigException extends Exception {
  private static final long serialVersionUID = 1L;

  ConfigException(String message) {
    super(message);
  }
}
