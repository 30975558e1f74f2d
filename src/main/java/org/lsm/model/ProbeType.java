package org.lsm.model;

/** Types of probes, by the TCP flags (RFC 9293, section 3.1). */
public enum ProbeType {
  /** The first packet of any connection, and so of SYN scans and connect scans. */
  SYN,
  /** No flags. */
  NULL,
  /** Only FIN. */
  FIN,
  /** FIN, PSH and URG. */
  XMAS,
  /** Any other flags that no segment of a connection has. */
  ODD,
  UDP
}
