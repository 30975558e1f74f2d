package org.lsm.proc;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import org.lsm.model.Endpoint;
import org.lsm.model.Flag;
import org.lsm.model.Owner;
import org.lsm.model.ProcessDetails;
import org.lsm.model.ProcessRef;
import org.lsm.model.Protocol;
import org.lsm.model.SocketDetails;
import org.lsm.model.SocketEntry;
import org.lsm.proc.ForeignFiles.Attributes;

/** Reads the details of sockets under /proc, for the sockets of one scan. */
final class DetailsReader {
  private static final int MAX_PEERS = 5;
  private static final int MAX_PARENTS = 16;

  private final ProcessReader processes;
  private final ForeignFiles files;
  private final ProcessIdentifier identifier;
  private final Flag noProcess;
  private final Map<String, String> serviceNames;
  private final Map<String, Map<Integer, Set<String>>> peersByTable = new HashMap<>();
  private final Map<ProcessRef, ProcessDetails> processDetails = new HashMap<>();

  /** Takes the names of ports from this file, services(5), which small containers lack. */
  DetailsReader(ProcessReader processes, ForeignFiles files, Path services) throws IOException {
    this.processes = processes;
    this.files = files;
    this.identifier = new ProcessIdentifier(processes, files, Map.of());
    this.noProcess =
        processes.isInInnerPidNamespace() ? Flag.OUTSIDE_PID_NAMESPACE : Flag.NO_PROCESS;
    this.serviceNames = ServicesFile.read(services);
  }

  /** Returns what is left of the details; a row may be part of the name of a suspected parent. */
  SocketDetails read(SocketEntry entry, NetworkNamespace namespace, Endpoint suspectedParent) {
    Map<Owner, ProcessRef> oldest = new TreeMap<>();
    for (ProcessRef process : entry.processes()) {
      oldest.merge(process.owner(), process, (a, b) -> a.startTicks() <= b.startTicks() ? a : b);
    }
    List<ProcessDetails> details = new ArrayList<>();
    for (ProcessRef process : oldest.values()) {
      details.add(processDetails.computeIfAbsent(process, this::readProcess));
    }
    String port = entry.endpoint().port() + "/" + entry.endpoint().protocol().label();
    return new SocketDetails(
        serviceNames.getOrDefault(port.replaceFirst("6$", ""), ""),
        peers(entry.endpoint(), namespace),
        details,
        flags(entry, suspectedParent != null),
        Optional.ofNullable(suspectedParent));
  }

  private Set<Flag> flags(SocketEntry entry, boolean suspected) {
    Set<Flag> flags = EnumSet.noneOf(Flag.class);
    if (entry.hasNoProcess()) {
      flags.add(noProcess);
    } else if (entry.owners().stream().anyMatch(Owner::isMaker)) {
      flags.add(Flag.MAKER_DIFFERS);
    }
    if (suspected) {
      flags.add(entry.ownerUnknown() ? Flag.UNVERIFIED : Flag.FORGED);
    }
    if (entry.endpoint().protocol() == Protocol.PACKET) {
      flags.add(Flag.SNIFFER);
    } else if (!entry.endpoint().isLocal()) {
      flags.add(Flag.BEYOND_LOOPBACK);
    }
    return flags;
  }

  /** The remote addresses connected to this port. Reads each table once for all its ports. */
  private List<String> peers(Endpoint endpoint, NetworkNamespace namespace) {
    Protocol protocol = endpoint.protocol();
    return switch (protocol) {
      case TCP, TCP6, UDP, UDP6, UDPLITE, UDPLITE6 -> {
        String table = endpoint.table();
        var peers = peersByTable.computeIfAbsent(table, it -> namespace.peers(protocol, MAX_PEERS));
        yield List.copyOf(peers.getOrDefault(endpoint.port(), Set.of()));
      }
      case SCTP, RAW, RAW6, ICMP, ICMP6, PACKET, UNIX, OUT_TCP, OUT_UDP -> List.of();
    };
  }

  /** Reads the details of a process, whether it holds a socket or not. */
  ProcessDetails readProcess(ProcessRef process) {
    int pid = process.pid();
    RunningProcess running;
    try {
      if (processes.startTicks(pid) != process.startTicks()) { // its PID is another's
        return new ProcessDetails(process, "", "", "", List.of(), flags(process, null));
      }
      running = processes.running(pid);
    } catch (IOException | RuntimeException e) {
      running = null; // it has ended
    }
    return new ProcessDetails(
        process,
        running == null ? "" : commandLine(running),
        processes.workingDirectory(pid),
        unit(pid),
        identifier.parents(pid, MAX_PARENTS),
        flags(process, running));
  }

  private String unit(int pid) {
    try {
      return processes.controlGroup(pid).unit();
    } catch (IOException e) {
      return ""; // it has ended
    }
  }

  /** Returns the arguments, separated by spaces. */
  private String commandLine(RunningProcess process) {
    return ProcFile.decode(files.commandLine(process).replace('\0', ' ')).stripTrailing();
  }

  private Set<Flag> flags(ProcessRef process, RunningProcess running) {
    Set<Flag> flags = EnumSet.noneOf(Flag.class);
    String program = process.owner().program();
    if (Interpreter.isInterpreter(program)) {
      flags.add(Flag.INTERPRETER);
    }
    if (running == null) {
      return flags; // those found so far count
    }
    if (running.isInMemory()) {
      flags.add(Flag.MEMFD);
    } else if (running.isMarkedDeleted() && !program.endsWith(running.target())) {
      flags.add(Flag.PROGRAM_DELETED);
    }
    Map<String, Attributes> attributes = files.attributes(Map.of(running, running.directories()));
    if (attributes.values().stream().anyMatch(Attributes::worldWritable)) {
      flags.add(Flag.WORLD_WRITABLE);
    }
    return flags;
  }
}
