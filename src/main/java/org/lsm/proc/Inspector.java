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
import org.lsm.snapshot.Endpoint;
import org.lsm.snapshot.Flag;
import org.lsm.snapshot.Holder;
import org.lsm.snapshot.Owner;
import org.lsm.snapshot.SocketEntry;
import org.lsm.snapshot.Story;
import org.lsm.snapshot.Story.ProcessStory;

/** Asks /proc for the whole story of a socket, while it can still be told. */
final class Inspector {

  private static final int PEERS = 5;
  private static final int GENERATIONS = 16;

  private static final Pattern INTERPRETER =
      Pattern.compile(
          "(|a|ba|c|da|fi|k|mk|tc|z)sh|busybox|toybox|[gm]?awk|expect|tclsh[\\d.]*"
              + "|(perl|python|pypy|ruby|lua|luajit|php|php-cgi|node|nodejs)[\\d.]*");
  private static final Pattern LOOPBACK = Pattern.compile("(::ffff:)?127\\..*|::1");

  private final Processes processes;
  private final Path services;
  private final Map<String, String> names = new HashMap<>();
  private final Map<String, Map<Integer, List<String>>> peers = new HashMap<>();
  private final Map<Holder, ProcessStory> told = new HashMap<>();

  /**
   * @param processes the processes to ask about
   * @param services the file with the names of ports, services(5)
   */
  Inspector(Processes processes, Path services) {
    this.processes = processes;
    this.services = services;
  }

  /** All that can be told of a socket; what has vanished meanwhile is left out. */
  Story story(SocketEntry entry, NetworkNamespace namespace) throws IOException {
    List<ProcessStory> stories = new ArrayList<>();
    for (Holder holder : oldestOfEachOwner(entry)) {
      stories.add(told.computeIfAbsent(holder, this::story));
    }
    return new Story(
        service(entry.endpoint()),
        peers(entry.endpoint(), namespace),
        stories,
        flags(entry),
        Optional.empty(),
        List.of());
  }

  private static Iterable<Holder> oldestOfEachOwner(SocketEntry entry) {
    Map<Owner, Holder> oldest = new TreeMap<>();
    for (Holder holder : entry.holders()) {
      oldest.merge(holder.owner(), holder, (a, b) -> a.startTicks() <= b.startTicks() ? a : b);
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
      for (String line : Processes.read(services).split("\n", -1)) {
        String[] words = line.replaceFirst("#.*", "").trim().split("\\s+", -1);
        if (words.length >= 2) {
          names.putIfAbsent(words[1], words[0]);
        }
      }
    }
    String protocol = endpoint.protocol().label().replaceFirst("6$", "");
    return names.getOrDefault(endpoint.port() + "/" + protocol, "");
  }

  private ProcessStory story(Holder holder) {
    int pid = holder.pid();
    return new ProcessStory(
        holder,
        told(() -> processes.commandLine(pid)),
        told(() -> processes.workingDirectory(pid)),
        told(() -> processes.unit(pid)),
        parents(pid),
        flags(holder));
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

  private List<Holder> parents(int pid) {
    List<Holder> parents = new ArrayList<>();
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

  private Set<Flag> flags(Holder holder) {
    Set<Flag> flags = EnumSet.noneOf(Flag.class);
    String program = holder.owner().program();
    try {
      if (program.startsWith("/memfd:")) {
        flags.add(Flag.MEMFD);
      } else if (processes.programDeleted(holder.pid())) {
        flags.add(Flag.PROGRAM_DELETED);
      }
      for (Path directory : processes.programDirectories(holder.pid())) {
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
