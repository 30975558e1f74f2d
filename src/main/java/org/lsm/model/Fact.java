package org.lsm.model;

/** What an investigation asks about a process or a socket beyond its owner. */
public enum Fact {
  CAUSE("cause"),
  PACKET_FILTER("filter"),
  FILE("file"),
  SHA256("SHA-256"),
  PACKAGE("package"),
  SESSION("session"),
  CONTAINER("container"),
  LOGIN("login"),
  TERMINAL("terminal"),
  ENVIRONMENT("environ"),
  CAPABILITIES("capability"),
  SECCOMP("seccomp"),
  NAMESPACES("namespaces"),
  SOCKETS("sockets"),
  CONNECTIONS("connection"),
  DELETED_FILES("deleted"),
  UNKNOWN("unknown");

  private final String label;

  Fact(String label) {
    this.label = label;
  }

  /** The word in front of it in a report. */
  public String label() {
    return label;
  }

  /** Whether its values have a line each, since other users may choose them. */
  public boolean hasLines() {
    return switch (this) {
      case CAPABILITIES, NAMESPACES, UNKNOWN -> false;
      default -> true;
    };
  }
}
