package org.lsm.proc;

import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.lsm.model.ProcessRef;
import org.lsm.model.SocketKey;

/**
 * Finds out which processes hold a socket, through the links in {@code /proc/PID/fd}. Processes and
 * descriptors may vanish at any moment; what has vanished is nobody's.
 */
final class OwnerLookup {

  private static final String SOCKET = "socket:[";

  private final ProcessReader processes;

  OwnerLookup(ProcessReader processes) {
    this.processes = processes;
  }

  /**
   * What a walk over all processes found.
   *
   * @param processes the holders of each socket by its inode; all of them, as a socket may be
   *     shared
   * @param descriptors a descriptor of each, {@code /proc/PID/fd/N}
   * @param unreadable how many processes did not let themselves be looked into
   */
  record Found(Map<Long, List<ProcessRef>> processes, Map<Long, Path> descriptors, int unreadable) {

    /** The holders of a socket; none if nobody was found. */
    List<ProcessRef> processes(SocketKey socket) {
      return processes.getOrDefault(socket.inode(), List.of());
    }
  }

  /** Finds the holders of these inodes. */
  Found find(Set<Long> inodes) throws IOException {
    return find(inodes, processes::descriptors);
  }

  /** The same among the descriptors of all threads, which are many more to look at. */
  Found findInThreads(Set<Long> inodes) throws IOException {
    return find(inodes, processes::descriptorsOfThreads);
  }

  private interface Descriptors {
    List<Path> of(int pid) throws IOException;
  }

  private Found find(Set<Long> inodes, Descriptors descriptors) throws IOException {
    Map<Long, List<ProcessRef>> found = new HashMap<>();
    Map<Long, Path> examples = new HashMap<>();
    List<Integer> pids = processes.pids();
    // Everyone may see init, unless /proc is mounted with hidepid (proc(5)).
    int unreadable = pids.contains(1) ? 0 : 1;
    for (int pid : pids) {
      try {
        Map<Long, Path> held = held(descriptors.of(pid), inodes);
        if (!held.isEmpty()) {
          ProcessRef process = processes.identify(pid);
          for (var descriptor : held.entrySet()) {
            // Looked at again, lest another process has come to this PID before it was identified.
            if (socketInode(descriptor.getValue()) == descriptor.getKey()) {
              found.computeIfAbsent(descriptor.getKey(), none -> new ArrayList<>()).add(process);
              examples.put(descriptor.getKey(), descriptor.getValue());
            }
          }
        }
      } catch (AccessDeniedException | RuntimeException e) {
        unreadable++; // what is odd about one process must not hide what the others hold
      } catch (IOException e) {
        // Else the process has ended, or another one has taken its number: it holds nothing we can
        // tell.
        unreadable += isForbidden(e) ? 1 : 0;
      }
    }
    return new Found(found, examples, unreadable);
  }

  /** With hidepid=1 (proc(5)) it is EPERM, for which Java has no class. */
  private static boolean isForbidden(IOException e) {
    return e instanceof FileSystemException failure
        && "Operation not permitted".equals(failure.getReason());
  }

  /** Which of these inodes are held, each with one of the descriptors that refer to it. */
  private static Map<Long, Path> held(List<Path> descriptors, Set<Long> inodes) throws IOException {
    Map<Long, Path> held = new HashMap<>();
    for (Path descriptor : descriptors) {
      long inode = socketInode(descriptor);
      if (inodes.contains(inode)) {
        held.put(inode, descriptor);
      }
    }
    return held;
  }

  /** The inode of the socket that a descriptor refers to; 0 if it is no socket or was closed. */
  private static long socketInode(Path descriptor) throws IOException {
    try {
      String target = Files.readSymbolicLink(descriptor).toString();
      return target.startsWith(SOCKET)
          ? Long.parseLong(target, SOCKET.length(), target.length() - 1, 10)
          : 0;
    } catch (AccessDeniedException e) {
      throw e;
    } catch (FileSystemException e) {
      // Closed meanwhile, or a file whose path is longer than a page (ENAMETOOLONG): no socket.
      return 0;
    }
  }
}
