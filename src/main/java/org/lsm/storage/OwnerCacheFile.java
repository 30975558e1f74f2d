package org.lsm.storage;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Iterator;
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

/** The {@link OwnerCache} as a {@link ChecksummedText}, a socket on each line. */
final class OwnerCacheFile {
  private static final String KIND = "lsm-owner-cache";
  private static final String FORMAT = "1";
  private static final String STUCK = "stuck"; // where a socket has its inode
  private static final int MAX_PROCESSES_PER_OWNER = 20; // where thousands share a socket

  private OwnerCacheFile() {}

  /** Reads the cache. A missing or damaged file is an empty cache: it costs a search. */
  static OwnerCache read(Path file) {
    try {
      return parse(ChecksummedText.read(file, KIND, FORMAT));
    } catch (IOException | RuntimeException e) {
      return OwnerCache.EMPTY;
    }
  }

  static ChecksummedText format(OwnerCache cache) {
    ChecksummedText text = new ChecksummedText(KIND, FORMAT).line(cache.validity());
    for (Map.Entry<SocketKey, SocketOwners> entry : cache.owners().entrySet()) {
      text.line(fields(entry.getKey(), entry.getValue()));
    }
    for (StuckReader reader : cache.stuck()) {
      text.line(STUCK, reader.uid(), reader.pid(), reader.startTicks());
    }
    return text;
  }

  private static Object[] fields(SocketKey socket, SocketOwners owners) {
    Endpoint at = socket.endpoint();
    List<Object> fields = new ArrayList<>();
    fields.addAll(List.of(socket.inode(), socket.uid(), at.table(), at.local(), owners.complete()));
    Map<Owner, Integer> counts = new HashMap<>();
    for (ProcessRef process : owners.processes()) {
      int count = counts.getOrDefault(process.owner(), 0) + 1;
      counts.put(process.owner(), count);
      if (count <= MAX_PROCESSES_PER_OWNER) {
        long startTime = process.startTime().toEpochMilli();
        fields.addAll(List.of(process.pid(), process.startTicks(), startTime));
        ProgramFile file = process.file();
        fields.addAll(List.of(process.startStack(), file.device(), file.inode()));
        fields.addAll(List.of(file.size(), file.ctime()));
        ChecksummedText.addOwners(fields, List.of(process.owner()));
      }
    }
    return fields.toArray();
  }

  static OwnerCache parse(List<List<String>> lines) {
    Map<SocketKey, SocketOwners> owners = new HashMap<>();
    Set<StuckReader> stuck = new HashSet<>();
    for (List<String> line : lines.subList(1, lines.size())) {
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
      List<ProcessRef> processes = new ArrayList<>();
      while (field.hasNext()) {
        int pid = Integer.parseInt(field.next());
        long startTicks = number(field);
        Instant startTime = Instant.ofEpochMilli(number(field));
        long startStack = number(field);
        ProgramFile file =
            new ProgramFile(number(field), number(field), number(field), number(field));
        Owner owner = new Owner(field.next(), field.next(), field.next());
        processes.add(new ProcessRef(pid, startTicks, startTime, owner, startStack, file));
      }
      owners.put(new SocketKey(inode, uid, endpoint), new SocketOwners(processes, complete));
    }
    return new OwnerCache(lines.get(0).get(0), owners, stuck);
  }

  private static long number(Iterator<String> field) {
    return Long.parseLong(field.next());
  }
}
