package org.lsm.sentry;

import java.time.Instant;
import java.util.Map;
import org.lsm.model.Protocol;

/**
 * The first packet of a user and unit to a port of a kind of network, as the kernel recorded it.
 *
 * @param uid of the socket
 * @param controlGroup the inode of the control group of the socket, or its path below
 *     /sys/fs/cgroup; empty if the kernel does not record it
 * @param protocol {@link Protocol#OUT_TCP} or {@link Protocol#OUT_UDP}
 * @param address of the first packet; empty if it is unknown
 * @param time of the first packet
 */
public record OutboundFlow(
    long uid, String controlGroup, Protocol protocol, int port, String address, Instant time) {
  /** The same with the path of the control group, if its inode is one of these. */
  OutboundFlow in(Map<String, String> groups) {
    String path = groups.getOrDefault(controlGroup, controlGroup);
    return new OutboundFlow(uid, path, protocol, port, address, time);
  }
}
