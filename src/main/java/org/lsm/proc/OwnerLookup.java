package org.lsm.proc;

import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.lsm.model.ProcessRef;
import org.lsm.model.SocketKey;

/**
 * Finds the processes that hold a socket by the links in {@code /proc/PID/fd}. Ignores processes
 * and descriptors that vanish meanwhile.
 */
final class OwnerLookup {

  private static final String SOCKET = "socket:[";

  private final ProcessReader processes;

  OwnerLookup(ProcessReader processes) {
    this.processes = processes;
  }

  /**
   * The result of a lookup.
   *
   * @param processes all processes that hold a socket, by the inode of the socket
   * @param descriptors one descriptor of each socket, {@code /proc/PID/fd/N}, by its inode
   * @param unreadable number of processes whose descriptors this user may not read
   */
  record OwnersFound(
      Map<Long, List<ProcessRef>> processes, Map<Long, Path> descriptors, int unreadable) {

    List<ProcessRef> processes(SocketKey socket) {
      return processes.getOrDefault(socket.inode(), List.of());
    }
  }

  /** Finds the processes that hold sockets with these inodes. */
  OwnersFound find(Set<Long> inodes) throws IOException {
    return find(inodes, false);
  }

  /** Reads the descriptors of all threads, which takes much longer than {@link #find}. */
  OwnersFound findInThreads(Set<Long> inodes) throws IOException {
    return find(inodes, true);
  }

  private OwnersFound find(Set<Long> inodes, boolean inThreads) throws IOException {
    Map<Long, List<ProcessRef>> owners = new HashMap<>();
    Map<Long, Path> descriptors = new HashMap<>();
    List<Integer> pids = processes.pids();
    // Every user sees init, unless /proc is mounted with hidepid (proc(5)).
    int unreadable = pids.contains(1) ? 0 : 1;
    for (int pid : pids) {
      try {
        var open = inThreads ? processes.descriptorsOfThreads(pid) : processes.descriptors(pid);
        Map<Long, Path> sockets = sockets(open, inodes);
        if (!sockets.isEmpty()) {
          ProcessRef process = processes.identify(pid);
          // Read again: the PID may belong to another process than before.
          for (var socket : sockets(sockets.values(), inodes).entrySet()) {
            owners.computeIfAbsent(socket.getKey(), none -> new ArrayList<>()).add(process);
            descriptors.put(socket.getKey(), socket.getValue());
          }
        }
      } catch (AccessDeniedException | RuntimeException e) {
        unreadable++; // an odd process must not hide the sockets of others
      } catch (IOException e) {
        // Otherwise the process has ended, and its PID may belong to another one.
        unreadable += isForbidden(e) ? 1 : 0;
      }
    }
    return new OwnersFound(owners, descriptors, unreadable);
  }

  /** With hidepid=1 (proc(5)) the error is EPERM, for which Java has no class. */
  private static boolean isForbidden(IOException e) {
    return e instanceof FileSystemException failure
        && "Operation not permitted".equals(failure.getReason());
  }

  /** Returns those of the inodes that descriptors refer to, each with a descriptor. */
  private static Map<Long, Path> sockets(Collection<Path> descriptors, Set<Long> inodes)
      throws IOException {
    Map<Long, Path> sockets = new HashMap<>();
    for (Path descriptor : descriptors) {
      long inode = socketInode(descriptor);
      if (inodes.contains(inode)) {
        sockets.put(inode, descriptor);
      }
    }
    return sockets;
  }

  /** Returns the inode of a socket; 0 for a descriptor that is closed or not a socket. */
  private static long socketInode(Path descriptor) throws IOException {
    try {
      String target = Files.readSymbolicLink(descriptor).toString();
      return target.startsWith(SOCKET)
          ? Long.parseLong(target, SOCKET.length(), target.length() - 1, 10)
          : 0;
    } catch (AccessDeniedException e) {
      throw e;
    } catch (FileSystemException e) {
      return 0; // closed, or a file whose path is longer than a page (ENAMETOOLONG)
    }
  }
}
