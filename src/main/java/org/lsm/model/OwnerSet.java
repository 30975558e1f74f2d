package org.lsm.model;

import java.util.AbstractSet;
import java.util.Collection;
import java.util.Collections;
import java.util.Iterator;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/** Owners in their order, which never change; entries share them. */
final class OwnerSet extends AbstractSet<Owner> {
  private final List<Owner> owners;

  private OwnerSet(Collection<Owner> sorted) {
    this.owners = List.copyOf(sorted);
  }

  static Set<Owner> copyOf(Collection<Owner> owners) {
    if (owners instanceof OwnerSet same) {
      return same;
    }
    return new OwnerSet(owners.size() < 2 ? owners : new TreeSet<>(owners));
  }

  @Override
  public boolean contains(Object owner) {
    return Collections.binarySearch(owners, (Owner) owner) >= 0;
  }

  @Override
  public Iterator<Owner> iterator() {
    return owners.iterator();
  }

  @Override
  public int size() {
    return owners.size();
  }
}
