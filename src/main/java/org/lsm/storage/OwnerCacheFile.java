package org.lsm.storage;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import org.lsm.model.Endpoint;
import org.lsm.model.Owner;
import org.lsm.model.OwnerCache;
import org.lsm.model.ProcessRef;
import org.lsm.model.SocketKey;
import org.lsm.model.SocketOwners;

/** The {@link OwnerCache} as a file. */
public final class OwnerCacheFile {

  private static final String KIND = "lsm-owner-cache";
  private static final String FORMAT = "1";

  /** Processes of one owner to keep for each socket; bounds the file where many share a socket. */
  private static final int MAX_PROCESSES_PER_OWNER = 20;

  private OwnerCacheFile() {}

  /** Reads a cache; one that is missing or damaged is empty, which only costs a search. */
  public static OwnerCache read(Path file) {
    try {
      return parse(new String(AtomicFile.read(file), StandardCharsets.UTF_8));
    } catch (IOException | RuntimeException e) {
      return OwnerCache.empty();
    }
  }

  /** Writes a cache. */
  public static void write(Path file, OwnerCache cache) throws IOException {
    AtomicFile.write(file, format(cache).getBytes(StandardCharsets.UTF_8));
  }

  static String format(OwnerCache cache) {
    ChecksummedText text = new ChecksummedText(KIND, FORMAT).line(cache.validity());
    cache.owners().forEach((socket, owners) -> text.line(fields(socket, owners)));
    return text.seal();
  }

  private static String[] fields(SocketKey socket, SocketOwners owners) {
    List<String> fields = new ArrayList<>();
    fields.add(Long.toString(socket.inode()));
    fields.add(Long.toString(socket.uid()));
    fields.add(socket.endpoint().table());
    fields.add(socket.endpoint().local());
    fields.add(Boolean.toString(owners.complete()));
    Map<Owner, Integer> counts = new HashMap<>();
    for (ProcessRef process : owners.processes()) {
      if (counts.merge(process.owner(), 1, Integer::sum) > MAX_PROCESSES_PER_OWNER) {
        continue;
      }
      fields.add(Integer.toString(process.pid()));
      fields.add(Long.toString(process.startTicks()));
      fields.add(Long.toString(process.startTime().toEpochMilli()));
      fields.add(process.owner().user());
      fields.add(process.owner().program());
    }
    return fields.toArray(String[]::new);
  }

  static OwnerCache parse(String text) {
    List<List<String>> lines = ChecksummedText.open(text, KIND, FORMAT);
    Map<SocketKey, SocketOwners> owners = new HashMap<>();
    for (List<String> line : lines.subList(1, lines.size())) {
      Iterator<String> field = line.iterator();
      long inode = Long.parseLong(field.next());
      long uid = Long.parseLong(field.next());
      Endpoint endpoint = Endpoint.of(field.next(), field.next());
      boolean complete = Boolean.parseBoolean(field.next());
      List<ProcessRef> processes = new ArrayList<>();
      while (field.hasNext()) {
        int pid = Integer.parseInt(field.next());
        long startTicks = Long.parseLong(field.next());
        Instant startTime = Instant.ofEpochMilli(Long.parseLong(field.next()));
        processes.add(
            new ProcessRef(pid, startTicks, startTime, new Owner(field.next(), field.next())));
      }
      owners.put(new SocketKey(inode, uid, endpoint), new SocketOwners(processes, complete));
    }
    return new OwnerCache(lines.get(0).get(0), owners);
  }
}
