package org.lsm.proc;

import static java.nio.file.attribute.PosixFilePermission.OTHERS_WRITE;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.regex.Pattern;
import org.lsm.model.Endpoint;
import org.lsm.model.Flag;
import org.lsm.model.Owner;
import org.lsm.model.ProcessDetails;
import org.lsm.model.ProcessRef;
import org.lsm.model.Protocol;
import org.lsm.model.Protocol.Family;
import org.lsm.model.SocketDetails;
import org.lsm.model.SocketEntry;

/** Reads the details of sockets under /proc, for the sockets of one scan. */
final class DetailsReader {
  private static final int MAX_PEERS = 5;
  private static final int MAX_PARENTS = 16;

  private static final Pattern LOOPBACK = Pattern.compile("(::ffff:)?127\\..*|::1");

  private final ProcessReader processes;
  private final Flag noProcess;
  private final Map<String, String> serviceNames = new HashMap<>();
  private final Map<String, Map<Integer, Set<String>>> peersByTable = new HashMap<>();
  private final Map<ProcessRef, ProcessDetails> processDetails = new HashMap<>();

  /** Takes the names of ports from this file, services(5), which small containers lack. */
  DetailsReader(ProcessReader processes, Path services) throws IOException {
    this.processes = processes;
    this.noProcess =
        processes.isInInnerPidNamespace() ? Flag.OUTSIDE_PID_NAMESPACE : Flag.NO_PROCESS;
    String text = Files.exists(services) ? ProcFile.read(services) : "";
    for (String line : text.split("\n", -1)) {
      String[] words = line.replaceFirst("#.*", "").trim().split("\\s+", -1);
      if (words.length >= 2) {
        serviceNames.putIfAbsent(words[1], words[0]);
      }
    }
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
    Endpoint endpoint = entry.endpoint();
    Family family = endpoint.protocol().family();
    boolean internet = family != Family.PACKET && family != Family.UNIX;
    if (internet && !LOOPBACK.matcher(endpoint.address()).matches()) {
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
      case SCTP, RAW, RAW6, ICMP, ICMP6, PACKET, UNIX -> List.of();
    };
  }

  private ProcessDetails readProcess(ProcessRef process) {
    int pid = process.pid();
    return new ProcessDetails(
        process,
        orEmpty(() -> processes.commandLine(pid)),
        orEmpty(() -> processes.workingDirectory(pid)),
        orEmpty(() -> processes.controlGroup(pid).unit()),
        parents(pid),
        flags(process));
  }

  /** Returns a property of a process; empty if that has ended. */
  private static String orEmpty(Callable<String> property) {
    try {
      return property.call();
    } catch (Exception e) {
      return "";
    }
  }

  private List<ProcessRef> parents(int pid) {
    List<ProcessRef> parents = new ArrayList<>();
    try {
      int parent = processes.parent(pid);
      while (parent > 0 && parents.size() < MAX_PARENTS) {
        parents.add(processes.identify(parent, true));
        parent = processes.parent(parent);
      }
    } catch (IOException | RuntimeException e) {
      // One of them has ended; the chain stops there.
    }
    return parents;
  }

  private Set<Flag> flags(ProcessRef process) {
    Set<Flag> flags = EnumSet.noneOf(Flag.class);
    String program = process.owner().program();
    boolean inMemory = program.startsWith("/memfd:");
    if (inMemory) {
      flags.add(Flag.MEMFD);
    }
    try {
      var executable = processes.executable(process.pid());
      if (!inMemory && executable.isDeleted()) {
        flags.add(Flag.PROGRAM_DELETED);
      }
      for (Path above : executable.directories()) {
        if (Files.exists(above) && Files.getPosixFilePermissions(above).contains(OTHERS_WRITE)) {
          flags.add(Flag.WORLD_WRITABLE);
        }
      }
    } catch (IOException | RuntimeException e) {
      // It has ended; the flags found so far count.
    }
    if (Interpreter.isInterpreter(program)) {
      flags.add(Flag.INTERPRETER);
    }
    return flags;
  }
}
