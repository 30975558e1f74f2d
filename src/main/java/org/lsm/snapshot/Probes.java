package org.lsm.snapshot;

import java.util.List;

/**
 * Who has knocked at unused ports within the last day, as far as the kernel has kept it.
 *
 * @param probers every host
 * @param overflowing whether there are more, or soon will be, than there is room for
 */
public record Probes(List<Prober> probers, boolean overflowing) {

  /** What is known where nothing was looked at. */
  public static final Probes NONE = new Probes(List.of(), false);

  public Probes {
    probers = List.copyOf(probers);
  }

  /** The hosts that scan. */
  public long scanning(int trigger) {
    return probers.stream().filter(it -> it.scans(trigger)).count();
  }

  /** The hosts that are blocked. */
  public long blocked() {
    return probers.stream().filter(it -> it.blockedUntil().isPresent()).count();
  }
}
