package org.lsm.model;

import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.SortedSet;
import java.util.TreeSet;

/**
 * A host that sent probes to unused ports, the first of them within the last day. Its address may
 * be forged; its name is that in the DNS if that resolves to the address, else empty.
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
  /** Blocked hosts first, then by the number of ports. */
  public static final Comparator<ScanningHost> WORST_FIRST =
      Comparator.comparing((ScanningHost it) -> it.blockedUntil().isEmpty())
          .thenComparing(ScanningHost::ports, Comparator.reverseOrder())
          .thenComparing(ScanningHost::address);

  public ScanningHost {
    tcp = Collections.unmodifiableSortedSet(new TreeSet<>(tcp));
    udp = Collections.unmodifiableSortedSet(new TreeSet<>(udp));
    probeTypes = Collections.unmodifiableSortedSet(new TreeSet<>(probeTypes));
  }

  public ScanningHost withName(String dns) {
    return new ScanningHost(address, dns, tcp, udp, probeTypes, packets, first, last, blockedUntil);
  }

  public int ports() {
    return tcp.size() + udp.size();
  }

  /** Its ports as ranges: {@code tcp/1-1023}, {@code udp/53}. */
  public List<String> portRanges() {
    List<String> ranges = new ArrayList<>();
    PortSet.of(tcp).ranges().forEach(range -> ranges.add("tcp/" + range));
    PortSet.of(udp).ranges().forEach(range -> ranges.add("udp/" + range));
    return ranges;
  }

  /** Whether it scans: it is blocked, or probed at least {@code trigger} ports. */
  public boolean scans(int trigger) {
    return blockedUntil.isPresent() || ports() >= trigger;
  }
}
