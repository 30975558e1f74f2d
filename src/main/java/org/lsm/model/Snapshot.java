package org.lsm.model;

import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.BiConsumer;
import java.util.function.Predicate;

/**
 * The watched sockets of a host at one moment.
 *
 * @param sockets in the order of their endpoints
 * @param programs the files of their programs, for a baseline only
 */
public record Snapshot(
    HostInfo hostInfo, Map<Endpoint, SocketEntry> sockets, List<ProgramDigest> programs) {
  public Snapshot {
    sockets = sockets instanceof EntryMap sorted ? sorted : EntryMap.of(sockets.values());
    programs = List.copyOf(programs);
  }

  public Snapshot(HostInfo hostInfo, Map<Endpoint, SocketEntry> sockets) {
    this(hostInfo, sockets, List.of());
  }

  /** The baseline of a host on which rules alone declare what is accepted: it has no time. */
  public static Snapshot declared(HostInfo hostInfo) {
    return new Snapshot(hostInfo.at(Instant.EPOCH), Map.of());
  }

  /** Whether this is a {@link #declared} baseline. */
  public boolean isDeclared() {
    return hostInfo.time().equals(Instant.EPOCH);
  }

  public Snapshot with(List<ProgramDigest> digests) {
    return new Snapshot(hostInfo, sockets, digests);
  }

  /** Makes a snapshot of entries; throws IllegalArgumentException if two have one endpoint. */
  public static Snapshot of(HostInfo hostInfo, Collection<SocketEntry> entries) {
    return new Snapshot(hostInfo, EntryMap.of(entries));
  }

  /** Makes a snapshot of entries; those with one endpoint become one. */
  static Snapshot merged(HostInfo hostInfo, Collection<SocketEntry> entries) {
    Map<Endpoint, SocketEntry> sockets = new TreeMap<>();
    entries.forEach(entry -> sockets.merge(entry.endpoint(), entry, SocketEntry::and));
    return new Snapshot(hostInfo, sockets);
  }

  /** The sockets that are marked as optional. */
  public Set<Endpoint> optional() {
    return where(SocketEntry::optional).sockets().keySet();
  }

  /** Returns the snapshot with these of its sockets marked as optional, too. */
  public Snapshot withOptional(Set<Endpoint> endpoints) {
    List<SocketEntry> marked = new ArrayList<>(sockets.values());
    marked.replaceAll(it -> endpoints.contains(it.endpoint()) ? it.asOptional() : it);
    return of(hostInfo, marked).with(programs);
  }

  /** Returns the snapshot with only the entries that fulfil a condition. */
  public Snapshot where(Predicate<SocketEntry> condition) {
    List<SocketEntry> entries = new ArrayList<>();
    for (SocketEntry entry : sockets.values()) {
      if (condition.test(entry)) {
        entries.add(entry);
      }
    }
    return entries.size() == sockets.size() ? this : of(hostInfo, entries).with(programs);
  }

  /** Returns the snapshot with the entries of another one added, or in place of its own. */
  public Snapshot and(Snapshot other) {
    Map<Endpoint, SocketEntry> all = new TreeMap<>(sockets);
    all.putAll(other.sockets);
    return new Snapshot(hostInfo, all, programs);
  }

  /** Takes each endpoint of this snapshot or another one, with both entries; null is none. */
  void compare(Snapshot other, BiConsumer<SocketEntry, SocketEntry> both) {
    Iterator<SocketEntry> theirs = other.sockets.values().iterator();
    SocketEntry next = nextOf(theirs);
    for (SocketEntry own : sockets.values()) {
      int order = 1;
      while (next != null && (order = next.endpoint().compareTo(own.endpoint())) < 0) {
        both.accept(null, next);
        next = nextOf(theirs);
      }
      both.accept(own, order == 0 ? next : null);
      next = order == 0 ? nextOf(theirs) : next;
    }
    for (; next != null; next = nextOf(theirs)) {
      both.accept(null, next);
    }
  }

  private static SocketEntry nextOf(Iterator<SocketEntry> entries) {
    return entries.hasNext() ? entries.next() : null;
  }
}
