package org.lsm;

import static org.junit.jupiter.api.Assertions.assertAll;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.icegreen.greenmail.util.GreenMail;
import com.icegreen.greenmail.util.ServerSetup;
import jakarta.mail.internet.InternetAddress;
import jakarta.mail.internet.MimeMessage;
import jakarta.mail.internet.MimeMultipart;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.Isolated;
import org.lsm.InstalledLsm.Result;

/** The installed program with real sockets and real mail. */
@Isolated // sockets of one program are one block of a report
class InstalledIT {

  private static final boolean ROOT = "root".equals(System.getProperty("user.name"));
  private static final String USER = ROOT ? "nobody" : System.getProperty("user.name");

  @TempDir static Path directory;
  private static InstalledLsm lsm;
  private Path shared;
  private GreenMail greenMail;

  @BeforeAll
  static void install() throws Exception {
    assumeTrue(Files.isExecutable(OpenSockets.PERL), "needs perl to open sockets of all kinds");
    Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString("rwxr-xr-x"));
    lsm = InstalledLsm.install(directory.resolve("local"), "");
  }

  @AfterAll
  static void uninstall() throws Exception {
    if (lsm != null) {
      lsm.purge();
    }
  }

  @BeforeEach
  void start() throws Exception {
    greenMail = new GreenMail(MailServer.setup(ServerSetup.PROTOCOL_SMTP));
    greenMail.start();
    // Not in the temporary directory, whose random name would make sockets count by owner.
    shared = Files.createDirectory(Path.of("/tmp/lsm-it-shared"));
    Files.setPosixFilePermissions(shared, PosixFilePermissions.fromString("rwxrwxrwx"));
    lsm.reset(
        """
        USER="admin@example.org, root"
        SUB="$NEW new on $HOSTNAME"
        EPHEMERAL="none"
        SYSLOG="no"
        MAILER="smtp"
        SMTP_HOST="127.0.0.1"
        SMTP_PORT="%d"
        """
            .formatted(greenMail.getSmtp().getPort()));
    assertEquals(0, lsm.run("-g").exitCode());
  }

  @AfterEach
  void stop() throws Exception {
    if (greenMail != null) {
      greenMail.stop();
      try (Stream<Path> files = Files.list(shared)) {
        files.forEach(it -> it.toFile().delete());
      }
      Files.delete(shared);
    }
  }

  private OpenSockets open(String... endpoints) throws Exception {
    return OpenSockets.open(ROOT ? USER : "root", OpenSockets.PERL, endpoints);
  }

  private static String owner(OpenSockets sockets, String user) throws Exception {
    return InstalledLsm.process(OpenSockets.program(), user, sockets.pid());
  }

  @Test
  void reportsEveryKindOfSocket() throws Exception {
    assertNewThenGone(
        USER,
        open(
            "tcp/127.0.0.1:0",
            "udp/127.0.0.1:0",
            "udplite/127.0.0.1:0",
            "unix-stream/" + shared.resolve("stream.sock"),
            "unix-dgram/" + shared.resolve("dgram.sock"),
            "unix-seqpacket/" + shared.resolve("with space.sock"),
            "unix-stream/@lsm-it-stream",
            "unix-dgram/@lsm-it-dgram"));
  }

  @Test
  void reportsEveryKindOfIpv6Socket() throws Exception {
    assumeTrue(Files.exists(Path.of("/proc/net/if_inet6")), "this host has no IPv6");
    assertNewThenGone(USER, open("tcp6/[::1]:0", "udp6/[::1]:0", "udplite6/[::1]:0"));
  }

  @Test
  void reportsRawSocketsAndSniffers() throws Exception {
    assumeTrue(ROOT, "only root may open raw and packet sockets");
    assertNewThenGone(
        "root",
        OpenSockets.open(
            "root", OpenSockets.PERL, "raw/127.0.0.1:253", "raw6/[::1]:254", "packet/*:0x88b5"));
  }

  private void assertNewThenGone(String user, OpenSockets sockets) throws Exception {
    Result opened;
    try (sockets) {
      opened = lsm.run("-c");
      assertEquals(1, opened.exitCode(), opened.toString());
      String owner = owner(sockets, user);
      assertEach(
          sockets.endpoints(),
          endpoint -> {
            String details = opened.details(endpoint);
            assertTrue(details.startsWith("NEW "), endpoint + " in " + opened.out());
            assertTrue(details.contains(owner), owner + " in " + details);
          });
      assertEquals(0, lsm.run("-g").exitCode());
    }
    Result closed = lsm.run("-c");
    assertEquals(1, closed.exitCode(), closed.toString());
    assertEach(
        sockets.endpoints(),
        endpoint -> assertTrue(closed.details(endpoint).startsWith("GONE "), closed.out()));
  }

  private interface Check {
    void accept(String endpoint) throws Exception;
  }

  private static void assertEach(List<String> endpoints, Check check) {
    Stream<Executable> checks = endpoints.stream().map(it -> () -> check.accept(it));
    assertAll(checks);
  }

  @Test
  void reportsChangedProgram() throws Exception {
    Path impostor = Files.copy(OpenSockets.PERL, directory.resolve("impostor"));
    String endpoint;
    try (OpenSockets first = open("tcp/127.0.0.1:0")) {
      endpoint = first.endpoints().get(0);
      assertEquals(0, lsm.run("-g").exitCode());
    }
    try (OpenSockets second = OpenSockets.open(ROOT ? USER : "root", impostor, endpoint)) {
      Result result = lsm.run("-c");
      assertEquals(1, result.exitCode(), result.toString());
      String details = result.details(endpoint);
      assertTrue(details.startsWith("CHANGED "), result.out());
      assertTrue(details.contains("before     " + OpenSockets.program() + "\n"), details);
      assertTrue(details.contains("                    (" + USER + ")\n"), details);
      assertTrue(details.contains(InstalledLsm.process(impostor, USER, second.pid())), details);
    }
  }

  @Test
  void ignoresRestartOfProgram() throws Exception {
    String endpoint;
    try (OpenSockets first = open("tcp/127.0.0.1:0")) {
      endpoint = first.endpoints().get(0);
      assertEquals(0, lsm.run("-g").exitCode());
    }
    try (OpenSockets second = open(endpoint)) {
      assertEquals(List.of(endpoint), second.endpoints());
      assertEquals("", lsm.run("-c").details(endpoint));
    }
  }

  @Test
  void mailsAlertAndPrintsNothingWhenQuiet() throws Exception {
    try (OpenSockets sockets = open("tcp/127.0.0.1:0")) {
      Result result = lsm.run("-c", "--quiet");
      assertEquals(1, result.exitCode(), result.toString());
      assertEquals("", result.out());
      assertTrue(greenMail.waitForIncomingEmail(10_000, 2), "one copy for each recipient");
      MimeMessage mail = greenMail.getReceivedMessages()[0];
      String host = Files.readString(Path.of("/proc/sys/kernel/hostname")).strip();
      assertTrue(mail.getSubject().matches("\\d+ new on " + host), mail.getSubject());
      assertEquals(
          "admin@example.org, root@localhost",
          InternetAddress.toString(mail.getAllRecipients()),
          "unqualified recipients are users of this host");
      String content = ((MimeMultipart) mail.getContent()).getBodyPart(0).getContent().toString();
      String body = content.replace("\r\n", "\n");
      assertTrue(body.contains("NEW      " + sockets.endpoints().get(0)), body);
      assertTrue(body.contains(owner(sockets, USER)), body);
    }
  }

  @Test
  void exitsWithThreeWhenMailServerIsDown() throws Exception {
    greenMail.stop();
    try (OpenSockets sockets = open("tcp/127.0.0.1:0")) {
      Result result = lsm.run("-c", "--quiet");
      assertEquals(3, result.exitCode(), sockets.endpoints() + " " + result);
      assertTrue(result.err().contains("127.0.0.1:"), result.err());
    }
  }

  @Test
  void worksInEmptyEnvironment() throws Exception {
    String program = lsm.prefix().resolve("sbin/lsm").toString();
    Path socket = shared.resolve("größe.sock");
    try (OpenSockets sockets = open("unix-stream/" + socket)) {
      Result result = InstalledLsm.run(List.of("/usr/bin/env", "-i", program, "-c"));
      assertEquals(1, result.exitCode(), sockets.endpoints() + " " + result);
      assertTrue(result.details("unix/" + socket).startsWith("NEW "), result.out());
    }
  }

  @Test
  void stateIsReadableByOwnerOnly() throws Exception {
    assertEquals("rwx------", mode(lsm.state()));
    assertEquals("rw-------", mode(lsm.state().resolve("baseline")));
    assertEquals("rw-------", mode(lsm.prefix().resolve("lsm/conf.lsm")));
  }

  private static String mode(Path file) throws Exception {
    return PosixFilePermissions.toString(Files.getPosixFilePermissions(file));
  }
}
