package org.lsm.model;

import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;

/** Facts with their values, in order; not escaped. A fact without a value is left out. */
public record Facts(SortedMap<Fact, List<String>> values) {
  public static final Facts NONE = new Facts(new TreeMap<>());

  private static final int MAX_VALUES = 20; // of a fact
  private static final int MAX_LENGTH = 1000; // characters of a value

  public Facts {
    values = Collections.unmodifiableSortedMap(new TreeMap<>(values));
  }

  /** Returns these facts and one more, with 20 values of 1000 characters; the rest is counted. */
  public Facts with(Fact fact, Collection<String> more) {
    List<String> all = new ArrayList<>(of(fact));
    more.forEach(it -> all.add(it.length() > MAX_LENGTH ? it.substring(0, MAX_LENGTH) + "…" : it));
    int left = all.size() - MAX_VALUES;
    if (left > 0) {
      all.subList(MAX_VALUES, all.size()).clear();
      all.add("and " + left + " more");
    }
    SortedMap<Fact, List<String>> next = new TreeMap<>(values);
    if (!all.isEmpty()) {
      next.put(fact, List.copyOf(all));
    }
    return new Facts(next);
  }

  /** The same with one value, unless that is empty. */
  public Facts with(Fact fact, String value) {
    return with(fact, value.isEmpty() ? List.of() : List.of(value));
  }

  public List<String> of(Fact fact) {
    return values.getOrDefault(fact, List.of());
  }
}
