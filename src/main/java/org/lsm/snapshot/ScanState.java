package org.lsm.snapshot;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Who held each socket at the last scan, so that the next one has to look only for the owners of
 * sockets it has not seen.
 *
 * @param validity what all of it depends on: the boot, and what the scanning user was allowed to
 *     see
 * @param holdings who held each socket
 */
public record ScanState(String validity, Map<Socket, Holding> holdings) {

  private static final String KIND = "lsm-scan";
  private static final String FORMAT = "2";

  /**
   * Lest somebody whose processes share many sockets fill the disk; a few are enough to know it.
   */
  private static final int MOST_OF_AN_OWNER = 20;

  /**
   * One socket, as the kernel tells it from all others.
   *
   * @param inode number of its inode
   * @param uid the user who made it
   * @param endpoint its local end
   */
  public record Socket(long inode, long uid, Endpoint endpoint) {

    // By hand for the same reason as in Endpoint.

    @Override
    public boolean equals(Object other) {
      return other instanceof Socket socket
          && inode == socket.inode
          && uid == socket.uid
          && endpoint.equals(socket.endpoint);
    }

    @Override
    public int hashCode() {
      return 31 * Long.hashCode(inode) + endpoint.hashCode();
    }
  }

  /**
   * Who holds a socket.
   *
   * @param holders the processes that were found
   * @param complete whether all there may be could be found
   */
  public record Holding(List<Holder> holders, boolean complete) {

    // By hand for the same reason as in Endpoint.

    @Override
    public boolean equals(Object other) {
      return other instanceof Holding holding
          && complete == holding.complete
          && holders.equals(holding.holders);
    }

    @Override
    public int hashCode() {
      return holders.hashCode();
    }
  }

  public ScanState {
    holdings = Map.copyOf(holdings);
  }

  /** This state without what it knows of these endpoints. */
  public ScanState without(Set<Endpoint> endpoints) {
    Map<Socket, Holding> rest = new HashMap<>(holdings);
    rest.keySet().removeIf(socket -> endpoints.contains(socket.endpoint()));
    return new ScanState(validity, rest);
  }

  /** Whether it remembers the same. */
  boolean isSameAs(ScanState other) {
    return validity.equals(other.validity) && holdings.equals(other.holdings);
  }

  /** A state that remembers nothing. */
  public static ScanState empty() {
    return new ScanState("", Map.of());
  }

  /** Reads a state; one that is missing or damaged only costs a look at all processes. */
  public static ScanState read(Path file) {
    try {
      return parse(new String(DurableFile.read(file), StandardCharsets.UTF_8));
    } catch (IOException | RuntimeException e) {
      return empty();
    }
  }

  /** Writes the state. */
  public void write(Path file) throws IOException {
    DurableFile.write(file, format().getBytes(StandardCharsets.UTF_8));
  }

  String format() {
    SealedText text = new SealedText(KIND, FORMAT).line(validity);
    holdings.forEach((socket, holding) -> text.line(fields(socket, holding)));
    return text.seal();
  }

  private static String[] fields(Socket socket, Holding holding) {
    List<String> fields = new ArrayList<>();
    fields.add(Long.toString(socket.inode()));
    fields.add(Long.toString(socket.uid()));
    fields.add(socket.endpoint().table());
    fields.add(socket.endpoint().local());
    fields.add(Boolean.toString(holding.complete()));
    Map<Owner, Integer> counts = new HashMap<>();
    for (Holder holder : holding.holders()) {
      if (counts.merge(holder.owner(), 1, Integer::sum) > MOST_OF_AN_OWNER) {
        continue;
      }
      fields.add(Integer.toString(holder.pid()));
      fields.add(Long.toString(holder.startTicks()));
      fields.add(Long.toString(holder.startTime().toEpochMilli()));
      fields.add(holder.owner().user());
      fields.add(holder.owner().program());
    }
    return fields.toArray(String[]::new);
  }

  static ScanState parse(String text) {
    List<List<String>> lines = SealedText.open(text, KIND, FORMAT);
    Map<Socket, Holding> holdings = new HashMap<>();
    for (List<String> line : lines.subList(1, lines.size())) {
      Iterator<String> field = line.iterator();
      long inode = Long.parseLong(field.next());
      long uid = Long.parseLong(field.next());
      Endpoint endpoint = Endpoint.of(field.next(), field.next());
      boolean complete = Boolean.parseBoolean(field.next());
      List<Holder> holders = new ArrayList<>();
      while (field.hasNext()) {
        int pid = Integer.parseInt(field.next());
        long startTicks = Long.parseLong(field.next());
        Instant startTime = Instant.ofEpochMilli(Long.parseLong(field.next()));
        holders.add(new Holder(pid, startTicks, startTime, new Owner(field.next(), field.next())));
      }
      holdings.put(new Socket(inode, uid, endpoint), new Holding(holders, complete));
    }
    return new ScanState(lines.get(0).get(0), holdings);
  }
}
