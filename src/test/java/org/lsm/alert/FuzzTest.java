package org.lsm.alert;

import static java.util.Objects.requireNonNull;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.lsm.ByteSource;
import org.lsm.Checksum;
import org.lsm.FuzzTarget;
import org.lsm.alert.AlertState.Status;
import org.lsm.model.Severity;
import org.lsm.model.SocketIdentity;
import org.lsm.report.EscapedText;
import org.lsm.report.Json;
import org.lsm.report.LogEvent;
import org.lsm.report.SampleAlerts;
import org.lsm.storage.ChecksummedText;

/** What was remembered of alerts, and may hold anything when it is read again. */
class FuzzTest {

  private static final AlertPolicy POLICY =
      new AlertPolicy(Duration.ofDays(1), Duration.ofDays(1), 200);

  /** As it is, and with the checksum that it needs to be read. */
  @FuzzTarget
  void alertState(byte[] bytes) {
    for (String text : List.of(text(bytes), Checksum.on(text(bytes)))) {
      AlertState state;
      try {
        state = read(text);
      } catch (RuntimeException e) {
        continue;
      }
      assertEquals(state, read(state.format().seal()));
      POLICY.decide(state, List.of(), it -> Severity.LOW, SocketIdentity.NONE, SampleAlerts.TIME);
      POLICY.decideFailure(state, AlertType.NO_BASELINE, "", SampleAlerts.TIME);
    }
  }

  @FuzzTarget
  void anyStateIsReadBack(byte[] bytes) {
    ByteSource draw = new ByteSource(bytes);
    SortedMap<String, AlertState.Entry> entries = new TreeMap<>();
    while (draw.hasMore()) {
      Instant lastSeen = time(draw);
      Instant lastAlerted = time(draw);
      Severity severity = draw.of(List.of(Severity.values()));
      Status status = draw.of(List.of(Status.values()));
      String text = draw.text();
      TreeSet<String> digests = new TreeSet<>();
      for (int i = draw.below(4); i > 0; i--) {
        digests.add(HexFormat.of().toHexDigits(draw.number()));
      }
      entries.put(
          draw.text(),
          new AlertState.Entry(lastSeen, lastAlerted, severity, status, text, digests));
    }
    AlertState state = new AlertState(entries);
    assertEquals(state, read(state.format().seal()));
  }

  /** Whatever a file of the outbox contains, the next alert is delivered. */
  @FuzzTarget
  void outbox(byte[] bytes, @TempDir Path folder) throws IOException {
    OutboxEntry entry;
    try {
      entry = Json.read(text(bytes), OutboxEntry.class);
    } catch (RuntimeException e) {
      return;
    }
    String printed = Json.print(entry);
    assertEquals(printed, Json.print(Json.read(printed, OutboxEntry.class)));
    for (LogEvent event : entry.alert().events()) {
      requireNonNull(event.level());
      requireNonNull(event.message());
      event.data().values().forEach(Objects::requireNonNull);
    }
    Files.createDirectories(folder.resolve("outbox"));
    for (String name : List.of("20260101T000000.000Z-mail.json", "overflow-mail.json")) {
      Files.deleteIfExists(folder.resolve("outbox").resolve(name + ".damaged"));
      Files.write(folder.resolve("outbox").resolve(name), bytes);
    }
    MailRecorder mail = new MailRecorder();
    Clock clock = Clock.fixed(SampleAlerts.TIME, ZoneOffset.UTC);
    History history = new History(folder, clock, "root", it -> {});
    Outbox outbox =
        new Outbox(
            folder.resolve("outbox"),
            () -> List.of(mail),
            Outbox.CHANNEL_TIMEOUT,
            history,
            it -> {});
    outbox.put(SampleAlerts.alert("/run/x.sock", "joe", "/bin/x"));
    outbox.deliver();
    assertTrue(mail.subjects.contains("Alert on web1"));
  }

  private static final class MailRecorder implements Channel {
    private final List<String> subjects = new ArrayList<>();

    @Override
    public String name() {
      return "mail";
    }

    @Override
    public String send(Alert alert, Set<String> served) {
      subjects.add(alert.subject());
      return "";
    }
  }

  @FuzzTarget
  void readsBackAnyAlert(byte[] bytes) {
    ByteSource draw = new ByteSource(bytes);
    Alert alert = SampleAlerts.alert(draw.text(), draw.text(), draw.text());
    OutboxEntry before = new OutboxEntry(alert);
    OutboxEntry folded = draw.below(2) == 0 ? before : before.fold(alert);
    TreeSet<String> served = new TreeSet<>();
    while (draw.hasMore()) {
      served.add(word(draw));
    }
    OutboxEntry entry =
        new OutboxEntry(
            served, String.join("", served), folded.folded(), folded.named(), folded.alert());
    assertEquals(entry, Json.read(Json.print(entry), OutboxEntry.class));
  }

  @FuzzTarget
  void history(byte[] line) {
    History.Event event;
    try {
      event = Json.read(text(line), History.Event.class);
    } catch (RuntimeException e) {
      return;
    }
    History.table(List.of(event), ZoneOffset.MAX);
    String printed = Json.line(event);
    assertEquals(printed, Json.line(Json.read(printed, History.Event.class)));
  }

  /** The corpora must be in the current format, so that fuzzing starts from it. */
  @Test
  void readsItsCorpus() throws IOException {
    Path corpus = Path.of("src/test/resources/org/lsm/alert/fuzz");
    assertEquals(5, read(Files.readString(corpus.resolve("alertState/whole"))).entries().size());
    String entry = Files.readString(corpus.resolve("outbox/whole"));
    assertEquals("554 no", Json.read(entry, OutboxEntry.class).failure());
    String overflow = Files.readString(corpus.resolve("outbox/overflow"));
    assertEquals(2, Json.read(overflow, OutboxEntry.class).folded());
    String event = Files.readString(corpus.resolve("history/line"));
    assertEquals("root", Json.read(event, History.Event.class).by());
  }

  private static String text(byte[] bytes) {
    return new String(bytes, StandardCharsets.UTF_8);
  }

  private static String word(ByteSource draw) {
    return EscapedText.escape(draw.text());
  }

  /** A time of the years 0 to 9999. */
  private static Instant time(ByteSource draw) {
    long seconds = Math.floorMod(draw.number(), 253402300800L);
    return Instant.ofEpochSecond(seconds, draw.below(256));
  }

  private static AlertState read(String text) {
    return AlertState.parse(ChecksummedText.open(text, "lsm-alert-state", "1"));
  }
}
