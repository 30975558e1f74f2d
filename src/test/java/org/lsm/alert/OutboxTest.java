package org.lsm.alert;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.lsm.FakeSmtpServer;
import org.lsm.FakeSmtpServer.Accepted;
import org.lsm.alert.DeliveryException.FailureKind;
import org.lsm.channel.CommandChannel;
import org.lsm.channel.MailChannel;
import org.lsm.channel.MailSystem;
import org.lsm.config.Config;
import org.lsm.model.HostInfo;
import org.lsm.report.DiffReport;
import org.lsm.report.Json;
import org.lsm.report.LogEvent;
import org.lsm.report.ReportDocument;
import org.lsm.report.SampleAlerts;
import org.lsm.storage.FileLock;
import org.lsm.storage.OtherProcess;

/** The outbox itself, where whole runs of lsm do not get to. */
class OutboxTest {

  private static final Alert ALERT = SampleAlerts.alert("/run/\n<x>", "joe", "/bin/\\x");

  @TempDir Path directory;

  private final List<String> warnings = new ArrayList<>();
  private History history;
  private Path folder;

  @BeforeEach
  void makeHistory() {
    folder = directory.resolve("outbox");
    history =
        new History(
            directory, Clock.fixed(SampleAlerts.TIME, ZoneOffset.UTC), "root", warnings::add);
  }

  @Test
  void storesOneFilePerChannel() throws IOException {
    assertTrue(outbox(new CommandChannel("exit 1"), new TestChannel("mail")).put(ALERT));

    assertEquals(
        List.of("20260102T030405.000Z-mail.json", "20260102T030405.000Z-run_cmd.json"), files());
    assertEquals("rwx------", mode(folder));
    for (String name : files()) {
      Path file = folder.resolve(name);
      assertEquals("rw-------", mode(file));
      assertEquals(
          new OutboxEntry(ALERT), Json.read(Files.readString(file), OutboxEntry.class), name);
    }
    assertEquals(
        List.of(
            new Outbox.Waiting("mail", SampleAlerts.TIME, ""),
            new Outbox.Waiting("run_cmd", SampleAlerts.TIME, "")),
        outbox().oldest(10));
    assertEquals(1, outbox().oldest(1).size());
    assertEquals(2, outbox().size());
  }

  @Test
  void storesNothingWithoutChannels() {
    assertTrue(outbox().put(ALERT));

    assertFalse(Files.exists(folder));
    assertTrue(outbox().deliver());
  }

  @Test
  void keepsOrderOfEqualTimes() throws IOException {
    TestChannel mail = new TestChannel("mail");
    Outbox outbox = outbox(mail);
    for (int i = 0; i < 12; i++) {
      outbox.put(Alert.of(AlertType.DIFFERENCES, SampleAlerts.report(), "" + i));
    }
    assertEquals("20260102T030405.000Z-mail.json", files().get(0));
    assertEquals("20260102T030405.000Z_001-mail.json", files().get(1));

    assertTrue(outbox.deliver());

    assertEquals(IntStream.range(0, 12).mapToObj(Integer::toString).toList(), mail.subjects());
    assertEquals(List.of("mail.lock"), files());
  }

  /** A file that was damaged or rejected keeps its name from being given to another alert. */
  @ParameterizedTest
  @ValueSource(strings = {".rejected.json", ".json.damaged"})
  void neverReusesAName(String suffix) throws IOException {
    Files.createDirectories(folder);
    Files.writeString(folder.resolve("20260102T030405.000Z-mail" + suffix), "");

    outbox(new TestChannel("mail")).put(ALERT);

    assertTrue(files().contains("20260102T030405.000Z_001-mail.json"), files().toString());
  }

  @Test
  void deliversWhatAKilledRunStored() throws IOException {
    outbox(new CommandChannel("exit 1")).put(ALERT);
    Path output = directory.resolve("output");

    assertTrue(outbox(new CommandChannel("echo $LSM_SUBJECT >> " + output)).deliver());

    assertEquals(List.of("Alert on web1"), Files.readAllLines(output));
  }

  // ---- failures

  /** A server that rejects thousands of alerts must not keep a run busy. */
  @Test
  void retriesTwentyRejectedAlertsARun() throws Exception {
    try (FakeSmtpServer server = new FakeSmtpServer().answer(FakeSmtpServer.END, "554 no")) {
      Channel mail = mail(server);
      Outbox first = outbox(mail);
      for (int i = 0; i < 23; i++) {
        first.put(SampleAlerts.alert("x" + i, "/x", "x"));
      }

      assertFalse(first.deliver());
      assertEquals(23, server.connections());
      assertFalse(first.deliver());
      assertEquals(23, server.connections());
      assertFalse(outbox(mail).deliver());
      assertEquals(43, server.connections());
      assertEquals(23, first.size());

      server.answer(FakeSmtpServer.END, "250 stored");
      assertTrue(outbox(mail).deliver());
      assertEquals(23, server.accepted().size());
    }
  }

  @Test
  void retriesLeastRecentlyTriedFirst() throws Exception {
    TestChannel mail = new TestChannel("mail");
    mail.failure = new DeliveryException("no", null, FailureKind.REJECTED, Set.of());
    Outbox first = outbox(mail);
    for (int i = 0; i < 30; i++) {
      first.put(Alert.of(AlertType.DIFFERENCES, SampleAlerts.report(), "" + i));
    }
    first.deliver();
    mail.tried.clear();

    for (int run = 0; run < 2; run++) {
      Thread.sleep(5); // file times are compared by the millisecond
      outbox(mail).deliver();
    }

    assertEquals(
        IntStream.range(0, 40).mapToObj(i -> Integer.toString(i % 30)).toList(), mail.tried);
    assertEquals(30, first.size());
  }

  @ParameterizedTest
  @EnumSource
  void ordersByFailureKind(FailureKind kind) throws IOException {
    TestChannel mail = new TestChannel("mail");
    TestChannel syslog = new TestChannel("syslog");
    mail.failure = new DeliveryException("no", null, kind, Set.of());
    Outbox outbox = outbox(mail, syslog);
    for (String subject : List.of("one", "two")) {
      outbox.put(Alert.of(AlertType.DIFFERENCES, SampleAlerts.report(), subject));
    }
    assertFalse(outbox.deliver());

    assertEquals(kind == FailureKind.REJECTED ? List.of("one", "two") : List.of("one"), mail.tried);
    assertEquals(List.of("one", "two"), syslog.subjects());

    mail.failure = null;
    mail.tried.clear();
    if (kind == FailureKind.UNANSWERED) { // the channel may have it: not again at once
      assertFalse(outbox(mail).deliver());
      assertEquals(List.of("two"), mail.tried);
      mail.tried.clear();
      outbox(mail).deliver();
      assertEquals(List.of(), mail.tried);
      Path file = folder.resolve("20260102T030405.000Z-mail.unanswered.json");
      Files.setLastModifiedTime(file, FileTime.from(Instant.now().minus(Duration.ofHours(1))));
      assertTrue(outbox(mail).deliver());
      assertEquals(List.of("one"), mail.tried);
      return;
    }
    assertTrue(outbox(mail).deliver());
    assertEquals(
        kind == FailureKind.STALLED ? List.of("two", "one") : List.of("one", "two"), mail.tried);
  }

  @Test
  void remembersServedRecipients() throws IOException {
    TestChannel mail = new TestChannel("mail");
    mail.failure = new DeliveryException("no", null, FailureKind.REJECTED, Set.of("b"));
    outbox(mail).put(ALERT);
    outbox(mail).deliver();
    assertEquals(List.of("20260102T030405.000Z-mail.rejected.json", "mail.lock"), files());
    mail.failure = new DeliveryException("no", null, FailureKind.REJECTED, Set.of("a"));
    outbox(mail).deliver();
    outbox(mail).deliver();

    assertEquals(Set.of("a", "b"), mail.served);
    assertEquals(List.of("failed no", "failed no"), events());
  }

  @Test
  void usesSameMessageIdAtEachTry() throws Exception {
    try (FakeSmtpServer server = new FakeSmtpServer().answer(FakeSmtpServer.END, "250 stored")) {
      Channel mail = mail(server);
      mail.send(ALERT, Set.of());
      mail.send(ALERT, Set.of());

      assertEquals(
          List.of("<" + ALERT.id() + "@web1>"),
          server.accepted().stream()
              .map((Accepted it) -> it.header("Message-ID"))
              .distinct()
              .toList());
    }
  }

  @Test
  void logsReply() throws IOException {
    Outbox outbox = outbox(new CommandChannel("printf 'ticket\\n\\0334711'"));
    outbox.put(ALERT);
    outbox.deliver();

    assertEquals(
        List.of("delivered run_cmd: Alert on web1; reply: ticket\\x0a\\x1b4711"), events());
  }

  @Test
  void reportsAFailureOnce() throws IOException {
    outbox(new CommandChannel("exit 1")).put(ALERT);
    for (int i = 0; i < 3; i++) {
      assertFalse(outbox(new CommandChannel("exit 1")).deliver());
    }
    assertFalse(outbox(new CommandChannel("echo new; exit 2")).deliver());

    String rest = "; run the command by hand to find the error";
    assertEquals(
        List.of(
            "failed RUN_CMD failed: it ended with 1" + rest,
            "failed RUN_CMD failed: it ended with 2 and said: new" + rest),
        events());
    assertEquals(2, warnings.size());
  }

  @Test
  void survivesInternalErrors() throws IOException {
    TestChannel broken = new TestChannel("broken");
    broken.bug = new IllegalStateException("on purpose");
    TestChannel mail = new TestChannel("mail");
    Outbox outbox = outbox(broken, mail);
    outbox.put(ALERT);

    assertFalse(outbox.deliver());

    String failure = "broken failed: internal error: java.lang.IllegalStateException: on purpose";
    assertEquals(
        List.of(new Outbox.Waiting("broken", SampleAlerts.TIME, failure)), outbox.oldest(10));
    assertEquals(List.of(failure), warnings);
    assertEquals(List.of("Alert on web1"), mail.subjects());
  }

  @Test
  void dropsAlertsForRemovedChannels() throws IOException {
    Outbox before = outbox(new TestChannel("mail"), new TestChannel("syslog"));
    before.put(ALERT);
    before.put(ALERT);
    TestChannel syslog = new TestChannel("syslog");

    assertTrue(outbox(syslog).deliver());

    String dropped = "dropped mail is switched off: Alert on web1";
    String delivered = "delivered syslog: Alert on web1";
    assertEquals(List.of(delivered, delivered, dropped, dropped), events());
    assertEquals(List.of("mail.lock", "syslog.lock"), files());
  }

  /** Another run delivers: it also delivers what this one adds, or the next run does. */
  @Test
  void leavesAlertsToAnotherProcessThatDelivers() throws Exception {
    TestChannel mail = new TestChannel("mail");
    TestChannel syslog = new TestChannel("syslog");
    Outbox outbox = outbox(mail, syslog);
    outbox.put(ALERT);
    Process holder =
        OtherProcess.start("077", LockHolder.class, folder.resolve("mail.lock").toString());
    try {
      assertEquals("locked", holder.inputReader().readLine());

      assertFalse(outbox.deliver());

      assertEquals(Set.of(Long.toString(holder.pid())), outbox.deliverers());
      assertEquals(List.of(), mail.subjects());
      assertEquals(List.of("Alert on web1"), syslog.subjects());
      assertEquals(List.of(), warnings);
    } finally {
      holder.destroyForcibly().waitFor();
    }
    assertTrue(outbox(mail, syslog).deliver());
    assertEquals(List.of("Alert on web1"), mail.subjects());
  }

  @Test
  void deliversWhatOtherRunsAddMeanwhile() throws IOException {
    TestChannel other = new TestChannel("mail");
    TestChannel mail =
        new TestChannel("mail") {
          @Override
          public String send(Alert alert, Set<String> served) throws DeliveryException {
            if (tried.isEmpty()) {
              outbox(other).put(Alert.of(AlertType.DIFFERENCES, SampleAlerts.report(), "two"));
            }
            return super.send(alert, served);
          }
        };
    Outbox outbox = outbox(mail);
    outbox.put(Alert.of(AlertType.DIFFERENCES, SampleAlerts.report(), "one"));

    assertTrue(outbox.deliver());

    assertEquals(List.of("one", "two"), mail.tried);
  }

  // ---- more than there is room for

  /** Makes as many files as if so many alerts waited for this channel. */
  private void fill(String channel, int count) throws IOException {
    Files.createDirectories(folder);
    for (int i = 0; i < count; i++) {
      Files.createFile(folder.resolve(String.format("20250101T000000.%04dZ-%s.json", i, channel)));
    }
  }

  /** Removes them, because it takes a while to deliver so many. */
  private void drain() throws IOException {
    for (String name : files()) {
      if (name.startsWith("2025")) {
        Files.delete(folder.resolve(name));
      }
    }
  }

  @Test
  void foldsAlertsBeyondTheLimit() throws IOException {
    fill("mail", 999);
    TestChannel mail = new TestChannel("mail");
    TestChannel syslog = new TestChannel("syslog");
    Outbox outbox = outbox(mail, syslog);
    Alert last = Alert.of(AlertType.DIFFERENCES, SampleAlerts.report(), "last");
    assertTrue(outbox.put(last));
    assertFalse(Files.exists(folder.resolve("overflow-mail.json")));

    for (int i = 0; i < 205; i++) {
      assertTrue(outbox.put(SampleAlerts.alert("@x" + i, "joe", "/bin/x")));
    }

    assertEquals(1001 + 206, outbox.size());
    assertTrue(Files.size(folder.resolve("overflow-mail.json")) < 100_000);
    assertEquals("rw-------", mode(folder.resolve("overflow-mail.json")));
    drain();
    assertTrue(outbox.deliver());
    assertEquals(List.of("last", "Alert on web1: more alerts"), mail.subjects());
    assertEquals(206, syslog.delivered.size());
    Alert folded = mail.delivered.get(1);
    assertEquals("web1: 205 more alerts not sent one by one", folded.summary());
    String line = "2026-01-02T03:04:05Z web1: NEW unix/@x";
    assertEquals(
        200,
        folded.text().stream()
            .filter(it -> it.matches("Alert     " + Pattern.quote(line) + "\\d+ x \\(joe\\)"))
            .count());
    assertTrue(folded.text().contains("Alert     … and 5 more"), folded.text().toString());
    assertTrue(folded.html().contains("<h1>" + folded.summary() + "</h1>"));
    assertEquals(
        List.of(folded.summary()), folded.events().stream().map(LogEvent::message).toList());
    JsonObject json = folded.report();
    assertEquals("overflow", json.get("event").getAsString());
    assertEquals(folded.summary(), json.get("summary").getAsString());
    assertEquals(205, json.get("count").getAsInt());
    assertEquals(200, json.getAsJsonArray("alerts").size());
    assertEquals(List.of("mail.lock", "syslog.lock"), files());
  }

  @ParameterizedTest
  @CsvSource({
    "on $HOSTNAME, on web1: more alerts",
    "on $HOSTNAME: $SUMMARY, 'on web1: more alerts: 1 more alert not sent one by one'"
  })
  void foldedAlertHasNoSubjectOfOne(String subject, String expected) {
    DiffReport report = SampleAlerts.report("@x", "joe", "/bin/x");
    Alert alert = Alert.of(AlertType.REMINDER, report, subject);

    assertEquals(expected, new OutboxEntry(alert).fold(alert).alert().subject());
  }

  @Test
  void foldKeepsTimesOfFirstAndLast() throws IOException {
    fill("mail", 1000);
    TestChannel mail = new TestChannel("mail");
    Outbox outbox = outbox(mail);
    for (String time : List.of("2026-01-05T00:00:00Z", "2026-01-06T00:00:00Z")) {
      HostInfo host = SampleAlerts.hostInfo(time);
      ReportDocument document = DiffReport.test(host, ZoneOffset.UTC);
      outbox.put(Alert.of(AlertType.TEST, host, document, "SUB", ZoneOffset.UTC));
    }
    drain();
    outbox.deliver();

    Alert folded = mail.delivered.get(0);
    assertEquals("SUB: more alerts", folded.subject());
    assertEquals(
        List.of(
            "Alert     2026-01-05T00:00:00Z web1: test alert",
            "Alert     2026-01-06T00:00:00Z web1: test alert",
            "First     2026-01-05T00:00:00Z",
            "Last      2026-01-06T00:00:00Z"),
        folded.text().subList(2, 6));
    assertEquals(Instant.parse("2026-01-06T00:00:00Z"), folded.time());
  }

  /** Recipients that have the alert must get it again when it stands for more. */
  @Test
  void foldsIntoRejectedOverflow() throws IOException {
    fill("mail", 1000);
    TestChannel mail = new TestChannel("mail");
    Outbox outbox = outbox(mail);
    outbox.put(ALERT);
    Alert first =
        Json.read(Files.readString(folder.resolve("overflow-mail.json")), OutboxEntry.class)
            .alert();
    mail.failure = new DeliveryException("no", null, FailureKind.REJECTED, Set.of("a"));
    drain();
    outbox.deliver();
    assertEquals(List.of("mail.lock", "overflow-mail.json"), files());
    fill("mail", 1000);
    outbox.put(ALERT);

    OutboxEntry entry =
        Json.read(Files.readString(folder.resolve("overflow-mail.json")), OutboxEntry.class);
    assertEquals(2, entry.folded());
    assertEquals(Set.of(), entry.served());
    assertNotEquals(first.id(), entry.alert().id());
    assertEquals(1001, outbox.size());

    mail.failure = null;
    drain();
    assertTrue(outbox(mail).deliver());
    assertEquals("web1: 2 more alerts not sent one by one", mail.delivered.get(0).summary());
  }

  @Test
  void startsAnewAfterADamagedOverflow() throws IOException {
    fill("mail", 1000);
    Files.writeString(folder.resolve("overflow-mail.json"), "{");

    assertTrue(outbox(new TestChannel("mail")).put(ALERT));

    assertTrue(files().contains("overflow-mail.json.damaged"));
    assertEquals(1001, outbox().size());

    Files.writeString(folder.resolve("overflow-mail.json"), "{");
    assertTrue(outbox(new TestChannel("mail")).put(ALERT));
    assertEquals(2, outbox().damaged());
    assertEquals(1001, outbox().size());
  }

  // ---- files

  @Test
  void countsDamagedFiles() throws IOException {
    Outbox outbox = outbox(new CommandChannel("exit 1"));
    outbox.put(ALERT);
    outbox.put(ALERT);
    Files.writeString(folder.resolve("20260102T030405.000Z-run_cmd.json"), "{");

    assertEquals(1, outbox.oldest(10).size());
    assertEquals(0, outbox.damaged());
    assertFalse(outbox.deliver());
    assertEquals(1, outbox.damaged());
    assertEquals(1, outbox.size());
  }

  @Test
  void removesOldTemporaryFiles() throws IOException {
    outbox(new CommandChannel("exit 1")).put(ALERT);
    Path old = Files.writeString(folder.resolve(".20260101T000000.000Z.json.tmp"), "{");
    Path recent = Files.writeString(folder.resolve(".20260101T000001.000Z.json.tmp"), "{");
    Instant now = Instant.now();
    Files.setLastModifiedTime(old, FileTime.from(now.minus(Duration.ofMinutes(61))));
    Files.setLastModifiedTime(recent, FileTime.from(now.minus(Duration.ofMinutes(50))));

    Outbox next = outbox(new CommandChannel("exit 0"));
    assertTrue(next.deliver());
    next.removeTemporaryFiles();

    assertEquals(List.of(".20260101T000001.000Z.json.tmp", "run_cmd.lock"), files());
  }

  // ---- helpers

  /** Another lsm that delivers. */
  static final class LockHolder {
    private LockHolder() {}

    @SuppressWarnings("try") // the lock is only held
    public static void main(String[] args) throws IOException {
      try (FileChannel lock = FileLock.take(Path.of(args[0]), Duration.ZERO)) {
        System.out.println("locked");
        System.in.read();
      }
    }
  }

  /** Records what it is given, and fails when asked to. */
  private static class TestChannel implements Channel {
    private final String name;
    final List<String> tried = new ArrayList<>();
    private final List<Alert> delivered = new ArrayList<>();
    private Set<String> served = Set.of();
    private DeliveryException failure;
    private RuntimeException bug;

    TestChannel(String name) {
      this.name = name;
    }

    @Override
    public String name() {
      return name;
    }

    @Override
    public String send(Alert alert, Set<String> servedBefore) throws DeliveryException {
      tried.add(alert.subject());
      served = servedBefore;
      if (bug != null) {
        throw bug;
      }
      if (failure != null) {
        throw failure;
      }
      delivered.add(alert);
      return "";
    }

    List<String> subjects() {
      return delivered.stream().map(Alert::subject).toList();
    }
  }

  private Outbox outbox(Channel... channels) {
    return new Outbox(
        folder, () -> List.of(channels), Outbox.CHANNEL_TIMEOUT, history, warnings::add);
  }

  private Channel mail(FakeSmtpServer server) throws Exception {
    Path file =
        Files.writeString(
            directory.resolve("conf.lsm"),
            "SMTP_HOST=\"127.0.0.1\"\nSMTP_PORT=\"" + server.port() + "\"\n");
    return new MailChannel(
        Config.read(file),
        new MailSystem(
            Path.of("/nonexistent"),
            List.of(),
            Path.of("/nonexistent"),
            host -> host,
            Duration.ofSeconds(20)),
        null);
  }

  private List<String> files() throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files.map(file -> file.getFileName().toString()).sorted().toList();
    }
  }

  private List<String> events() throws IOException {
    return history.since(Instant.MIN).stream().map(it -> it.event() + " " + it.what()).toList();
  }

  private static String mode(Path file) throws IOException {
    return PosixFilePermissions.toString(Files.getPosixFilePermissions(file));
  }
}
