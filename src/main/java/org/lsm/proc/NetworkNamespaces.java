package org.lsm.proc;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;
import org.lsm.model.TextEscaper;

/** Finds the network namespaces that processes run in. */
final class NetworkNamespaces {

  private final Path proc;
  private final Path names;
  private final ProcessReader processes;

  /** Takes the directory where ip-netns(8) keeps names, /run/netns. */
  NetworkNamespaces(Path proc, ProcessReader processes, Path names) {
    this.proc = proc;
    this.names = names;
    this.processes = processes;
  }

  /** Returns the namespace that lsm runs in. */
  NetworkNamespace own() {
    return new NetworkNamespace("", proc.resolve("net"));
  }

  /**
   * Returns each namespace that a process runs in, lsm's own one first. A namespace without
   * processes has no tables under /proc, although a process elsewhere may hold sockets in it.
   *
   * @param notes receives a line for each namespace that cannot be read
   */
  List<NetworkNamespace> all(List<String> notes) throws IOException {
    String ownLink = Files.readSymbolicLink(proc.resolve("self/ns/net")).toString();
    Map<String, Integer> oldest = oldestProcesses(notes);
    Map<String, String> namesByLink = readNames();
    oldest.remove(ownLink);
    namesByLink.remove(ownLink);
    List<NetworkNamespace> all = new ArrayList<>(List.of(own()));
    for (var entry : oldest.entrySet()) {
      String name = namesByLink.remove(entry.getKey());
      int pid = entry.getValue();
      try {
        Path tables = processes.socketTables(pid);
        all.add(new NetworkNamespace(name == null ? label(pid) : name, tables));
      } catch (IOException e) {
        // its last process has ended
      }
    }
    for (String name : new TreeSet<>(namesByLink.values())) {
      notes.add("cannot read network namespace " + name + ": no process runs in it");
    }
    return all;
  }

  /** Returns the oldest process of each namespace, by the link to the namespace. */
  private Map<String, Integer> oldestProcesses(List<String> notes) throws IOException {
    Map<String, Integer> oldest = new HashMap<>();
    int hidden = 0;
    for (int pid : processes.pids()) {
      try {
        oldest.merge(processes.networkNamespace(pid), pid, this::older);
      } catch (AccessDeniedException e) {
        hidden++;
      } catch (IOException e) {
        // the process has ended
      }
    }
    if (hidden > 0) {
      notes.add("cannot read the network namespace of " + hidden + " processes; run lsm as root");
    }
    return oldest;
  }

  private int older(int a, int b) {
    try {
      return processes.startTicks(a) <= processes.startTicks(b) ? a : b;
    } catch (IOException e) {
      return b;
    }
  }

  /** Reads names by link, except for the random ones of container networks. */
  private Map<String, String> readNames() throws IOException {
    Map<String, String> namesByLink = new HashMap<>();
    if (Files.isDirectory(names)) {
      for (Path file : ProcFile.list(names)) {
        byte[] bytes = file.getFileName().toString().getBytes(StandardCharsets.UTF_8);
        String name = TextEscaper.decode(bytes);
        if (!name.matches("(cni|netns)-[0-9a-f-]{36}")) {
          namesByLink.put("net:[" + Files.getAttribute(file, "unix:ino") + "]", name);
        }
      }
    }
    return namesByLink;
  }

  /**
   * Labels a namespace without a name by its container, if that has a lasting name, or by its first
   * program: replicas and new containers get the same label. Any user can create a namespace inside
   * a user namespace, so the label of such a one contains the user.
   */
  private String label(int pid) {
    try {
      String what = processes.controlGroup(pid).containerName();
      if (what.isEmpty()) {
        String program = processes.program(pid);
        what = program.substring(program.lastIndexOf('/') + 1);
      }
      Optional<String> user = processes.userOfOtherNamespace(pid);
      return "(" + what + (user.isPresent() ? " of " + user.get() : "") + ")";
    } catch (IOException e) {
      return "(unknown)";
    }
  }
}
