package org.lsm.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * The facts of an alert beside differences that were alerted before, whose programs take all the
 * time that there is to read them: they are pipes that nobody writes to.
 */
class AlertFactsTest extends ChannelTestBase {
  private static final int STANDING = 5;

  private Path alert;

  @BeforeEach
  void alertStandingDifferences() throws Exception {
    alert = directory.resolve("alert.json");
    String command = script("record", "cat > " + alert).toString();
    configure("MAILER=\"none\"", "RUN_CMD=\"" + command + "\"");
    lsm("generate");
    for (int i = 0; i < STANDING; i++) {
      Path slow = directory.resolve("slow" + i);
      assertEquals(0, new ProcessBuilder("/usr/bin/mkfifo", slow.toString()).start().waitFor());
      proc.tcp("0.0.0.0", 1000 + i, 200 + i).process(800 + i, 0, slow.toString(), 90, 200 + i);
    }
    now = now.plus(Duration.ofMinutes(10));
    assertEquals(1, lsm("compare", "--quiet").exitCode());
    Files.delete(alert);
    Path server = Files.writeString(directory.resolve("server"), "content");
    proc.tcp("0.0.0.0", 4444, 300).process(900, 0, server.toString(), 90, 300);
    now = now.plus(Duration.ofMinutes(10));
  }

  @Test
  void alertedDifferenceHasTheTime() throws IOException {
    Result result = lsm("compare");

    assertEquals(1, result.exitCode(), result.err());
    assertTrue(result.out().contains("SHA-256"), result.out());
    assertTrue(alertedFacts().has("sha256"), alertedFacts().toString());
  }

  @Test
  void quietRunReadsNoOther() throws IOException {
    long start = System.nanoTime();
    assertEquals(1, lsm("compare", "--quiet").exitCode());
    Duration time = Duration.ofNanos(System.nanoTime() - start);

    assertTrue(alertedFacts().has("sha256"), alertedFacts().toString());
    assertTrue(time.compareTo(Duration.ofMillis(1400)) < 0, time.toString());
  }

  private JsonObject alertedFacts() throws IOException {
    JsonObject report = JsonParser.parseString(Files.readString(alert)).getAsJsonObject();
    var differences = report.getAsJsonArray("differences");
    assertEquals(1, differences.size());
    return StreamSupport.stream(differences.spliterator(), false)
        .map(it -> it.getAsJsonObject().getAsJsonArray("processes").get(0).getAsJsonObject())
        .map(it -> it.getAsJsonObject("facts"))
        .findFirst()
        .orElseThrow();
  }
}
