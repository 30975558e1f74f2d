package org.lsm.model;

/** Types of probes, by the TCP flags (RFC 9293, section 3.1). */
public enum ProbeType {
  SYN, // the first packet of any connection, and so of SYN scans and connect scans
  NULL, // no flags
  FIN, // only FIN
  XMAS, // FIN, PSH and URG
  ODD, // any other flags that no segment of a connection has
  UDP
}
