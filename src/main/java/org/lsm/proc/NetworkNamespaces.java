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
import org.lsm.snapshot.Untrusted;

/** Finds the network namespaces that processes run in, each once. */
final class NetworkNamespaces {

  private final Path proc;
  private final Path names;
  private final Processes processes;

  /**
   * @param proc the mount point of /proc
   * @param processes the processes under it
   * @param names the directory where ip-netns(8) keeps names, /run/netns
   */
  NetworkNamespaces(Path proc, Processes processes, Path names) {
    this.proc = proc;
    this.names = names;
    this.processes = processes;
  }

  /** The namespace that lsm runs in. */
  NetworkNamespace own() {
    return new NetworkNamespace("", proc.resolve("net"));
  }

  /**
   * All namespaces that a process runs in, the own one first. One that only a name keeps alive has
   * no table under /proc, and no process that could serve anything.
   *
   * @param notes takes what could not be seen
   */
  List<NetworkNamespace> all(List<String> notes) throws IOException {
    String own = link(proc.resolve("self"));
    Map<String, Integer> oldest = new HashMap<>();
    int hidden = 0;
    for (int pid : processes.pids()) {
      try {
        String namespace = link(processes.directory(pid));
        if (!namespace.equals(own)) {
          oldest.merge(namespace, pid, this::older);
        }
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
    Map<String, String> named = readNames();
    List<NetworkNamespace> all = new ArrayList<>(List.of(own()));
    for (var entry : oldest.entrySet()) {
      int pid = entry.getValue();
      String name = named.get(entry.getKey());
      all.add(
          new NetworkNamespace(
              name == null ? label(pid) : name, processes.directory(pid).resolve("net")));
    }
    return all;
  }

  /** {@code net:[4026531840]}. */
  private static String link(Path process) throws IOException {
    return Files.readSymbolicLink(process.resolve("ns/net")).toString();
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
            Untrusted.decode(entry.getFileName().toString().getBytes(StandardCharsets.UTF_8));
        if (!name.matches("(cni|netns)-[0-9a-f-]{36}")) {
          named.put("net:[" + Files.getAttribute(entry, "unix:ino") + "]", name);
        }
      }
    }
    return named;
  }

  /**
   * What runs in a namespace without a name: the container if its manager gave it a lasting name,
   * else the program that was there first. Neither changes when a container is made anew, and
   * replicas share it.
   */
  private String label(int pid) {
    try {
      String container = processes.containerName(pid);
      String program = processes.program(pid);
      return container.isEmpty() ? program.substring(program.lastIndexOf('/') + 1) : container;
    } catch (IOException e) {
      return "unknown";
    }
  }
}
