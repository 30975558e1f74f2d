package org.lsm.cli;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.params.provider.Arguments.arguments;
import static org.lsm.FakeSmtpServer.END;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.lsm.FakeSmtpServer;
import org.lsm.alert.Alert;
import org.lsm.alert.AlertType;
import org.lsm.alert.DeliveryException;
import org.lsm.channel.MailChannel;
import org.lsm.channel.MailSystem;
import org.lsm.config.Config;
import org.lsm.model.HostInfo;
import org.lsm.model.TextEscaper;
import org.lsm.report.DiffReport;
import org.lsm.report.ReportDocument;

/** No output of lsm has the password of the mail server, whatever the server replies. */
@Timeout(120)
class SecretTest extends ChannelTestBase {

  private static final String SECRET = "s3cret pass";

  private FakeSmtpServer server;

  @BeforeEach
  void startServer() throws IOException {
    server = new FakeSmtpServer();
  }

  @AfterEach
  void closeServer() throws IOException {
    server.close();
  }

  // ---- servers that repeat what they received, as they do with unknown commands

  private static Stream<Arguments> refusals() {
    return Stream.concat(
        Stream.of("LOGIN", "PLAIN").map(mechanism -> arguments("AUTH", mechanism, "lsm")),
        Stream.of("MAIL", "RCPT", "DATA", END).map(at -> arguments(at, "PLAIN", "root")));
  }

  @ParameterizedTest(name = "at {0}, {1}, {2}")
  @MethodSource("refusals")
  void hidesThePasswordInReplies(String at, String mechanism, String user) throws Exception {
    serve(mechanism, user, SECRET, at, everyForm(user, SECRET));

    assertSecret(user, SECRET, at.equals("AUTH") ? "535" : "554");
  }

  @ParameterizedTest
  @ValueSource(strings = {"two  spaces", "a\tb", "quo\"te\\$1*", "<b>&amp;</b>"})
  void hidesOddPasswords(String secret) throws Exception {
    serve("PLAIN", "lsm", secret, "AUTH", everyForm("lsm", secret));

    assertSecret("lsm", secret, "535");
  }

  /** A process of its own: its log, and what other users of the host see of it. */
  @ParameterizedTest
  @ValueSource(strings = {"AUTH", END})
  void hidesThePasswordInAnotherProcess(String at) throws Exception {
    serve("PLAIN", "root", SECRET, at, everyForm("root", SECRET));
    Path processes = directory.resolve("processes");
    script(
        "command",
        "env > " + processes,
        "tr '\\0' ' ' < /proc/$PPID/cmdline >> " + processes,
        "tr '\\0' '\\n' < /proc/$PPID/environ >> " + processes);
    String command = "RUN_CMD=\"exec " + directory.resolve("command") + "\"\n";
    Files.writeString(config, command, StandardOpenOption.APPEND);

    String compared = ownRun("compare", "--verbose");
    String tried = ownRun("test-alert", "--verbose");

    assertTrue(
        compared.contains("at org.lsm.channel.SmtpClient."), "there is a stack trace: " + compared);
    assertTrue(compared.contains("Caused by: "), compared);
    assertTrue(tried.contains("EHLO "), "there is the dialogue: " + tried);
    String seen = Files.readString(processes, ISO_8859_1);
    assertTrue(seen.contains("org.lsm.Lsm test-alert --verbose"), "as ps shows it: " + seen);
    assertHidden("root", SECRET, Map.of("compare", compared, "test-alert", tried, "ps", seen));
    assertHidden("root", SECRET, files());
  }

  @Test
  void keepsTheRestOfTheStackTrace() throws Exception {
    serve("PLAIN", "lsm", SECRET, "MAIL", "no " + SECRET + " here");

    DeliveryException e = assertThrows(DeliveryException.class, this::send);

    String trace = TextEscaper.stackTrace(e);
    assertTrue(trace.contains("SMTPSendFailedException: 554-no ******** here"), trace);
    assertTrue(trace.contains("at org.eclipse.angus.mail.smtp.SMTPTransport."), trace);
  }

  // ---- helpers

  private static String base64(String text) {
    return Base64.getEncoder().encodeToString(text.getBytes(UTF_8));
  }

  /** The password as it goes over the wire; Angus Mail names the user twice. */
  private static Map<String, String> forms(String user, String secret) {
    return Map.of(
        "password", secret,
        "AUTH LOGIN", base64(secret),
        "AUTH PLAIN", base64(user + "\0" + user + "\0" + secret));
  }

  /** A rejection that repeats all forms of the password, one a line. */
  private static String everyForm(String user, String secret) {
    return forms(user, secret).values().stream()
        .map(form -> "you said " + form + ", did you not?")
        .collect(Collectors.joining("\n"));
  }

  /** Starts a server that rejects at this point, and configures lsm to use it. */
  private void serve(String mechanism, String user, String secret, String at, String text)
      throws IOException {
    boolean login = at.equals("AUTH");
    String refusal = reply(login ? "535" : "554", text);
    String welcome = login ? refusal : "235 welcome";
    server.close();
    server =
        new FakeSmtpServer()
            .answer("EHLO", "250-mx.example\r\n250 AUTH " + mechanism)
            .answer("AUTH PLAIN", welcome)
            .answer("AUTH LOGIN", "334 VXNlcm5hbWU6")
            .answer(base64(user), "334 UGFzc3dvcmQ6")
            .answer(base64(secret), welcome);
    if (!login) {
      server.answer(at, refusal);
    }
    Path password = Files.writeString(directory.resolve("pass"), secret + "\n");
    Files.setPosixFilePermissions(password, PosixFilePermissions.fromString("rw-------"));
    configure(
        "USER=\"ops@example.org\"",
        "SMTP_HOST=\"127.0.0.1\"",
        "SMTP_PORT=\"" + server.port() + "\"",
        "SMTP_TLS=\"none\"",
        "SMTP_USER=\"" + user + "\"",
        "SMTP_PASS_FILE=\"" + password + "\"");
  }

  private static String reply(String code, String text) {
    return code + "-" + text.replace("\n", "\r\n" + code + "-") + "\r\n" + code + " that is all";
  }

  private String send() throws Exception {
    HostInfo hostInfo = new HostInfo("web1", "6.1.0", now, "1.0.0");
    ReportDocument page = DiffReport.test(hostInfo, ZoneOffset.UTC);
    Alert alert = Alert.of(AlertType.TEST, hostInfo, page, "Test", ZoneOffset.UTC);
    Path sendmail = Path.of("/nonexistent");
    MailSystem system =
        new MailSystem(sendmail, List.of(), sendmail, host -> host, Duration.ofSeconds(20));
    return new MailChannel(Config.read(config), system, null).send(alert, Set.of());
  }

  /** Runs every command that reports on mail, and searches all output and files. */
  private void assertSecret(String user, String secret, String code) throws Exception {
    script("logger", "{ printf '%s\\n' \"$@\"; env; } >> " + directory.resolve("logger.log"));
    Files.writeString(config, "SYSLOG=\"yes\"\nREMIND=\"0\"\n", StandardOpenOption.APPEND);
    List<String> lines = new ArrayList<>(Files.readAllLines(config));
    lines.remove("SYSLOG=\"no\"");
    Files.write(config, lines);
    lsm("generate");
    open(4444);
    Map<String, String> outlets = new LinkedHashMap<>();
    DeliveryException e = assertThrows(DeliveryException.class, this::send);
    outlets.put("stack trace", TextEscaper.stackTrace(e));
    outlets.put("message", e.getMessage());
    for (String command :
        List.of(
            "compare",
            "status",
            "status --format json",
            "history",
            "history --format json",
            "test-alert",
            "test-alert --verbose")) {
      Result result = lsm(command.split(" ", -1));
      outlets.put(command, result.out() + result.err());
    }
    for (String name : List.of("message", "compare", "status", "history", "test-alert")) {
      assertTrue(outlets.get(name).contains(code), name + " quotes it: " + outlets.get(name));
    }
    outlets.putAll(files());
    assertTrue(outlets.keySet().stream().anyMatch(it -> it.contains("/outbox/")), "it waits");
    assertHidden(user, secret, outlets);
  }

  /** All files that lsm has written, and those of its programs. */
  private Map<String, String> files() throws IOException {
    Map<String, String> files = new LinkedHashMap<>();
    try (Stream<Path> all = Files.walk(state)) {
      for (Path file : all.filter(Files::isRegularFile).toList()) {
        files.put(file.toString(), Files.readString(file));
      }
    }
    files.put("logger", String.join("\n", lines("logger.log")));
    return files;
  }

  private static void assertHidden(String user, String secret, Map<String, String> outlets) {
    outlets.forEach(
        (outlet, text) ->
            forms(user, secret)
                .forEach(
                    (name, form) ->
                        assertFalse(
                            spellings(form).anyMatch(text::contains),
                            name + " is in " + outlet + ": " + text)));
  }

  /** A text as it may be printed: with white space collapsed, escaped, in JSON. */
  private static Stream<String> spellings(String form) {
    return Stream.of(form, form.replaceAll("\\s+", " "))
        .flatMap(it -> Stream.of(it, TextEscaper.escape(it)))
        .flatMap(it -> Stream.of(it, it.replace("\\", "\\\\"), it.replace("\"", "\\\"")));
  }

  /** Runs lsm on this host, in a process of its own; returns all that it prints. */
  private String ownRun(String... arguments) throws Exception {
    List<String> command =
        new ArrayList<>(
            List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-cp",
                System.getProperty("java.class.path"),
                "org.lsm.Lsm"));
    command.addAll(List.of(arguments));
    command.addAll(List.of("--config", config.toString()));
    Path printed = directory.resolve("printed");
    Process process =
        new ProcessBuilder(command)
            .redirectErrorStream(true)
            .redirectOutput(printed.toFile())
            .start();
    assertTrue(process.waitFor(60, TimeUnit.SECONDS));
    String text = Files.readString(printed);
    assertEquals(arguments[0].equals("compare") ? 2 : 3, process.exitValue(), text);
    return text;
  }
}
