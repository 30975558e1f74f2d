package org.lsm.channel;

import jakarta.mail.MessagingException;
import jakarta.mail.SendFailedException;
import jakarta.mail.Session;
import jakarta.mail.Transport;
import jakarta.mail.internet.InternetAddress;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.time.Duration;
import java.util.Base64;
import java.util.List;
import java.util.Properties;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.eclipse.angus.mail.smtp.SMTPSendFailedException;
import org.lsm.alert.DeliveryException;
import org.lsm.config.Config;
import org.lsm.config.Config.Tls;
import org.lsm.storage.SecureFiles;

/** Sends a mail to the configured server; see {@link MailChannel} for the parameters. */
record SmtpClient(Config config, List<Path> authorities, Duration timeout, Consumer<String> trace) {
  private static final int SMTPS_PORT = 465;
  private static final int MAX_TIMEOUTS = 4; // in all: a server can send a byte now and then

  /** For a login, or null and null; servers may repeat a password that they do not understand. */
  record Secret(String user, String value) {
    /** Hides the password, also as AUTH LOGIN and AUTH PLAIN (RFC 4616) send it. */
    String redact(String text) {
      if (value == null || value.isEmpty()) {
        return text;
      }
      // Angus Mail sends the user name as the authorization identity as well, and reads replies as
      // ISO 8859-1.
      String reply =
          new String(value.getBytes(StandardCharsets.UTF_8), StandardCharsets.ISO_8859_1);
      return Stream.of(base64(user + "\0" + user + "\0" + value), base64(value), value, reply)
          .reduce(text, (redacted, form) -> redacted.replace(form, "********"));
    }

    /** A copy of a failure and its causes for a stack trace. */
    Throwable redact(Throwable e) {
      if (value == null || e == null) {
        return e;
      }
      Throwable copy = new Exception(redact(e.toString()), redact(e.getCause()));
      copy.setStackTrace(e.getStackTrace());
      return copy;
    }

    private static String base64(String text) {
      return Base64.getEncoder().encodeToString(text.getBytes(StandardCharsets.UTF_8));
    }

    @Override
    public String toString() {
      return "Secret[" + user + "]";
    }
  }

  /** Sends a mail to these recipients; returns a remark, or "" if the whole alert was accepted. */
  String send(MailMessage message, List<InternetAddress> to) throws DeliveryException {
    Secret password = password();
    ByteArrayOutputStream dialogue = new ByteArrayOutputStream();
    try {
      return CompletableFuture.supplyAsync(
              () -> converse(message, to, password, dialogue), ExternalCommand::startDaemon)
          .orTimeout(timeout.multipliedBy(MAX_TIMEOUTS).toMillis(), TimeUnit.MILLISECONDS)
          .join();
    } catch (CompletionException e) {
      String server = config.smtpHost() + ":" + config.smtpPort();
      throw new SmtpFailure(e.getCause()).toDeliveryException(server, password);
    } finally {
      if (trace != null) {
        dialogue.toString(StandardCharsets.UTF_8).lines().map(password::redact).forEach(trace);
      }
    }
  }

  private Secret password() throws DeliveryException {
    if (config.smtpUser().isEmpty()) {
      return new Secret(null, null);
    }
    try {
      byte[] text = SecureFiles.read(config.smtpPassFile().orElseThrow());
      String line = new String(text, StandardCharsets.UTF_8).lines().findFirst().orElse("");
      return new Secret(config.smtpUser(), line);
    } catch (IOException e) {
      String advice = "; check SMTP_PASS_FILE and its permissions";
      throw new DeliveryException("cannot read the password file: " + e.getMessage() + advice, e);
    }
  }

  private String converse(
      MailMessage message, List<InternetAddress> to, Secret password, OutputStream out) {
    try {
      Session session = session(message);
      session.setDebugOut(new PrintStream(out, true, StandardCharsets.UTF_8));
      session.setDebug(trace != null);
      try (Transport transport = session.getTransport("smtp")) {
        transport.connect(password.user, password.value);
        return transfer(transport, session, message, to.toArray(InternetAddress[]::new));
      }
    } catch (MessagingException | IOException | GeneralSecurityException e) {
      throw new CompletionException(e);
    }
  }

  /** Sends the alert, or its summary if it is rejected: socket names can trigger mail filters. */
  private static String transfer(
      Transport transport, Session session, MailMessage message, InternetAddress[] recipients)
      throws MessagingException {
    try {
      transport.sendMessage(message.whole(session), recipients);
      return "";
    } catch (SMTPSendFailedException rejected) {
      if (rejected.getReturnCode() < 500) {
        throw rejected;
      }
      try {
        transport.sendMessage(message.summary(session), recipients);
        return "rejected the whole alert and accepted a summary";
      } catch (MessagingException | IllegalStateException e) {
        boolean answered = e instanceof SendFailedException && !new SmtpFailure(e).hungUp();
        throw answered ? (SendFailedException) e : rejected;
      }
    } catch (MessagingException e) {
      boolean answered = e instanceof SendFailedException;
      throw answered ? e : new SendFailedException("the server stopped answering", e);
    }
  }

  private Session session(MailMessage message) throws IOException, GeneralSecurityException {
    int millis = (int) timeout.toMillis();
    Properties properties = new Properties();
    properties.put("mail.smtp.host", config.smtpHost());
    properties.put("mail.smtp.port", config.smtpPort());
    properties.put("mail.smtp.auth", !config.smtpUser().isEmpty());
    // By default HELO and Message-ID ask the resolver for the host name, which may take minutes.
    properties.put("mail.smtp.localhost", message.domain());
    properties.put("mail.from", message.sender().getAddress());
    properties.put("mail.mime.address.strict", false);
    // A rejected recipient must not keep the alert from the others.
    properties.put("mail.smtp.sendpartial", true);
    properties.put("mail.smtp.connectiontimeout", millis);
    properties.put("mail.smtp.timeout", millis);
    properties.put("mail.smtp.writetimeout", millis);
    encrypt(properties);
    return Session.getInstance(properties);
  }

  private void encrypt(Properties properties) throws IOException, GeneralSecurityException {
    Tls tls = config.smtpTls();
    boolean auto = tls == Tls.AUTO;
    boolean implicit = tls == Tls.TLS || (auto && config.smtpPort() == SMTPS_PORT);
    boolean required = tls == Tls.STARTTLS || (auto && !config.smtpUser().isEmpty() && !implicit);
    // Without a login, STARTTLS is used if offered, with any certificate: no password is sent, and
    // the alternative is clear text (RFC 7435).
    boolean opportunistic = auto && !implicit && !required;
    properties.put("mail.smtp.ssl.enable", implicit);
    properties.put("mail.smtp.starttls.enable", required || opportunistic);
    properties.put("mail.smtp.starttls.required", required);
    properties.put("mail.smtp.ssl.checkserveridentity", !opportunistic);
    // By default Angus Mail tries again with the authorities of the Java runtime.
    properties.put("mail.smtp.socketFactory.fallback", false);
    if (opportunistic) {
      properties.put("mail.smtp.ssl.trust", "*");
    } else if (tls != Tls.NONE) {
      TrustedCertificates.socketFactory(authorities)
          .ifPresent(it -> properties.put("mail.smtp.ssl.socketFactory", it));
    }
  }
}
