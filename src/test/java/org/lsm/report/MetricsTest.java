package org.lsm.report;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.lsm.report.Golden.assertGolden;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.lsm.model.Endpoint;
import org.lsm.model.SocketEntry;
import org.lsm.model.SocketOwners;
import org.lsm.storage.AtomicFile;

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
          SocketEntry.heldBy(Endpoint.of("tcp", "0.0.0.0:80"), new SocketOwners(List.of(), true)),
          SocketEntry.heldBy(Endpoint.of("web:tcp6", "[::]:80"), new SocketOwners(List.of(), true)),
          SocketEntry.heldBy(
              Endpoint.of("unix", "/run/\"{x}\\\n"), new SocketOwners(List.of(), true)));

  private static final Metrics NO_BASELINE =
      new Metrics(Optional.empty(), 0, Optional.empty(), Duration.ZERO, 0, new TreeMap<>());

  @Test
  void afterRun() {
    assertGolden(
        "metrics.prom",
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
  void withoutBaseline() {
    assertGolden("metrics-no-baseline.prom", NO_BASELINE.text());
  }

  @ParameterizedTest
  @CsvSource({"PT0S", "PT0.001S", "PT0.0004S", "PT59.999S", "PT3H", "PT2778H"})
  void linesFollowTheFormat(Duration duration) {
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
  void doesNotCreateDirectory(@TempDir Path directory) {
    Path file = directory.resolve("missing/lsm.prom");

    assertThrows(
        IOException.class,
        () -> AtomicFile.writeReadable(file, NO_BASELINE.text().getBytes(UTF_8)));
  }
}
