package org.lsm.proc;

import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.lsm.model.ProcessRef;
import org.lsm.model.SocketKey;
import org.lsm.model.SocketOwners;
import org.lsm.proc.TableParser.ParsedTable;

/** Finds the owners of a scan's sockets: in a cache first, then by the links in /proc/PID/fd. */
final class OwnerLookup {
  private static final SocketOwners NONE = new SocketOwners(List.of(), true);
  private static final String SOCKET = "socket:[";

  private final ProcessReader processes;
  private final ParsedTable tables;
  private final Map<String, NetworkNamespace> namespaces;

  // Each process of the cache that was checked, as it is now; null if it has ended.
  private final Map<Integer, ProcessRef> checked = new HashMap<>();

  // What the search has found, by the inodes of sockets: a descriptor is /proc/PID/fd/N.
  private final Map<Long, List<ProcessRef>> holders = new HashMap<>();
  private final Map<Long, Path> descriptors = new HashMap<>();
  private int unreadable; // processes whose descriptors this user may not read

  OwnerLookup(ProcessReader processes, ParsedTable tables, Map<String, NetworkNamespace> byLabel) {
    this.processes = processes;
    this.tables = tables;
    this.namespaces = byLabel;
  }

  /** Takes over owners from the cache; those of this boot may be too old for that. */
  Map<SocketKey, SocketOwners> find(
      Map<SocketKey, SocketOwners> cache, Map<SocketKey, SocketOwners> ofThisBoot)
      throws IOException {
    Map<SocketKey, SocketOwners> owners = new HashMap<>();
    Set<SocketKey> unknown = new HashSet<>();
    for (SocketKey socket : tables.sockets()) {
      SocketOwners cached = socket.inode() == 0 ? NONE : cache.get(socket);
      SocketOwners current = cached == null ? null : withoutEnded(cached);
      if (current == null) {
        unknown.add(socket);
      } else {
        owners.put(socket, current);
      }
    }
    if (!unknown.isEmpty()) {
      search(unknown);
    }
    for (SocketKey socket : unknown) {
      List<ProcessRef> found = holders.getOrDefault(socket.inode(), List.of());
      boolean credible = isCredible(socket, found, ofThisBoot.getOrDefault(socket, NONE));
      found = credible ? found : List.of();
      owners.put(socket, new SocketOwners(found, !found.isEmpty() || unreadable == 0));
    }
    return owners;
  }

  /**
   * The cached owners that still run. Workers of a server come and go; but if none is left, or one
   * of them runs another program or as another user now, returns null: the socket is searched for.
   */
  private SocketOwners withoutEnded(SocketOwners cached) {
    List<ProcessRef> running = new ArrayList<>();
    for (ProcessRef process : cached.processes()) {
      if (!checked.containsKey(process.pid())) {
        checked.put(process.pid(), check(process));
      }
      ProcessRef now = checked.get(process.pid());
      if (now != null && now.startTicks() == process.startTicks()) {
        if (!now.owner().equals(process.owner())) {
          return null;
        }
        running.add(process);
      }
    }
    boolean allEnded = running.isEmpty() && !cached.processes().isEmpty();
    return allEnded ? null : new SocketOwners(running, cached.complete());
  }

  private ProcessRef check(ProcessRef process) {
    try {
      return processes.isUnchanged(process) ? process : processes.identify(process.pid(), false);
    } catch (IOException | RuntimeException e) {
      return null; // it has ended
    }
  }

  private void search(Set<SocketKey> sockets) throws IOException {
    Set<Long> inodes = new HashSet<>();
    for (SocketKey socket : sockets) {
      inodes.add(socket.inode());
    }
    search(inodes, false);
    inodes.removeAll(holders.keySet());
    for (SocketKey socket : tables.suspicions().keySet()) {
      inodes.remove(socket.inode());
    }
    if (!inodes.isEmpty()) {
      // A socket passed between processes during the search, or held by a thread alone.
      search(inodes, true);
    }
  }

  /** The descriptors of all threads take much longer to read than those of their processes. */
  private void search(Set<Long> inodes, boolean inThreads) throws IOException {
    List<Integer> pids = processes.pids();
    // Every user sees init, unless /proc is mounted with hidepid (proc(5)).
    unreadable += pids.contains(1) ? 0 : 1;
    for (int pid : pids) {
      try {
        Map<Long, Path> sockets = sockets(processes.descriptors(pid, inThreads), inodes);
        if (!sockets.isEmpty()) {
          ProcessRef process = processes.identify(pid, false);
          // Read again: the PID may belong to another process than before.
          for (var socket : sockets(sockets.values(), inodes).entrySet()) {
            holders.computeIfAbsent(socket.getKey(), none -> new ArrayList<>()).add(process);
            descriptors.put(socket.getKey(), socket.getValue());
          }
        }
      } catch (AccessDeniedException | RuntimeException e) {
        unreadable++; // an odd process must not hide the sockets of others
      } catch (FileSystemException e) {
        // With hidepid=1 (proc(5)) the error is EPERM, for which Java has no class.
        unreadable += "Operation not permitted".equals(e.getReason()) ? 1 : 0;
      } catch (IOException e) {
        // The process has ended, and its PID may belong to another one.
      }
    }
  }

  /** Returns those of the inodes that descriptors refer to, each with a descriptor. */
  private static Map<Long, Path> sockets(Collection<Path> descriptors, Set<Long> inodes)
      throws IOException {
    Map<Long, Path> sockets = new HashMap<>();
    for (Path descriptor : descriptors) {
      try {
        String target = Files.readSymbolicLink(descriptor).toString();
        if (target.startsWith(SOCKET)) {
          long inode = Long.parseLong(target, SOCKET.length(), target.length() - 1, 10);
          if (inodes.contains(inode)) {
            sockets.put(inode, descriptor);
          }
        }
      } catch (AccessDeniedException e) {
        throw e;
      } catch (FileSystemException e) {
        // closed, or a file whose path is longer than a page (ENAMETOOLONG)
      }
    }
    return sockets;
  }

  /**
   * Whether the holders of a row's inode hold its socket. Any user can put the inode of another one
   * into a name: of an unwatched one, of one in another namespace, or of one with a row of its own,
   * of which the row that was there before is real.
   */
  private boolean isCredible(SocketKey socket, List<ProcessRef> found, SocketOwners before) {
    TableParser.ForgerySuspicion suspicion = tables.suspicions().get(socket);
    if (suspicion == null || found.isEmpty()) {
      return true;
    }
    return (!suspicion.contested() || !Collections.disjoint(before.processes(), found))
        && processes.mayBeUnixSocket(descriptors.get(socket.inode()))
        && namespaces.get(socket.endpoint().netns()).hasOneOf(found, processes);
  }
}
