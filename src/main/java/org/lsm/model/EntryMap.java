package org.lsm.model;

import java.util.AbstractMap;
import java.util.AbstractSet;
import java.util.Arrays;
import java.util.Collection;
import java.util.Comparator;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Entries by endpoint, in the order of endpoints: an array that is sorted once. */
final class EntryMap extends AbstractMap<Endpoint, SocketEntry> {
  // Not a lambda: those take longer to load than a class.
  private static final Comparator<SocketEntry> BY_ENDPOINT =
      new Comparator<>() {
        @Override
        public int compare(SocketEntry a, SocketEntry b) {
          return a.endpoint().compareTo(b.endpoint());
        }
      };

  private final List<SocketEntry> entries;

  private EntryMap(SocketEntry[] sorted) {
    this.entries = List.of(sorted);
  }

  /** Takes entries in any order; throws IllegalArgumentException if two have one endpoint. */
  static EntryMap of(Collection<SocketEntry> entries) {
    SocketEntry[] sorted = entries.toArray(new SocketEntry[0]);
    Arrays.sort(sorted, BY_ENDPOINT); // fast if they are in order
    for (int i = 1; i < sorted.length; i++) {
      if (sorted[i].endpoint().equals(sorted[i - 1].endpoint())) {
        throw new IllegalArgumentException("two entries for " + sorted[i].endpoint());
      }
    }
    return new EntryMap(sorted);
  }

  @Override
  public SocketEntry get(Object endpoint) {
    int low = 0;
    for (int high = entries.size(); low < high; ) {
      int middle = (low + high) >>> 1;
      int order = entries.get(middle).endpoint().compareTo((Endpoint) endpoint);
      if (order == 0) {
        return entries.get(middle);
      }
      low = order < 0 ? middle + 1 : low;
      high = order < 0 ? high : middle;
    }
    return null;
  }

  @Override
  public boolean containsKey(Object endpoint) {
    return get(endpoint) != null;
  }

  @Override
  public List<SocketEntry> values() {
    return entries;
  }

  @Override
  public Set<Entry<Endpoint, SocketEntry>> entrySet() {
    return new AbstractSet<>() {
      @Override
      public Iterator<Entry<Endpoint, SocketEntry>> iterator() {
        Iterator<SocketEntry> all = entries.iterator();
        return new Iterator<>() {
          @Override
          public boolean hasNext() {
            return all.hasNext();
          }

          @Override
          public Entry<Endpoint, SocketEntry> next() {
            SocketEntry entry = all.next();
            return Map.entry(entry.endpoint(), entry);
          }
        };
      }

      @Override
      public int size() {
        return entries.size();
      }
    };
  }
}
