package org.lsm.channel;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;
import static org.lsm.FakeSmtpServer.CONNECTION;
import static org.lsm.FakeSmtpServer.END;
import static org.lsm.FakeSmtpServer.HANG_UP;
import static org.lsm.FakeSmtpServer.SILENCE;
import static org.lsm.FakeSmtpServer.TRICKLE;

import com.google.gson.JsonObject;
import com.icegreen.greenmail.junit5.GreenMailExtension;
import com.icegreen.greenmail.util.GreenMailUtil;
import com.icegreen.greenmail.util.ServerSetup;
import jakarta.mail.Address;
import jakarta.mail.BodyPart;
import jakarta.mail.Message.RecipientType;
import jakarta.mail.internet.InternetAddress;
import jakarta.mail.internet.MimeMessage;
import jakarta.mail.internet.MimeMultipart;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Date;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.lsm.FakeSmtpServer;
import org.lsm.MailServer;
import org.lsm.SelfSignedKeys;
import org.lsm.alert.Alert;
import org.lsm.alert.AlertType;
import org.lsm.alert.DeliveryException;
import org.lsm.alert.DeliveryException.FailureKind;
import org.lsm.config.Config;
import org.lsm.model.DifferenceCounts;

/** Mail, sent to real servers on the loopback and through real programs. */
@Timeout(60)
class MailChannelTest {

  private static final Instant TIME = Instant.parse("2026-01-02T03:04:05Z");
  private static final Alert ALERT =
      alert("web1", "Alert on web1", List.of("1 NEW", "second line"));
  private static final String ID = "<" + ALERT.id() + "@web1>";
  private static final Duration TIMEOUT = Duration.ofSeconds(20);
  private static final Duration SHORT_TIMEOUT = Duration.ofSeconds(2);
  private static final String ADVICE =
      "; check SMTP_HOST, SMTP_PORT and SMTP_TLS, or set MAILER=\"sendmail\"";

  private static final String REJECTED_ADVICE = "; check the addresses in USER and FROM";
  private static final String LATER = "; the next run tries again";

  private static final String STARTTLS_ADVICE =
      "; repair it on the server, or set SMTP_TLS=\"none\" to send in clear text";

  @RegisterExtension
  final GreenMailExtension greenMail =
      new GreenMailExtension(
          new ServerSetup[] {
            MailServer.setup(ServerSetup.PROTOCOL_SMTP),
            MailServer.setup(ServerSetup.PROTOCOL_SMTPS)
          });

  @TempDir Path directory;

  private String canonicalName = "web1";

  // ---- the message

  @Test
  void buildsHeadersAndBothParts() throws Exception {
    send(ALERT);

    MimeMessage message = received();
    assertEquals("Alert on web1", message.getSubject());
    assertEquals("lsm on web1 <root@localhost>", message.getHeader("From", null));
    assertEquals(List.of("root@localhost"), to(message));
    assertEquals(Date.from(TIME), message.getSentDate());
    assertEquals(List.of("auto-generated"), List.of(message.getHeader("Auto-Submitted")));
    assertEquals("1.0", message.getHeader("MIME-Version", null));
    assertEquals(
        List.of(
            "text/plain; charset=UTF-8\n1 NEW\nsecond line\n",
            "text/html; charset=UTF-8\n<p>1 NEW</p>\n<p>second line</p>\n"),
        alternatives(message));
  }

  @Test
  void sendsBareNamesToLocalhost() throws Exception {
    send(ALERT, "USER=\"root, admin@example.org ops\"", "FROM=\"lsm\"");

    assertEquals(3, greenMail.getReceivedMessages().length);
    for (MimeMessage message : greenMail.getReceivedMessages()) {
      assertEquals(List.of("root@localhost", "admin@example.org", "ops@localhost"), to(message));
      assertEquals("lsm@localhost", message.getHeader("From", null));
      assertEquals("<lsm@localhost>", message.getHeader("Return-Path", null));
    }
  }

  @ParameterizedTest
  @CsvSource({"'', web1", "lsm, web1", "lsm@example.org, example.org"})
  void messageIdHasTheSendersDomain(String from, String domain) throws Exception {
    send(ALERT, "FROM=\"" + from + "\"");

    assertEquals("<" + ALERT.id() + "@" + domain + ">", received().getMessageID());
  }

  /** A reader who gets an alert twice can recognize the duplicate. */
  @Test
  void messageIdIsStableForEachAlert() throws Exception {
    Alert other = alert("web1", "Alert on web1", List.of("1 NEW", "second line"));
    try (FakeSmtpServer server = new FakeSmtpServer().answer(END, "451 4.3.0 disk full")) {
      failure(server.port());
      failure(server.port());

      assertEquals(
          List.of("Message-ID: " + ID, "Message-ID: " + ID),
          server.dialogue().stream().filter(line -> line.startsWith("Message-ID:")).toList());
    }
    send(ALERT);
    send(other);

    assertEquals(
        List.of(ID, "<" + other.id() + "@web1>"),
        Stream.of(greenMail.getReceivedMessages()).map(MailChannelTest::id).toList());
    assertNotEquals(ALERT.id(), other.id());
  }

  /** Some host names are not valid in an address; the alert must be sent all the same. */
  @ParameterizedTest
  @CsvSource({
    "web_1, localhost",
    "web1.example.org, web1.example.org",
    "(none), localhost",
    "'', localhost",
    "a b, localhost",
    "'x\r\nRCPT TO:<spy@example.org>', localhost",
    "wéb, localhost",
  })
  void sendsForAnyHostName(String host, String domain) throws Exception {
    send(alert(host, "s", List.of("t")));

    MimeMessage message = received();
    assertEquals("root@localhost", message.getHeader("To", null));
    assertEquals("root@" + domain, ((InternetAddress) message.getFrom()[0]).getAddress());
  }

  @Test
  void hostNameCannotInjectCommands() throws Exception {
    try (FakeSmtpServer server = new FakeSmtpServer()) {
      send(
          alert("x\r\nRCPT TO:<spy@example.org>", "s", List.of("t")),
          server.port(),
          "USER=\"a@example.org\"",
          "FROM=\"b@example.org\"");

      assertEquals(
          List.of(
              "EHLO [127.0.0.1]", "MAIL FROM:<b@example.org>", "RCPT TO:<a@example.org>", "DATA"),
          server.dialogue().subList(0, 4));
    }
  }

  @Test
  void keepsTextOutsideAscii() throws Exception {
    send(alert("web1", "Überwachung ✓ 監視", List.of("Dienst „naïve“ ✓ 監視 😀")));

    MimeMessage message = received();
    assertEquals("Überwachung ✓ 監視", message.getSubject());
    assertEquals(
        List.of(
            "text/plain; charset=UTF-8\nDienst „naïve“ ✓ 監視 😀\n",
            "text/html; charset=UTF-8\n<p>Dienst „naïve“ ✓ 監視 😀</p>\n"),
        alternatives(message));
    assertTrue(raw(message).chars().allMatch(c -> c < 0x80), "7-bit on the wire");
  }

  @Test
  void keepsLongLines() throws Exception {
    List<String> text =
        List.of("x".repeat(100_000), "ü".repeat(5000), ".", "..dots", ".x".repeat(2000), "end");
    send(alert("web1", "s".repeat(3000), text));

    MimeMessage message = received();
    assertEquals(
        List.of(
            "text/plain; charset=UTF-8\n" + String.join("\n", text) + "\n",
            "text/html; charset=UTF-8\n<p>" + String.join("</p>\n<p>", text) + "</p>\n"),
        alternatives(message));
    assertEquals("s".repeat(3000), message.getSubject().replaceAll("\\s", ""));
    assertTrue(
        raw(message).lines().skip(headerLines(raw(message))).allMatch(line -> line.length() < 999));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "x\r\nBcc: spy@example.org",
        "x\nBcc: spy@example.org",
        "x\rBcc: spy@example.org",
        "x\r\n\r\nBcc: spy@example.org",
        "x\u760d\u760aBcc: spy@example.org",
        "x\u760aBcc: spy@example.org",
        "x\u0085Bcc: spy@example.org",
        "x\u2028Bcc: spy@example.org",
      })
  void subjectCannotInjectHeaders(String subject) throws Exception {
    try (FakeSmtpServer server = new FakeSmtpServer()) {
      send(alert("web1", subject, List.of("text")), server.port());

      List<String> header =
          server.dialogue().stream()
              .dropWhile(line -> !line.equals("DATA"))
              .takeWhile(line -> !line.isEmpty())
              .toList();
      assertEquals(
          List.of(
              "DATA",
              "Date",
              "From",
              "To",
              "Message-ID",
              "Subject",
              "MIME-Version",
              "Content-Type",
              "Auto-Submitted"),
          header.stream()
              .filter(line -> !line.startsWith(" ") && !line.startsWith("\t"))
              .map(line -> line.replaceFirst(":.*", ""))
              .toList());
    }
  }

  // ---- some recipients and not others

  @Test
  void skipsServedRecipients() throws Exception {
    Set<String> served = Set.of("root", "b@example.org", "stranger@example.org");
    String[] settings = {"USER=\"root, a@example.org b@example.org\""};

    mail(greenMail.getSmtp().getPort(), settings).send(ALERT, served);

    MimeMessage message = received();
    assertEquals(
        1, greenMail.getReceivedMessagesForDomain("a@example.org").length, "in its mailbox");
    assertEquals(List.of("root@localhost", "a@example.org", "b@example.org"), to(message));
    assertEquals(ID, message.getMessageID());
  }

  @Test
  void doesNotConnectWithoutRecipients() throws Exception {
    Set<String> served = Set.of("root", "a@example.org");
    Path sendmail = script("touch " + directory + "/called");
    try (FakeSmtpServer server = new FakeSmtpServer()) {
      String[] settings = {"USER=\"root a@example.org\""};

      assertEquals("", mail(server.port(), settings).send(ALERT, served));
      assertEquals("", mail(sendmail, settings).send(ALERT, served));

      assertEquals(List.of(), server.dialogue());
      assertFalse(Files.exists(directory.resolve("called")));
    }
  }

  // ---- logging in

  @Test
  void logsInWithThePasswordFile() throws Exception {
    greenMail.setUser("lsm@example.org", "lsm", "s3cret pass");
    Path password = Files.writeString(directory.resolve("pass"), "s3cret pass\nsecond line\n");

    send(ALERT, login(password));

    assertEquals("Alert on web1", received().getSubject());
  }

  @Test
  void explainsAWrongPassword() throws Exception {
    greenMail.setUser("lsm@example.org", "lsm", "right");
    Path password = Files.writeString(directory.resolve("pass"), "wr0ng-password\n");
    int port = greenMail.getSmtp().getPort();

    DeliveryException e = assertThrows(DeliveryException.class, () -> send(ALERT, login(password)));

    assertEquals(
        "mail to 127.0.0.1:"
            + port
            + " failed: 535 5.7.8 Authentication credentials invalid"
            + "; check SMTP_USER and the password in SMTP_PASS_FILE",
        e.getMessage().replace("  ", " "));
    assertNotEquals(FailureKind.REJECTED, e.kind());
    assertFalse(stackTrace(e).contains("wr0ng-password"));
    assertEquals(0, greenMail.getReceivedMessages().length);
  }

  @Test
  void namesAMissingPasswordFile() {
    Path missing = directory.resolve("missing");

    DeliveryException e = assertThrows(DeliveryException.class, () -> send(ALERT, login(missing)));

    assertEquals(
        "cannot read the password file: "
            + missing
            + ": no such file or directory; check SMTP_PASS_FILE and its permissions",
        e.getMessage());
  }

  @Test
  void refusesAWritablePasswordFile() throws Exception {
    assumeTrue(
        "root".equals(System.getProperty("user.name")), "only root requires files of its own");
    Path password = Files.writeString(directory.resolve("theirs"), "secret\n");
    Files.setPosixFilePermissions(password, PosixFilePermissions.fromString("rw-rw-rw-"));

    DeliveryException e = assertThrows(DeliveryException.class, () -> send(ALERT, login(password)));

    assertTrue(
        e.getMessage()
            .startsWith(
                "cannot read the password file: " + password + ": users other than root can"),
        e.getMessage());
  }

  // ---- names and addresses

  @ParameterizedTest
  @CsvSource({
    "web1,             web1.example.org, mail.example.net, web1.example.org",
    "web1.example.com, web1.example.org, mail.example.net, web1.example.com",
    "web1,             web1,             mail.example.net, mail.example.net",
    "web1,             localhost,        web1,             ''",
    "web1,             192.0.2.1,        '',               ''",
    "web1,             localhost.localdomain, localhost,   ''",
    "(none),           '',               'a b.example',    ''",
  })
  void findsTheFullyQualifiedName(String host, String canonical, String mailname, String name)
      throws Exception {
    canonicalName = canonical;
    Files.writeString(directory.resolve("mailname"), mailname + "\n");

    assertEquals(name, system(Path.of("/"), List.of(), TIMEOUT).fullyQualified(host).orElse(""));

    try (FakeSmtpServer server = new FakeSmtpServer()) {
      send(alert(host, "s", List.of("t")), server.port());
      String helo = name.isEmpty() ? "[127.0.0.1]" : name;
      String domain = name.isEmpty() ? "localhost" : name;
      assertEquals(
          List.of("EHLO " + helo, "MAIL FROM:<root@" + domain + ">", "RCPT TO:<root@localhost>"),
          server.dialogue().subList(0, 3));
    }
  }

  /** A bare name is no address in SMTP, also for a server elsewhere; 0.0.0.0 stands for one. */
  @Test
  void senderOfAHostWithoutANameHasADomain() throws Exception {
    try (FakeSmtpServer server = new FakeSmtpServer()) {
      send(ALERT, server.port(), "SMTP_HOST=\"0.0.0.0\"", "USER=\"a@example.org\"");

      assertEquals("MAIL FROM:<root@localhost>", server.dialogue().get(1));
    }
  }

  @Test
  void introducesItselfAsConfigured() throws Exception {
    try (FakeSmtpServer server = new FakeSmtpServer()) {
      send(ALERT, server.port(), "SMTP_HELO=\"[192.0.2.9]\"");

      assertEquals("EHLO [192.0.2.9]", server.dialogue().get(0));
    }
  }

  @Test
  void convertsDomains() throws Exception {
    try (FakeSmtpServer server = new FakeSmtpServer()) {
      send(ALERT, server.port(), "USER=\"a@bücher.example\"", "FROM=\"lsm@müller.example\"");

      List<String> dialogue = server.dialogue();
      assertTrue(dialogue.contains("MAIL FROM:<lsm@xn--mller-kva.example>"), dialogue.toString());
      assertTrue(dialogue.contains("RCPT TO:<a@xn--bcher-kva.example>"), dialogue.toString());
      assertTrue(dialogue.contains("To: a@xn--bcher-kva.example"), dialogue.toString());
    }
  }

  @Test
  void usesSmtpUtf8() throws Exception {
    try (FakeSmtpServer server =
        new FakeSmtpServer().answer("EHLO", "250-mx.example\r\n250 SMTPUTF8")) {
      send(ALERT, server.port(), "USER=\"jörg@example.org\"");

      List<String> dialogue =
          server.dialogue().stream().map(it -> new String(it.getBytes(ISO_8859_1), UTF_8)).toList();
      assertTrue(dialogue.contains("MAIL FROM:<root@localhost> SMTPUTF8"), dialogue.toString());
      assertTrue(dialogue.contains("RCPT TO:<jörg@example.org>"), dialogue.toString());
      assertTrue(dialogue.contains("To: jörg@example.org"), dialogue.toString());
    }
  }

  @ParameterizedTest
  @CsvSource({
    "USER=jörg@example.org,                  jörg@example.org, ''",
    "'USER=\"jörg@example.org root\"',        jörg@example.org, root",
    "FROM=jörg@example.org,                  jörg@example.org, ''",
  })
  void needsSmtpUtf8(String setting, String address, String served) throws Exception {
    try (FakeSmtpServer server = new FakeSmtpServer()) {
      DeliveryException e =
          assertThrows(DeliveryException.class, () -> send(ALERT, server.port(), setting));

      assertEquals(
          "mail to 127.0.0.1:%d failed: rejected for %s: the server has no SMTPUTF8 (RFC 6531);"
                  .formatted(server.port(), address)
              + " check the addresses in USER and FROM",
          e.getMessage());
      assertEquals(FailureKind.REJECTED, e.kind());
      assertEquals(served.isEmpty() ? Set.of() : Set.of(served), e.served());
      assertEquals(e.served().size(), server.accepted().size());
      assertTrue(server.dialogue().stream().allMatch(it -> it.chars().allMatch(c -> c < 128)));
    }
  }

  // ---- no mail server on this host

  @Test
  void fallsBackToSendmail() throws Exception {
    Path arguments = directory.resolve("arguments");
    Path sendmail = script("printf '%s\\n' \"$@\" > " + arguments + "; cat > /dev/null");
    try (Socket notListening = new Socket()) {
      notListening.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
      Config config = config(notListening.getLocalPort());
      MailChannel mail = new MailChannel(config, system(sendmail, List.of(), TIMEOUT), null);

      assertEquals("to root through " + sendmail, mail.send(ALERT, Set.of()));

      assertEquals(List.of("-i", "--", "root"), Files.readAllLines(arguments));
      Files.delete(sendmail);
      DeliveryException e = assertThrows(DeliveryException.class, () -> mail.send(ALERT, Set.of()));
      assertEquals(
          "mail through "
              + config.smtpServer()
              + ", where nobody listens, failed:"
              + " there is no program "
              + sendmail
              + "; install a mail transfer agent, or set MAILER=\"smtp\" and SMTP_HOST",
          e.getMessage());
    }
  }

  /** A server that is there decides; its mail must not go elsewhere. */
  @Test
  void doesNotFallBackFromAServerThatRefuses() throws Exception {
    Path sendmail = script("touch " + directory + "/called");
    try (FakeSmtpServer server = new FakeSmtpServer().answer(CONNECTION, "554 5.3.2 go away")) {
      MailChannel mail =
          new MailChannel(config(server.port()), system(sendmail, List.of(), TIMEOUT), null);

      DeliveryException e = assertThrows(DeliveryException.class, () -> mail.send(ALERT, Set.of()));

      assertEquals(
          "mail to 127.0.0.1:" + server.port() + " failed: 554 5.3.2 go away" + ADVICE,
          e.getMessage());
      assertFalse(Files.exists(directory.resolve("called")));
    }
  }

  // ---- servers that fail

  /** The alert may have arrived, so it must not be sent again at each run. */
  @ParameterizedTest
  @CsvSource({
    "(end), (silence), UNANSWERED",
    "(end), (hang up), UNANSWERED",
    "(end), 451 later, REJECTED",
    "DATA,  (silence), STALLED",
    "DATA,  (hang up), STALLED",
    "MAIL,  (silence), STALLED"
  })
  void knowsWhetherTheServerHasTheAlert(String when, String reply, FailureKind kind)
      throws Exception {
    try (FakeSmtpServer server = new FakeSmtpServer().answer(when, reply)) {
      Duration timeout = reply.equals(SILENCE) ? SHORT_TIMEOUT : TIMEOUT;
      MailChannel mail =
          new MailChannel(config(server.port()), system(Path.of("/"), List.of(), timeout), null);

      assertEquals(
          kind, assertThrows(DeliveryException.class, () -> mail.send(ALERT, Set.of())).kind());
    }
  }

  @Test
  void namesTheKeyWhenStarttlsFails() throws Exception {
    try (FakeSmtpServer server =
        new FakeSmtpServer(selfSigned().context())
            .answer("STARTTLS", "454 4.7.0 TLS not available")) {
      assertEquals(
          "mail to 127.0.0.1:"
              + server.port()
              + " failed: STARTTLS failed: 454 4.7.0 TLS not available"
              + STARTTLS_ADVICE,
          channelFailure(server.port()));
      assertEquals(List.of(), server.accepted());
    }
  }

  @Test
  void reportsARefusedConnection() throws Exception {
    try (Socket notListening = new Socket()) {
      notListening.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
      int port = notListening.getLocalPort();

      assertEquals(
          "mail to 127.0.0.1:" + port + " failed: 127.0.0.1: connection refused" + ADVICE,
          channelFailure(port, "MAILER=\"smtp\""));
    }
  }

  @Test
  void reportsAnUnknownHost() {
    assertEquals(
        "mail to nosuchhost.invalid:25 failed: the host name is unknown" + ADVICE,
        channelFailure(25, "SMTP_HOST=\"nosuchhost.invalid\"", "USER=\"a@example.org\""));
  }

  @ParameterizedTest
  @ValueSource(strings = {"auto", "tls"})
  void timesOutOnASilentServer(String tls) throws Exception {
    try (FakeSmtpServer silent = new FakeSmtpServer().answer(CONNECTION, SILENCE)) {
      Config config = config(silent.port(), "SMTP_TLS=\"" + tls + "\"");
      MailChannel mail =
          new MailChannel(config, system(Path.of("/"), List.of(), SHORT_TIMEOUT), null);
      long start = System.nanoTime();

      DeliveryException e = assertThrows(DeliveryException.class, () -> mail.send(ALERT, Set.of()));

      Duration took = Duration.ofNanos(System.nanoTime() - start);
      assertEquals(
          "mail to 127.0.0.1:" + silent.port() + " failed: the server does not answer" + ADVICE,
          e.getMessage());
      assertTrue(
          took.compareTo(SHORT_TIMEOUT.dividedBy(2)) >= 0 && took.toSeconds() < 5, "took " + took);
      assertNotEquals(FailureKind.REJECTED, e.kind());
    }
  }

  /** Each byte arrives in time, but the reply never ends. */
  @Test
  void limitsTheWholeDialogue() throws Exception {
    try (FakeSmtpServer server = new FakeSmtpServer().answer(CONNECTION, TRICKLE)) {
      MailChannel mail =
          new MailChannel(
              config(server.port()), system(Path.of("/"), List.of(), Duration.ofSeconds(3)), null);

      DeliveryException e = assertThrows(DeliveryException.class, () -> mail.send(ALERT, Set.of()));

      assertEquals(
          "mail to 127.0.0.1:" + server.port() + " failed: it took too long; check the mail server",
          e.getMessage());
      assertNotEquals(FailureKind.REJECTED, e.kind());
    }
  }

  @ParameterizedTest
  @CsvSource({"(connection), 2", "EHLO, '250-X\r\n'"})
  void limitsWhatAServerSends(String when, String part) throws Exception {
    String reply = part.repeat(1_200_000 / part.length());
    try (FakeSmtpServer server = new FakeSmtpServer().answer(when, reply)) {
      assertEquals(
          "mail to 127.0.0.1:" + server.port() + " failed: the server sends too much" + ADVICE,
          channelFailure(server.port()));
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {CONNECTION, "EHLO", "MAIL", "RCPT", "DATA", END})
  void reportsAClosedConnection(String when) throws Exception {
    try (FakeSmtpServer server = new FakeSmtpServer().answer(when, HANG_UP)) {
      assertEquals(
          "mail to 127.0.0.1:"
              + server.port()
              + " failed: the server closed the connection"
              + ADVICE,
          channelFailure(server.port()));
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "RCPT TO:<bad@     | 550 5.1.1 no such user        | for bad@example.org: 550 5.1.1 no such"
            + " user",
        "RCPT TO:<bad@     | 450 4.2.1 try again later     | for bad@example.org: 450 4.2.1 try"
            + " again later",
        "RCPT TO:<bad@     | 452 4.5.3 too many recipients | for bad@example.org: 452 4.5.3 too"
            + " many recipients",
        "RCPT TO:<bad@     | 421 4.3.2 shutting down soon  | for bad@example.org: 421 4.3.2"
            + " shutting down soon",
      })
  void sendsToTheOtherRecipients(String command, String reply, String reason) throws Exception {
    try (FakeSmtpServer server = new FakeSmtpServer().answer(command, reply)) {
      String expected =
          "mail to 127.0.0.1:"
              + server.port()
              + " failed: rejected "
              + reason
              + (reply.startsWith("4") ? LATER : REJECTED_ADVICE);
      MailChannel mail =
          mail(server.port(), "USER=\"a@example.org bad@example.org b@example.org\"");

      DeliveryException first =
          assertThrows(DeliveryException.class, () -> mail.send(ALERT, Set.of()));
      DeliveryException second =
          assertThrows(DeliveryException.class, () -> mail.send(ALERT, first.served()));

      assertEquals(expected, first.getMessage());
      assertEquals(Set.of("a@example.org", "b@example.org"), first.served());
      assertEquals(FailureKind.REJECTED, first.kind());
      assertEquals(expected, second.getMessage());
      assertEquals(Set.of(), second.served());
      assertEquals(FailureKind.REJECTED, second.kind());
      assertEquals(
          List.of(
              "MAIL FROM:<root@localhost>",
              "RCPT TO:<a@example.org>",
              "RCPT TO:<bad@example.org>",
              "RCPT TO:<b@example.org>",
              "DATA",
              "Subject: Alert on web1",
              "MAIL FROM:<root@localhost>",
              "RCPT TO:<bad@example.org>"),
          server.dialogue().stream()
              .filter(line -> line.matches("(MAIL|RCPT|DATA|Subject:).*"))
              .toList());
    }
  }

  @Test
  void namesEachRejectedRecipient() throws Exception {
    try (FakeSmtpServer server =
        new FakeSmtpServer()
            .answer("RCPT TO:<a@", "550 no a here")
            .answer("RCPT TO:<b@", "450 b is full")) {
      String message = failure(server.port(), "USER=\"a@example.org b@example.org c@example.org\"");

      assertEquals(
          "mail to 127.0.0.1:"
              + server.port()
              + " failed: rejected for a@example.org: 550 no a here,"
              + " for b@example.org: 450 b is full; check the addresses in USER and FROM",
          message);
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "MAIL   | 553 5.1.8 sender refused    | 553 5.1.8 sender refused",
        "(end)  | 554 5.7.1 looks like spam   | 554 5.7.1 looks like spam",
        "DATA   | 451 4.3.0 disk full         | 451 4.3.0 disk full",
        "MAIL   | 452 4.3.1 try later         | 452 4.3.1 try later",
        "(end)  | 421 4.3.2 shutting down     | 421 4.3.2 shutting down",
        "RCPT   | 450 4.2.0 greylisted        | for root@localhost: 450 4.2.0 greylisted",
      })
  void quotesTheServersRejection(String command, String reply, String reason) throws Exception {
    try (FakeSmtpServer server = new FakeSmtpServer().answer(command, reply)) {
      assertEquals(
          "mail to 127.0.0.1:"
              + server.port()
              + " failed: rejected "
              + reason
              + (reply.startsWith("4") ? LATER : REJECTED_ADVICE),
          failure(server.port()));
      DeliveryException e =
          assertThrows(DeliveryException.class, () -> mail(server.port()).send(ALERT, Set.of()));
      assertEquals(FailureKind.REJECTED, e.kind());
      assertEquals(Set.of(), e.served());
    }
  }

  @Test
  void joinsTheLinesOfAReply() throws Exception {
    try (FakeSmtpServer server =
        new FakeSmtpServer().answer("MAIL", "550-first\r\n550 \033[31msecond")) {
      assertEquals(
          "mail to 127.0.0.1:"
              + server.port()
              + " failed: rejected 550-first 550 \033[31msecond"
              + "; check the addresses in USER and FROM",
          failure(server.port()));
    }
  }

  // ---- encryption

  @ParameterizedTest
  @CsvSource({"starttls, false", "starttls, true", "auto, true"})
  void requiresStarttls(String tls, boolean login) throws Exception {
    Path password = Files.writeString(directory.resolve("pass"), "secret\n");
    try (FakeSmtpServer server =
        new FakeSmtpServer().answer("EHLO", "250-mx.example\r\n250 AUTH PLAIN LOGIN")) {
      List<String> settings = new ArrayList<>(List.of("SMTP_TLS=\"" + tls + "\""));
      if (login) {
        settings.add("SMTP_USER=\"lsm\"");
        settings.add("SMTP_PASS_FILE=\"" + password + "\"");
      }

      String message = channelFailure(server.port(), settings.toArray(String[]::new));

      assertEquals(
          "mail to 127.0.0.1:"
              + server.port()
              + " failed: STARTTLS is required but host does not support STARTTLS"
              + ADVICE,
          message);
      assertEquals(
          List.of("EHLO [127.0.0.1]"),
          server.dialogue().stream().filter(line -> !line.equals("QUIT")).toList());
    }
  }

  @Test
  void autoFallsBackToClearText() throws Exception {
    try (FakeSmtpServer server = new FakeSmtpServer()) {
      send(ALERT, server.port());

      assertEquals(
          List.of(
              "EHLO [127.0.0.1]", "MAIL FROM:<root@localhost>", "RCPT TO:<root@localhost>", "DATA"),
          server.dialogue().subList(0, 4));
      assertTrue(server.dialogue().contains("Subject: Alert on web1"));
    }
  }

  @Test
  void noneIgnoresStarttls() throws Exception {
    try (FakeSmtpServer server = new FakeSmtpServer(selfSigned().context())) {
      send(ALERT, server.port(), "SMTP_TLS=\"none\"");

      assertFalse(server.dialogue().contains("STARTTLS"));
      assertTrue(server.dialogue().contains("Subject: Alert on web1"));
    }
  }

  @Test
  void autoAcceptsAnyCertificateWithoutLogin() throws Exception {
    try (FakeSmtpServer server = new FakeSmtpServer(selfSigned().context())) {
      send(ALERT, server.port());

      assertEquals(
          List.of(
              "EHLO [127.0.0.1]",
              "STARTTLS",
              "TLS EHLO [127.0.0.1]",
              "TLS MAIL FROM:<root@localhost>",
              "TLS RCPT TO:<root@localhost>",
              "TLS DATA"),
          server.dialogue().subList(0, 6));
      assertTrue(server.dialogue().contains("TLS Subject: Alert on web1"));
    }
  }

  @ParameterizedTest
  @CsvSource({"starttls, false", "auto, true"})
  void requiredStarttlsVerifiesTheCertificate(String tls, boolean login) throws Exception {
    Path password = Files.writeString(directory.resolve("pass"), "secret\n");
    try (FakeSmtpServer server = new FakeSmtpServer(selfSigned().context())) {
      String message =
          login
              ? failure(
                  server.port(),
                  "SMTP_TLS=\"" + tls + "\"",
                  "SMTP_USER=\"lsm\"",
                  "SMTP_PASS_FILE=\"" + password + "\"")
              : failure(server.port(), "SMTP_TLS=\"" + tls + "\"");

      assertEquals(
          untrusted(server.port())
              .replace(" failed: ", " failed: STARTTLS failed: ")
              .replace(ADVICE, STARTTLS_ADVICE),
          message);
      assertEquals(List.of("EHLO [127.0.0.1]", "STARTTLS"), server.dialogue().subList(0, 2));
      assertEquals(
          List.of(), server.dialogue().stream().filter(line -> line.startsWith("TLS ")).toList());
    }
  }

  @Test
  void implicitTlsVerifiesTheCertificate() {
    int port = greenMail.getSmtps().getPort();

    assertEquals(untrusted(port), channelFailure(port, "SMTP_TLS=\"tls\""));
    assertEquals(0, greenMail.getReceivedMessages().length);
  }

  @Test
  void implicitTlsSendsNothingInClear() throws Exception {
    try (FakeSmtpServer server = new FakeSmtpServer()) {
      assertEquals(
          "mail to 127.0.0.1:"
              + server.port()
              + " failed: Unsupported or unrecognized SSL message"
              + ADVICE,
          failure(server.port(), "SMTP_TLS=\"tls\""));
      assertEquals(
          List.of(), server.dialogue().stream().filter(line -> line.contains("web1")).toList());
    }
  }

  @ParameterizedTest
  @CsvSource({"ip:127.0.0.1, true", "dns:other.example.org, false"})
  void verifiesTheServersName(String name, boolean served) throws Exception {
    SelfSignedKeys keys = SelfSignedKeys.of(name, directory);
    try (FakeSmtpServer server = new FakeSmtpServer(keys.context())) {
      bundle(keys.pem());

      if (served) {
        send(ALERT, server.port(), "SMTP_TLS=\"starttls\"");
        assertTrue(server.dialogue().contains("TLS Subject: Alert on web1"));
      } else {
        String message = failure(server.port(), "SMTP_TLS=\"starttls\"");
        assertTrue(message.contains("not trusted: No subject alternative names"), message);
      }
    }
  }

  @Test
  void skipsAnUnreadableCertificate() throws Exception {
    SelfSignedKeys keys = selfSigned();
    try (FakeSmtpServer server = new FakeSmtpServer(keys.context())) {
      bundle(UNREADABLE_CERTIFICATE + keys.pem());
      send(ALERT, server.port(), "SMTP_TLS=\"starttls\"");
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"", UNREADABLE_CERTIFICATE})
  void namesABundleWithoutCertificates(String bundle) throws Exception {
    bundle(bundle);
    String message = channelFailure(greenMail.getSmtps().getPort(), "SMTP_TLS=\"tls\"");

    assertTrue(
        message.contains(authorities().get(1) + " has no certificate of an authority"), message);
  }

  /** By default Angus Mail tries again with the authorities of the Java runtime. */
  @Test
  void connectsOnceToAnUntrustedServer() throws Exception {
    bundle(selfSigned().pem());
    try (FakeSmtpServer server = new FakeSmtpServer().answer(CONNECTION, HANG_UP)) {
      failure(server.port(), "SMTP_TLS=\"tls\"");

      assertEquals(1, server.connections());
    }
  }

  private static final String UNREADABLE_CERTIFICATE =
      "-----BEGIN CERTIFICATE-----\nnonsense\n-----END CERTIFICATE-----\n";

  private List<Path> authorities() {
    return List.of(directory.resolve("none.pem"), directory.resolve("authorities.pem"));
  }

  private void bundle(String certificates) throws IOException {
    Files.writeString(authorities().get(1), certificates);
  }

  private static String untrusted(int port) {
    return "mail to 127.0.0.1:"
        + port
        + " failed: the certificate of the server is not trusted:"
        + " unable to find valid certification path to requested target"
        + ADVICE;
  }

  // ---- sendmail

  @Test
  void passesTheMailToSendmail() throws Exception {
    Path arguments = directory.resolve("arguments");
    Path input = directory.resolve("input");
    Path sendmail = script("printf '%s\\n' \"$@\" > " + arguments + "; cat > " + input);

    MailChannel mail = mail(sendmail, "USER=\"root ops@example.org\"");
    assertEquals("to root, ops@example.org through " + sendmail, mail.send(ALERT, Set.of()));

    assertEquals(List.of("-i", "--", "root", "ops@example.org"), Files.readAllLines(arguments));
    MimeMessage message;
    try (InputStream in = Files.newInputStream(input)) {
      message = new MimeMessage(null, in);
    }
    assertEquals("Alert on web1", message.getSubject());
    assertEquals(List.of("root", "ops@example.org"), to(message));
    assertEquals(Date.from(TIME), message.getSentDate());
    assertEquals(ID, message.getMessageID());
    assertEquals(
        List.of(
            "text/plain; charset=UTF-8\n1 NEW\nsecond line\n",
            "text/html; charset=UTF-8\n<p>1 NEW</p>\n<p>second line</p>\n"),
        alternatives(message));
    assertFalse(Files.readString(input).contains("\r"), "line ends of the host");

    mail(sendmail, "USER=\"root ops@example.org\"", "FROM=lsm").send(ALERT, Set.of("root"));
    assertEquals(
        List.of("-i", "-f", "lsm", "--", "ops@example.org"), Files.readAllLines(arguments));
  }

  @Test
  void quotesAFailingSendmail() throws Exception {
    Path sendmail = script("cat > /dev/null; echo queue is full; printf '\\033[0m' >&2; exit 75");

    DeliveryException e =
        assertThrows(DeliveryException.class, () -> mail(sendmail).send(ALERT, Set.of()));

    assertEquals(
        "mail through "
            + sendmail
            + " failed: it ended with 75 and said: queue is full\n\033[0m"
            + "; install a mail transfer agent, or set MAILER=\"smtp\" and SMTP_HOST",
        e.getMessage());
    assertEquals(FailureKind.REJECTED, e.kind());
    assertEquals(Set.of(), e.served());
  }

  @Test
  void namesAMissingSendmail() {
    Path missing = directory.resolve("missing");

    DeliveryException e =
        assertThrows(DeliveryException.class, () -> mail(missing).send(ALERT, Set.of()));

    assertEquals(
        "mail through "
            + missing
            + " failed: there is no program "
            + missing
            + "; install a mail transfer agent, or set MAILER=\"smtp\" and SMTP_HOST",
        e.getMessage());
  }

  // ---- trace

  @ParameterizedTest
  @ValueSource(strings = {"LOGIN", "PLAIN"})
  void tracesWithoutThePassword(String mechanism) throws Exception {
    String secret = "s3cret pass";
    String plain = base64("lsm\0lsm\0" + secret);
    Path password = Files.writeString(directory.resolve("pass"), secret + "\n");
    List<String> trace = new CopyOnWriteArrayList<>();
    try (FakeSmtpServer server =
        new FakeSmtpServer()
            .answer("EHLO", "250-mx.example\r\n250 AUTH " + mechanism)
            .answer("AUTH LOGIN", "334 VXNlcm5hbWU6")
            .answer(base64("lsm"), "334 UGFzc3dvcmQ6")
            .answer(base64(secret), "235 welcome")
            .answer("AUTH PLAIN " + plain, "235 welcome")
            .answer("MAIL", "250 I know your " + secret)) {
      Config config = config(server.port(), login(password));

      new MailChannel(config, system(Path.of("/nonexistent"), authorities(), TIMEOUT), trace::add)
          .send(ALERT, Set.of());

      List<String> received = server.dialogue();
      assertTrue(
          received.contains(base64(secret)) || received.contains("AUTH PLAIN " + plain),
          "logged in: " + received);
      assertEquals(
          List.of(
              "S: 220 mx.example ESMTP",
              "C: EHLO [127.0.0.1]",
              "S: 250-mx.example",
              "S: 250 AUTH " + mechanism,
              "C: AUTH " + mechanism + " command trace suppressed",
              "C: AUTH " + mechanism + " succeeded",
              "C: MAIL FROM:<root@localhost>",
              "S: 250 I know your ********",
              "C: RCPT TO:<root@localhost>",
              "S: 250 ok",
              "C: DATA",
              "S: 354 go ahead",
              "S: 250 stored",
              "C: QUIT",
              "S: 221 bye"),
          trace);
      for (String line : trace) {
        for (String form : List.of(secret, base64(secret), plain)) {
          assertFalse(line.contains(form), line);
        }
      }
    }
  }

  // ---- helpers

  private static Alert alert(String host, String subject, List<String> text) {
    return new Alert(
        UUID.randomUUID().toString(),
        AlertType.DIFFERENCES,
        TIME,
        host,
        subject,
        text,
        text.stream().map(line -> "<p>" + line + "</p>").toList(),
        List.of(),
        DifferenceCounts.NONE,
        List.of(),
        List.of(),
        new JsonObject());
  }

  private static String base64(String text) {
    return Base64.getEncoder().encodeToString(text.getBytes(UTF_8));
  }

  private Config config(int port, String... settings) throws Exception {
    List<String> lines = new ArrayList<>(List.of(settings));
    if (lines.stream().noneMatch(line -> line.startsWith("SMTP_HOST"))) {
      lines.add("SMTP_HOST=\"127.0.0.1\"");
    }
    lines.add("SMTP_PORT=\"" + port + "\"");
    return Config.read(Files.write(directory.resolve("conf.lsm"), lines));
  }

  private MailSystem system(Path sendmail, List<Path> authorities, Duration timeout) {
    Path mailname = directory.resolve("mailname");
    return new MailSystem(sendmail, authorities, mailname, host -> canonicalName, timeout);
  }

  private void send(Alert alert, int port, String... settings) throws Exception {
    mail(port, settings).send(alert, Set.of());
  }

  private MailChannel mail(int port, String... settings) throws Exception {
    return new MailChannel(
        config(port, settings), system(Path.of("/nonexistent"), authorities(), TIMEOUT), null);
  }

  private void send(Alert alert, String... settings) throws Exception {
    send(alert, greenMail.getSmtp().getPort(), settings);
  }

  private String failure(int port, String... settings) {
    return assertThrows(DeliveryException.class, () -> send(ALERT, port, settings)).getMessage();
  }

  /** A failure of the channel, not of this alert: the next alert would fail as well. */
  private String channelFailure(int port, String... settings) {
    DeliveryException e = assertThrows(DeliveryException.class, () -> send(ALERT, port, settings));
    assertNotEquals(FailureKind.REJECTED, e.kind());
    assertEquals(Set.of(), e.served());
    return e.getMessage();
  }

  private static String[] login(Path password) {
    return new String[] {
      "SMTP_TLS=\"none\"", "SMTP_USER=\"lsm\"", "SMTP_PASS_FILE=\"" + password + "\""
    };
  }

  private MailChannel mail(Path sendmail, String... settings) throws Exception {
    List<String> lines = new ArrayList<>(List.of(settings));
    lines.add("MAILER=\"sendmail\"");
    return new MailChannel(
        config(25, lines.toArray(String[]::new)), system(sendmail, List.of(), TIMEOUT), null);
  }

  private Path script(String body) throws IOException {
    Path script = Files.writeString(directory.resolve("sendmail"), "#!/bin/sh\n" + body + "\n");
    return Files.setPosixFilePermissions(script, PosixFilePermissions.fromString("rwx------"));
  }

  private MimeMessage received() {
    MimeMessage[] messages = greenMail.getReceivedMessages();
    assertEquals(1, messages.length);
    return messages[0];
  }

  private static List<String> to(MimeMessage message) throws Exception {
    return Stream.of(message.getRecipients(RecipientType.TO)).map(Address::toString).toList();
  }

  private static String id(MimeMessage message) {
    return GreenMailUtil.getHeaders(message).replaceAll("(?s).*Message-ID: (\\S+).*", "$1");
  }

  /** The parts, each with its type in the first line. */
  private static List<String> alternatives(MimeMessage message) throws Exception {
    assertTrue(message.isMimeType("multipart/alternative"), message.getContentType());
    MimeMultipart parts = (MimeMultipart) message.getContent();
    List<String> texts = new ArrayList<>();
    for (int i = 0; i < parts.getCount(); i++) {
      BodyPart part = parts.getBodyPart(i);
      texts.add((part.getContentType() + "\n" + part.getContent()).replace("\r\n", "\n"));
    }
    return texts;
  }

  private static String raw(MimeMessage message) {
    return GreenMailUtil.getWholeMessage(message);
  }

  private static long headerLines(String raw) {
    return raw.lines().takeWhile(line -> !line.isEmpty()).count();
  }

  private static String stackTrace(Throwable e) {
    StringWriter text = new StringWriter();
    e.printStackTrace(new PrintWriter(text));
    return text.toString();
  }

  private SelfSignedKeys selfSigned() throws Exception {
    return SelfSignedKeys.of("ip:127.0.0.1", directory);
  }
}
