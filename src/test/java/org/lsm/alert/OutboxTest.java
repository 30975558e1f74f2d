package org.lsm.alert;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
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
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.lsm.FakeSmtpServer;
import org.lsm.FakeSmtpServer.Accepted;
import org.lsm.channel.CommandChannel;
import org.lsm.channel.MailChannel;
import org.lsm.config.Config;
import org.lsm.report.SampleAlerts;

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
  void anAlertIsReadBackAsItWasStored() throws IOException {
    assertTrue(outbox(new CommandChannel("exit 1")).put(ALERT));

    assertEquals(List.of(ALERT), outbox().waiting().stream().map(Outbox.Entry::alert).toList());
    assertEquals(List.of("run_cmd"), outbox().waiting().get(0).owed());
    assertEquals("rwx------", mode(folder));
    assertEquals("rw-------", mode(folder.resolve("20260102T030405.000Z.json")));
  }

  @Test
  void whereThereIsNoChannelNothingIsStored() {
    assertTrue(outbox().put(ALERT));

    assertFalse(Files.exists(folder));
    assertTrue(outbox().deliver());
  }

  @Test
  void alertsOfTheSameMomentKeepTheirOrder() throws IOException {
    Path said = directory.resolve("said");
    CommandChannel hook = new CommandChannel("echo $LSM_SUBJECT >> " + said);
    Outbox outbox = outbox(hook);
    for (String subject : List.of("one", "two", "three")) {
      outbox.put(Alert.of(AlertType.TEST, SampleAlerts.report(), subject));
    }
    assertEquals(
        List.of(
            "20260102T030405.000Z.json",
            "20260102T030405.000Z_1.json",
            "20260102T030405.000Z_2.json"),
        files());

    assertTrue(outbox.deliver());

    assertEquals(List.of("one: test", "two: test", "three: test"), Files.readAllLines(said));
    assertEquals(List.of("lock"), files());
  }

  /** What a run stored that was killed before it could send it. */
  @Test
  void anotherRunDeliversWhatAKilledOneHasStored() throws IOException {
    outbox(new CommandChannel("exit 1")).put(ALERT);
    Path said = directory.resolve("said");

    assertTrue(outbox(new CommandChannel("echo $LSM_SUBJECT >> " + said)).deliver());

    assertEquals(List.of("Alert on web1"), Files.readAllLines(said));
  }

  /** The host is not kept from its work by a server that refuses thousands of alerts. */
  @Test
  void ofWhatAServerHasRefusedTwentyAreTriedAgainInARun() throws Exception {
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

  /** Else it would wait for ever behind twenty that are always refused. */
  @Test
  void whatIsRefusedTakesTurns() throws IOException {
    Path mended = directory.resolve("mended");
    CommandChannel hook = new CommandChannel("grep -q unix/@once && test -e " + mended);
    Outbox first = outbox(hook);
    for (int i = 0; i < 20; i++) {
      first.put(SampleAlerts.alert("@never" + i, "/x", "x"));
    }
    first.put(SampleAlerts.alert("@once", "/x", "x"));
    first.deliver();
    Files.createFile(mended);

    outbox(hook).deliver();
    outbox(hook).deliver();

    assertEquals(20, first.size());
  }

  @Test
  void theMessageIdIsThatOfTheAlertAtEachAttempt() throws Exception {
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
  void whatAChannelSaysGoesIntoTheHistory() throws IOException {
    Outbox outbox = outbox(new CommandChannel("printf 'ticket\\n\\0334711'"));
    outbox.put(ALERT);
    outbox.deliver();

    assertEquals(
        List.of("delivered run_cmd: Alert on web1, which said: ticket\\x0a\\x1b4711"), happened());
  }

  @Test
  void theSameFailureIsWrittenDownOnceHoweverOftenItIsTried() throws IOException {
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
        happened());
    assertEquals(2, warnings.size());
  }

  @Test
  void anErrorOfOursIsAFailureOfTheChannel() throws IOException {
    Channel broken =
        new Channel() {
          @Override
          public String name() {
            return "broken";
          }

          @Override
          public String send(Alert alert, Set<String> served) {
            throw new IllegalStateException("on purpose");
          }
        };
    Path said = directory.resolve("said");
    Outbox outbox = outbox(broken, new CommandChannel("echo $LSM_SUBJECT >> " + said));
    outbox.put(ALERT);

    assertFalse(outbox.deliver());

    assertEquals(List.of("broken"), outbox.waiting().get(0).owed());
    assertEquals(
        List.of("broken failed: internal error: java.lang.IllegalStateException: on purpose"),
        warnings);
    assertEquals(List.of("Alert on web1"), Files.readAllLines(said));
  }

  @Test
  void aFileThatWasDamagedIsCountedAndTheRestIsShown() throws IOException {
    Outbox outbox = outbox(new CommandChannel("exit 1"));
    outbox.put(ALERT);
    outbox.put(ALERT);
    Files.writeString(folder.resolve("20260102T030405.000Z.json"), "{");

    assertEquals(1, outbox.waiting().size());
    assertEquals(0, outbox.damaged());
    assertFalse(outbox.deliver());
    assertEquals(1, outbox.damaged());
    assertEquals(1, outbox.size());
  }

  @Test
  void whatAKilledRunHasLeftHalfWrittenIsRemovedAfterAnHour() throws IOException {
    outbox(new CommandChannel("exit 1")).put(ALERT);
    Path old = Files.writeString(folder.resolve(".20260101T000000.000Z.json.tmp"), "{");
    Path recent = Files.writeString(folder.resolve(".20260101T000001.000Z.json.tmp"), "{");
    Instant now = Instant.now();
    Files.setLastModifiedTime(old, FileTime.from(now.minus(Duration.ofMinutes(61))));
    Files.setLastModifiedTime(recent, FileTime.from(now.minus(Duration.ofMinutes(50))));

    assertTrue(outbox(new CommandChannel("exit 0")).deliver());

    assertEquals(List.of(".20260101T000001.000Z.json.tmp", "lock"), files());
  }

  // ---- helpers

  private Outbox outbox(Channel... channels) {
    return new Outbox(folder, () -> List.of(channels), history, warnings::add);
  }

  private Channel mail(FakeSmtpServer server) throws Exception {
    Path file =
        Files.writeString(
            directory.resolve("conf.lsm"),
            "SMTP_HOST=\"127.0.0.1\"\nSMTP_PORT=\"" + server.port() + "\"\n");
    return new MailChannel(
        Config.read(file), Path.of("/nonexistent"), List.of(), Duration.ofSeconds(20), null);
  }

  private List<String> files() throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files.map(file -> file.getFileName().toString()).sorted().toList();
    }
  }

  private List<String> happened() throws IOException {
    return history.since(Instant.MIN).stream().map(it -> it.event() + " " + it.what()).toList();
  }

  private static String mode(Path file) throws IOException {
    return PosixFilePermissions.toString(Files.getPosixFilePermissions(file));
  }
}
