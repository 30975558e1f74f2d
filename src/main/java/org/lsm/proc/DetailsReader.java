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

/** Asks /proc for the whole story of a socket, while it can still be told. */
final class DetailsReader {

  private static final int PEERS = 5;
  private static final int GENERATIONS = 16;

  private static final Pattern INTERPRETER =
      Pattern.compile(
          "(|a|ba|c|da|fi|k|mk|tc|z)sh|busybox|toybox|[gm]?awk|expect|tclsh[\\d.]*"
              + "|(perl|python|pypy|ruby|lua|luajit|php|php-cgi|node|nodejs)[\\d.]*");
  private static final Pattern LOOPBACK = Pattern.compile("(::ffff:)?127\\..*|::1");

  private final ProcessReader processes;
  private final Path services;
  private final Map<String, String> names = new HashMap<>();
  private final Map<String, Map<Integer, List<String>>> peers = new HashMap<>();
  private final Map<ProcessRef, ProcessDetails> told = new HashMap<>();

  /**
   * @param processes the processes to ask about
   * @param services the file with the names of ports, services(5)
   */
  DetailsReader(ProcessReader processes, Path services) {
    this.processes = processes;
    this.services = services;
  }

  /** All that can be told of a socket; what has vanished meanwhile is left out. */
  SocketDetails details(SocketEntry entry, NetworkNamespace namespace) throws IOException {
    List<ProcessDetails> detailsByEndpoint = new ArrayList<>();
    for (ProcessRef process : oldestOfEachOwner(entry)) {
      detailsByEndpoint.add(told.computeIfAbsent(process, this::details));
    }
    return new SocketDetails(
        service(entry.endpoint()),
        peers(entry.endpoint(), namespace),
        detailsByEndpoint,
        flags(entry),
        Optional.empty(),
        List.of());
  }

  private static Iterable<ProcessRef> oldestOfEachOwner(SocketEntry entry) {
    Map<Owner, ProcessRef> oldest = new TreeMap<>();
    for (ProcessRef process : entry.processes()) {
      oldest.merge(process.owner(), process, (a, b) -> a.startTicks() <= b.startTicks() ? a : b);
    }
    return oldest.values();
  }

  private static Set<Flag> flags(SocketEntry entry) {
    Set<Flag> flags = EnumSet.noneOf(Flag.class);
    if (entry.owners().isEmpty()) {
      flags.add(Flag.NO_PROCESS);
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

  /** The remote ends now connected to this port; each table is read once for all its ports. */
  private List<String> peers(Endpoint endpoint, NetworkNamespace namespace) {
    return switch (endpoint.protocol()) {
      case TCP, TCP6, UDP, UDP6, UDPLITE, UDPLITE6 ->
          peers
              .computeIfAbsent(
                  endpoint.table(), table -> namespace.peers(endpoint.protocol(), PEERS))
              .getOrDefault(endpoint.port(), List.of());
      case SCTP, RAW, RAW6, ICMP, ICMP6, PACKET, UNIX -> List.of();
    };
  }

  /** Name of the port, as services(5) has it for this protocol. */
  private String service(Endpoint endpoint) throws IOException {
    if (names.isEmpty() && Files.exists(services)) {
      for (String line : ProcessReader.read(services).split("\n", -1)) {
        String[] words = line.replaceFirst("#.*", "").trim().split("\\s+", -1);
        if (words.length >= 2) {
          names.putIfAbsent(words[1], words[0]);
        }
      }
    }
    String protocol = endpoint.protocol().label().replaceFirst("6$", "");
    return names.getOrDefault(endpoint.port() + "/" + protocol, "");
  }

  private ProcessDetails details(ProcessRef process) {
    int pid = process.pid();
    return new ProcessDetails(
        process,
        told(() -> processes.commandLine(pid)),
        told(() -> processes.workingDirectory(pid)),
        told(() -> processes.unit(pid)),
        parents(pid),
        flags(process));
  }

  private interface Question {
    String ask() throws IOException;
  }

  /** The answer, or nothing where the process has ended before it could be asked. */
  private static String told(Question question) {
    try {
      return question.ask();
    } catch (IOException | RuntimeException e) {
      return "";
    }
  }

  private List<ProcessRef> parents(int pid) {
    List<ProcessRef> parents = new ArrayList<>();
    try {
      int parent = processes.parent(pid);
      while (parent > 0 && parents.size() < GENERATIONS) {
        parents.add(processes.identifyLoosely(parent));
        parent = processes.parent(parent);
      }
    } catch (IOException | RuntimeException e) {
      // One of them has ended: the chain is told as far as it could be followed.
    }
    return parents;
  }

  private Set<Flag> flags(ProcessRef process) {
    Set<Flag> flags = EnumSet.noneOf(Flag.class);
    String program = process.owner().program();
    try {
      if (program.startsWith("/memfd:")) {
        flags.add(Flag.MEMFD);
      } else if (processes.programDeleted(process.pid())) {
        flags.add(Flag.PROGRAM_DELETED);
      }
      for (Path directory : processes.programDirectories(process.pid())) {
        if (isWorldWritable(directory)) {
          flags.add(Flag.WORLD_WRITABLE);
        }
      }
    } catch (IOException | RuntimeException e) {
      // It has ended: what is known so far has to do.
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
      return false; // into one that is gone nobody can write
    }
  }
}
