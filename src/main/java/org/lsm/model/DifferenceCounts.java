package org.lsm.model;

/** The number of differences of each type. */
public record DifferenceCounts(int added, int gone, int changed) {
  public static final DifferenceCounts NONE = new DifferenceCounts(0, 0, 0);

  public static DifferenceCounts of(Diff diff) {
    return new DifferenceCounts(
        diff.of(DifferenceType.NEW).size(),
        diff.of(DifferenceType.GONE).size(),
        diff.of(DifferenceType.CHANGED).size());
  }
}
