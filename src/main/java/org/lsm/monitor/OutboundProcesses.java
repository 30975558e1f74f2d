package org.lsm.monitor;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.lsm.model.Connection;
import org.lsm.model.ErrorMessages;
import org.lsm.model.ProcessDetails;
import org.lsm.model.Protocol;
import org.lsm.model.SocketIdentity;
import org.lsm.proc.ControlGroup;
import org.lsm.sentry.OutboundFlow;

/**
 * The processes whose outbound connections are still there, by connection. Those of UDP are not
 * found: their sockets need no connection.
 */
record OutboundProcesses(Map<Connection, List<ProcessDetails>> processes) {
  private static final int MAX_CONNECTIONS = 3; // of a flow: nobody takes the room of others

  /** Finds those of these flows. Adds notes, not escaped; a failure is one, too. */
  static OutboundProcesses find(
      Components components, List<OutboundFlow> flows, List<String> notes) {
    ConnectionScan scan = new ConnectionScan(components);
    try {
      List<Connection> all = scan.connections(notes);
      List<Connection> selected = new ArrayList<>();
      for (OutboundFlow flow : flows) {
        all.stream().filter(it -> isOf(it, flow)).limit(MAX_CONNECTIONS).forEach(selected::add);
      }
      return new OutboundProcesses(scan.processes(selected.stream().distinct().toList(), notes));
    } catch (IOException e) {
      notes.add("the processes of outbound connections are unknown: " + ErrorMessages.explain(e));
      return new OutboundProcesses(Map.of());
    }
  }

  /** Those of some flows: in the unit of each, else those that have left it, by the address. */
  List<ProcessDetails> of(List<OutboundFlow> flows) {
    List<ProcessDetails> inUnit = new ArrayList<>();
    List<ProcessDetails> others = new ArrayList<>();
    for (OutboundFlow flow : flows) {
      processes.forEach(
          (connection, held) -> {
            boolean isOf = isOf(connection, flow);
            boolean isSame = isOf && connection.remote().address().equals(flow.address());
            inUnit.addAll(held.stream().filter(it -> isOf && isInUnit(it, flow)).toList());
            others.addAll(held.stream().filter(it -> isSame).toList());
          });
    }
    return (inUnit.isEmpty() ? others : inUnit).stream().distinct().toList();
  }

  private static boolean isInUnit(ProcessDetails process, OutboundFlow flow) {
    String unit = ControlGroup.lastingUnit(flow.controlGroup());
    return unit.isEmpty() || unit.equals(ControlGroup.lasting(process.unit()));
  }

  /** Where the unit is unknown, only the same address shows that it is the same program. */
  private static boolean isOf(Connection it, OutboundFlow flow) {
    String address = it.remote().address();
    return it.outbound()
        && flow.protocol() == Protocol.OUT_TCP
        && it.socket().uid() == flow.uid()
        && it.remote().port() == flow.port()
        && (ControlGroup.lastingUnit(flow.controlGroup()).isEmpty()
            ? address.equals(flow.address())
            : SocketIdentity.addressClass(address)
                .equals(SocketIdentity.addressClass(flow.address())));
  }
}
