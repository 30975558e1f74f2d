package org.lsm.model;

import java.time.Duration;
import java.util.List;

/**
 * A TCP connection.
 *
 * @param socket the end of this host
 * @param state as ss(8) names it: {@code ESTAB}
 * @param outbound whether no listener of this host serves its local port
 */
public record Connection(
    SocketKey socket, Endpoint remote, String state, boolean outbound, Traffic traffic) {

  /** Bytes of payload since the connection began, and bytes per second; null where unknown. */
  public record Traffic(Long bytesSent, Long bytesReceived, Long sendRate, Long receiveRate) {
    /** What a connection has had before it began. */
    public static final Traffic NONE = new Traffic(0L, 0L, null, null);

    /** Adds the rates since an earlier time, so long ago. */
    public Traffic since(Traffic before, Duration time) {
      Long sent = perSecond(before.bytesSent, bytesSent, time);
      Long received = perSecond(before.bytesReceived, bytesReceived, time);
      return new Traffic(bytesSent, bytesReceived, sent, received);
    }

    private static Long perSecond(Long before, Long now, Duration time) {
      boolean isUnknown = before == null || now == null;
      return isUnknown ? null : Math.max(0, now - before) * 1000 / Math.max(1, time.toMillis());
    }

    /** Bytes per second in both directions; null where unknown. */
    public Long rate() {
      return sendRate == null || receiveRate == null ? null : Long.valueOf(sendRate + receiveRate);
    }

    /** Bytes in both directions; 0 where unknown. */
    public long bytes() {
      return bytesSent == null ? 0 : bytesSent + bytesReceived;
    }
  }

  /** What identifies it while it lasts. The inode does not: closing a socket takes it away. */
  public List<Endpoint> ends() {
    return List.of(socket.endpoint(), remote);
  }

  public Connection with(Traffic other) {
    return new Connection(socket, remote, state, outbound, other);
  }
}
