package org.lsm.report;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.lsm.model.DifferenceType;
import org.lsm.model.SocketEntry;
import org.lsm.storage.AtomicFile;

/**
 * The state of the monitor for the textfile collector of Prometheus' node_exporter, in the text
 * format of Prometheus.
 *
 * @param report of this run; empty if there was no baseline to compare with
 * @param ignored sockets that rules cover
 * @param lastSuccess when a comparison succeeded last
 * @param duration of this run
 * @param waiting alerts in the outbox
 * @param probing hosts that have probed unused ports within a day, by what came of it; none where
 *     nobody looks
 */
public record Metrics(
    Optional<DiffReport> report,
    long ignored,
    Optional<Instant> lastSuccess,
    Duration duration,
    int waiting,
    SortedMap<String, Long> probing) {

  /** Writes them where the collector, which is another user, can read them: only counts. */
  public void write(Path file) throws IOException {
    AtomicFile.writeReadable(file, text().getBytes(StandardCharsets.UTF_8));
  }

  String text() {
    StringBuilder out = new StringBuilder();
    family(out, "baseline_readable", "Whether there is a baseline to compare with.");
    sample(out, "baseline_readable", report.isPresent() ? 1 : 0);
    report.ifPresent(
        it -> {
          family(out, "differences", "Differences to the baseline.");
          for (DifferenceType kind : DifferenceType.values()) {
            sample(
                out,
                "differences{kind=\"" + kind.name().toLowerCase(Locale.ROOT) + "\"}",
                it.diff().count(kind));
          }
          family(out, "sockets", "Watched sockets that no rule ignores.");
          byProtocol(it)
              .forEach((name, count) -> sample(out, "sockets{protocol=\"" + name + "\"}", count));
          family(out, "sockets_ignored", "Watched sockets that a rule ignores.");
          sample(out, "sockets_ignored", ignored);
        });
    family(out, "alerts_waiting", "Alerts that could not be delivered yet.");
    sample(out, "alerts_waiting", waiting);
    if (!probing.isEmpty()) {
      family(out, "probing_hosts", "Hosts that have probed unused ports within a day.");
      probing.forEach(
          (state, count) -> sample(out, "probing_hosts{state=\"" + state + "\"}", count));
    }
    family(out, "run_duration_seconds", "How long the last run took.");
    sample(out, "run_duration_seconds", duration.toMillis() / 1e3);
    lastSuccess.ifPresent(
        time -> {
          family(out, "last_success_timestamp_seconds", "When a comparison succeeded last.");
          sample(out, "last_success_timestamp_seconds", time.getEpochSecond());
        });
    return out.toString();
  }

  private static Map<String, Long> byProtocol(DiffReport report) {
    return report.after().sockets().values().stream()
        .map(SocketEntry::endpoint)
        .collect(
            Collectors.groupingBy(
                it -> it.protocol().label(), TreeMap::new, Collectors.counting()));
  }

  private static void family(StringBuilder out, String name, String help) {
    out.append("# HELP lsm_").append(name).append(' ').append(help).append('\n');
    out.append("# TYPE lsm_").append(name).append(" gauge\n");
  }

  private static void sample(StringBuilder out, String name, Object value) {
    out.append("lsm_").append(name).append(' ').append(value).append('\n');
  }
}
