package org.lsm.model;

import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.stream.Stream;

/** How urgent a difference is, the most urgent first. */
public enum Severity {
  HIGH,
  NORMAL,
  LOW;

  /** Flags that are properties and no reason for suspicion. */
  private static final Set<Flag> PROPERTIES =
      EnumSet.of(
          Flag.ALREADY_CLOSED,
          Flag.NO_PROCESS,
          Flag.OUTSIDE_PID_NAMESPACE,
          Flag.BEYOND_LOOPBACK,
          Flag.SYSTEM_USER);

  /**
   * Rates a difference: high with a suspicious flag; low if no other host can reach the socket and
   * all its owners, before and after, are login users. What has unknown details is not low. A
   * socket that is GONE has none. Outbound connections are low without a suspicious flag.
   *
   * @param isLoginUser of the user of an owner
   */
  public static Severity of(
      Difference difference, SocketDetails details, Predicate<String> isLoginUser) {
    if (!suspicious(details).isEmpty()) {
      return HIGH;
    }
    if (difference.endpoint().isOutbound()) {
      return LOW;
    }
    boolean isSeen =
        difference.type() == DifferenceType.GONE || !details.equals(SocketDetails.UNKNOWN);
    boolean isLow = isSeen && difference.endpoint().isLocal();
    for (SocketEntry entry : List.of(difference.before(), difference.after())) {
      isLow = isLow && entry.owners().stream().allMatch(it -> isLoginUser.test(it.user()));
    }
    return isLow && !difference.after().owners().isEmpty() ? LOW : NORMAL;
  }

  /** The suspicious flags of a socket and its processes. */
  public static Set<Flag> suspicious(SocketDetails details) {
    Set<Flag> flags = flags(details);
    if (!flags.contains(Flag.BEYOND_LOOPBACK) && !flags.contains(Flag.SYSTEM_USER)) {
      // It is suspicious where other hosts can reach it, or where no person runs it.
      flags.remove(Flag.INTERPRETER);
    }
    flags.removeAll(PROPERTIES);
    return flags;
  }

  /** The flags that are not suspicious. */
  public static Set<Flag> properties(SocketDetails details) {
    Set<Flag> flags = flags(details);
    flags.removeAll(suspicious(details));
    return flags;
  }

  private static Set<Flag> flags(SocketDetails details) {
    Set<Flag> flags = EnumSet.noneOf(Flag.class);
    flags.addAll(details.flags());
    details.processes().forEach(it -> flags.addAll(it.flags()));
    return flags;
  }

  /** The more urgent one of two. */
  public Severity max(Severity other) {
    return compareTo(other) <= 0 ? this : other;
  }

  /**
   * Orders differences by a function of their severity, the most urgent first, else as they are.
   */
  public static List<Difference> sort(
      List<Difference> differences, Function<Difference, Severity> rate) {
    return Stream.of(values())
        .flatMap(it -> differences.stream().filter(difference -> rate.apply(difference) == it))
        .toList();
  }
}
