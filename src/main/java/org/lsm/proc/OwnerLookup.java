package org.lsm.proc;

import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import org.lsm.model.Owner;
import org.lsm.model.OwnerLimit;
import org.lsm.model.ProcessRef;
import org.lsm.model.SocketKey;
import org.lsm.model.SocketOwners;
import org.lsm.proc.TableParser.ParsedTable;

/** Finds the owners of a scan's sockets: in a cache first, then by the links in /proc/PID/fd. */
final class OwnerLookup {
  private static final SocketOwners NONE = new SocketOwners(List.of(), true);
  private static final String SOCKET = "socket:[";
  private static final String IO_URING = "anon_inode:[io_uring]";
  private static final int MAX_DESCRIPTORS_AT_FIRST = 1024; // processes with more are searched last
  private static final int MAX_PROCESSES = 1 << 22; // PID_MAX_LIMIT of proc(5)

  private final ProcessReader processes;
  private final ForeignFiles files;
  private final ParsedTable tables;
  private final Map<String, NetworkNamespace> namespaces;
  private final long end;

  /** {@code /proc/PID/fd/N} of a process. */
  private record Descriptor(RunningProcess process, Path path) {}

  private enum State {
    UNCHANGED,
    CHANGED,
    ENDED
  }

  // Each process of the cache that was checked.
  private final Map<Integer, State> checked = new HashMap<>();

  // What the search found: PIDs by inode, processes by PID, /proc/PID/fd/N by inode.
  private final Map<Long, Set<Integer>> holders = new HashMap<>();
  private final Map<Integer, RunningProcess> found = new HashMap<>();
  private final Map<Long, Descriptor> descriptors = new HashMap<>();
  private final OwnerLimit limit = new OwnerLimit();
  private final Set<SocketKey> unread = new HashSet<>();
  private Duration searchTime = Duration.ZERO;
  private boolean timedOut;
  private boolean incomplete; // there are processes that were not searched

  /** Takes the value of {@link System#nanoTime} at which the search stops. */
  OwnerLookup(
      ProcessReader processes,
      ForeignFiles files,
      ParsedTable tables,
      Map<String, NetworkNamespace> byLabel,
      long end) {
    this.processes = processes;
    this.files = files;
    this.tables = tables;
    this.namespaces = byLabel;
    this.end = end;
  }

  /**
   * Takes over owners from the cache; those of this boot may be too old for that. Returns the cache
   * itself if these are all, as it was, else a map that may be changed.
   */
  Map<SocketKey, SocketOwners> find(
      Map<SocketKey, SocketOwners> cache, Map<SocketKey, SocketOwners> ofThisBoot)
      throws IOException {
    // In the order of the cache, which is that of endpoints, so that the result is nearly sorted.
    Map<SocketKey, SocketOwners> owners = new LinkedHashMap<>();
    Set<SocketKey> unknown = new HashSet<>(tables.sockets());
    boolean isSame = true;
    for (Map.Entry<SocketKey, SocketOwners> cached : cache.entrySet()) {
      SocketKey socket = cached.getKey();
      if (socket.inode() != 0 && unknown.contains(socket)) {
        SocketOwners current = withoutEnded(cached.getValue());
        isSame &= cached.getValue().equals(current);
        if (current != null) {
          owners.put(socket, current);
          unknown.remove(socket);
        }
      }
    }
    for (SocketKey socket : tables.sockets()) {
      if (socket.inode() == 0) {
        isSame &= NONE.equals(cache.get(socket));
        owners.put(socket, NONE);
        unknown.remove(socket);
      }
    }
    if (unknown.isEmpty() && isSame && owners.size() == cache.size()) {
      return cache;
    }
    if (!unknown.isEmpty()) {
      long start = System.nanoTime();
      search(unknown);
      searchTime = Duration.ofNanos(System.nanoTime() - start);
    }
    Map<Integer, ProcessRef> identified = identify(ofThisBoot);
    Set<String> notUnixSockets = notUnixSockets(unknown);
    for (SocketKey socket : unknown) {
      List<ProcessRef> held = new ArrayList<>();
      boolean isComplete = true;
      for (int pid : holders.getOrDefault(socket.inode(), Set.of())) {
        ProcessRef process = identified.get(pid);
        if (process != null) { // it still runs
          held.add(process);
          isComplete &= !process.owner().equals(Owner.UNKNOWN);
        }
        if (files.isUnread(found.get(pid))) {
          unread.add(socket);
        }
      }
      boolean credible =
          isCredible(socket, held, ofThisBoot.getOrDefault(socket, NONE), notUnixSockets);
      held = credible ? held : List.of();
      owners.put(socket, limit.apply(held, isComplete && (!held.isEmpty() || !incomplete)));
    }
    return owners;
  }

  private Map<Integer, ProcessRef> identify(Map<SocketKey, SocketOwners> ofThisBoot) {
    if (found.isEmpty()) {
      return Map.of();
    }
    Map<Integer, ProcessRef> known = new HashMap<>();
    for (SocketOwners before : ofThisBoot.values()) {
      before.processes().forEach(process -> known.put(process.pid(), process));
    }
    return new ProcessIdentifier(processes, files, known).identify(found.values());
  }

  /**
   * The cached owners that still run. Workers of a server come and go; but if none is left, or one
   * of them runs another program or as another user now, returns null: the socket is searched for.
   */
  private SocketOwners withoutEnded(SocketOwners cached) {
    List<ProcessRef> running = new ArrayList<>();
    for (ProcessRef process : cached.processes()) {
      State now = checked.get(process.pid());
      if (now == null) {
        now = check(process);
        checked.put(process.pid(), now);
      }
      if (now == State.CHANGED) {
        return null;
      }
      if (now == State.UNCHANGED) {
        running.add(process);
      }
    }
    if (running.size() == cached.processes().size()) {
      return cached;
    }
    return running.isEmpty() ? null : new SocketOwners(running, cached.others(), cached.complete());
  }

  private State check(ProcessRef process) {
    try {
      RunningProcess now = processes.running(process.pid());
      boolean isOther = now.startTicks() != process.startTicks();
      return isOther ? State.ENDED : now.continues(process) ? State.UNCHANGED : State.CHANGED;
    } catch (IOException | RuntimeException e) {
      return State.ENDED;
    }
  }

  private void search(Set<SocketKey> sockets) throws IOException {
    Set<Long> inodes = new HashSet<>();
    Set<Long> uids = new HashSet<>();
    for (SocketKey socket : sockets) {
      inodes.add(socket.inode());
      uids.add(socket.uid());
    }
    List<Integer> large = new ArrayList<>();
    for (int pid : processesInTurn(uids)) {
      if (!search(pid, false, MAX_DESCRIPTORS_AT_FIRST, inodes)) {
        large.add(pid);
      }
    }
    for (int pid : large) {
      search(pid, false, Integer.MAX_VALUE, inodes);
    }
    inodes.removeAll(holders.keySet());
    for (SocketKey socket : tables.suspicions().keySet()) {
      inodes.remove(socket.inode());
    }
    if (!inodes.isEmpty()) {
      // A socket passed between processes during the search, or held by a thread alone.
      for (int pid : processesInTurn(uids)) {
        search(pid, true, Integer.MAX_VALUE, inodes);
      }
    }
  }

  /**
   * The processes of the users who made the sockets, then all others. Users take turns: none can
   * use up the time of the search.
   */
  private List<Integer> processesInTurn(Set<Long> uids) throws IOException {
    List<Integer> pids = processes.pids();
    // Every user sees init, unless /proc is mounted with hidepid (proc(5)).
    incomplete |= !pids.contains(1);
    Map<Long, Integer> counts = new HashMap<>();
    SortedMap<Integer, List<Integer>> inTurn = new TreeMap<>();
    for (int pid : pids) {
      long uid = uid(pid);
      int turn = counts.merge(uid, 1, Integer::sum) + (uids.contains(uid) ? 0 : MAX_PROCESSES);
      inTurn.computeIfAbsent(turn, none -> new ArrayList<>()).add(pid);
    }
    return inTurn.values().stream().flatMap(List::stream).toList();
  }

  private long uid(int pid) {
    try {
      return processes.effectiveUid(pid);
    } catch (IOException e) {
      return -1; // it is hidden or has ended, as the search finds
    }
  }

  /** Searches a process; returns false, without a result, if it has more descriptors than that. */
  private boolean search(int pid, boolean inThreads, int max, Set<Long> inodes) {
    if (isTimeOver()) {
      return true;
    }
    try {
      long startTicks = processes.startTicks(pid);
      Map<Long, Path> sockets = new HashMap<>();
      List<Path> rings = new ArrayList<>();
      for (Path table : processes.descriptorTables(pid, inThreads)) {
        if (!addSockets(table, inodes, max, sockets, rings)) {
          return false;
        }
      }
      if (sockets.isEmpty() && rings.isEmpty()) {
        return true;
      }
      RunningProcess process = processes.running(pid);
      if (process.startTicks() != startTicks) {
        return true; // the PID belongs to another process than before
      }
      addRegistered(process, rings, inodes, sockets);
      for (var socket : sockets.entrySet()) {
        found.put(pid, process);
        holders.computeIfAbsent(socket.getKey(), none -> new LinkedHashSet<>()).add(pid);
        descriptors.put(socket.getKey(), new Descriptor(process, socket.getValue()));
      }
    } catch (AccessDeniedException | RuntimeException e) {
      incomplete = true; // an odd process must not hide the sockets of others
    } catch (FileSystemException e) {
      // With hidepid=1 (proc(5)) the error is EPERM, for which Java has no class.
      incomplete |= "Operation not permitted".equals(e.getReason());
    } catch (IOException e) {
      // The process has ended, and its PID may belong to another one.
    }
    return true;
  }

  /** Adds those of the inodes that descriptors refer to; returns false if there are too many. */
  private boolean addSockets(
      Path table, Set<Long> inodes, int max, Map<Long, Path> sockets, List<Path> rings)
      throws IOException {
    int count = 0;
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(table)) {
      for (Path descriptor : entries) {
        if (++count > max) {
          return false;
        }
        if (count % MAX_DESCRIPTORS_AT_FIRST == 0 && isTimeOver()) {
          return true;
        }
        String target = target(descriptor);
        if (target.startsWith(SOCKET)) {
          long inode = Long.parseLong(target, SOCKET.length(), target.length() - 1, 10);
          if (inodes.contains(inode)) {
            sockets.put(inode, descriptor);
          }
        } else if (target.equals(IO_URING)) {
          rings.add(descriptor);
        }
      }
    } catch (DirectoryIteratorException | NoSuchFileException e) {
      // An ended thread has no open descriptors.
    }
    return true;
  }

  /** What a descriptor refers to; empty if that cannot be said. */
  private static String target(Path descriptor) throws IOException {
    try {
      return Files.readSymbolicLink(descriptor).toString();
    } catch (AccessDeniedException e) {
      throw e;
    } catch (FileSystemException e) {
      return ""; // closed, or a file whose path is longer than a page (ENAMETOOLONG)
    }
  }

  /** Adds those of the inodes that are registered with an io_uring of a process. */
  private void addRegistered(
      RunningProcess process, List<Path> rings, Set<Long> inodes, Map<Long, Path> sockets) {
    for (Path ring : rings) {
      String fdinfo = isTimeOver() ? "" : files.fdinfo(process, ring);
      incomplete |= fdinfo.length() >= ForeignFiles.MAX_FDINFO || files.isUnread(process);
      for (long inode : IoUring.inodes(fdinfo)) {
        if (inodes.contains(inode)) {
          sockets.put(inode, ring);
        }
      }
    }
  }

  private boolean isTimeOver() {
    timedOut |= System.nanoTime() - end > 0;
    incomplete |= timedOut;
    return timedOut;
  }

  /** The sockets with a process of which a file was not read in time. */
  Set<SocketKey> unread() {
    return unread;
  }

  /** How long the search took. */
  Duration searchTime() {
    return searchTime;
  }

  /** Whether the search ended before all processes were searched. */
  boolean timedOut() {
    return timedOut;
  }

  /**
   * Whether the holders of a row's inode hold its socket. Any user can put the inode of another one
   * into a name: of an unwatched one, of one in another namespace, or of one with a row of its own,
   * of which the row that was there before is real.
   */
  private boolean isCredible(
      SocketKey socket, List<ProcessRef> found, SocketOwners before, Set<String> notUnixSockets) {
    TableParser.ForgerySuspicion suspicion = tables.suspicions().get(socket);
    if (suspicion == null || found.isEmpty()) {
      return true;
    }
    return (!suspicion.contested() || !Collections.disjoint(before.processes(), found))
        && !notUnixSockets.contains(fdinfo(descriptors.get(socket.inode())))
        && namespaces.get(socket.endpoint().netns()).hasOneOf(found, processes);
  }

  /**
   * The files of descriptors that are not unix sockets, of those that hold sockets whose rows may
   * be forged; none if the kernel is too old to tell.
   */
  private Set<String> notUnixSockets(Set<SocketKey> sockets) {
    Map<RunningProcess, List<Path>> suspected = new LinkedHashMap<>();
    for (SocketKey socket : sockets) {
      Descriptor descriptor = descriptors.get(socket.inode());
      if (descriptor != null && tables.suspicions().containsKey(socket)) {
        suspected
            .computeIfAbsent(descriptor.process(), none -> new ArrayList<>())
            .add(descriptor.path());
      }
    }
    return suspected.isEmpty() || !processes.marksUnixSockets()
        ? Set.of()
        : files.notUnixSockets(suspected);
  }

  private static String fdinfo(Descriptor descriptor) {
    return ForeignFiles.fdinfo(descriptor.path()).toString();
  }
}
