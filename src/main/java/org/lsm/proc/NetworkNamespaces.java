package org.lsm.proc;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.lsm.model.TextEscaper;

/** Finds the network namespaces that processes run in, each once. */
final class NetworkNamespaces {

  private final Path proc;
  private final Path names;
  private final ProcessReader processes;

  /**
   * @param proc the mount point of /proc
   * @param processes the processes under it
   * @param names the directory where ip-netns(8) keeps names, /run/netns
   */
  NetworkNamespaces(Path proc, ProcessReader processes, Path names) {
    this.proc = proc;
    this.names = names;
    this.processes = processes;
  }

  /** The namespace that lsm runs in. */
  NetworkNamespace own() {
    return new NetworkNamespace("", proc.resolve("net"));
  }

  /**
   * All namespaces that a process runs in, the own one first. One that no process runs in has no
   * tables under /proc, even if a process elsewhere has opened sockets there; notes say so.
   *
   * @param notes takes what could not be seen
   */
  List<NetworkNamespace> all(List<String> notes) throws IOException {
    Map<String, String> named = readNames();
    List<NetworkNamespace> all = new ArrayList<>(List.of(own()));
    for (var entry : oldestProcesses(notes).entrySet()) {
      String name = named.remove(entry.getKey());
      int pid = entry.getValue();
      try {
        all.add(
            new NetworkNamespace(name == null ? label(pid) : name, processes.socketTables(pid)));
      } catch (IOException e) {
        // the last process of it has ended
      }
    }
    named.remove(ownLink());
    named.values().stream()
        .sorted()
        .map(name -> "no process runs in network namespace " + name + ": it cannot be looked into")
        .forEach(notes::add);
    return all;
  }

  /** The oldest process of each namespace but the own one. */
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
      notes.add(
          "NETNS=\"all\" needs root: the network namespace of "
              + hidden
              + " processes may not be seen by this user");
    }
    oldest.remove(ownLink());
    return oldest;
  }

  private String ownLink() throws IOException {
    return Files.readSymbolicLink(proc.resolve("self/ns/net")).toString();
  }

  private int older(int a, int b) {
    try {
      return processes.startTicks(a) <= processes.startTicks(b) ? a : b;
    } catch (IOException e) {
      return b;
    }
  }

  /** Names by namespace; those that container networks make up at random are none. */
  private Map<String, String> readNames() throws IOException {
    Map<String, String> named = new HashMap<>();
    if (!Files.isDirectory(names)) {
      return named;
    }
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(names)) {
      for (Path entry : entries) {
        String name =
            TextEscaper.decode(entry.getFileName().toString().getBytes(StandardCharsets.UTF_8));
        if (!name.matches("(cni|netns)-[0-9a-f-]{36}")) {
          named.put("net:[" + Files.getAttribute(entry, "unix:ino") + "]", name);
        }
      }
    }
    return named;
  }

  /**
   * What runs in a namespace without a name, in parentheses, lest it pass for a name: the container
   * if its manager gave it a lasting name, else the program that was there first. Neither changes
   * when a container is made anew, and replicas share it. A namespace that any user could make is
   * told by its user as well.
   */
  private String label(int pid) {
    try {
      String container = processes.containerName(pid);
      String program = processes.program(pid);
      String what =
          container.isEmpty() ? program.substring(program.lastIndexOf('/') + 1) : container;
      return processes
          .userOfOtherNamespace(pid)
          .map(user -> "(" + what + " of " + user + ")")
          .orElse("(" + what + ")");
    } catch (IOException e) {
      return "(unknown)";
    }
  }
}
