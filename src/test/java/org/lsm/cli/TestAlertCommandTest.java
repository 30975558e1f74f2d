package org.lsm.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.util.Base64;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.lsm.FakeSmtpServer;

/** {@code lsm test-alert}, with real channels. */
class TestAlertCommandTest extends ChannelTestBase {

  private FakeSmtpServer server;

  @BeforeEach
  void makeChannels() throws IOException {
    server = new FakeSmtpServer();
    script("logger", "for last; do :; done; printf '%s\\n' \"$last\" >> " + directory + "/logged");
    script("command", "echo $LSM_EVENT $LSM_SUBJECT >> " + directory + "/run; echo ticket 4711");
  }

  @AfterEach
  void closeServer() throws IOException {
    server.close();
  }

  @Test
  void triesEveryChannel() throws IOException {
    all();

    String accepted =
        """
        syslog: accepted
        run_cmd: accepted; reply: ticket 4711
        mail: accepted; to ops@example.org through 127.0.0.1:%d; reply: 250 stored
        """;
    assertEquals(done(accepted.formatted(server.port())), lsm("test-alert"));

    FakeSmtpServer.Accepted mail = server.accepted().get(0);
    assertEquals(1, server.accepted().size());
    assertEquals(List.of("ops@example.org"), mail.recipients());
    assertEquals("Alert on web1: test", mail.header("Subject"));
    assertTrue(
        mail.lines()
            .containsAll(
                List.of(
                    "web1: test alert",
                    "Host      web1, Linux 6.1.0-test",
                    "Scanned   2026-01-02 03:04:05 +00:00",
                    "Result    alerts of lsm arrive; nothing was compared for this one")),
        mail.lines().toString());
    assertEquals(List.of("web1: test alert"), lines("logged"));
    assertEquals(List.of("test Alert on web1: test"), lines("run"));
  }

  @Test
  void isInTheHistoryAndInTheStatus() throws IOException {
    all();
    lsm("test-alert");
    Files.delete(directory.resolve("logger"));
    lsm("test-alert");

    List<String> history =
        lsm("history").out().lines().map(it -> it.replaceAll(" +", " ")).toList();
    String start = "2026-01-02 03:04:05 +00:00 delivered " + System.getProperty("user.name");
    String subject = " mail: Alert on web1: test; to ops@example.org through 127.0.0.1:";
    assertEquals(start + " syslog: Alert on web1: test", history.get(1));
    assertEquals(start + subject + server.port() + "; reply: 250 stored", history.get(3));
    assertTrue(history.get(4).contains(" failed "), history.toString());
    assertTrue(history.get(4).contains(" test alert: syslog through "), history.toString());
    String status = lsm("status").out();
    String mail =
        "Channel    mail to ops@example.org through 127.0.0.1:%d or, if nobody listens there, %s;"
            + " last delivered 2026-01-02 03:04:05 +00:00 (0 s ago)\n";
    assertTrue(
        status.contains(mail.formatted(server.port(), directory.resolve("sendmail"))), status);
    assertTrue(status.contains("Channel    syslog; last delivered 2026"), status);
  }

  @Test
  void explainsEachFailure() throws IOException {
    all();
    server.answer("RCPT", "550 5.1.1 no\033such user");
    Files.delete(directory.resolve("logger"));
    script("command", "echo no network; exit 7");
    String expected =
        """
        syslog: FAILED, syslog through %2$s failed: there is no program %2$s; start a syslog daemon, or set SYSLOG="no"
        run_cmd: FAILED, RUN_CMD failed: it ended with 7 and said: no network; run the command by hand to find the error
        mail: FAILED, mail to 127.0.0.1:%1$d failed: rejected for ops@example.org: 550 5.1.1 no\\x1bsuch user; check the addresses in USER and FROM
        """
            .formatted(server.port(), directory.resolve("logger"));

    assertEquals(new Result(3, expected, ""), lsm("test-alert"));
  }

  @Test
  void failsIfOneChannelFails() throws IOException {
    all();
    script("logger", "exit 1");

    Result result = lsm("test-alert");

    assertEquals(3, result.exitCode());
    assertEquals(
        List.of("syslog: FAILED", "run_cmd: accepted; reply: ticket 4711", "mail: accepted"),
        result.out().lines().map(it -> it.replaceAll("(, |; to ).*", "")).toList());
  }

  @Test
  void requiresAChannel() throws IOException {
    configure("MAILER=\"none\"");

    assertEquals(
        new Result(
            2,
            "",
            "lsm: no channel is configured: see MAILER, SYSLOG, RUN_CMD and ALERTMANAGER_URL in "
                + config
                + "\n"),
        lsm("test-alert"));
  }

  @Test
  void sendsThroughSendmail() throws IOException {
    configure("MAILER=\"sendmail\"");
    script("sendmail", "grep ^Subject: > " + directory + "/mailed");

    assertEquals(
        done("mail: accepted; to root through " + directory.resolve("sendmail") + "\n"),
        lsm("test-alert"));

    assertEquals(List.of("Subject: LSM Port Monitor Alert on web1: test alert"), lines("mailed"));
  }

  @Test
  void verboseShowsTheDialogueWithoutPassword() throws IOException {
    String password = "s3cret word";
    Files.writeString(directory.resolve("password"), password + "\n");
    configure(
        "USER=\"ops@example.org\"",
        "SMTP_HOST=\"127.0.0.1\"",
        "SMTP_PORT=\"" + server.port() + "\"",
        "SMTP_TLS=\"none\"",
        "SMTP_USER=\"lsm\"",
        "SMTP_PASS_FILE=\"" + directory.resolve("password") + "\"");
    server
        .answer("EHLO", "250-mx.example\r\n250 AUTH PLAIN")
        .answer("AUTH", "235 welcome")
        .answer("MAIL", "250 ok, " + password)
        .answer("DATA", "354 go\033ahead");

    Result result = lsm("test-alert", "--verbose");

    assertEquals(0, result.exitCode());
    assertTrue(result.out().endsWith("; reply: 250 stored\n"), result.out());
    List<String> dialogue = result.err().lines().toList();
    for (String line :
        List.of(
            "S: 220 mx.example ESMTP",
            "C: EHLO [127.0.0.1]",
            "S: 250 AUTH PLAIN",
            "C: AUTH PLAIN succeeded",
            "C: MAIL FROM:<root@localhost>",
            "C: RCPT TO:<ops@example.org>",
            "S: 354 go\\x1bahead",
            "S: 250 stored")) {
      assertTrue(dialogue.contains(line), line + " in " + result.err());
    }
    assertFalse(result.err().contains("Subject"), "the message");
    assertFalse(result.err().contains("DEBUG"), result.err());
    for (String secret : List.of(password, base64(password), base64("lsm\0lsm\0" + password))) {
      assertFalse(result.err().contains(secret), result.err());
    }
  }

  @Test
  void showsNoDialogueByDefault() throws IOException {
    all();

    assertEquals("", lsm("test-alert").err());
  }

  private static String base64(String text) {
    return Base64.getEncoder().encodeToString(text.getBytes(StandardCharsets.UTF_8));
  }

  /** Mail, syslog and a command. */
  private void all() throws IOException {
    configure(
        "USER=\"ops@example.org\"",
        "SUB=\"Alert on $HOSTNAME\"",
        "SMTP_HOST=\"127.0.0.1\"",
        "SMTP_PORT=\"" + server.port() + "\"",
        "SYSLOG=\"yes\"",
        "RUN_CMD=\"" + directory.resolve("command") + "\"");
  }
}
