package org.lsm.report;

import static java.util.Comparator.naturalOrder;

import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.TreeSet;
import org.lsm.model.Connection;
import org.lsm.model.HostInfo;
import org.lsm.model.Owner;
import org.lsm.model.ProcessDetails;
import org.lsm.model.ProcessRef;
import org.lsm.model.SocketEntry;
import org.lsm.model.SocketKey;
import org.lsm.report.ReportDocument.Line;

/**
 * The TCP connections of a host.
 *
 * @param owners of those that have an inode
 * @param services the names of ports, {@code 22/tcp}
 * @param hosts the names of remote addresses, empty where unknown; without details none
 * @param details of processes, by PID; without details none
 */
public record ConnectionListing(
    HostInfo hostInfo,
    List<Connection> connections,
    Map<SocketKey, SocketEntry> owners,
    Map<String, String> services,
    Map<String, String> hosts,
    Map<Integer, ProcessDetails> details,
    List<String> notes) {
  private static final String COLUMNS = "%10s %8s %8s";
  private static final String BLANK = String.format(COLUMNS, "", "", "");

  /** The traffic and the ends of each connection, then a line for each owner; escaped. */
  public String text() {
    String heading = String.format(COLUMNS, "RATE", "SENT", "RECEIVED");
    List<Line> lines = new ArrayList<>(List.of(Line.fact(heading, "CONNECTION")));
    for (Connection it : connections) {
      Long rate = it.traffic().rate();
      String sent = bytes(it.traffic().bytesSent());
      String received = bytes(it.traffic().bytesReceived());
      String numbers =
          String.format(COLUMNS, rate == null ? "-" : bytes(rate) + "/s", sent, received);
      lines.add(Line.fact(numbers, ends(it), " ", it.state()));
      add(lines, "remote host ", hosts.getOrDefault(it.remote().address(), ""));
      addOwners(lines, entry(it));
    }
    return new ReportDocument(lines).text();
  }

  /** Bytes in units of SI, with two or three digits: {@code 1.2 MB}. */
  static String bytes(Long bytes) {
    if (bytes == null || bytes < 1000) {
      return bytes == null ? "-" : bytes + " B";
    }
    int unit = 0;
    double value = bytes;
    for (; value >= 999.5; value /= 1000) {
      unit++;
    }
    return String.format(
        Locale.ROOT, value < 9.95 ? "%.1f %cB" : "%.0f %cB", value, " kMGTPE".charAt(unit));
  }

  /** Both ends, this host's first, with an arrow to the one that serves and its service. */
  private EscapedText ends(Connection it) {
    String service = service(it);
    return EscapedText.of(
        EscapedText.withRemark(it.socket().endpoint().local(), it.outbound() ? "" : service),
        it.outbound() ? " -> " : " <- ",
        EscapedText.withRemark(it.remote().local(), it.outbound() ? service : ""));
  }

  /** The name of the port that is served, the local one of an inbound connection; or empty. */
  String service(Connection it) {
    int port = (it.outbound() ? it.remote() : it.socket().endpoint()).port();
    return services.getOrDefault(port + "/tcp", "");
  }

  /** The owners of this host's end; none if it is closed and the kernel alone finishes it. */
  SocketEntry entry(Connection it) {
    SocketEntry none = new SocketEntry(it.socket().endpoint(), new TreeSet<>(), List.of());
    return owners.getOrDefault(it.socket(), none);
  }

  private void addOwners(List<Line> lines, SocketEntry entry) {
    if (entry.owners().isEmpty()) {
      lines.add(Line.fact(BLANK, "no process"));
    }
    Map<Owner, List<ProcessRef>> processes = OwnerText.byOwner(entry);
    for (Owner owner : entry.owners()) {
      List<ProcessRef> all = processes.getOrDefault(owner, List.of());
      lines.add(Line.fact(BLANK, owner(owner, all)));
      all.stream()
          .map(it -> details.get(it.pid()))
          .filter(Objects::nonNull)
          .findFirst()
          .ifPresent(it -> addDetails(lines, it));
    }
  }

  private static void addDetails(List<Line> lines, ProcessDetails process) {
    add(lines, "command ", process.commandLine());
    add(lines, "unit ", process.unit());
    for (ProcessRef it : process.parents()) {
      EscapedText parent = OwnerText.name(it.owner(), user -> user);
      lines.add(Line.fact(BLANK, EscapedText.of("parent ", parent, " PID ", it.pid())));
    }
  }

  /** Adds a line unless its text is empty. */
  private static void add(List<Line> lines, String label, String text) {
    if (!text.isEmpty()) {
      lines.add(Line.fact(BLANK, EscapedText.of(label, text)));
    }
  }

  private EscapedText owner(Owner owner, List<ProcessRef> processes) {
    EscapedText name = OwnerText.name(owner, user -> user);
    if (processes.isEmpty()) {
      return name;
    }
    Instant oldest = processes.stream().map(ProcessRef::startTime).min(naturalOrder()).get();
    String pids = OwnerText.pids(processes, processes.size()).replace(",", ", ");
    return EscapedText.of(name, " PID ", pids, ", ", Times.age(oldest, hostInfo.time()));
  }
}
