package org.lsm.monitor;

import java.util.ArrayList;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import org.lsm.model.Difference;
import org.lsm.model.DifferenceType;
import org.lsm.model.Endpoint;
import org.lsm.model.Flag;
import org.lsm.model.ServedPort;
import org.lsm.model.SocketDetails;
import org.lsm.model.SocketEntry;
import org.lsm.report.DiffReport;
import org.lsm.sentry.HostPorts;

/** What the packet filter adds to a compare: sockets that were open only between two of them. */
final class ServedPortCheck {
  private static final Set<Flag> CLOSED =
      EnumSet.of(Flag.ALREADY_CLOSED, Flag.NO_PROCESS, Flag.BEYOND_LOOPBACK);

  private ServedPortCheck() {}

  /**
   * Adds the clients of the ports that differ, and reports those as NEW of which no socket was
   * found.
   *
   * @param served since the last compare
   * @param ports of this host, by the baseline and this compare
   * @param notes what limits the trust in it
   */
  static DiffReport add(
      DiffReport report, List<ServedPort> served, HostPorts ports, List<String> notes) {
    Map<Endpoint, SocketDetails> details = new HashMap<>(report.detailsByEndpoint());
    List<Difference> closed = new ArrayList<>();
    for (ServedPort port : served) {
      for (Difference it : report.diff().differences()) {
        if (it.type() != DifferenceType.GONE && port.mayBe(it.endpoint())) {
          details.put(it.endpoint(), report.details(it).with(port.clients()));
        }
      }
      if (!ports.knows(port)) {
        SocketEntry entry = new SocketEntry(port.endpoint(), new TreeSet<>(), List.of());
        closed.add(new Difference(DifferenceType.NEW, entry, entry));
        SocketDetails none = new SocketDetails("", List.of(), List.of(), CLOSED, Optional.empty());
        details.put(entry.endpoint(), none.with(port.clients()));
      }
    }
    return report.with(report.diff().and(closed), details, notes);
  }
}
