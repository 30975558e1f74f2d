package org.lsm.model;

import java.time.Instant;
import java.util.Collection;
import java.util.Collections;
import java.util.List;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.Predicate;

/**
 * The watched sockets of a host at one moment.
 *
 * @param programs the files of their programs, for a baseline only
 */
public record Snapshot(
    HostInfo hostInfo, SortedMap<Endpoint, SocketEntry> sockets, List<ProgramDigest> programs) {
  public Snapshot {
    sockets = Collections.unmodifiableSortedMap(new TreeMap<>(sockets));
    programs = List.copyOf(programs);
  }

  public Snapshot(HostInfo hostInfo, SortedMap<Endpoint, SocketEntry> sockets) {
    this(hostInfo, sockets, List.of());
  }

  /** The baseline of a host on which rules alone declare what is accepted: it has no time. */
  public static Snapshot declared(HostInfo hostInfo) {
    return new Snapshot(hostInfo.at(Instant.EPOCH), new TreeMap<>());
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
    SortedMap<Endpoint, SocketEntry> sockets = new TreeMap<>();
    for (SocketEntry entry : entries) {
      if (sockets.put(entry.endpoint(), entry) != null) {
        throw new IllegalArgumentException("two entries for " + entry.endpoint());
      }
    }
    return new Snapshot(hostInfo, sockets);
  }

  /** Makes a snapshot of entries; those with one endpoint become one. */
  static Snapshot merged(HostInfo hostInfo, Collection<SocketEntry> entries) {
    SortedMap<Endpoint, SocketEntry> sockets = new TreeMap<>();
    entries.forEach(entry -> sockets.merge(entry.endpoint(), entry, SocketEntry::and));
    return new Snapshot(hostInfo, sockets);
  }

  /** The sockets that are marked as optional. */
  public Set<Endpoint> optional() {
    return where(SocketEntry::optional).sockets().keySet();
  }

  /** Returns the snapshot with these of its sockets marked as optional, too. */
  public Snapshot withOptional(Set<Endpoint> endpoints) {
    SortedMap<Endpoint, SocketEntry> marked = new TreeMap<>(sockets);
    marked.replaceAll((at, entry) -> endpoints.contains(at) ? entry.asOptional() : entry);
    return new Snapshot(hostInfo, marked, programs);
  }

  /** Returns the snapshot with only the entries that fulfil a condition. */
  public Snapshot where(Predicate<SocketEntry> condition) {
    return of(hostInfo, sockets.values().stream().filter(condition).toList()).with(programs);
  }
}
