package org.lsm.model;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.Collection;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** A set of TCP or UDP ports, written as {@code 1-1023,8080}. */
public record PortSet(BitSet ports) {
  private static final Pattern RANGE = Pattern.compile("(\\d{1,5})(?:-(\\d{1,5}))?");

  /** Parses ports and ranges; an IllegalArgumentException continues the name of the setting. */
  public static PortSet parse(String text) {
    BitSet ports = new BitSet();
    for (String word : text.split("[,\\s]+", -1)) {
      if (word.isEmpty()) {
        continue;
      }
      Matcher range = RANGE.matcher(word);
      int first = range.matches() ? Integer.parseInt(range.group(1)) : 0;
      int last = first > 0 && range.group(2) != null ? Integer.parseInt(range.group(2)) : first;
      if (first < 1 || last < first || last > 0xFFFF) {
        throw new IllegalArgumentException(
            "has '" + word + "', which is not a port or range of ports from 1 to 65535");
      }
      ports.set(first, last + 1);
    }
    return new PortSet(ports);
  }

  /** A set of numbers from 1 to 65535. */
  public static PortSet of(Collection<Integer> numbers) {
    BitSet ports = new BitSet();
    numbers.forEach(ports::set);
    return new PortSet(ports);
  }

  /** Returns the ports that the other set does not have. */
  public PortSet without(PortSet others) {
    BitSet rest = (BitSet) ports.clone();
    rest.andNot(others.ports);
    return new PortSet(rest);
  }

  /** Returns the ports of both. */
  public PortSet with(PortSet others) {
    BitSet all = (BitSet) ports.clone();
    all.or(others.ports);
    return new PortSet(all);
  }

  /** The ranges with commas between them; empty for no ports. */
  @Override
  public String toString() {
    return String.join(",", ranges());
  }

  /** Ranges and single ports in order: {@code 1-1023}, {@code 8080}. */
  public List<String> ranges() {
    List<String> ranges = new ArrayList<>();
    for (int first = ports.nextSetBit(0); first >= 0; ) {
      int end = ports.nextClearBit(first);
      ranges.add(end == first + 1 ? String.valueOf(first) : first + "-" + (end - 1));
      first = ports.nextSetBit(end);
    }
    return ranges;
  }
}
