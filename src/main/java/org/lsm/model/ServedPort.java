package org.lsm.model;

import java.time.Instant;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;

/**
 * A port that was served to other hosts when they sent packets to it, and was in no baseline then.
 *
 * @param protocol TCP or UDP, for both versions of IP
 * @param clients at least one, those with the most packets first
 */
public record ServedPort(Protocol protocol, int port, List<PortClient> clients) {
  private static final Comparator<PortClient> BUSIEST_FIRST =
      Comparator.comparing(PortClient::packets)
          .reversed()
          .thenComparing(PortClient::first)
          .thenComparing(PortClient::address);

  public ServedPort {
    clients = clients.stream().sorted(BUSIEST_FIRST).toList();
  }

  /** The port with the clients that came after a time; empty if none did. */
  public Optional<ServedPort> after(Instant time) {
    List<PortClient> later = clients.stream().filter(it -> it.last().isAfter(time)).toList();
    return later.isEmpty() ? Optional.empty() : Optional.of(new ServedPort(protocol, port, later));
  }

  /** Whether clients of this port may have reached a socket with this endpoint. */
  public boolean mayBe(Endpoint at) {
    String label = at.protocol().label();
    return at.netns().isEmpty()
        && at.hasPort(port)
        && (label.equals(protocol.label()) || label.equals(protocol.label() + "6"))
        && !at.isLocal();
  }

  /** The name of the socket once it is closed: as if it had been bound to all addresses. */
  public Endpoint endpoint() {
    boolean isIpv6 = clients.stream().allMatch(it -> it.address().indexOf(':') >= 0);
    return isIpv6
        ? Endpoint.of(protocol.label() + "6", "[::]:" + port)
        : Endpoint.of(protocol.label(), "0.0.0.0:" + port);
  }
}
