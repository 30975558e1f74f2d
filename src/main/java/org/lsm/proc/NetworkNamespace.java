package org.lsm.proc;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteOrder;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.lsm.model.Plural;
import org.lsm.model.ProcessRef;
import org.lsm.model.Protocol;
import org.lsm.proc.TableParser.ParsedTable;

/** The socket tables of a network namespace; its label is empty if lsm itself runs in it. */
record NetworkNamespace(String label, Path tables) {
  /**
   * Returns each namespace that a process runs in, lsm's own first. One without processes has no
   * tables under /proc, yet may have sockets: adds a note if ip-netns(8) keeps a name for it.
   */
  static List<NetworkNamespace> all(
      Path proc, ProcessReader processes, Path names, List<String> notes) throws IOException {
    String ownLink = Files.readSymbolicLink(proc.resolve("self/ns/net")).toString();
    Map<String, List<Integer>> members = processesByLink(processes, notes);
    Map<String, String> namesByLink = readNames(names);
    members.remove(ownLink);
    namesByLink.remove(ownLink);
    List<NetworkNamespace> all = new ArrayList<>();
    all.add(new NetworkNamespace("", proc.resolve("net")));
    for (var entry : members.entrySet()) {
      String name = namesByLink.remove(entry.getKey());
      int pid = oldest(entry.getValue(), processes);
      try {
        Path tables = processes.threadFile(pid, "net");
        all.add(new NetworkNamespace(name == null ? label(processes, pid) : name, tables));
      } catch (IOException e) {
        // its last process has ended
      }
    }
    for (String name : new TreeSet<>(namesByLink.values())) {
      notes.add("cannot read network namespace " + name + ": no process runs in it");
    }
    return all;
  }

  /** The PIDs by the links to the namespaces. */
  private static Map<String, List<Integer>> processesByLink(
      ProcessReader processes, List<String> notes) throws IOException {
    Map<String, List<Integer>> members = new HashMap<>();
    int hidden = 0;
    for (int pid : processes.pids()) {
      try {
        String link = processes.networkNamespace(pid);
        members.computeIfAbsent(link, none -> new ArrayList<>()).add(pid);
      } catch (AccessDeniedException e) {
        hidden++;
      } catch (IOException e) {
        // the process has ended
      }
    }
    if (hidden > 0) {
      String count = Plural.count(hidden, "process");
      notes.add(
          "cannot read the network namespace of "
              + count
              + "; run lsm as root, in a container with CAP_SYS_PTRACE");
    }
    return members;
  }

  /** The process that started first. */
  private static int oldest(List<Integer> pids, ProcessReader processes) {
    int oldest = pids.get(0);
    long first = Long.MAX_VALUE;
    for (int pid : pids.size() == 1 ? List.<Integer>of() : pids) {
      try {
        long start = processes.startTicks(pid);
        oldest = start < first ? pid : oldest;
        first = Math.min(start, first);
      } catch (IOException e) {
        // the process has ended
      }
    }
    return oldest;
  }

  /** Reads names by link, except for the random ones of container networks. */
  private static Map<String, String> readNames(Path names) throws IOException {
    Map<String, String> namesByLink = new HashMap<>();
    for (Path file : Files.isDirectory(names) ? ProcFile.list(names) : List.<Path>of()) {
      String name = file.getFileName().toString();
      if (!name.matches("(cni|netns)-[0-9a-f-]{36}")) {
        namesByLink.put("net:[" + Files.getAttribute(file, "unix:ino") + "]", name);
      }
    }
    return namesByLink;
  }

  /**
   * Labels a namespace by its container, if that has a lasting name, or by its first program, as
   * replicas share it; and by the user of its user namespace, as any user can create such a one.
   */
  private static String label(ProcessReader processes, int pid) {
    try {
      String what = processes.controlGroup(pid).containerName();
      if (what.isEmpty()) {
        String program = processes.running(pid).path();
        what = program.substring(program.lastIndexOf('/') + 1);
      }
      String user = processes.userOfOtherNamespace(pid);
      return "(" + what + (user.isEmpty() ? "" : " of " + user) + ")";
    } catch (IOException e) {
      return "(unknown)";
    }
  }

  /** Whether one of these processes runs in the namespace, as far as links can be read. */
  boolean hasOneOf(List<ProcessRef> processes, ProcessReader reader) {
    String link;
    try {
      // /proc/net is a link to self/net.
      Path own = tables.resolveSibling(label.isEmpty() ? "self/ns/net" : "ns/net");
      link = Files.readSymbolicLink(own).toString();
    } catch (IOException e) {
      return true;
    }
    for (ProcessRef process : processes) {
      try {
        if (link.equals(reader.networkNamespace(process.pid()))) {
          return true;
        }
      } catch (IOException e) {
        // it has ended
      }
    }
    return false;
  }

  /**
   * Reads all tables and adds their {@link TableParser#rows}; takes {@link
   * KernelInfo#listsListenersFirst}.
   */
  ParsedTable read(boolean listenersFirst, StringBuilder rows) throws IOException {
    InterfaceNames interfaces = new InterfaceNames(tables);
    List<ParsedTable> tables = new ArrayList<>();
    for (Protocol protocol : Protocol.values()) {
      if (protocol.family() != Protocol.Family.OUTBOUND) {
        tables.add(read(protocol, interfaces, listenersFirst, rows));
      }
    }
    return ParsedTable.union(tables);
  }

  /** Reads a table. A table does not exist without IPv6 or while its module is not loaded. */
  private ParsedTable read(
      Protocol protocol, InterfaceNames interfaces, boolean listenersFirst, StringBuilder rows)
      throws IOException {
    Path file = file(protocol);
    ByteOrder order = ByteOrder.nativeOrder();
    TableParser parser =
        protocol == Protocol.UNIX
            ? new ProcNetUnixParser(label)
            : new ProcNetParser(label, protocol, order, interfaces, listenersFirst);
    try (InputStream in = Files.newInputStream(file)) {
      ParsedTable table = parser.parse(in, file);
      rows.append(parser.rows);
      return table;
    } catch (NoSuchFileException e) {
      return ParsedTable.union(List.of());
    } catch (FileSystemException e) {
      throw e; // names the file
    } catch (IOException e) {
      throw new IOException("cannot read " + file + ": " + e.getMessage(), e);
    }
  }

  /** Returns up to {@code max} connected remote ends for each local port; none on errors. */
  Map<Integer, Set<String>> peers(Protocol protocol, int max) {
    try (InputStream in = Files.newInputStream(file(protocol))) {
      return connectionParser(protocol).peers(in, max);
    } catch (IOException e) {
      return Map.of(); // the scan reports a table that it cannot read
    }
  }

  /** Returns connections in words, see {@link ProcNetParser#connections}. */
  Map<Long, String> connections(Protocol protocol, int max) throws IOException {
    try (InputStream in = Files.newInputStream(file(protocol))) {
      return connectionParser(protocol).connections(in, max);
    } catch (NoSuchFileException e) {
      return Map.of(); // this kernel has no IPv6
    }
  }

  private ProcNetParser connectionParser(Protocol protocol) {
    InterfaceNames none = new InterfaceNames(tables);
    return new ProcNetParser(label, protocol, ByteOrder.nativeOrder(), none, false);
  }

  private Path file(Protocol protocol) {
    return tables.resolve(table(protocol));
  }

  /** The path of a table below the directory of all. */
  static String table(Protocol protocol) {
    return protocol == Protocol.SCTP ? "sctp/eps" : protocol.label();
  }
}
