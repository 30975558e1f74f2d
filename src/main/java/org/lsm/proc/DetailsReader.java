package org.lsm.proc;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Pattern;
import org.lsm.model.Endpoint;
import org.lsm.model.Flag;
import org.lsm.model.Owner;
import org.lsm.model.ProcessDetails;
import org.lsm.model.ProcessRef;
import org.lsm.model.SocketDetails;
import org.lsm.model.SocketEntry;

/** Reads the details of sockets under /proc, for the sockets of one scan. */
final class DetailsReader {

  private static final int MAX_PEERS = 5;
  private static final int MAX_PARENTS = 16;

  private static final Pattern INTERPRETER =
      Pattern.compile(
          "(|a|ba|c|da|fi|k|mk|tc|z)sh|busybox|toybox|[gm]?awk|expect|tclsh[\\d.]*"
              + "|(perl|python|pypy|ruby|lua|luajit|php|php-cgi|node|nodejs)[\\d.]*");
  private static final Pattern LOOPBACK = Pattern.compile("(::ffff:)?127\\..*|::1");

  private final ProcessReader processes;
  private final Path services;
  private final Map<String, String> serviceNames = new HashMap<>();
  private final Map<String, Map<Integer, List<String>>> peersByTable = new HashMap<>();
  private final Map<ProcessRef, ProcessDetails> processDetails = new HashMap<>();

  /**
   * @param processes the processes of the host
   * @param services the file with the names of ports, services(5)
   */
  DetailsReader(ProcessReader processes, Path services) {
    this.processes = processes;
    this.services = services;
  }

  /**
   * The details of a socket, without those that have vanished meanwhile.
   *
   * @param suspectedParent the socket whose name its row may be a part of, or null
   */
  SocketDetails read(SocketEntry entry, NetworkNamespace namespace, Endpoint suspectedParent)
      throws IOException {
    List<ProcessDetails> details = new ArrayList<>();
    for (ProcessRef process : oldestOfEachOwner(entry)) {
      details.add(processDetails.computeIfAbsent(process, this::readProcess));
    }
    return new SocketDetails(
        service(entry.endpoint()),
        peers(entry.endpoint(), namespace),
        details,
        flags(entry, suspectedParent != null),
        Optional.ofNullable(suspectedParent));
  }

  private static Iterable<ProcessRef> oldestOfEachOwner(SocketEntry entry) {
    Map<Owner, ProcessRef> oldest = new TreeMap<>();
    for (ProcessRef process : entry.processes()) {
      oldest.merge(process.owner(), process, (a, b) -> a.startTicks() <= b.startTicks() ? a : b);
    }
    return oldest.values();
  }

  private static Set<Flag> flags(SocketEntry entry, boolean suspected) {
    Set<Flag> flags = EnumSet.noneOf(Flag.class);
    if (entry.owners().isEmpty()) {
      flags.add(Flag.NO_PROCESS);
    }
    if (suspected) {
      flags.add(entry.ownerUnknown() ? Flag.UNVERIFIED : Flag.FORGED);
    }
    Endpoint endpoint = entry.endpoint();
    boolean internet =
        switch (endpoint.protocol().family()) {
          case INET, INET6, SCTP -> true;
          case PACKET, UNIX -> false;
        };
    if (internet && !LOOPBACK.matcher(endpoint.address()).matches()) {
      flags.add(Flag.BEYOND_LOOPBACK);
    }
    return flags;
  }

  /** The remote addresses connected to this port. Reads each table once for all its ports. */
  private List<String> peers(Endpoint endpoint, NetworkNamespace namespace) {
    return switch (endpoint.protocol()) {
      case TCP, TCP6, UDP, UDP6, UDPLITE, UDPLITE6 ->
          peersByTable
              .computeIfAbsent(
                  endpoint.table(), table -> namespace.peers(endpoint.protocol(), MAX_PEERS))
              .getOrDefault(endpoint.port(), List.of());
      case SCTP, RAW, RAW6, ICMP, ICMP6, PACKET, UNIX -> List.of();
    };
  }

  /** The name of the port in services(5) for this protocol; empty if it has none. */
  private String service(Endpoint endpoint) throws IOException {
    if (serviceNames.isEmpty() && Files.exists(services)) {
      for (String line : ProcFile.read(services).split("\n", -1)) {
        String[] words = line.replaceFirst("#.*", "").trim().split("\\s+", -1);
        if (words.length >= 2) {
          serviceNames.putIfAbsent(words[1], words[0]);
        }
      }
    }
    String protocol = endpoint.protocol().label().replaceFirst("6$", "");
    return serviceNames.getOrDefault(endpoint.port() + "/" + protocol, "");
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

  private interface ProcessProperty {
    String read() throws IOException;
  }

  /** A property of a process; empty if the process has ended before it was read. */
  private static String orEmpty(ProcessProperty property) {
    try {
      return property.read();
    } catch (IOException | RuntimeException e) {
      return "";
    }
  }

  private List<ProcessRef> parents(int pid) {
    List<ProcessRef> parents = new ArrayList<>();
    try {
      int parent = processes.parent(pid);
      while (parent > 0 && parents.size() < MAX_PARENTS) {
        parents.add(processes.identifyByName(parent));
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
    try {
      if (program.startsWith("/memfd:")) {
        flags.add(Flag.MEMFD);
      } else if (processes.executable(process.pid()).isDeleted()) {
        flags.add(Flag.PROGRAM_DELETED);
      }
      for (Path directory : processes.executable(process.pid()).directories()) {
        if (isWorldWritable(directory)) {
          flags.add(Flag.WORLD_WRITABLE);
        }
      }
    } catch (IOException | RuntimeException e) {
      // It has ended; the flags found so far count.
    }
    if (INTERPRETER.matcher(program.substring(program.lastIndexOf('/') + 1)).matches()) {
      flags.add(Flag.INTERPRETER);
    }
    return flags;
  }

  private static boolean isWorldWritable(Path directory) {
    try {
      return Files.getPosixFilePermissions(directory).contains(PosixFilePermission.OTHERS_WRITE);
    } catch (IOException e) {
      return false; // it is gone
    }
  }
}
