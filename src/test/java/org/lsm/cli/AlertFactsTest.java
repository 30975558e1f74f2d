package org.lsm.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * Who gets facts, beside differences that were alerted before: only these are about sockets that
 * lsm asks the packet filter about.
 */
class AlertFactsTest extends ChannelTestBase {
  private Path alert;

  @BeforeEach
  void alertStandingDifferences() throws Exception {
    alert = directory.resolve("alert.json");
    Path command = script("record", "cat > " + alert);
    script("nft", "echo nft >> " + directory.resolve("asked"));
    configure("MAILER=\"none\"", "RUN_CMD=\"" + command + "\"");
    lsm("generate");
    open(1000);
    open(1001);
    now = now.plus(Duration.ofMinutes(10));
    assertEquals(1, lsm("compare", "--quiet").exitCode());
    assertEquals(List.of("nft"), lines("asked"));
    Files.delete(directory.resolve("asked"));
    Files.delete(alert);
    now = now.plus(Duration.ofMinutes(10));
  }

  @Test
  void quietRunReadsThoseOfTheAlertOnly() throws IOException {
    assertEquals(1, lsm("compare", "--quiet").exitCode());
    assertEquals(List.of(), lines("asked"));
    assertTrue(Files.notExists(alert));

    proc.tcp("127.0.0.1", 4444, 300).process(900, 0, "/tmp/server", 90, 300);
    assertEquals(1, lsm("compare", "--quiet").exitCode());

    assertTrue(alerted().getAsJsonObject("facts").size() > 0, alerted().toString());
    assertEquals(List.of(), lines("asked"));
  }

  @Test
  void printedReportHasAll() throws IOException {
    assertEquals(1, lsm("compare").exitCode());
    assertEquals(List.of("nft"), lines("asked"));
  }

  /** The process of the only difference. */
  private JsonObject alerted() throws IOException {
    JsonObject report = JsonParser.parseString(Files.readString(alert)).getAsJsonObject();
    var differences = report.getAsJsonArray("differences");
    assertEquals(1, differences.size());
    var processes = differences.get(0).getAsJsonObject().getAsJsonArray("processes");
    return processes.get(0).getAsJsonObject();
  }
}
