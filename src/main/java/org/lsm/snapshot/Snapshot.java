package org.lsm.snapshot;

import java.time.Instant;
import java.util.Collection;
import java.util.Collections;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.Predicate;

/**
 * The watched sockets of a host at one moment.
 *
 * @param origin where and when it was taken
 * @param sockets the entries by endpoint, in the order of {@link Endpoint}
 */
public record Snapshot(Origin origin, SortedMap<Endpoint, SocketEntry> sockets) {

  /**
   * Where a snapshot comes from.
   *
   * @param host the host's name
   * @param kernel the kernel's release
   * @param time when the scan was made
   * @param version the version of lsm that made it
   */
  public record Origin(String host, String kernel, Instant time, String version) {}

  public Snapshot {
    sockets = Collections.unmodifiableSortedMap(new TreeMap<>(sockets));
  }

  /** A snapshot of these entries, of which no two have the same endpoint. */
  public static Snapshot of(Origin origin, Collection<SocketEntry> entries) {
    SortedMap<Endpoint, SocketEntry> sockets = new TreeMap<>();
    for (SocketEntry entry : entries) {
      if (sockets.put(entry.endpoint(), entry) != null) {
        throw new IllegalArgumentException("two entries for " + entry.endpoint());
      }
    }
    return new Snapshot(origin, sockets);
  }

  /** The part of this snapshot that a condition holds for. */
  public Snapshot where(Predicate<SocketEntry> condition) {
    return of(origin, sockets.values().stream().filter(condition).toList());
  }
}
