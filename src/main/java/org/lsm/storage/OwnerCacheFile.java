package org.lsm.storage;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.lsm.model.Endpoint;
import org.lsm.model.Owner;
import org.lsm.model.OwnerCache;
import org.lsm.model.OwnerCache.StuckReader;
import org.lsm.model.ProcessRef;
import org.lsm.model.ProgramFile;
import org.lsm.model.SocketKey;
import org.lsm.model.SocketOwners;

/**
 * The {@link OwnerCache} as a {@link ChecksummedText}: the number of processes, each of them on a
 * line, then each socket with the numbers of its processes, and its other owners.
 */
final class OwnerCacheFile {
  private static final String KIND = "lsm-owner-cache";
  private static final String FORMAT = "1";
  private static final String STUCK = "stuck"; // where a socket has its inode
  private static final int MAX_SIZE = 8 * 1024 * 1024; // bytes

  private OwnerCacheFile() {}

  /** Reads the cache. A missing or damaged file is an empty cache: it costs a search. */
  static OwnerCache read(Path file) {
    try {
      return parse(ChecksummedText.read(file, KIND, FORMAT));
    } catch (IOException | RuntimeException e) {
      return OwnerCache.EMPTY;
    }
  }

  /** Replaces the file, unless the cache is too large: that costs a search, too. */
  static void write(Path file, OwnerCache cache) throws IOException {
    format(cache).write(file, MAX_SIZE);
  }

  static ChecksummedText format(OwnerCache cache) {
    Map<ProcessRef, Integer> numbers = new LinkedHashMap<>();
    cache.owners().values().stream()
        .flatMap(it -> it.processes().stream())
        .sorted(Comparator.comparing(ProcessRef::pid))
        .forEach(it -> numbers.putIfAbsent(it, numbers.size()));
    ChecksummedText text = new ChecksummedText(KIND, FORMAT).line(cache.validity(), numbers.size());
    for (ProcessRef it : numbers.keySet()) {
      long millis = it.startTime().toEpochMilli();
      Owner owner = it.owner();
      text.line(
          it.pid(),
          it.startTicks(),
          millis,
          it.startStack(),
          it.file().numbers(),
          it.parent(),
          owner.user(),
          owner.program(),
          owner.script());
    }
    for (Map.Entry<SocketKey, SocketOwners> entry : cache.owners().entrySet()) {
      text.line(fields(entry.getKey(), entry.getValue(), numbers));
    }
    for (StuckReader reader : cache.stuck()) {
      text.line(STUCK, reader.uid(), reader.pid(), reader.startTicks());
    }
    return text;
  }

  private static Object[] fields(
      SocketKey socket, SocketOwners owners, Map<ProcessRef, Integer> numbers) {
    Endpoint at = socket.endpoint();
    List<Object> fields = new ArrayList<>();
    fields.addAll(List.of(socket.inode(), socket.uid(), at.table(), at.local(), owners.complete()));
    fields.add(owners.processes().size());
    owners.processes().forEach(it -> fields.add(numbers.get(it)));
    ChecksummedText.addOwners(fields, owners.others());
    return fields.toArray();
  }

  static OwnerCache parse(List<List<String>> lines) {
    String validity = lines.get(0).get(0);
    int end = 1 + Integer.parseInt(lines.get(0).get(1));
    List<ProcessRef> processes = new ArrayList<>();
    for (List<String> line : lines.subList(1, end)) {
      processes.add(process(line.iterator()));
    }
    Map<SocketKey, SocketOwners> owners = new HashMap<>();
    Set<StuckReader> stuck = new HashSet<>();
    for (List<String> line : lines.subList(end, lines.size())) {
      Iterator<String> field = line.iterator();
      if (line.get(0).equals(STUCK)) {
        field.next();
        stuck.add(new StuckReader(number(field), (int) number(field), number(field)));
        continue;
      }
      long inode = number(field);
      long uid = number(field);
      Endpoint endpoint = Endpoint.of(field.next(), field.next());
      boolean complete = Boolean.parseBoolean(field.next());
      List<ProcessRef> held = new ArrayList<>();
      for (long left = number(field); left > 0; left--) {
        held.add(processes.get((int) number(field)));
      }
      List<Owner> others = List.copyOf(ChecksummedText.owners(field));
      owners.put(new SocketKey(inode, uid, endpoint), new SocketOwners(held, others, complete));
    }
    return new OwnerCache(validity, owners, stuck);
  }

  private static ProcessRef process(Iterator<String> field) {
    int pid = (int) number(field);
    long startTicks = number(field);
    Instant startTime = Instant.ofEpochMilli(number(field));
    long startStack = number(field);
    ProgramFile file = ProgramFile.parse(field.next());
    int parent = (int) number(field);
    Owner owner = new Owner(field.next(), field.next(), field.next());
    return new ProcessRef(pid, startTicks, startTime, owner, startStack, file, parent);
  }

  private static long number(Iterator<String> field) {
    return Long.parseLong(field.next());
  }
}
