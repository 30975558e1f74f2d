package org.lsm.model;

/** The kinds of probes, by the flags of TCP (RFC 9293, section 3.1). */
public enum ProbeType {
  /** What every connection begins with: a SYN scan and a connect scan look the same here. */
  SYN,
  /** No flag at all. */
  NULL,
  /** FIN alone. */
  FIN,
  /** FIN, PSH and URG. */
  XMAS,
  /** Any other flags that no segment of a connection has. */
  ODD,
  UDP
}
