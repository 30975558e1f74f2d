package org.lsm.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.params.provider.Arguments.arguments;
import static org.lsm.FakeSmtpServer.CONNECTION;
import static org.lsm.FakeSmtpServer.END;
import static org.lsm.FakeSmtpServer.HANG_UP;
import static org.lsm.FakeSmtpServer.SILENCE;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import com.icegreen.greenmail.junit5.GreenMailExtension;
import com.icegreen.greenmail.util.ServerSetup;
import jakarta.mail.internet.MimeMessage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.lsm.FakeSmtpServer;
import org.lsm.FakeSmtpServer.Accepted;
import org.lsm.MailServer;

/** Every alert arrives at least once and in order, whatever the channels do. */
@Timeout(120)
class DeliveryTest extends ChannelTestBase {

  private static final String FIRST = "found at 2026-01-02 03:14:05 +00:00";
  private static final String SECOND = "found at 2026-01-02 03:24:05 +00:00";
  private static final String MAIL_ADVICE =
      "; check SMTP_HOST, SMTP_PORT and SMTP_TLS, or set MAILER=\"sendmail\"";
  private static final String WAITS =
      "lsm: 1 alert waits in the outbox, the oldest since 2026-01-02 03:14:05 +00:00 (0 s ago);"
          + " the next run tries again\n";
  private static final String SYSLOG_ADVICE = "; start a syslog daemon, or set SYSLOG=\"no\"";
  private static final String LATER = "; the next run tries again";
  private static final String REJECTED_ADVICE = "; check the addresses in USER and FROM";

  @RegisterExtension
  final GreenMailExtension greenMail =
      new GreenMailExtension(MailServer.setup(ServerSetup.PROTOCOL_SMTP));

  private static final Map<String, List<String>> BOTH =
      Map.of(
          "mail", List.of(FIRST, SECOND),
          "syslog",
              List.of(
                  "NEW tcp/0.0.0.0:4444 by /tmp/nc (www-data), PID 4444",
                  "NEW tcp/0.0.0.0:5555 by /tmp/nc (www-data), PID 5555"),
          "run_cmd", List.of(FIRST, SECOND));

  private FakeSmtpServer server;

  @BeforeEach
  void takeBaseline() throws IOException {
    lsm("generate");
    server = new FakeSmtpServer();
    repair("sendmail");
    repair("logger");
    repair("command");
    Files.createDirectory(directory.resolve("cron.d"));
    Files.writeString(directory.resolve("cron.d/lsm"), "*/10 * * * * root /usr/sbin/lsm -c\n");
    pass();
  }

  @AfterEach
  void closeServer() throws IOException {
    server.close();
  }

  // ---- a channel that does not work, and then does

  @Test
  void mailServerIsDown() throws Exception {
    server.close();
    mailTo(server.port());

    failsAndRecovers("mail", null, this::mailToGreenMail);

    assertEquals(BOTH, arrived(), "the oldest first");
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("misbehaviours")
  void mailServerMisbehaves(String name, String line, String reply, String reason)
      throws Exception {
    server.answer(line, reply);
    mailTo(server.port());
    mailTimeout = reply.equals(SILENCE) ? Duration.ofMillis(300) : mailTimeout;

    failsAndRecovers("mail", reason, this::mailToGreenMail);

    assertEquals(List.of(), server.accepted());
  }

  private static Stream<Arguments> misbehaviours() {
    return Stream.of(
        arguments("never greets", CONNECTION, SILENCE, null),
        arguments("hangs at the sender", "MAIL", SILENCE, null),
        arguments("hangs before the message", "DATA", SILENCE, null),
        arguments("hangs after the message", END, SILENCE, null),
        arguments(
            "closes at once",
            CONNECTION,
            HANG_UP,
            "the server closed the connection" + MAIL_ADVICE),
        arguments(
            "closes before the message",
            "DATA",
            HANG_UP,
            "the server closed the connection" + MAIL_ADVICE),
        arguments("closes in the middle of the message", "Subject: ", HANG_UP, null),
        arguments(
            "closes after the message",
            END,
            HANG_UP,
            "the server closed the connection" + MAIL_ADVICE),
        arguments(
            "is too busy for a sender",
            "MAIL",
            "451 4.3.0 try again later",
            "rejected 451 4.3.0 try again later" + LATER),
        arguments(
            "has no room for a message",
            END,
            "452 4.3.1 disk full",
            "rejected 452 4.3.1 disk full" + LATER),
        arguments(
            "defers every recipient",
            "RCPT",
            "450 4.2.0 greylisted",
            "rejected for ops@example.org: 450 4.2.0 greylisted" + LATER),
        arguments(
            "does not know the recipient",
            "RCPT",
            "550 5.1.1 no such user",
            "rejected for ops@example.org: 550 5.1.1 no such user" + REJECTED_ADVICE),
        arguments(
            "takes no message",
            END,
            "554 5.7.1 spam",
            "rejected 554 5.7.1 spam" + REJECTED_ADVICE));
  }

  @Test
  void sendmailFails() throws Exception {
    channels("MAILER=\"sendmail\"");
    script("sendmail", "cat > /dev/null; echo queue is full; exit 75");

    failsAndRecovers(
        "mail",
        "it ended with 75 and said: queue is full"
            + "; install a mail transfer agent, or set MAILER=\"smtp\" and SMTP_HOST",
        () -> repair("sendmail"));
  }

  @Test
  void loggerIsMissing() throws Exception {
    mailToGreenMail();
    Files.delete(directory.resolve("logger"));

    failsAndRecovers(
        "syslog",
        "there is no program " + directory.resolve("logger") + SYSLOG_ADVICE,
        () -> repair("logger"));
  }

  @Test
  void syslogDaemonIsDown() throws Exception {
    mailToGreenMail();
    script("logger", "echo 'logger: socket /dev/log: nobody there' >&2; exit 1");

    failsAndRecovers(
        "syslog",
        "it ended with 1 and said: logger: socket /dev/log: nobody there" + SYSLOG_ADVICE,
        () -> repair("logger"));
  }

  @Test
  void commandFails() throws Exception {
    mailToGreenMail();
    script("command", "echo no network; exit 7");

    failsAndRecovers(
        "run_cmd",
        "it ended with 7 and said: no network; run the command by hand to find the error",
        () -> repair("command"));
  }

  /** Makes a channel work again. */
  private interface Fix {
    void run() throws IOException;
  }

  /**
   * Two runs send an alert while one channel fails; in the third one the channel works again.
   *
   * @param reason why it fails; null if the text comes from the Java runtime
   */
  private void failsAndRecovers(String channel, String reason, Fix fix) throws Exception {
    open(4444);
    Result first = lsm("compare", "--quiet");
    assertEquals(3, first.exitCode());
    String failure = first.err().substring("lsm: ".length(), first.err().indexOf('\n'));
    assertEquals("lsm: " + failure + "\n" + WAITS, first.err());
    if (reason != null) {
      assertEquals(reason, failure.substring(failure.indexOf(" failed: ") + 9));
    }
    assertWaiting(channel, failure);
    assertStatus(
        1, "Alert    ! 2026-01-02 03:14:05 +00:00 (0 s ago) waits for " + channel + ": " + failure);

    pass();
    open(5555);
    assertEquals(3, lsm("compare", "--quiet").exitCode());
    assertEquals(2, outbox().size());
    assertEquals(without(channel), arrived());

    fix.run();
    pass();
    for (Path file : outbox(".*\\.unanswered\\.json")) { // an hour has passed
      Files.setLastModifiedTime(file, FileTime.from(Instant.now().minus(Duration.ofHours(1))));
    }
    assertEquals(new Result(1, "", ""), lsm("compare", "--quiet"));
    assertEquals(List.of(), outbox());
    Map<String, List<String>> arrived = arrived();
    assertEquals(BOTH, sorted(arrived));
    assertStatus(0, "Alerts     none waits");

    pass();
    assertEquals(new Result(1, "", ""), lsm("compare", "--quiet"));
    assertEquals(arrived, arrived());
  }

  /** An alert that a channel stalled over comes after those that it has not seen. */
  private static Map<String, List<String>> sorted(Map<String, List<String>> arrived) {
    return arrived.entrySet().stream()
        .collect(
            Collectors.toMap(Map.Entry::getKey, it -> it.getValue().stream().sorted().toList()));
  }

  /** What arrives in the end, without that of this channel. */
  private static Map<String, List<String>> without(String channel) {
    Map<String, List<String>> others = new HashMap<>(BOTH);
    others.put(channel, List.of());
    return others;
  }

  /** The first alert waits for this channel alone, which has failed for this reason. */
  private void assertWaiting(String channel, String failure) throws IOException {
    assertEquals(List.of("20260102T031405.000Z-" + channel), names());
    JsonObject entry = entry(outbox().get(0));
    assertEquals("[]", entry.get("served").toString());
    assertEquals(failure, entry.get("failure").getAsString());
    assertEquals(FIRST, entry.getAsJsonObject("alert").get("subject").getAsString());
  }

  // ---- a process of its own

  @Test
  void startsAProcessThatDelivers() throws Exception {
    mailToGreenMail();
    String record = "echo \"$* $LSM_CONF\" >> " + directory.resolve("started");
    launcher = Optional.of(script("lsm", record, "echo 'lsm: it waits' >&2"));
    open(4444);

    Result result = lsm("compare");

    assertEquals(3, result.exitCode(), "the script delivers nothing");
    assertEquals("lsm: it waits\n", result.err());
    assertEquals(new Result(3, "", "lsm: it waits\n"), lsm("compare", "--quiet"));
    assertEquals(List.of("deliver " + config, "deliver --quiet " + config), lines("started"));
    assertEquals(List.of(), arrived().get("mail"));

    environment.put("LSM_CONF", config.toString());
    assertEquals(done(""), run("deliver", "--quiet"));

    assertEquals(List.of(FIRST), arrived().get("mail"));
    assertEquals(List.of(FIRST), arrived().get("run_cmd"));
    assertEquals(List.of(), outbox());
  }

  @Test
  void deliversItselfIfNoProcessStarts() throws Exception {
    mailToGreenMail();
    launcher = Optional.of(directory.resolve("missing"));
    open(4444);

    Result result = lsm("compare", "--quiet");

    String problem =
        "lsm: the process that delivers alerts cannot be started, so this run delivers";
    assertTrue(result.err().startsWith(problem + ": "), result.err());
    assertEquals(1, result.exitCode());
    assertEquals(List.of(FIRST), arrived().get("mail"));
  }

  /** A server may have the alert already, and must not get it again at once. */
  @Test
  void leavesTheAlertOfAKilledProcessToTheNextRun() throws Exception {
    mailToGreenMail();
    launcher = Optional.of(script("lsm", "kill -9 $$"));
    open(4444);

    String problem = "lsm: the process that delivers alerts ended with status 137";
    assertEquals(new Result(3, "", problem + LATER + "\n"), lsm("compare", "--quiet"));
    assertEquals(List.of(), arrived().get("mail"));

    launcher = Optional.empty();
    assertEquals(new Result(1, "", ""), lsm("compare", "--quiet"));
    assertEquals(List.of(FIRST), arrived().get("mail"));
  }

  /** Cron starts the next run in ten minutes. */
  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  @Execution(ExecutionMode.CONCURRENT)
  void deliversItselfForHalfAMinuteOnly(boolean stored) throws Exception {
    server.answer(END, SILENCE);
    mailTo(server.port());
    mailTimeout = Duration.ofMinutes(10);
    if (!stored) {
      Files.writeString(state.resolve("outbox"), "no directory");
    }
    open(4444);
    Instant start = Instant.now();

    Result result = lsm("compare", "--quiet");

    assertEquals(3, result.exitCode());
    assertTrue(result.err().contains("it took too long"), result.err());
    long seconds = Duration.between(start, Instant.now()).toSeconds();
    assertTrue(seconds >= 29 && seconds < 45, seconds + " s");
  }

  // ---- some of it arrives

  @Test
  void servesEachRecipientOnce() throws Exception {
    mailTo(server.port(), "a@example.org", "b@example.org", "c@example.org");
    server.answer("RCPT TO:<b@", "550 5.1.1 no such user");
    open(4444);
    String refused =
        "lsm: mail to 127.0.0.1:"
            + server.port()
            + " failed: rejected for b@example.org: 550 5.1.1 no such user"
            + REJECTED_ADVICE
            + "\n"
            + WAITS;

    assertEquals(new Result(3, "", refused), lsm("compare", "--quiet"));
    assertEquals(
        "[\"a@example.org\",\"c@example.org\"]", entry(outbox().get(0)).get("served").toString());
    pass();
    assertEquals(3, lsm("compare", "--quiet").exitCode());
    assertEquals(
        List.of(List.of("a@example.org", "c@example.org")),
        server.accepted().stream().map(Accepted::recipients).toList());

    server.answer("RCPT TO:<b@", "250 ok");
    pass();
    assertEquals(new Result(1, "", ""), lsm("compare", "--quiet"));

    assertEquals(
        List.of(List.of("a@example.org", "c@example.org"), List.of("b@example.org")),
        server.accepted().stream().map(Accepted::recipients).toList());
    assertEquals(
        1, server.accepted().stream().map(it -> it.header("Message-ID")).distinct().count());
    assertEquals(List.of(), outbox());
  }

  @Test
  void rejectedAlertHoldsUpNoOther() throws Exception {
    mailTo(server.port());
    server.answer("Subject: " + FIRST, "554 5.6.0 content refused");
    open(4444);
    assertEquals(3, lsm("compare", "--quiet").exitCode());
    pass();
    open(5555);

    assertEquals(3, lsm("compare", "--quiet").exitCode());

    assertEquals(
        List.of(SECOND), server.accepted().stream().map(it -> it.header("Subject")).toList());
    assertEquals(1, outbox().size());
    assertEquals(BOTH.get("run_cmd"), arrived().get("run_cmd"));
  }

  /** Also when there are more of them than a run retries. */
  @Test
  void rejectedRecipientHoldsUpNoOther() throws Exception {
    mailTo(server.port(), "a@example.org", "gone@example.org");
    server.answer("RCPT TO:<gone@", "550 5.1.1 no such user");
    List<Integer> atOnce = new ArrayList<>();
    for (int i = 1; i <= 25; i++) {
      open(4400 + i);
      assertEquals(3, lsm("compare", "--quiet").exitCode());
      atOnce.add(server.accepted().size());
      pass();
    }

    assertEquals(IntStream.rangeClosed(1, 25).boxed().toList(), atOnce);
    assertEquals(25, outbox().size());
  }

  @Test
  void alertRejectedByCommandHoldsUpNoOther() throws Exception {
    mailToGreenMail();
    script(
        "command",
        "[ \"$LSM_SUBJECT\" != \"" + FIRST + "\" ] || exit 22",
        "echo \"$LSM_SUBJECT\" >> " + directory.resolve("command.log"));
    open(4444);
    assertEquals(3, lsm("compare", "--quiet").exitCode());
    pass();
    open(5555);

    assertEquals(3, lsm("compare", "--quiet").exitCode());

    assertEquals(List.of(SECOND), arrived().get("run_cmd"));
    assertEquals(1, outbox().size());
  }

  /** A local user chooses the name of a socket, and may choose one that mail filters reject. */
  @Test
  void sendsSummaryOfARejectedReport() throws Exception {
    mailTo(server.port());
    server.answer("NEW      unix/@poison", "554 5.7.1 spam");
    open(4444);
    proc.unix("@poison", 4711).process(4711, 33, "/tmp/nc", 90, 4711);

    assertEquals(new Result(1, "", ""), lsm("compare", "--quiet"));

    assertEquals(
        List.of(FIRST), server.accepted().stream().map(it -> it.header("Subject")).toList());
    List<String> mail = server.accepted().get(0).lines();
    assertTrue(mail.contains("web1: 2 NEW"), mail.toString());
    assertTrue(mail.stream().noneMatch(line -> line.contains("poison")), mail.toString());
  }

  /** The subject names the socket, too, and the next mail does not. */
  @Test
  void subjectOfTheSummaryHasNoName() throws Exception {
    configure(
        "SUB=\"$SUMMARY\"",
        "SMTP_HOST=\"127.0.0.1\"",
        "SMTP_PORT=\"" + server.port() + "\"",
        "SYSLOG=\"no\"");
    server.answer("Subject: NEW unix/@poison", "554 5.7.1 spam");
    proc.unix("@poison", 4711).process(4711, 33, "/tmp/nc", 90, 4711);

    assertEquals(new Result(1, "", ""), lsm("compare", "--quiet"));

    assertEquals(
        List.of("1 NEW"), server.accepted().stream().map(it -> it.header("Subject")).toList());
  }

  @Test
  void sendsSummaryDespiteARejectedRecipient() throws Exception {
    mailTo(server.port(), "a@example.org", "gone@example.org");
    server.answer("RCPT TO:<gone@", "550 5.1.1 no such user");
    server.answer("NEW      unix/@poison", "554 5.7.1 spam");
    proc.unix("@poison", 4711).process(4711, 33, "/tmp/nc", 90, 4711);

    assertEquals(3, lsm("compare", "--quiet").exitCode());

    assertEquals(
        List.of(List.of("a@example.org")),
        server.accepted().stream().map(Accepted::recipients).toList());
    assertEquals("[\"a@example.org\"]", entry(outbox().get(0)).get("served").toString());
  }

  @Test
  void triesADeadServerOnceARun() throws Exception {
    server.close();
    mailTo(server.port());
    for (int port = 4444; port < 4449; port++) {
      open(port);
      lsm("compare", "--quiet");
      pass();
    }
    try (FakeSmtpServer silent = new FakeSmtpServer().answer(CONNECTION, SILENCE)) {
      mailTo(silent.port());
      mailTimeout = Duration.ofSeconds(2);
      open(5555);

      assertEquals(3, lsm("compare", "--quiet").exitCode());

      assertEquals(6, outbox().size());
      assertEquals(1, silent.connections());
    }
  }

  // ---- what is in the outbox

  @ParameterizedTest
  @CsvSource({
    "mail,    MAILER,  none, syslog, run_cmd",
    "syslog,  SYSLOG,  no,   mail,   run_cmd",
    "run_cmd, RUN_CMD, '',   mail,   syslog"
  })
  void dropsAlertsForARemovedChannel(
      String channel, String key, String off, String other, String another) throws Exception {
    server.close();
    script("logger", "exit 1");
    script("command", "exit 1");
    mailTo(server.port());
    open(4444);
    lsm("compare", "--quiet");
    String time = "20260102T031405.000Z-";
    assertEquals(Set.of(time + channel, time + other, time + another), Set.copyOf(names()));
    List<String> settings = new ArrayList<>(Files.readAllLines(config));
    settings.removeIf(line -> line.startsWith(key));
    settings.add(key + "=\"" + off + "\"");
    Files.write(config, settings);

    assertEquals(3, lsm("compare", "--quiet").exitCode());

    assertEquals(Set.of(time + other, time + another), Set.copyOf(names()));
    assertEquals(List.of(channel + " is switched off: " + FIRST), dropped());
  }

  private List<String> dropped() throws IOException {
    return lines("state/history.jsonl").stream()
        .map(line -> JsonParser.parseString(line).getAsJsonObject())
        .filter(event -> event.get("event").getAsString().equals("dropped"))
        .map(event -> event.get("what").getAsString())
        .toList();
  }

  /** The alert is in the history and in the next reminder, but goes to no other channel. */
  @Test
  void dropsAlertsForAReplacedChannel() throws Exception {
    configure("SUB=\"found at $DATE\"", "MAILER=\"none\"", "RUN_CMD=\"exit 1\"");
    open(4444);
    assertEquals(3, lsm("compare", "--quiet").exitCode());
    configure(
        "SUB=\"found at $DATE\"",
        "SMTP_HOST=\"127.0.0.1\"",
        "SMTP_PORT=\"" + greenMail.getSmtp().getPort() + "\"");
    pass();

    assertEquals(new Result(1, "", ""), lsm("compare", "--quiet"));

    assertEquals(List.of(), arrived().get("mail"));
    assertEquals(List.of("run_cmd is switched off: " + FIRST), dropped());
    assertEquals(List.of(), outbox());
  }

  @Test
  void dropsEverythingWithoutChannels() throws Exception {
    server.close();
    mailTo(server.port());
    open(4444);
    lsm("compare", "--quiet");
    configure("MAILER=\"none\"");

    assertEquals(new Result(1, "", ""), lsm("compare", "--quiet"));

    assertEquals(List.of(), outbox());
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "null", "{}", "[]", "{\"served\":[]}", "\0\0\0\0", "half"})
  void setsADamagedAlertAside(String damage) throws Exception {
    server.close();
    mailTo(server.port());
    open(4444);
    lsm("compare", "--quiet");
    pass();
    open(5555);
    lsm("compare", "--quiet");
    Path file = outbox().get(0);
    String text = Files.readString(file);
    String damaged = damage.equals("half") ? text.substring(0, text.length() / 2) : damage;
    Files.writeString(file, damaged);
    Path aside = file.resolveSibling(file.getFileName() + ".damaged");
    mailToGreenMail();
    pass();

    assertEquals(
        new Result(
            3,
            "",
            "lsm: damaged alert set aside; see what it was about, then remove it: "
                + aside
                + "\nlsm: alerts in "
                + state.resolve("outbox")
                + " cannot be read; see 'lsm status'\n"),
        lsm("compare", "--quiet"));

    assertEquals(List.of(SECOND), arrived().get("mail"));
    assertEquals(List.of(), outbox());
    assertEquals(damaged, Files.readString(aside));
    assertStatus(
        1,
        "Alerts   ! 1 damaged in " + state.resolve("outbox") + "; inspect them, then remove them");
    assertEquals(new Result(3, "", ""), lsm("compare", "--quiet"));
    assertEquals(damaged, Files.readString(aside));

    Files.delete(aside);
    assertEquals(new Result(1, "", ""), lsm("compare", "--quiet"));
  }

  @Test
  void sendsAndRepeatsWhatItCannotStore() throws Exception {
    mailToGreenMail();
    Path outbox = Files.writeString(state.resolve("outbox"), "no directory");
    open(4444);

    String reason = outbox + ": exists and is not a directory\n";
    assertEquals(
        new Result(1, "", "lsm: cannot store the alert, sending it anyway: " + reason),
        lsm("compare", "--quiet"));
    assertEquals(List.of(FIRST), arrived().get("mail"));
    assertEquals("no directory", Files.readString(outbox));

    Files.delete(outbox);
    pass();
    assertEquals(new Result(1, "", ""), lsm("compare", "--quiet"));
    pass();
    assertEquals(new Result(1, "", ""), lsm("compare", "--quiet"));

    String logged = BOTH.get("syslog").get(0);
    assertEquals(
        Map.of(
            "mail", List.of(FIRST, SECOND),
            "syslog", List.of(logged, logged),
            "run_cmd", List.of(FIRST, SECOND)),
        arrived());
    assertEquals(List.of(), outbox());
  }

  @Test
  void repeatsWhatItCanNeitherStoreNorSend() throws Exception {
    server.close();
    mailTo(server.port());
    Path outbox = Files.writeString(state.resolve("outbox"), "no directory");
    open(4444);
    Result result = lsm("compare", "--quiet");
    assertEquals(3, result.exitCode());
    assertEquals(
        "lsm: an alert was neither stored nor delivered; the next run repeats it",
        result.err().lines().reduce((one, other) -> other).orElseThrow());

    Files.delete(outbox);
    mailToGreenMail();
    pass();
    assertEquals(new Result(1, "", ""), lsm("compare", "--quiet"));

    assertEquals(List.of(SECOND), arrived().get("mail"));
    assertEquals(List.of(FIRST, SECOND), arrived().get("run_cmd"));
  }

  /** An alert that arrives twice is better than none. */
  @Test
  void repeatsAnAlertWithoutItsState() throws Exception {
    mailToGreenMail();
    Files.createDirectories(state.resolve("alert-state/in the way"));
    open(4444);

    Result result = lsm("compare", "--quiet");
    pass();
    lsm("compare", "--quiet");

    assertEquals(1, result.exitCode());
    assertTrue(
        result.err().startsWith("lsm: the alerts of this run will be repeated: "), result.err());
    assertEquals(List.of(FIRST, SECOND), arrived().get("mail"));
    assertEquals(List.of(), outbox());
  }

  @Test
  void metricsCountWaitingAlerts() throws Exception {
    server.close();
    mailTo(server.port());
    Path metrics = directory.resolve("lsm.prom");
    Files.writeString(config, "METRICS_FILE=\"" + metrics + "\"\n", StandardOpenOption.APPEND);
    open(4444);
    lsm("compare", "--quiet");
    assertEquals(
        List.of(
            "lsm_baseline_readable 1",
            "lsm_differences{kind=\"new\",severity=\"high\"} 0",
            "lsm_differences{kind=\"new\",severity=\"normal\"} 1",
            "lsm_differences{kind=\"new\",severity=\"low\"} 0",
            "lsm_differences{kind=\"changed\",severity=\"high\"} 0",
            "lsm_differences{kind=\"changed\",severity=\"normal\"} 0",
            "lsm_differences{kind=\"changed\",severity=\"low\"} 0",
            "lsm_differences{kind=\"gone\",severity=\"high\"} 0",
            "lsm_differences{kind=\"gone\",severity=\"normal\"} 0",
            "lsm_differences{kind=\"gone\",severity=\"low\"} 0",
            "lsm_sockets{protocol=\"tcp\"} 2",
            "lsm_sockets{protocol=\"udp\"} 1",
            "lsm_sockets_ignored 0",
            "lsm_alerts_waiting 1",
            "lsm_last_success_timestamp_seconds 1767323645"),
        Files.readAllLines(metrics).stream()
            .filter(line -> !line.startsWith("#") && !line.startsWith("lsm_run_duration"))
            .toList());

    Files.delete(baseline);
    pass();
    lsm("compare", "--quiet");

    List<String> samples = Files.readAllLines(metrics);
    assertTrue(samples.contains("lsm_baseline_readable 0"), samples.toString());
    assertTrue(samples.contains("lsm_alerts_waiting 2"), samples.toString());
    assertTrue(
        samples.contains("lsm_last_success_timestamp_seconds 1767323645"), samples.toString());
  }

  // ---- helpers

  private void pass() {
    now = now.plus(Duration.ofMinutes(10));
  }

  /** Configures all channels, with these settings for mail. */
  private void channels(String... mail) throws IOException {
    List<String> lines = new ArrayList<>(List.of(mail));
    lines.add("SUB=\"found at $DATE\"");
    lines.add("SYSLOG=\"yes\"");
    lines.add("RUN_CMD=\"" + directory.resolve("command") + "\"");
    configure(lines.toArray(String[]::new));
  }

  private void mailTo(int port, String... recipients) throws IOException {
    String user = recipients.length == 0 ? "ops@example.org" : String.join(" ", recipients);
    channels(
        "USER=\"" + user + "\"",
        "MAILER=\"smtp\"",
        "SMTP_HOST=\"127.0.0.1\"",
        "SMTP_PORT=\"" + port + "\"");
  }

  private void mailToGreenMail() throws IOException {
    mailTimeout = Duration.ofSeconds(20);
    mailTo(greenMail.getSmtp().getPort());
  }

  /** Makes a program work: it logs what arrives. */
  private void repair(String program) throws IOException {
    String work =
        switch (program) {
          case "sendmail" -> "sed -n 's/^Subject: //p'";
          case "logger" -> "for last; do :; done; printf '%s\\n' \"${last%% kind=*}\"";
          default -> "echo \"$LSM_SUBJECT\"";
        };
    script(program, "{ " + work + "; } >> " + directory.resolve(program + ".log"));
  }

  /** What has arrived, by channel. */
  private Map<String, List<String>> arrived() throws Exception {
    List<String> mails = new ArrayList<>(lines("sendmail.log"));
    for (MimeMessage message : greenMail.getReceivedMessages()) {
      mails.add(message.getSubject());
    }
    return Map.of("mail", mails, "syslog", lines("logger.log"), "run_cmd", lines("command.log"));
  }

  /** The names of the files of waiting alerts, without what says that they were rejected. */
  private List<String> names() throws IOException {
    return outbox().stream()
        .map(it -> it.getFileName().toString().replaceFirst("(\\.[a-z]+)?\\.json$", ""))
        .toList();
  }

  private static JsonObject entry(Path file) throws IOException {
    return JsonParser.parseString(Files.readString(file)).getAsJsonObject();
  }

  private void assertStatus(int exitCode, String line) {
    Result status = lsm("status");
    assertTrue(status.out().lines().anyMatch(line::equals), status.out());
    assertEquals(new Result(exitCode, status.out(), ""), status);
  }
}
