package org.lsm.model;

import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * Limits the owners of the sockets of one scan: nobody may fill memory, files and mails by sharing
 * sockets among many programs. A further owner still makes a difference.
 */
public final class OwnerLimit {
  /** Owners of a socket that are kept by name; one more stands for all others. */
  public static final int MAX_OWNERS = 20;

  /** Processes of a socket that are kept, of its owners in turn. */
  public static final int MAX_PROCESSES = 200;

  // Each is computed once: hundreds of programs may share hundreds of sockets.
  private final Map<Owner, String> digests = new HashMap<>();

  /** The owners of several sockets at one endpoint. */
  public SocketOwners union(List<SocketOwners> sockets) {
    Set<ProcessRef> processes = new LinkedHashSet<>();
    Set<Owner> others = new HashSet<>();
    boolean complete = true;
    for (SocketOwners socket : sockets) {
      processes.addAll(socket.processes());
      others.addAll(socket.others());
      complete &= socket.complete();
    }
    return apply(processes, others, complete);
  }

  /** The owners of a socket. Which of them are kept is arbitrary, but always the same. */
  public SocketOwners apply(Collection<ProcessRef> processes, boolean complete) {
    return apply(processes, Set.of(), complete);
  }

  private SocketOwners apply(
      Collection<ProcessRef> processes, Set<Owner> others, boolean complete) {
    Set<Owner> owners = new HashSet<>(others);
    processes.forEach(process -> owners.add(process.owner()));
    long further = others.stream().filter(Owner::isFurther).count();
    Set<Owner> kept =
        further > 1 || owners.size() - further > MAX_OWNERS ? limited(owners) : owners;
    List<ProcessRef> held = processes.stream().filter(it -> kept.contains(it.owner())).toList();
    if (held.size() > MAX_PROCESSES) {
      held = List.copyOf(Diff.inTurns(held, ProcessRef::owner).subList(0, MAX_PROCESSES));
    }
    held.forEach(process -> kept.remove(process.owner()));
    return new SocketOwners(held, List.copyOf(new TreeSet<>(kept)), complete);
  }

  /** {@link #MAX_OWNERS} owners, and one that stands for all others. */
  private Set<Owner> limited(Set<Owner> owners) {
    SortedMap<String, Owner> byDigest = new TreeMap<>();
    for (Owner owner : owners) {
      byDigest.put(digests.computeIfAbsent(owner, Owner::digest), owner);
    }
    Set<Owner> kept = new HashSet<>();
    int further = 0;
    for (Owner owner : byDigest.values()) {
      if (kept.size() < MAX_OWNERS && !owner.isFurther()) {
        kept.add(owner);
      } else {
        further += owner.count();
      }
    }
    kept.add(Owner.further(further, Sha256.of(String.join("", byDigest.keySet()))));
    return kept;
  }
}
