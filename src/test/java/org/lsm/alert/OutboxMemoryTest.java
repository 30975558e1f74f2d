package org.lsm.alert;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import java.io.IOException;
import java.lang.ProcessBuilder.Redirect;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.ZoneOffset;
import java.util.Collections;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.lsm.HugeHost;
import org.lsm.model.HostInfo;
import org.lsm.report.DiffReport;
import org.lsm.report.Json;
import org.lsm.report.SampleAlerts;

/** The memory that a delivery needs does not grow with the number of alerts that wait. */
class OutboxMemoryTest {

  private static final int WAITING = 60;

  @TempDir private Path host;

  @Test
  void deliversLargeAlertsInASmallHeap() throws Exception {
    HugeHost.make(host);
    assertEquals(0, lsm("generate"));
    Path outbox = Files.createDirectory(host.resolve("state/outbox"));
    for (int i = 0; i < WAITING; i++) {
      String name = String.format("20260102T030405.%03dZ-run_cmd.json", i);
      Files.writeString(outbox.resolve(name), Json.print(new OutboxEntry(large(i))));
      assertTrue(Files.size(outbox.resolve(name)) > 1_800_000);
    }

    assertEquals(0, lsm("compare", "--quiet"));

    assertEquals(
        IntStream.range(0, WAITING).mapToObj(i -> "alert " + i).toList(),
        Files.readAllLines(host.resolve("alerts")));
    try (Stream<Path> files = Files.list(outbox)) {
      assertEquals(List.of(outbox.resolve("run_cmd.lock")), files.toList());
    }
  }

  /** An alert as large as one of a flood of sockets. */
  private static Alert large(int number) {
    HostInfo hostInfo = SampleAlerts.hostInfo(SampleAlerts.TIME.toString());
    Alert alert =
        Alert.of(
            AlertType.TEST,
            hostInfo,
            DiffReport.test(hostInfo, ZoneOffset.UTC),
            "x",
            ZoneOffset.UTC);
    List<String> lines = Collections.nCopies(10_000, "NEW unix/@flood \\x1b \u00e9 ".repeat(3));
    JsonObject report = new JsonObject();
    report.add("differences", Json.read(Json.line(lines), JsonArray.class));
    return new Alert(
        alert.id(),
        alert.type(),
        alert.time(),
        alert.host(),
        alert.subject(),
        Stream.concat(Stream.of("alert " + number), lines.stream()).toList(),
        lines,
        alert.events(),
        alert.counts(),
        alert.targets(),
        alert.ports(),
        report);
  }

  private int lsm(String... arguments) throws IOException, InterruptedException {
    Stream<String> java =
        Stream.of(
            System.getProperty("java.home") + "/bin/java",
            "-Xmx64m",
            "-XX:+UseSerialGC",
            "-cp",
            System.getProperty("java.class.path"),
            HugeHost.class.getName(),
            host.toString());
    return new ProcessBuilder(Stream.concat(java, Stream.of(arguments)).toList())
        .redirectOutput(Redirect.DISCARD)
        .redirectError(Redirect.INHERIT)
        .start()
        .waitFor();
  }
}
