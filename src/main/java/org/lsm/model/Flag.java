package org.lsm.model;

/** A reason to check a socket, an outbound connection, or a process that holds it. */
public enum Flag {
  ALREADY_CLOSED("already closed again"),
  NO_PROCESS("no process holds it"),
  MAKER_DIFFERS("made by another user than those who hold it"),
  OUTSIDE_PID_NAMESPACE("its process may be outside this PID namespace"),
  FORGED("perhaps a forged row, not a socket"),
  UNVERIFIED("perhaps a forged row (only root can verify)"),
  BEYOND_LOOPBACK("reachable beyond loopback"),
  SNIFFER("packet socket, which can capture the traffic of this host"),
  PROGRAM_REPLACED("program file replaced"),
  PROGRAM_DELETED("program file deleted"),
  WORLD_WRITABLE("program in a world-writable directory"),
  MEMFD("program runs from memory (memfd)"),
  INTERPRETER("shell or interpreter"),
  NEW_PORT("a port to which this system user never connected before"),
  SYSTEM_USER("connects as a system user");

  private final String words;

  Flag(String words) {
    this.words = words;
  }

  public String words() {
    return words;
  }
}
