package org.lsm.model;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * Compares several hosts with their majority, which stands for the baseline: the sockets that more
 * than half of them have, each with the owners that it has on most of these.
 */
public final class HostComparison {
  private final Map<SocketEntry, SocketEntry> known = new HashMap<>(); // most hosts have the same
  private final List<Snapshot> hosts = new ArrayList<>();

  public void add(Snapshot snapshot) {
    List<SocketEntry> entries = new ArrayList<>();
    for (SocketEntry entry : SocketIdentity.onAnyHost(snapshot).sockets().values()) {
      entries.add(known.computeIfAbsent(entry, it -> it));
    }
    hosts.add(Snapshot.of(snapshot.hostInfo(), entries));
  }

  /** Each difference, with the numbers of the hosts that have it, in the order of {@link #add}. */
  public Map<Difference, List<Integer>> differences() {
    Snapshot majority = majority();
    Map<Difference, List<Integer>> differences = new LinkedHashMap<>();
    for (int i = 0; i < hosts.size(); i++) {
      for (Difference it :
          Diff.between(majority, hosts.get(i), SocketIdentity.NONE).differences()) {
        differences.computeIfAbsent(it, none -> new ArrayList<>()).add(i);
      }
    }
    return differences;
  }

  private Snapshot majority() {
    Map<SocketEntry, Integer> having = new HashMap<>();
    Map<Endpoint, Integer> present = new HashMap<>();
    for (Snapshot host : hosts) {
      host.sockets().values().forEach(it -> having.merge(it, 1, Integer::sum));
      host.sockets().keySet().forEach(it -> present.merge(it, 1, Integer::sum));
    }
    SortedMap<Endpoint, SocketEntry> usual = new TreeMap<>();
    for (Snapshot host : hosts) {
      for (SocketEntry it : host.sockets().values()) {
        if (2 * present.get(it.endpoint()) > hosts.size()) {
          usual.merge(it.endpoint(), it, (a, b) -> having.get(b) > having.get(a) ? b : a);
        }
      }
    }
    return new Snapshot(hosts.get(0).hostInfo(), usual);
  }
}
