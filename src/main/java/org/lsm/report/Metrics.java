package org.lsm.report;

import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.lsm.model.DifferenceType;
import org.lsm.model.EnumName;
import org.lsm.model.Severity;

/**
 * The state of lsm in the text format of Prometheus, for the textfile collector of node_exporter.
 * It has only counts, so every user may read it.
 *
 * @param report empty if there was no baseline
 * @param probing the number of hosts by state; empty if the packet filter was not read
 */
public record Metrics(
    Optional<DiffReport> report,
    long ignored,
    Optional<Instant> lastSuccess,
    Duration duration,
    int waiting,
    SortedMap<String, Long> probing) {
  /** All metrics, each with its help and type. */
  public String text() {
    StringBuilder out = new StringBuilder();
    int readable = report.isPresent() ? 1 : 0;
    gauge(
        out,
        "baseline_readable",
        "Whether the last run compared the sockets with the baseline.",
        readable);
    report.ifPresent(it -> sockets(out, it));
    gauge(out, "alerts_waiting", "Alerts that could not be delivered yet.", waiting);
    if (!probing.isEmpty()) {
      help(out, "probing_hosts", "Hosts that have probed unused ports within a day.");
      probing.forEach((state, it) -> sample(out, "probing_hosts{state=\"" + state + "\"}", it));
    }
    gauge(out, "run_duration_seconds", "How long the last run took.", duration.toMillis() / 1e3);
    String name = "last_success_timestamp_seconds";
    String help = "When a comparison succeeded last.";
    lastSuccess.ifPresent(time -> gauge(out, name, help, time.getEpochSecond()));
    return out.toString();
  }

  private void sockets(StringBuilder out, DiffReport report) {
    help(out, "differences", "Differences to the baseline.");
    for (DifferenceType type : DifferenceType.values()) {
      for (Severity severity : Severity.values()) {
        String labels =
            "kind=\"" + EnumName.of(type) + "\",severity=\"" + EnumName.of(severity) + "\"";
        var found = report.diff().of(type).stream().filter(it -> report.severity(it) == severity);
        sample(out, "differences{" + labels + "}", found.count());
      }
    }
    help(out, "sockets", "Watched sockets that no rule ignores.");
    report.after().sockets().keySet().stream()
        .map(it -> "sockets{protocol=\"" + it.protocol().label() + "\"}")
        .collect(Collectors.groupingBy(it -> it, TreeMap::new, Collectors.counting()))
        .forEach((sample, sockets) -> sample(out, sample, sockets));
    gauge(out, "sockets_ignored", "Watched sockets that a rule ignores.", ignored);
  }

  private static void gauge(StringBuilder out, String name, String help, Number value) {
    help(out, name, help);
    sample(out, name, value);
  }

  private static void help(StringBuilder out, String name, String help) {
    out.append("# HELP lsm_" + name + " " + help + "\n# TYPE lsm_" + name + " gauge\n");
  }

  private static void sample(StringBuilder out, String name, Number value) {
    out.append("lsm_" + name + " " + value + "\n");
  }
}
