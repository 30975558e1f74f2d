package org.lsm.sentry;

import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.lsm.config.Rules;
import org.lsm.model.Endpoint;
import org.lsm.model.PortSet;
import org.lsm.model.Protocol;
import org.lsm.model.ServedPort;
import org.lsm.model.Snapshot;

/**
 * What the packet filter has to know about the ports of this host.
 *
 * @param tcp the ports that sockets serve to other hosts; udp likewise
 * @param clients the ephemeral ports of the kernel, where answers arrive
 * @param knownTcp the ports whose clients are of no interest: those served, those that rules name,
 *     and those of clients; knownUdp likewise
 */
public record HostPorts(
    PortSet tcp, PortSet udp, PortSet clients, PortSet knownTcp, PortSet knownUdp) {
  /** Ports of services even where ip_local_port_range was widened to them. */
  private static final PortSet BELOW_EPHEMERAL = PortSet.parse("1-32767");

  /** The ports of a host on which these sockets are served. */
  public static HostPorts of(List<Snapshot> serving, PortSet clients, Rules rules) {
    PortSet tcp = served(serving, Protocol.TCP, Protocol.TCP6);
    PortSet udp = served(serving, Protocol.UDP, Protocol.UDP6);
    PortSet ephemeral = clients.without(BELOW_EPHEMERAL);
    PortSet knownTcp = tcp.with(rules.ports(Protocol.TCP)).with(ephemeral);
    PortSet knownUdp = udp.with(rules.ports(Protocol.UDP)).with(ephemeral);
    return new HostPorts(tcp, udp, clients, knownTcp, knownUdp);
  }

  /** The ports that other hosts can reach. */
  private static PortSet served(List<Snapshot> serving, Protocol ipv4, Protocol ipv6) {
    Set<Integer> ports = new TreeSet<>();
    for (Snapshot snapshot : serving) {
      for (Endpoint it : snapshot.sockets().keySet()) {
        boolean matches = it.protocol() == ipv4 || it.protocol() == ipv6;
        if (matches && it.netns().isEmpty() && it.port() > 0 && !it.isLocal()) {
          ports.add(it.port());
        }
      }
    }
    return PortSet.of(ports);
  }

  /** Whether the clients of this port are of no interest. */
  public boolean knows(ServedPort port) {
    return (port.protocol() == Protocol.TCP ? knownTcp : knownUdp).ports().get(port.port());
  }
}
