package org.lsm.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** {@code lsm history}, after a few days in the life of a host. */
class HistoryCommandTest extends ChannelTestBase {

  private static final String USER = System.getProperty("user.name");

  @BeforeEach
  void runForAFewDays() throws IOException {
    configure("MAILER=\"none\"", "SUB=\"lsm\"", "RUN_CMD=\"echo ticket 4711\"");
    at("2026-01-02T03:00:05Z");
    lsm("generate");
    at("2026-01-02T03:10:05Z");
    open(4444);
    lsm("compare");
    at("2026-01-03T12:00:00Z");
    environment.put("SUDO_USER", "joe");
    lsm("accept", "tcp/0.0.0.0:4444");
    environment.clear();
    at("2026-01-03T12:10:00Z");
    lsm("compare");
    at("2026-01-04T00:00:00Z");
    lsm("delete");
    at("2026-01-04T00:10:00Z");
    lsm("compare", "--quiet");
    at("2026-01-04T12:00:00Z");
  }

  private void at(String time) {
    now = Instant.parse(time);
  }

  @Test
  void printsWhatHappened() {
    String socket = "NEW tcp/0.0.0.0:4444";
    String named = socket + " by /tmp/nc (www-data), PID 4444";
    String reply = "; reply: ticket 4711";
    String expected =
        row("TIME                      ", "EVENT", "BY", "WHAT")
            + row("2026-01-02 03:00:05 +00:00", "baseline", USER, "2 sockets")
            + row("2026-01-02 03:10:05 +00:00", "appeared", USER, named)
            + row("2026-01-02 03:10:05 +00:00", "delivered", USER, "run_cmd: lsm" + reply)
            + row("2026-01-03 12:00:00 +00:00", "accepted", "joe as " + USER, named)
            + row("2026-01-03 12:10:00 +00:00", "resolved", USER, socket)
            + row(
                "2026-01-03 12:10:00 +00:00", "delivered", USER, "run_cmd: lsm: all clear" + reply)
            + row("2026-01-04 00:00:00 +00:00", "deleted", USER, baseline.toString())
            + row("2026-01-04 00:00:00 +00:00", "deleted", USER, baseline + ".1")
            + row(
                "2026-01-04 00:10:00 +00:00",
                "no_baseline",
                USER,
                "there is no baseline " + baseline + "; if none was taken yet, run 'lsm generate'")
            + row(
                "2026-01-04 00:10:00 +00:00",
                "delivered",
                USER,
                "run_cmd: lsm: no baseline" + reply);

    assertEquals(done(expected), lsm("history"));
  }

  private static String row(String time, String event, String by, String what) {
    int width = ("joe as " + USER).length();
    return time + "  " + pad(event, 11) + "  " + pad(by, width) + "  " + what + "\n";
  }

  private static String pad(String text, int width) {
    return text + " ".repeat(width - text.length());
  }

  @ParameterizedTest
  @CsvSource({
    "12h,                  deleted deleted no_baseline delivered",
    "720m,                 deleted deleted no_baseline delivered",
    "1d,                   accepted resolved delivered deleted deleted no_baseline delivered",
    "1439m,                resolved delivered deleted deleted no_baseline delivered",
    "7d,                   baseline appeared delivered accepted resolved delivered deleted deleted"
        + " no_baseline delivered",
    "0m,                   ''",
    "2026-01-04,           deleted deleted no_baseline delivered",
    "2026-01-03,           accepted resolved delivered deleted deleted no_baseline delivered",
    "2026-01-03T12:00:00Z, accepted resolved delivered deleted deleted no_baseline delivered",
    "2026-01-03T12:00:01Z, resolved delivered deleted deleted no_baseline delivered",
    "2027-01-01,           ''"
  })
  void printsOnlyWhatHappenedSince(String since, String events) {
    Result result = lsm("history", "--since", since, "--format", "json");

    assertEquals(new Result(0, result.out(), ""), result);
    assertEquals(
        events,
        String.join(
            " ", events(result.out()).stream().map(it -> it.get("event").getAsString()).toList()));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "yesterday",
        "",
        "24",
        "24 h",
        "-1d",
        "2026-02-30",
        "T",
        "2026-01-04T",
        "1w",
        "123456d"
      })
  void namesWhatIsNotATime(String since) {
    assertEquals(
        new Result(
            2,
            "",
            "lsm: --since: '"
                + since
                + "' is not a time; write 24h, 7d, 2026-12-31 or 2026-12-31T23:59:59Z\n"
                + "Try 'lsm history --help' for help.\n"),
        lsm("history", "--since", since));
  }

  @Test
  void printsJson() {
    List<JsonObject> events = events(lsm("history", "--format", "json").out());

    assertEquals(
        """
        {"time":"2026-01-02T03:00:05Z","event":"baseline","by":"%s","what":"2 sockets"}\
        """
            .formatted(USER),
        events.get(0).toString());
    JsonObject appeared = events.get(1).getAsJsonObject("difference");
    assertEquals("tcp/0.0.0.0:4444", appeared.get("socket").getAsString());
    assertEquals("[\"beyond_loopback\"]", appeared.get("flags").toString());
    assertEquals("2026-01-02T03:00:05Z", appeared.remove("absent_at").getAsString());
    var processes = appeared.getAsJsonArray("processes");
    assertNotNull(
        processes.get(0).getAsJsonObject().remove("facts"), "only what is alerted has them");
    assertEquals(appeared, events.get(3).getAsJsonObject("difference"));
    assertNull(events.get(4).get("difference"));
  }

  private static List<JsonObject> events(String json) {
    JsonArray array = JsonParser.parseString(json).getAsJsonObject().getAsJsonArray("events");
    List<JsonObject> events = new ArrayList<>();
    for (JsonElement event : array) {
      events.add(event.getAsJsonObject());
    }
    return events;
  }

  @Test
  void printsAnEmptyTable() throws IOException {
    state = directory.resolve("missing");
    configure("MAILER=\"none\"");

    assertEquals(done("TIME  EVENT  BY  WHAT\n"), lsm("history"));
    assertEquals(
        new JsonArray(),
        JsonParser.parseString(lsm("history", "--format", "json").out())
            .getAsJsonObject()
            .get("events"));
  }
}
