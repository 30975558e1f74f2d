package org.lsm.alert;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.lsm.alert.History.Event;
import org.lsm.model.Endpoint;
import org.lsm.model.Owner;
import org.lsm.model.ProcessRef;
import org.lsm.model.Protocol;
import org.lsm.model.SocketEntry;
import org.lsm.model.SocketOwners;
import org.lsm.report.DiffReport;
import org.lsm.report.Json;
import org.lsm.report.LogEvent;
import org.lsm.report.PortScanReport;
import org.lsm.report.SampleAlerts;

/** The history stays readable and bounded. */
class HistoryTest {

  private static final int MAX_FILE_SIZE = 4 * 1024 * 1024;

  @TempDir Path directory;

  private final List<String> warnings = new ArrayList<>();

  @Test
  void writesLinesOfJson() throws IOException {
    history(SampleAlerts.TIME).append("baseline", "2 sockets");
    history(SampleAlerts.TIME.plusMillis(500)).append("deleted", "/a", "/b\\x0a");

    assertEquals(
        """
        {"time":"2026-01-02T03:04:05Z","event":"baseline","by":"root","what":"2 sockets"}
        {"time":"2026-01-02T03:04:05.500Z","event":"deleted","by":"root","what":"/a"}
        {"time":"2026-01-02T03:04:05.500Z","event":"deleted","by":"root","what":"/b\\\\x0a"}
        """,
        Files.readString(file()));
    assertEquals("rw-------", PosixFilePermissions.toString(Files.getPosixFilePermissions(file())));
    assertEquals(List.of(), warnings);
  }

  @Test
  void keepsDetailsOfADifference() throws IOException {
    DiffReport report = SampleAlerts.report("/run/\033", "joe", "/bin/x");

    history(SampleAlerts.TIME).append("appeared", report.diff().differences(), report);

    Event event = history(SampleAlerts.TIME).since(Instant.MIN).get(0);
    assertEquals("NEW unix//run/\\x1b by /bin/x (joe), PID 800", event.what());
    assertEquals(
        Json.details(report.diff().differences(), report, 1000), List.of(event.difference()));
  }

  @Test
  void keepsManyDifferencesInBrief() throws IOException {
    SocketEntry[] many =
        IntStream.range(0, 10_000)
            .mapToObj(
                i -> {
                  Owner owner = new Owner("joe\n", i == 7777 ? "/bin/other" : "/bin/x");
                  Endpoint endpoint = new Endpoint("", Protocol.UNIX, "@\033" + i, 0);
                  return SocketEntry.heldBy(
                      endpoint,
                      new SocketOwners(
                          List.of(new ProcessRef(800, 1, SampleAlerts.TIME, owner)), true));
                })
            .toArray(SocketEntry[]::new);
    DiffReport report = SampleAlerts.report(many);

    history(SampleAlerts.TIME).append("appeared", report.diff().differences(), report);

    List<Event> events = history(SampleAlerts.TIME).since(Instant.MIN);
    assertEquals(201, events.size());
    Set<String> names = new TreeSet<>();
    events.stream()
        .limit(200)
        .forEach(it -> names.add(it.difference().getAsJsonObject().get("socket").getAsString()));
    assertTrue(
        names.contains("unix/@\\x1b7777"), "different ones are named before more of the same");
    Event rest = events.get(200);
    assertEquals("… and 9800 more", rest.what());
    assertEquals(1, rest.others().getAsJsonArray().size());
    JsonObject others = rest.others().getAsJsonArray().get(0).getAsJsonObject();
    others
        .getAsJsonArray("sockets")
        .forEach(it -> assertTrue(names.add(it.getAsString()), "is there once"));
    others.remove("sockets");
    assertEquals(
        "{\"kind\":\"NEW\",\"owners\":\"/bin/x (joe\\\\x0a)\",\"pids\":\"800\",\"severity\":\"normal\"}",
        others.toString());
    assertEquals(10_000, names.size());
    assertTrue(Files.size(file()) < 1_000_000, "one append does not push out the rest");
  }

  @Test
  void keepsEachScanningHost() throws IOException {
    history(SampleAlerts.TIME)
        .append(
            "port_scan",
            messages(
                SampleAlerts.scans(
                    SampleAlerts.scanningHost("192.0.2.66", "", "1-3", "53", true))));
    history(SampleAlerts.TIME).append("port_scan", messages(SampleAlerts.crowd(205)));

    List<Event> events = history(SampleAlerts.TIME).since(Instant.MIN);
    assertEquals(202, events.size());
    assertEquals(
        new Event(
            SampleAlerts.TIME,
            "port_scan",
            "root",
            "SCAN 192.0.2.66: 77 packets (SYN XMAS UDP) to unused ports tcp 1-3 udp 53, blocked",
            null,
            null),
        events.get(0));
    assertEquals("web1: 205 hosts probed unused ports, 5 not logged", events.get(201).what());
    assertEquals(List.of(), warnings);
  }

  @Test
  void boundsALongList() throws IOException {
    history(SampleAlerts.TIME)
        .append(
            "deleted", IntStream.range(0, 1007).mapToObj(Integer::toString).toArray(String[]::new));

    List<String> texts = texts(history(SampleAlerts.TIME).since(Instant.MIN));
    assertEquals(1001, texts.size());
    assertEquals(List.of("999", "… and 7 more"), texts.subList(999, 1001));
  }

  @Test
  void writesNothingForAnEmptyList() throws IOException {
    history(SampleAlerts.TIME).append("resolved");

    assertFalse(Files.exists(file()));
    assertEquals(List.of(), history(SampleAlerts.TIME).since(Instant.MIN));
  }

  @ParameterizedTest
  @CsvSource({"joe, joe", "joe as root, joe as root", "'a\nb', a\\x0ab"})
  void escapesUser(String by, String expected) throws IOException {
    new History(directory, clock(SampleAlerts.TIME), by, warnings::add).append("baseline", "x");

    assertEquals(expected, history(SampleAlerts.TIME).since(Instant.MIN).get(0).by());
  }

  @ParameterizedTest
  @CsvSource({"-1, 1;2;3", "0, 1;2;3", "1, 2;3", "60, 2;3", "120, 3", "121, ''"})
  void sinceIncludesItsTime(int seconds, String expected) throws IOException {
    for (int i = 1; i <= 3; i++) {
      history(SampleAlerts.TIME.plusSeconds(60L * (i - 1))).append("baseline", Integer.toString(i));
    }

    assertEquals(
        expected,
        String.join(
            ";", texts(history(SampleAlerts.TIME).since(SampleAlerts.TIME.plusSeconds(seconds)))));
  }

  // ---- damage

  /** A run that was killed, or a disk that was full, leaves a part of a line. */
  @ParameterizedTest
  @ValueSource(ints = {1, 2, 40, 70})
  void startsNewLineAfterATornOne(int torn) throws IOException {
    history(SampleAlerts.TIME).append("baseline", "first");
    history(SampleAlerts.TIME).append("baseline", "torn");
    cut(torn);

    history(SampleAlerts.TIME).append("baseline", "third");

    assertEquals(
        torn == 1 ? List.of("first", "torn", "third") : List.of("first", "third"),
        texts(history(SampleAlerts.TIME).since(Instant.MIN)));
    assertEquals(torn == 1 ? List.of() : List.of(damaged(1)), warnings);
  }

  @Test
  void skipsAndCountsDamagedLines() throws IOException {
    history(SampleAlerts.TIME).append("baseline", "first");
    Files.writeString(
        file(),
        "no json\n{}\n[]\n{\"time\":\"today\",\"event\":\"a\",\"by\":\"b\",\"what\":\"c\"}\n\0\0\n",
        StandardOpenOption.APPEND);
    history(SampleAlerts.TIME).append("baseline", "last");

    assertEquals(List.of("first", "last"), texts(history(SampleAlerts.TIME).since(Instant.MIN)));
    assertEquals(List.of(damaged(5)), warnings);
  }

  @Test
  void acceptsAnEmptyFile() throws IOException {
    Files.createFile(file());

    assertEquals(List.of(), history(SampleAlerts.TIME).since(Instant.MIN));
    assertEquals(List.of(), warnings);
  }

  private String damaged(int lines) {
    return lines + " damaged lines in " + file() + " and its rotated files were skipped";
  }

  private void cut(int bytes) throws IOException {
    try (FileChannel channel = FileChannel.open(file(), StandardOpenOption.WRITE)) {
      channel.truncate(channel.size() - bytes);
    }
  }

  @Test
  void warnsWhenItCannotWrite() throws IOException {
    Files.createDirectory(file());

    history(SampleAlerts.TIME).append("baseline", "x");

    assertEquals(1, warnings.size());
    assertTrue(warnings.get(0).startsWith("cannot write the history: "), warnings.get(0));
  }

  @Test
  void followsNoLink() throws IOException {
    Path elsewhere = Files.writeString(directory.resolve("elsewhere"), "x\n");
    Files.createSymbolicLink(file(), elsewhere);

    history(SampleAlerts.TIME).append("baseline", "x");

    assertEquals("x\n", Files.readString(elsewhere));
    assertEquals(1, warnings.size());
  }

  // ---- rotation

  @Test
  void rotatesAndKeepsFourFiles() throws IOException {
    for (int i = 1; i <= 7; i++) {
      history(SampleAlerts.TIME.plusSeconds(i)).append("baseline", "first of " + i);
      fill(MAX_FILE_SIZE);
    }

    history(SampleAlerts.TIME.plusSeconds(8)).append("baseline", "first of 8");

    assertEquals(
        List.of(
            "history.jsonl",
            "history.jsonl.1",
            "history.jsonl.2",
            "history.jsonl.3",
            "history.jsonl.4"),
        files());
    assertEquals(
        IntStream.rangeClosed(4, 8).mapToObj(i -> "first of " + i).toList(),
        texts(history(SampleAlerts.TIME).since(Instant.MIN)));
    assertEquals(
        List.of("first of 7", "first of 8"),
        texts(history(SampleAlerts.TIME).since(SampleAlerts.TIME.plusSeconds(7))));
  }

  @Test
  void appendsToAFileThatHasRoom() throws IOException {
    history(SampleAlerts.TIME).append("baseline", "first");
    fill(MAX_FILE_SIZE - 200);

    history(SampleAlerts.TIME).append("baseline", "second");

    assertEquals(List.of("history.jsonl"), files());
  }

  /** Makes the file this large with spaces, which JSON allows at the end of its last line. */
  private void fill(int size) throws IOException {
    cut(1);
    int missing = size - 1 - (int) Files.size(file());
    Files.writeString(file(), " ".repeat(missing) + "\n", StandardOpenOption.APPEND);
  }

  private List<String> files() throws IOException {
    try (var files = Files.list(directory)) {
      return files
          .map(file -> file.getFileName().toString())
          .filter(name -> name.startsWith("history.jsonl"))
          .sorted()
          .toList();
    }
  }

  // ---- the table

  @Test
  void alignsTable() {
    List<Event> events =
        List.of(
            new Event(SampleAlerts.TIME, "baseline", "root", "2 sockets", null, null),
            new Event(SampleAlerts.TIME, "resolved", "joe as root", "NEW x", null, null));
    String expected =
        """
        TIME                        EVENT     BY           WHAT
        2026-01-02 08:34:05 +05:30  baseline  root         2 sockets
        2026-01-02 08:34:05 +05:30  resolved  joe as root  NEW x
        """;

    assertEquals(expected, History.table(events, ZoneId.of("Asia/Kolkata")));
    assertEquals("TIME  EVENT  BY  WHAT\n", History.table(List.of(), ZoneOffset.UTC));
  }

  // ---- helpers

  private Path file() {
    return directory.resolve("history.jsonl");
  }

  private History history(Instant time) {
    return new History(directory, clock(time), "root", warnings::add);
  }

  private static Clock clock(Instant time) {
    return Clock.fixed(time, ZoneOffset.UTC);
  }

  private static String[] messages(PortScanReport report) {
    return report.events().stream().map(LogEvent::message).toArray(String[]::new);
  }

  private static List<String> texts(List<Event> events) {
    return events.stream().map(Event::what).toList();
  }
}
