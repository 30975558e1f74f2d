package org.lsm.snapshot;

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
 * @param kinds what it sent
 * @param packets how many of them
 * @param first when it was seen first, within a day
 * @param last when it was seen last
 * @param blockedUntil when it is let in again, if it is blocked
 */
public record Prober(
    String address,
    String name,
    SortedSet<Integer> tcp,
    SortedSet<Integer> udp,
    SortedSet<Kind> kinds,
    long packets,
    Instant first,
    Instant last,
    Optional<Instant> blockedUntil) {

  /** The kinds of probes, by the flags of TCP (RFC 9293, section 3.1). */
  public enum Kind {
    /** What every connection begins with: a SYN scan and a connect scan look the same here. */
    SYN,
    /** No flag at all. */
    NULL,
    /** FIN alone. */
    FIN,
    /** FIN, PSH and URG. */
    XMAS,
    /** Any other flags that no segment of a connection has. */
    ODD,
    UDP
  }

  /** Who is blocked first, then who has tried most. */
  public static final Comparator<Prober> WORST_FIRST =
      Comparator.comparing((Prober it) -> it.blockedUntil().isEmpty())
          .thenComparing(Prober::ports, Comparator.reverseOrder())
          .thenComparing(Prober::address);

  public Prober {
    tcp = Collections.unmodifiableSortedSet(new TreeSet<>(tcp));
    udp = Collections.unmodifiableSortedSet(new TreeSet<>(udp));
    kinds = Collections.unmodifiableSortedSet(new TreeSet<>(kinds));
  }

  /** The same host with its name. */
  public Prober named(String found) {
    return new Prober(address, found, tcp, udp, kinds, packets, first, last, blockedUntil);
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
