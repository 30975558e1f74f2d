package org.lsm.sentry;

import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
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
  private static final Pattern LOOPBACK = Pattern.compile("(::ffff:)?127\\..*|::1");

  /** Where ip_local_port_range was widened to them, as for {@link Endpoint#EPHEMERAL}. */
  private static final PortSet REGISTERED = PortSet.parse("1-32767");

  /** The ports of a host on which these sockets are served. */
  public static HostPorts of(List<Snapshot> serving, PortSet clients, Rules rules) {
    PortSet tcp = served(serving, Protocol.TCP, Protocol.TCP6);
    PortSet udp = served(serving, Protocol.UDP, Protocol.UDP6);
    PortSet ephemeral = clients.without(REGISTERED);
    PortSet knownTcp = tcp.and(rules.ports(Protocol.TCP)).and(ephemeral);
    PortSet knownUdp = udp.and(rules.ports(Protocol.UDP)).and(ephemeral);
    return new HostPorts(tcp, udp, clients, knownTcp, knownUdp);
  }

  /** The ports that other hosts can reach. */
  private static PortSet served(List<Snapshot> serving, Protocol ipv4, Protocol ipv6) {
    Set<Integer> ports = new TreeSet<>();
    for (Snapshot snapshot : serving) {
      for (Endpoint it : snapshot.sockets().keySet()) {
        boolean matches = it.protocol() == ipv4 || it.protocol() == ipv6;
        if (matches
            && it.netns().isEmpty()
            && it.port() > 0
            && !LOOPBACK.matcher(it.address()).matches()) {
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
