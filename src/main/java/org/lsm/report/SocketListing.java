package org.lsm.report;

import static org.lsm.report.EscapedText.escape;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.lsm.model.Endpoint;
import org.lsm.model.Owner;
import org.lsm.model.ProcessRef;
import org.lsm.model.Snapshot;
import org.lsm.model.SocketEntry;

/**
 * The sockets of a host, some of them optional, and the rules that ignore or allow them: {@code
 * rules.d/web.lsm:3}.
 */
public record SocketListing(
    Snapshot snapshot,
    Map<Endpoint, String> ignoredBy,
    Map<Endpoint, String> allowedBy,
    List<String> notes) {
  private static final int MAX_PADDING = 40;

  /** A table with a line for each owner, escaped. */
  public String text() {
    List<List<String>> rows = new ArrayList<>();
    rows.add(List.of("SOCKET", "USER", "PID", "PROGRAM"));
    for (SocketEntry entry : snapshot.sockets().values()) {
      Map<Owner, List<ProcessRef>> processes = OwnerText.byOwner(entry);
      for (Owner owner : entry.owners()) {
        List<ProcessRef> held = processes.getOrDefault(owner, List.of());
        String pids =
            owner.isMaker() ? "-" : held.isEmpty() ? "?" : OwnerText.pids(held, held.size());
        rows.add(row(entry.endpoint(), owner.user(), pids, OwnerText.program(owner)));
      }
      if (entry.owners().isEmpty()) {
        rows.add(row(entry.endpoint(), "-", "-", EscapedText.of("-")));
      }
    }
    return align(rows);
  }

  private List<String> row(Endpoint endpoint, String user, String pids, EscapedText program) {
    String ignored = remark("ignored", ignoredBy.get(endpoint));
    String allowed = remark("allowed", allowedBy.get(endpoint));
    String optional = snapshot.sockets().get(endpoint).optional() ? "  (optional)" : "";
    String last = program + optional + ignored + allowed;
    return List.of(escape(endpoint.toString()), escape(user), pids, last);
  }

  private static String remark(String what, String rule) {
    return rule == null ? "" : "  (" + what + " by " + escape(rule) + ")";
  }

  /** Pads all columns but the last to their widest cell, within limits. */
  public static String align(List<List<String>> rows) {
    StringBuilder format = new StringBuilder();
    for (int i = 0; i < rows.get(0).size() - 1; i++) {
      int column = i;
      int width = rows.stream().mapToInt(row -> row.get(column).length()).max().orElse(1);
      format.append("%-").append(Math.min(width, MAX_PADDING)).append("s  ");
    }
    String line = format.append("%s%n").toString();
    return rows.stream().map(it -> String.format(line, it.toArray())).collect(Collectors.joining());
  }
}
