package org.lsm.storage;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
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
 * line, then each socket, in the order of endpoints, with the numbers of its processes, and its
 * other owners.
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
      return parse(FieldCursor.open(file, KIND, FORMAT));
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
    List<SocketKey> sockets = new ArrayList<>(cache.owners().keySet());
    sockets.sort(Comparator.comparing(SocketKey::endpoint).thenComparing(SocketKey::inode));
    sockets.forEach(it -> text.line(fields(it, cache.owners().get(it), numbers)));
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

  static OwnerCache parse(FieldCursor line) {
    line.nextLine();
    String validity = line.next();
    List<ProcessRef> processes = new ArrayList<>();
    for (long left = line.number(); left > 0; left--) {
      line.nextLine();
      processes.add(process(line));
    }
    Map<SocketKey, SocketOwners> owners = new LinkedHashMap<>();
    Set<StuckReader> stuck = new HashSet<>();
    // Many sockets have the same owners: each text of them is read once.
    Map<String, SocketOwners> byText = new HashMap<>();
    while (line.nextLine()) {
      String first = line.next();
      if (first.equals(STUCK)) {
        stuck.add(new StuckReader(line.number(), (int) line.number(), line.number()));
        continue;
      }
      long inode = Long.parseLong(first);
      long uid = line.number();
      SocketKey socket = new SocketKey(inode, uid, Endpoint.of(line.next(), line.next()));
      String text = line.peek();
      SocketOwners held = byText.get(text);
      if (held == null) {
        held = owners(line, processes);
        byText.put(text, held);
      }
      owners.put(socket, held);
    }
    return new OwnerCache(validity, owners, stuck);
  }

  private static SocketOwners owners(FieldCursor field, List<ProcessRef> processes) {
    boolean complete = Boolean.parseBoolean(field.next());
    List<ProcessRef> held = new ArrayList<>();
    for (long left = field.number(); left > 0; left--) {
      held.add(processes.get((int) field.number()));
    }
    List<Owner> others = List.copyOf(ChecksummedText.owners(field.rest()));
    return new SocketOwners(List.copyOf(held), others, complete);
  }

  private static ProcessRef process(FieldCursor field) {
    int pid = (int) field.number();
    long startTicks = field.number();
    Instant startTime = Instant.ofEpochMilli(field.number());
    long startStack = field.number();
    ProgramFile file = ProgramFile.parse(field.next());
    int parent = (int) field.number();
    Owner owner = new Owner(field.next(), field.next(), field.next());
    return new ProcessRef(pid, startTicks, startTime, owner, startStack, file, parent);
  }
}
