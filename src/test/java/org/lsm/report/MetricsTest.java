package org.lsm.report;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.lsm.model.Endpoint;
import org.lsm.model.SocketEntry;

/** What Prometheus reads, to the character and by its grammar. */
class MetricsTest {

  /** A line of the text format 0.0.4: a comment about a metric, or a sample of one. */
  private static final Pattern LINE =
      Pattern.compile(
          "# HELP [a-zA-Z_:][a-zA-Z0-9_:]* (?:[^\\\\\n]|\\\\[\\\\n])*"
              + "|# TYPE [a-zA-Z_:][a-zA-Z0-9_:]* (?:counter|gauge|histogram|summary|untyped)"
              + "|[a-zA-Z_:][a-zA-Z0-9_:]*"
              + "(?:\\{[a-zA-Z_][a-zA-Z0-9_]*=\"(?:[^\\\\\"\n]|\\\\[\\\\\"n])*\""
              + "(?:,[a-zA-Z_][a-zA-Z0-9_]*=\"(?:[^\\\\\"\n]|\\\\[\\\\\"n])*\")*\\})?"
              + " (?:[+-]?\\d+(?:\\.\\d+)?(?:[eE][+-]?\\d+)?|NaN|[+-]Inf)(?: -?\\d+)?");

  private static final DiffReport REPORT =
      SampleAlerts.report(
          SocketEntry.heldBy(Endpoint.of("tcp", "0.0.0.0:80"), List.of(), true),
          SocketEntry.heldBy(Endpoint.of("web:tcp6", "[::]:80"), List.of(), true),
          SocketEntry.heldBy(Endpoint.of("unix", "/run/\"{x}\\\n"), List.of(), true));

  private static final String ALL =
      """
      # HELP lsm_baseline_readable Whether there is a baseline to compare with.
      # TYPE lsm_baseline_readable gauge
      lsm_baseline_readable 1
      # HELP lsm_differences Differences to the baseline.
      # TYPE lsm_differences gauge
      lsm_differences{kind="new"} 3
      lsm_differences{kind="gone"} 0
      lsm_differences{kind="changed"} 0
      # HELP lsm_sockets Watched sockets that no rule ignores.
      # TYPE lsm_sockets gauge
      lsm_sockets{protocol="tcp"} 2
      lsm_sockets{protocol="tcp6"} 1
      lsm_sockets{protocol="unix"} 1
      # HELP lsm_sockets_ignored Watched sockets that a rule ignores.
      # TYPE lsm_sockets_ignored gauge
      lsm_sockets_ignored 5
      # HELP lsm_alerts_waiting Alerts that could not be delivered yet.
      # TYPE lsm_alerts_waiting gauge
      lsm_alerts_waiting 2
      # HELP lsm_probing_hosts Hosts that have probed unused ports within a day.
      # TYPE lsm_probing_hosts gauge
      lsm_probing_hosts{state="blocked"} 1
      lsm_probing_hosts{state="scanning"} 3
      lsm_probing_hosts{state="seen"} 7
      # HELP lsm_run_duration_seconds How long the last run took.
      # TYPE lsm_run_duration_seconds gauge
      lsm_run_duration_seconds 1.234
      # HELP lsm_last_success_timestamp_seconds When a comparison succeeded last.
      # TYPE lsm_last_success_timestamp_seconds gauge
      lsm_last_success_timestamp_seconds 1767323045
      """;

  private static final String NO_BASELINE =
      """
      # HELP lsm_baseline_readable Whether there is a baseline to compare with.
      # TYPE lsm_baseline_readable gauge
      lsm_baseline_readable 0
      # HELP lsm_alerts_waiting Alerts that could not be delivered yet.
      # TYPE lsm_alerts_waiting gauge
      lsm_alerts_waiting 0
      # HELP lsm_run_duration_seconds How long the last run took.
      # TYPE lsm_run_duration_seconds gauge
      lsm_run_duration_seconds 0.0
      """;

  private static final SortedMap<String, Long> NOT_LOOKED = new TreeMap<>();

  @TempDir Path directory;

  @Test
  void ofARun() {
    assertEquals(
        ALL,
        new Metrics(
                Optional.of(REPORT),
                5,
                Optional.of(SampleAlerts.TIME),
                Duration.ofNanos(1_234_567_890),
                2,
                new TreeMap<>(Map.of("seen", 7L, "scanning", 3L, "blocked", 1L)))
            .text());
  }

  @Test
  void withoutABaselineNothingIsClaimedOfDifferences() {
    assertEquals(
        NO_BASELINE,
        new Metrics(Optional.empty(), 0, Optional.empty(), Duration.ZERO, 0, NOT_LOOKED).text());
  }

  @ParameterizedTest
  @CsvSource({"PT0S", "PT0.001S", "PT0.0004S", "PT59.999S", "PT3H", "PT2778H"})
  void everyLineIsOfTheFormatOfPrometheus(Duration duration) {
    String text =
        new Metrics(
                Optional.of(REPORT),
                Long.MAX_VALUE,
                Optional.of(SampleAlerts.TIME),
                duration,
                1,
                new TreeMap<>(Map.of("seen", Long.MAX_VALUE)))
            .text();

    assertTrue(text.endsWith("\n"), text);
    assertEquals(List.of(), text.lines().filter(line -> !LINE.matcher(line).matches()).toList());
    assertEquals(
        text.lines().filter(line -> !line.startsWith("#")).count(),
        text.lines().map(line -> line.replaceFirst(" \\S+$", "")).distinct().count()
            - text.lines().filter(line -> line.startsWith("#")).distinct().count(),
        "no sample twice");
  }

  @Test
  void theCollectorMayReadItWhateverWasThere() throws IOException {
    Path file = Files.writeString(directory.resolve("lsm.prom"), "old");
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-------"));

    new Metrics(Optional.empty(), 0, Optional.empty(), Duration.ZERO, 0, NOT_LOOKED).write(file);

    assertEquals(NO_BASELINE, Files.readString(file));
    assertEquals("rw-r--r--", PosixFilePermissions.toString(Files.getPosixFilePermissions(file)));
    try (var files = Files.list(directory)) {
      assertEquals(List.of(file), files.toList());
    }
  }

  @Test
  void aDirectoryThatIsMissingIsNotMade() {
    assertThrows(
        IOException.class,
        () ->
            new Metrics(Optional.empty(), 0, Optional.empty(), Duration.ZERO, 0, NOT_LOOKED)
                .write(directory.resolve("missing/lsm.prom")));
  }
}
