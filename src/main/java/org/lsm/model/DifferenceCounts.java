package org.lsm.model;

import java.util.stream.Collectors;
import java.util.stream.Stream;

/** The number of differences of each type. */
public record DifferenceCounts(int added, int gone, int changed) {
  public static final DifferenceCounts NONE = new DifferenceCounts(0, 0, 0);

  public static DifferenceCounts of(Diff diff) {
    return new DifferenceCounts(
        diff.of(DifferenceType.NEW).size(),
        diff.of(DifferenceType.GONE).size(),
        diff.of(DifferenceType.CHANGED).size());
  }

  /** In words, without counts of zero: {@code 2 NEW, 1 GONE}. */
  @Override
  public String toString() {
    Stream<String> counts = Stream.of(added + " NEW", changed + " CHANGED", gone + " GONE");
    return counts.filter(it -> !it.startsWith("0 ")).collect(Collectors.joining(", "));
  }
}
