package org.lsm.model;

import java.util.Locale;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** The protocols lsm watches, by the names that the kernel gives their tables (proc_net(5)). */
public enum Protocol {
  TCP(Family.INET),
  TCP6(Family.INET6),
  UDP(Family.INET),
  UDP6(Family.INET6),
  UDPLITE(Family.INET),
  UDPLITE6(Family.INET6),
  SCTP(Family.SCTP),
  RAW(Family.INET),
  RAW6(Family.INET6),
  ICMP(Family.INET),
  ICMP6(Family.INET6),
  PACKET(Family.PACKET),
  UNIX(Family.UNIX);

  /** Protocols of one family share the layout of their table and the form of their addresses. */
  public enum Family {
    INET,
    INET6,
    SCTP,
    PACKET,
    UNIX
  }

  private final Family family;
  private final String label = name().toLowerCase(Locale.ROOT);

  Protocol(Family family) {
    this.family = family;
  }

  public Family family() {
    return family;
  }

  /** The protocol as it is printed and stored: {@code tcp}, {@code udp6}, {@code unix}. */
  public String label() {
    return label;
  }

  /** All labels, for messages. */
  public static String labels() {
    return Stream.of(values()).map(Protocol::label).collect(Collectors.joining(", "));
  }

  /** The protocol with this label, if there is one. */
  public static Optional<Protocol> of(String label) {
    return Stream.of(values()).filter(protocol -> protocol.label.equals(label)).findFirst();
  }
}
