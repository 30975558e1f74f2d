package org.lsm.report;

import static org.lsm.model.TextEscaper.escape;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.stream.Collectors;
import org.lsm.model.Endpoint;
import org.lsm.model.Owner;
import org.lsm.model.ProcessRef;
import org.lsm.model.Snapshot;
import org.lsm.model.SocketEntry;

/**
 * The sockets of a host as a table, one line an owner.
 *
 * @param snapshot what to list
 * @param ignoredBy the line of ignore.lsm that covers a socket, for those that one does
 * @param notes what the reader should know of how far this can be believed; not escaped
 */
public record SocketListing(
    Snapshot snapshot, SortedMap<Endpoint, Integer> ignoredBy, List<String> notes) {

  private static final int WIDEST = 40;

  /** The table: protocol, local address, user, PIDs, program, and what ignores it. */
  public String text() {
    List<List<String>> rows = new ArrayList<>();
    rows.add(List.of("PROTOCOL", "LOCAL ADDRESS", "USER", "PID", "PROGRAM"));
    for (SocketEntry entry : snapshot.sockets().values()) {
      String protocol = escape(entry.endpoint().table());
      String local = escape(entry.endpoint().local());
      String ignored = ignored(entry.endpoint());
      Map<Owner, List<ProcessRef>> processes = DiffReport.byOwner(entry);
      for (Owner owner : entry.owners()) {
        rows.add(
            List.of(
                protocol,
                local,
                escape(owner.user()),
                processes.containsKey(owner) ? DiffReport.pids(processes.get(owner)) : "?",
                escape(owner.program()) + ignored));
      }
      if (entry.owners().isEmpty()) {
        rows.add(List.of(protocol, local, "-", "-", "-" + ignored));
      }
    }
    return align(rows);
  }

  private String ignored(Endpoint endpoint) {
    Integer line = ignoredBy.get(endpoint);
    return line == null ? "" : "  (ignored by line " + line + " of ignore.lsm)";
  }

  /** Pads all columns but the last to their widest cell, within limits. */
  public static String align(List<List<String>> rows) {
    int columns = rows.get(0).size();
    StringBuilder format = new StringBuilder();
    for (int i = 0; i < columns - 1; i++) {
      int column = i;
      int width = rows.stream().mapToInt(row -> row.get(column).length()).max().orElse(1);
      format.append("%-").append(Math.min(width, WIDEST)).append("s  ");
    }
    String line = format.append("%s%n").toString();
    return rows.stream()
        .map(row -> String.format(line, row.toArray()))
        .collect(Collectors.joining());
  }
}
