package org.lsm.model;

/** What makes a socket, or a process that holds it, worth a second look. */
public enum Flag {
  ALREADY_CLOSED("already closed again"),
  NO_PROCESS("no process holds it"),
  FORGED("perhaps no socket but a forged row"),
  UNVERIFIED("perhaps a forged row, only root can tell"),
  BEYOND_LOOPBACK("reachable beyond loopback"),
  PROGRAM_DELETED("program file deleted"),
  WORLD_WRITABLE("program in a world-writable directory"),
  MEMFD("program runs from memory (memfd)"),
  INTERPRETER("shell or interpreter");

  private final String words;

  Flag(String words) {
    this.words = words;
  }

  /** The flag in words for people. */
  public String words() {
    return words;
  }
}
