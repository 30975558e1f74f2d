package org.lsm.proc;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.lsm.model.ProcessRef;
import org.lsm.model.SocketKey;
import org.lsm.model.SocketOwners;

/** Finds the owners of the sockets of one scan: in a cache first, then among all processes. */
final class CachedOwnerLookup {

  private static final SocketOwners NONE = new SocketOwners(List.of(), true);

  private final ProcessReader processes;
  private final KernelInfo kernel;
  private final SocketScanner.Tables tables;

  /** Each process that was checked, as it is now; empty if it has ended. */
  private final Map<Integer, Optional<ProcessRef>> checked = new HashMap<>();

  CachedOwnerLookup(ProcessReader processes, KernelInfo kernel, SocketScanner.Tables tables) {
    this.processes = processes;
    this.kernel = kernel;
    this.tables = tables;
  }

  /**
   * The owners of all sockets.
   *
   * @param cache the owners to take over where their processes still run
   * @param ofThisBoot the owners at the last scan of this boot, too old to take over perhaps
   */
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
      owners.putAll(search(unknown, ofThisBoot));
    }
    return owners;
  }

  /**
   * The cached owners that still run. Workers of a server come and go; but if none is left, or one
   * of them runs another program or as another user now, the cache says nothing: null.
   */
  private SocketOwners withoutEnded(SocketOwners cached) {
    List<ProcessRef> running = new ArrayList<>();
    for (ProcessRef process : cached.processes()) {
      Optional<ProcessRef> now = checked.get(process.pid());
      if (now == null) {
        now = processes.isUnchanged(process) ? Optional.of(process) : identify(process.pid());
        checked.put(process.pid(), now);
      }
      if (now.isPresent() && now.get().startTicks() == process.startTicks()) {
        if (!now.get().owner().equals(process.owner())) {
          return null;
        }
        running.add(process);
      }
    }
    return running.isEmpty() && !cached.processes().isEmpty()
        ? null
        : new SocketOwners(running, cached.complete());
  }

  private Optional<ProcessRef> identify(int pid) {
    try {
      return Optional.of(processes.identify(pid));
    } catch (IOException | RuntimeException e) {
      return Optional.empty(); // it has ended
    }
  }

  /** Searches all processes for the owners of these sockets. */
  private Map<SocketKey, SocketOwners> search(
      Set<SocketKey> sockets, Map<SocketKey, SocketOwners> ofThisBoot) throws IOException {
    Set<Long> inodes = new HashSet<>();
    sockets.forEach(socket -> inodes.add(socket.inode()));
    OwnerLookup lookup = new OwnerLookup(processes);
    OwnerLookup.OwnersFound found = lookup.find(inodes);
    inodes.removeAll(found.processes().keySet());
    tables.suspicions().keySet().forEach(socket -> inodes.remove(socket.inode()));
    if (!inodes.isEmpty()) {
      // A socket passed between processes during the search, or held by a thread alone.
      OwnerLookup.OwnersFound more = lookup.findInThreads(inodes);
      found.processes().putAll(more.processes());
      found.descriptors().putAll(more.descriptors());
    }
    boolean marksUnixSockets = kernel.marksUnixSockets();
    Map<SocketKey, SocketOwners> owners = new HashMap<>();
    for (SocketKey socket : sockets) {
      List<ProcessRef> holders =
          isCredible(socket, found, ofThisBoot.getOrDefault(socket, NONE), marksUnixSockets)
              ? found.processes(socket)
              : List.of();
      boolean complete = !holders.isEmpty() || found.unreadable() == 0;
      owners.put(socket, new SocketOwners(holders, complete));
    }
    return owners;
  }

  /**
   * Whether the holders of a row's inode hold the socket that the row describes. Any user can put
   * the inode of another socket into a name: of an unwatched one, of one in another namespace, or
   * of one with a row of its own. Of two such rows the one that was there before is real.
   */
  private boolean isCredible(
      SocketKey socket,
      OwnerLookup.OwnersFound found,
      SocketOwners before,
      boolean marksUnixSockets) {
    ForgerySuspicion suspicion = tables.suspicions().get(socket);
    List<ProcessRef> holders = found.processes(socket);
    if (suspicion == null || holders.isEmpty()) {
      return true;
    }
    return (!suspicion.contested() || !Collections.disjoint(before.processes(), holders))
        && (!marksUnixSockets || processes.mayBeUnixSocket(found.descriptors().get(socket.inode())))
        && isInNamespace(socket.endpoint().netns(), holders);
  }

  private boolean isInNamespace(String label, List<ProcessRef> holders) {
    Optional<String> namespace = tables.namespaces().get(label).link();
    for (ProcessRef holder : holders) {
      if (namespace.isEmpty() || namespace.equals(processes.networkNamespace(holder))) {
        return true;
      }
    }
    return false;
  }
}
