package org.lsm.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import com.icegreen.greenmail.junit5.GreenMailExtension;
import com.icegreen.greenmail.util.ServerSetup;
import jakarta.mail.BodyPart;
import jakarta.mail.MessagingException;
import jakarta.mail.internet.MimeMessage;
import jakarta.mail.internet.MimeMultipart;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.lsm.MailServer;

/** {@code lsm compare}, as a whole, with a real mail server. */
class CompareCommandTest extends CommandTestBase {

  private static final String TAIL =
      """
      Host      web1, Linux 6.1.0-test
      Scanned   2026-01-02 03:14:05 +00:00
      Baseline  2026-01-02 03:04:05 +00:00, 2 sockets
      """;
  private static final String NEW_REPORT =
      """
      web1: NEW tcp/0.0.0.0:4444 nc (www-data)

      NEW      tcp/0.0.0.0:4444
               program    /tmp/nc
               PID        800
               user       www-data
               started    2026-01-01 00:01:30 +00:00 (1 d 3 h ago)
               parents    /fake/init (root), PID 1
               unknown    file, package
               note       reachable beyond loopback
               appeared   between 03:04:05 and 03:14:05

      """
          + advice("tcp/0.0.0.0:4444", 800)
          + TAIL;

  /** The same report where it is not known when the socket appeared. */
  private static final String OLD_REPORT = NEW_REPORT.replaceFirst(" +appeared .*\n", "");

  /** What a report advises about a socket, and about the process that holds it. */
  private static String advice(String socket, int pid) {
    return """
        If this is as it should be:
            lsm accept <>

        If this is not yours:
         1. Keep a copy of the program: it may be gone when the process ends.
            cp /proc/1234/exe /root/program-1234
         2. Stop the process, or end it with -KILL instead of -STOP.
            kill -STOP 1234
         3. See what it and its parents logged, here and in /var/log.
            journalctl -b _PID=1234

        """
        .replace("<>", socket)
        .replace("1234", String.valueOf(pid));
  }

  @RegisterExtension
  final GreenMailExtension greenMail =
      new GreenMailExtension(MailServer.setup(ServerSetup.PROTOCOL_SMTP));

  @BeforeEach
  void takeBaseline() {
    lsm("generate");
    now = Instant.parse("2026-01-02T03:14:05Z");
  }

  @ParameterizedTest
  @ValueSource(strings = {"compare", "-c"})
  void reportsNoDifference(String command) {
    assertEquals(done("web1: no difference to the baseline, 2 sockets\n\n" + TAIL), lsm(command));
  }

  @Test
  void reportsNewSocketWithOwner() {
    addSocket();

    assertEquals(new Result(1, NEW_REPORT, ""), lsm("compare"));
  }

  @Test
  void reportsGoneSocketWithOwner() {
    proc.empty().tcp("0.0.0.0", 22, 101).end(701);
    String expected =
        """
        web1: GONE udp/127.0.0.53:53 systemd-resolved (101)

        GONE     udp/127.0.0.53:53
                 program    /usr/lib/systemd/systemd-resolved
                 user       101
                 gone       between 03:04:05 and 03:14:05

        If this is as it should be:
            lsm accept udp/127.0.0.53:53

        """
            + TAIL;

    assertEquals(new Result(1, expected, ""), lsm("compare"));
  }

  @Test
  void reportsChangedOwner() {
    proc.end(700).process(900, 33, "/tmp/sshd", 60, 101);
    String expected =
        """
        web1: CHANGED tcp/0.0.0.0:22 sshd (www-data)

        CHANGED  tcp/0.0.0.0:22
                 before     /usr/sbin/sshd (root)
                 program    /tmp/sshd
                 PID        900
                 user       www-data
                 started    2026-01-01 00:01:00 +00:00 (1 d 3 h ago)
                 parents    /fake/init (root), PID 1
                 unknown    file, package
                 note       reachable beyond loopback
                 changed    between 03:04:05 and 03:14:05

        """
            + advice("tcp/0.0.0.0:22", 900)
            + TAIL;

    assertEquals(new Result(1, expected, ""), lsm("compare"));
  }

  @Test
  void restartIsNoDifference() {
    proc.end(700)
        .empty()
        .udp("127.0.0.53", 53, 102)
        .tcp("0.0.0.0", 22, 555)
        .process(4711, 0, "/usr/sbin/sshd", 3600, 555);

    assertEquals(done("web1: no difference to the baseline, 2 sockets\n\n" + TAIL), lsm("compare"));
  }

  @Test
  void escapesSocketName() {
    proc.unix("/tmp/\033[2J\u202e\r\nx", 104).process(800, 33, "/tmp/a\nb", 90, 104);
    String expected =
        """
        web1: NEW unix//tmp/\\x1b[2J\\u{202e}\\x0d\\x0ax a\\x0ab (www-data)

        NEW      unix//tmp/\\x1b[2J\\u{202e}\\x0d\\x0ax
                 program    /tmp/a\\x0ab
                 PID        800
                 user       www-data
                 started    2026-01-01 00:01:30 +00:00 (1 d 3 h ago)
                 parents    /fake/init (root), PID 1
                 unknown    file, package
                 appeared   between 03:04:05 and 03:14:05

        """
            + advice("'unix//tmp/\\x1b[2J\\u{202e}\\x0d\\x0ax'", 800)
            + TAIL;

    assertEquals(new Result(1, expected, ""), lsm("compare"));
  }

  // ---- options and alerts

  @Test
  void quietPrintsNoDifference() {
    addSocket();

    assertEquals(new Result(1, "", ""), lsm("compare", "--quiet"));
  }

  /** Also a run that has nothing to deliver. */
  @Test
  void removesWhatKilledRunLeftInOutbox() throws IOException {
    Path left = Files.createDirectories(state.resolve("outbox")).resolve(".x-mail.json.tmp");
    Files.setLastModifiedTime(
        Files.writeString(left, "{"), FileTime.from(Instant.now().minus(Duration.ofHours(2))));

    assertEquals(0, lsm("compare", "--quiet").exitCode());

    assertFalse(Files.exists(left));
  }

  @Test
  void quietPrintsNothing() {
    assertEquals(done(""), lsm("-c", "--quiet"));
  }

  @Test
  void quietPrintsNewErrorOnce() {
    proc.delete("net");

    Result result =
        error(
            "cannot read " + proc.path().resolve("net") + ": no such directory; is /proc mounted?");
    assertEquals(result, lsm("compare", "--quiet"));
    assertEquals(new Result(2, "", ""), lsm("compare", "--quiet"));
    assertEquals(result, lsm("compare"));
  }

  @Test
  void quietRemindsOfMissingBaseline() throws IOException {
    Files.delete(baseline);
    Result alerted =
        error("there is no baseline " + baseline + "; if none was taken yet, run 'lsm generate'");

    assertEquals(alerted, lsm("compare", "--quiet"));
    now = Instant.parse("2026-01-03T03:13:59Z");
    assertEquals(new Result(2, "", ""), lsm("compare", "--quiet"));
    assertEquals(alerted, lsm("compare"));
    now = Instant.parse("2026-01-03T03:14:00Z");
    assertEquals(alerted, lsm("compare", "--quiet"));
    assertEquals(new Result(2, "", ""), lsm("compare", "--quiet"));
  }

  @Test
  void mailsAlert() throws Exception {
    configureMail("SUB=\"$NEW new, $GONE gone, $CHANGED changed on $HOSTNAME at $DATE\"");
    addSocket();

    assertEquals(new Result(1, "", ""), lsm("compare", "--quiet"));

    assertEquals(1, greenMail.getReceivedMessages().length);
    MimeMessage message = greenMail.getReceivedMessages()[0];
    assertEquals(
        "1 new, 0 gone, 0 changed on web1 at 2026-01-02 03:14:05 +00:00", message.getSubject());
    assertEquals("ops@localhost", message.getHeader("To", null));
    assertEquals(now, message.getSentDate().toInstant());
    assertEquals(NEW_REPORT, text(message));
    assertEquals(0, waiting());
  }

  @Test
  void mailsDifferenceOnce() throws Exception {
    configureMail();
    addSocket();
    assertEquals(new Result(1, "", ""), lsm("compare", "--quiet"));
    now = Instant.parse("2026-01-02T03:24:05Z");

    assertEquals(new Result(1, "", ""), lsm("compare", "--quiet"));
    assertEquals(
        new Result(
            1, OLD_REPORT.replace("Scanned   2026-01-02 03:14", "Scanned   2026-01-02 03:24"), ""),
        lsm("compare"));
    assertEquals(1, greenMail.getReceivedMessages().length);
  }

  @Test
  void mailerNoneSendsNothing() throws IOException {
    configureMail("MAILER=\"none\"");
    addSocket();

    assertEquals(new Result(1, "", ""), lsm("compare", "--quiet"));
    assertEquals(0, greenMail.getReceivedMessages().length);
    assertEquals(0, waiting());
  }

  @Test
  void mailsMissingBaselineOnce() throws Exception {
    configureMail("SUB=\"lsm on $HOSTNAME\"");
    Files.delete(baseline);
    String expected =
        """
        web1: the baseline cannot be read, nothing is compared

        FAILED   NO BASELINE
                 ! lsm detects nothing until it is restored
                 reason     there is no baseline <>; if none was taken yet, run 'lsm generate'
                 note       only root can remove or change it

        Take no new baseline before you know why: it accepts whatever runs now.
         1. See who ran lsm, and who was logged in.
            lsm history; last
         2. Restore the baseline from a backup.
         3. See what differs from it.
            lsm compare

        Host      web1, Linux 6.1.0-test
        Scanned   2026-01-02 03:14:05 +00:00
        """;

    assertEquals(2, lsm("compare").exitCode());
    assertEquals(2, lsm("compare").exitCode());

    assertEquals(1, greenMail.getReceivedMessages().length);
    MimeMessage message = greenMail.getReceivedMessages()[0];
    assertEquals("lsm on web1: no baseline", message.getSubject());
    assertEquals(
        expected.replace("<>", baseline.toString()),
        text(message).replace("\n" + " ".repeat(20), " "));
  }

  @Test
  void printsMailedReport() throws IOException {
    configureMail();
    addSocket();

    assertEquals(new Result(1, NEW_REPORT, ""), lsm("compare"));
    assertEquals(1, greenMail.getReceivedMessages().length);
  }

  @Test
  void mailsNothingWithoutDifference() throws IOException {
    configureMail();

    assertEquals(0, lsm("compare").exitCode());
    assertEquals(0, greenMail.getReceivedMessages().length);
  }

  @Test
  void noAlertSendsNothing() throws IOException {
    configureMail();
    addSocket();

    assertEquals(new Result(1, OLD_REPORT, ""), lsm("compare", "--no-alert"));
    assertEquals(0, greenMail.getReceivedMessages().length);
  }

  @Test
  void nextRunMailsWhatWaits() throws Exception {
    addSocket();
    try (Socket notListening = new Socket()) {
      notListening.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
      int port = notListening.getLocalPort();
      configure("MAILER=\"smtp\"", "SMTP_HOST=\"127.0.0.1\"", "SMTP_PORT=\"" + port + "\"");

      Result failed =
          new Result(
              3,
              "",
              "lsm: mail to 127.0.0.1:"
                  + port
                  + " failed: 127.0.0.1: connection refused; check SMTP_HOST, SMTP_PORT and"
                  + " SMTP_TLS, or set MAILER=\"sendmail\"\n"
                  + "lsm: 1 alert waits in the outbox, the oldest since 2026-01-02 03:14:05 +00:00 (0 s ago); the next run tries again\n");
      assertEquals(failed, lsm("compare", "--quiet"));
      // What is said once is not said again: cron would mail it every ten minutes.
      assertEquals(new Result(3, "", ""), lsm("compare", "--quiet"));
    }
    assertEquals(1, waiting());
    assertEquals("rwx------", mode(state.resolve("outbox")));
    configureMail();
    now = Instant.parse("2026-01-02T03:24:05Z");

    assertEquals(new Result(1, "", ""), lsm("compare", "--quiet"));

    assertEquals(0, waiting());
    assertEquals(1, greenMail.getReceivedMessages().length);
    MimeMessage message = greenMail.getReceivedMessages()[0];
    assertEquals(NEW_REPORT, text(message));
    assertEquals(Instant.parse("2026-01-02T03:14:05Z"), message.getSentDate().toInstant());
  }

  /** Another run that keeps the lock, or a lock that cannot be taken, keeps back no alert. */
  @Test
  void deliversWhatWaitsWithoutLock() throws Exception {
    addSocket();
    configure("MAILER=\"smtp\"", "SMTP_HOST=\"127.0.0.1\"", "SMTP_PORT=\"1\"");
    assertEquals(3, lsm("compare", "--quiet").exitCode());
    assertEquals(1, waiting());
    Files.delete(state.resolve("lock"));
    Files.createDirectory(state.resolve("lock"));
    configureMail();

    Result result = lsm("compare", "--quiet");

    assertEquals(2, result.exitCode());
    assertTrue(result.err().contains("/lock: "), result.err());
    assertEquals(0, waiting());
  }

  @Test
  void printsReportWithoutMailServer() throws IOException {
    configure("MAILER=\"sendmail\"");
    addSocket();

    assertEquals(
        new Result(
            3,
            NEW_REPORT,
            "lsm: mail through <> failed: there is no program <>; install a mail transfer agent, or set MAILER=\"smtp\" and SMTP_HOST\n"
                    .replace("<>", directory.resolve("sendmail").toString())
                + "lsm: 1 alert waits in the outbox, the oldest since 2026-01-02 03:14:05 +00:00 (0 s ago); the next run tries again\n"),
        lsm("compare"));
  }

  @Test
  void mailsThroughSendmail() throws Exception {
    configure("MAILER=\"sendmail\"");
    addSocket();
    Path sendmail =
        Files.writeString(
            directory.resolve("sendmail"), "#!/bin/sh\ncat > " + directory + "/mail\n");
    Files.setPosixFilePermissions(sendmail, PosixFilePermissions.fromString("rwx------"));

    assertEquals(new Result(1, "", ""), lsm("compare", "--quiet"));

    try (InputStream mail = Files.newInputStream(directory.resolve("mail"))) {
      assertEquals(NEW_REPORT, text(new MimeMessage(null, mail)));
    }
  }

  // ---- baselines that cannot be compared with

  @Test
  void createsStateDirectory() throws IOException {
    state = directory.resolve("not/there");
    configure("MAILER=\"none\"");

    assertEquals(
        error(
            "there is no baseline "
                + state.resolve("baseline")
                + "; if none was taken yet, run 'lsm generate'"),
        lsm("compare"));
    assertEquals("rwx------", mode(state));
  }

  @ParameterizedTest
  @ValueSource(strings = {"--no-alert", "--baseline"})
  void noAlertCreatesNoStateDirectory(String option) throws IOException {
    state = directory.resolve("missing");
    configure("MAILER=\"none\"");

    assertEquals(
        error(
            "there is no state directory "
                + state
                + "; run 'lsm generate' to create it and take a baseline"),
        option.equals("--baseline")
            ? lsm("compare", option, baseline.toString())
            : lsm("compare", option));
    assertFalse(Files.exists(state));
  }

  @ParameterizedTest
  @CsvSource({
    "0,      not an lsm-snapshot file",
    "60,     'damaged or edited, its checksum is wrong'",
    "-1,     'truncated, its last line is not a checksum'",
    "-2,     'damaged or edited, its checksum is wrong'",
  })
  void keepsDamagedBaseline(int position, String reason) throws IOException {
    byte[] bytes = Files.readAllBytes(baseline);
    bytes[position < 0 ? bytes.length + position : position] ^= 1;
    Files.write(baseline, bytes);

    assertEquals(
        error(
            baseline
                + ": "
                + reason
                + "; restore it from a backup or a predecessor, or run 'lsm generate' to replace"
                + " it"),
        lsm("compare"));
    assertArrayEquals(bytes, Files.readAllBytes(baseline));
  }

  @Test
  void keepsBaselineOfNewerFormat() throws IOException {
    String newer = Files.readString(baseline).replaceFirst("lsm-snapshot\t1", "lsm-snapshot\t2");
    Files.writeString(baseline, newer);

    assertEquals(
        error(
            baseline
                + ": written in format 2, this lsm reads 1"
                + "; restore it from a backup or a predecessor, or run 'lsm generate' to replace"
                + " it"),
        lsm("compare"));
    assertArrayEquals(newer.getBytes(StandardCharsets.UTF_8), Files.readAllBytes(baseline));
  }

  @Test
  void failsIfBaselineIsDirectory() throws IOException {
    Files.delete(baseline);
    Files.createDirectory(baseline);

    assertEquals(error(baseline + ": is not a regular file"), lsm("compare"));
  }

  @Test
  void reportsThatTheLastSocketIsGone() {
    proc.empty();

    Result gone = lsm("compare");
    assertEquals(1, gone.exitCode());
    assertTrue(gone.out().contains("GONE     tcp/0.0.0.0:22"), gone.out());
    assertTrue(gone.out().contains("GONE     udp/127.0.0.53:53"), gone.out());
    assertEquals(0, lsm("generate").exitCode());
    String none = lsm("compare").out();
    assertTrue(none.startsWith("web1: no difference to the baseline, 0 sockets\n"), none);
    proc.tcp("0.0.0.0", 22, 101);
    assertTrue(lsm("compare").out().contains("NEW      tcp/0.0.0.0:22"));
  }

  /** A kernel that prints rows in another way has not closed the sockets. */
  @Test
  void reportsNoSocketOfDamagedTableAsGone() {
    proc.empty().write("net/tcp", "header\n 0: 0.0.0.0:22 new layout\n");

    Result result = lsm("compare");

    assertEquals(1, result.exitCode());
    assertFalse(result.out().contains("GONE     tcp/"), result.out());
    assertTrue(result.out().contains("GONE     udp/127.0.0.53:53"), result.out());
    assertTrue(result.out().contains("skipped 1 malformed of 1 row"), result.out());
  }

  @Test
  void headerlessTablesAreAnError() throws Exception {
    configureMail();
    byte[] before = Files.readAllBytes(baseline);
    proc.headerless();

    assertEquals(
        error(
            "all socket tables under "
                + proc.path().resolve("net")
                + " are empty, so the sockets of this host are unknown; is this a sandbox without"
                + " them?"),
        lsm("compare"));
    assertArrayEquals(before, Files.readAllBytes(baseline));
    assertEquals(1, greenMail.getReceivedMessages().length);
    assertEquals(
        "LSM Port Monitor Alert on web1: scan failed: nothing could be compared",
        greenMail.getReceivedMessages()[0].getSubject());
  }

  /** Whoever can write one of these could blind lsm, or have root run a command. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "conf.lsm",
        "ignore.lsm",
        "state",
        "state/baseline",
        "state/alert-state",
        "state/outbox"
      })
  void refusesWritableByOthers(String name) throws IOException {
    assumeTrue("root".equals(System.getProperty("user.name")), "only root believes root alone");
    ignore("tcp *:4444");
    addSocket();
    Files.createDirectories(state.resolve("outbox"));
    Path file = directory.resolve(name);
    if (Files.notExists(file)) {
      Files.createFile(file);
    }
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwxrwxrwx"));

    Result result = lsm("compare");

    assertEquals(2, result.exitCode(), result.out());
    assertEquals("", result.out());
    assertEquals(
        "lsm: "
            + file
            + ": users other than root can change it: "
            + file
            + " belongs to user 0 and group 0 with mode 0777; run 'chown root "
            + file
            + "' and 'chmod go-w "
            + file
            + "'\n",
        result.err());
  }

  /** cron may mail it to nobody, and lsm cannot compare until it is corrected: so it is alerted. */
  @Test
  void alertsMistakeInRuleOnceThenAllClear() throws Exception {
    configureMail();
    ignore("tpc *:*");
    Result alerted = lsm("compare", "--quiet");
    assertEquals(2, alerted.exitCode());
    assertTrue(
        alerted.err().startsWith("lsm: " + directory.resolve("ignore.lsm:1")), alerted.err());
    assertEquals(new Result(2, "", ""), lsm("compare", "--quiet"));
    ignore("tcp *:4444");
    assertEquals(done(""), lsm("compare", "--quiet"));
    now = now.plus(Duration.ofMinutes(30));
    assertEquals(done(""), lsm("compare", "--quiet"));

    assertEquals(
        List.of("scan failed", "all clear"),
        Stream.of(greenMail.getReceivedMessages()).map(CompareCommandTest::type).toList());
  }

  private static String type(MimeMessage message) {
    try {
      return message.getSubject().replaceFirst(".* on web1: ", "").replaceFirst(": .*", "");
    } catch (MessagingException e) {
      throw new IllegalStateException(e);
    }
  }

  @Test
  void renamedHostIsNoted() {
    proc.hostname("web2");

    Result result = lsm("compare");

    assertEquals(0, result.exitCode());
    assertTrue(result.out().startsWith("web2: no difference"), result.out());
    assertTrue(
        result.out().contains("Note      the baseline is of a host with the name web1"),
        result.out());
  }

  @Test
  void failsWithoutProc() {
    proc.delete("");

    assertEquals(
        error(
            "cannot read " + proc.path().resolve("net") + ": no such directory; is /proc mounted?"),
        lsm("compare"));
  }

  // ---- ignore rules, other baselines, JSON

  @Test
  void ignoresByRule() throws IOException {
    addSocket();
    ignore("tcp *:4444 program=/tmp/nc user=www-data");

    assertEquals(0, lsm("compare").exitCode());
    ignore("tcp *:4444 program=/tmp/nc user=root");
    String report = NEW_REPORT.replace("between 03:04:05", "between 03:14:05");
    assertEquals(new Result(1, report, ""), lsm("compare"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"compare", "generate", "list", "accept x"})
  void namesLineOfErrorInRule(String command) throws IOException {
    byte[] before = Files.readAllBytes(baseline);
    ignore("# fine", "tcp *:ssh");

    assertEquals(
        error(
            directory.resolve("ignore.lsm")
                + ":2: 'ssh' is not a port; write a number, a range like 1024-65535, or *"),
        lsm(command.split(" ", -1)));
    assertArrayEquals(before, Files.readAllBytes(baseline));
  }

  @Test
  void comparesWithOtherBaseline() throws IOException {
    Path other = Files.copy(baseline, directory.resolve("other"));
    addSocket();
    lsm("generate");
    configureMail();

    assertEquals(0, lsm("compare").exitCode());
    String withoutFacts = OLD_REPORT.replaceFirst(" +unknown .*\n", "");
    String report = withoutFacts.replace(advice("tcp/0.0.0.0:4444", 800), "");
    assertEquals(new Result(1, report, ""), lsm("compare", "--baseline", other.toString()));
    assertEquals(0, greenMail.getReceivedMessages().length);
    Path missing = directory.resolve("missing");
    assertEquals(
        error(missing + ": no such file or directory"),
        lsm("compare", "--baseline", missing.toString()));
  }

  @Test
  void printsJson() {
    addSocket();

    Result result = lsm("compare", "--format", "json");

    assertEquals(1, result.exitCode());
    assertEquals("", result.err());
    JsonObject report = JsonParser.parseString(result.out()).getAsJsonObject();
    assertEquals(1, report.get("new").getAsInt());
    assertEquals("2026-01-02T03:04:05Z", report.get("baseline_time").getAsString());
    JsonObject difference = report.getAsJsonArray("differences").get(0).getAsJsonObject();
    assertEquals("tcp/0.0.0.0:4444", difference.get("socket").getAsString());
    assertEquals("[\"beyond_loopback\"]", difference.get("flags").toString());
    assertEquals("[800]", difference.get("pids").toString());
    assertEquals("[]", report.get("still").toString());
  }

  private void addSocket() {
    proc.tcp("0.0.0.0", 4444, 103).process(800, 33, "/tmp/nc", 90, 103);
  }

  /** The number of alerts in the outbox. */
  private long waiting() throws IOException {
    if (!Files.exists(state.resolve("outbox"))) {
      return 0;
    }
    try (Stream<Path> files = Files.list(state.resolve("outbox"))) {
      return files.filter(file -> file.toString().endsWith(".json")).count();
    }
  }

  private static String mode(Path file) throws IOException {
    return PosixFilePermissions.toString(Files.getPosixFilePermissions(file));
  }

  /** What mail programs show that know no HTML. */
  private static String text(MimeMessage message) throws Exception {
    BodyPart part = ((MimeMultipart) message.getContent()).getBodyPart(0);
    return part.getContent().toString().replace("\r\n", "\n");
  }

  private void configureMail(String... lines) throws IOException {
    String[] all = new String[lines.length + 3];
    System.arraycopy(lines, 0, all, 3, lines.length);
    all[0] = "USER=\"ops\"";
    all[1] = "SMTP_HOST=\"127.0.0.1\"";
    all[2] = "SMTP_PORT=\"" + greenMail.getSmtp().getPort() + "\"";
    configure(all);
  }
}
