package org.lsm.model;

import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * The watched protocols, named as their tables in /proc/net (proc_net(5)); and those of outbound
 * connections, which the packet filter records.
 */
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
  UNIX(Family.UNIX),
  OUT_TCP(Family.OUTBOUND),
  OUT_UDP(Family.OUTBOUND);

  /** The format of a table and of its addresses. */
  public enum Family {
    INET,
    INET6,
    SCTP,
    PACKET,
    UNIX,
    OUTBOUND
  }

  private static final Map<String, Protocol> BY_LABEL = new HashMap<>();

  static {
    for (Protocol protocol : values()) {
      BY_LABEL.put(protocol.label, protocol);
    }
  }

  private final Family family;
  private final String label = EnumName.of(this).replace('_', '-');

  Protocol(Family family) {
    this.family = family;
  }

  public Family family() {
    return family;
  }

  /** The name in reports and files: {@code tcp}, {@code udp6}, {@code out-tcp}. */
  public String label() {
    return label;
  }

  /** The names of the protocols of sockets. */
  public static String labels() {
    return Stream.of(values())
        .filter(it -> it.family != Family.OUTBOUND)
        .map(Protocol::label)
        .collect(Collectors.joining(", "));
  }

  public static Optional<Protocol> of(String label) {
    return Optional.ofNullable(BY_LABEL.get(label));
  }
}
