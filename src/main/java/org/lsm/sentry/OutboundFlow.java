package org.lsm.sentry;

import java.time.Instant;
import org.lsm.model.Protocol;

/**
 * The first packet of a user and unit to a port of a kind of network, as the kernel recorded it.
 *
 * @param uid of the socket
 * @param controlGroup the path of the control group of the socket, as nft prints it: below
 *     /sys/fs/cgroup, or a number where the group has ended; empty if the kernel does not record it
 * @param protocol {@link Protocol#OUT_TCP} or {@link Protocol#OUT_UDP}
 * @param address of the first packet; empty if it is unknown
 * @param time of the first packet
 */
public record OutboundFlow(
    long uid, String controlGroup, Protocol protocol, int port, String address, Instant time) {}
