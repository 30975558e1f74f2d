package org.lsm.model;

import java.time.Instant;
import java.util.Collections;
import java.util.Comparator;
import java.util.Optional;
import java.util.SortedSet;
import java.util.TreeSet;

/**
 * A host that has knocked at ports which nobody serves.
 *
 * @param address where it sends from, or pretends to
 * @param name its name in the DNS, if that leads back to the address; else empty
 * @param tcp the TCP ports
 * @param udp the UDP ports
 * @param probeTypes what it sent
 * @param packets how many of them
 * @param first when it was seen first, within a day
 * @param last when it was seen last
 * @param blockedUntil when it is let in again, if it is blocked
 */
public record ScanningHost(
    String address,
    String name,
    SortedSet<Integer> tcp,
    SortedSet<Integer> udp,
    SortedSet<ProbeType> probeTypes,
    long packets,
    Instant first,
    Instant last,
    Optional<Instant> blockedUntil) {

  /** Who is blocked first, then who has tried most. */
  public static final Comparator<ScanningHost> WORST_FIRST =
      Comparator.comparing((ScanningHost it) -> it.blockedUntil().isEmpty())
          .thenComparing(ScanningHost::ports, Comparator.reverseOrder())
          .thenComparing(ScanningHost::address);

  public ScanningHost {
    tcp = Collections.unmodifiableSortedSet(new TreeSet<>(tcp));
    udp = Collections.unmodifiableSortedSet(new TreeSet<>(udp));
    probeTypes = Collections.unmodifiableSortedSet(new TreeSet<>(probeTypes));
  }

  /** The same host with its name. */
  public ScanningHost named(String found) {
    return new ScanningHost(
        address, found, tcp, udp, probeTypes, packets, first, last, blockedUntil);
  }

  /** How many ports it has knocked at. */
  public int ports() {
    return tcp.size() + udp.size();
  }

  /** Whether that is a scan: it is blocked, or has knocked at so many ports. */
  public boolean scans(int trigger) {
    return blockedUntil.isPresent() || ports() >= trigger;
  }
}
