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
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.eclipse.angus.mail.smtp.SMTPSendFailedException;
import org.lsm.alert.DeliveryException;
import org.lsm.config.Config;
import org.lsm.config.Config.Tls;
import org.lsm.storage.SecureFiles;

/** Sends a mail to the configured server; see {@link MailChannel} for the parameters. */
record SmtpClient(Config config, List<Path> authorities, Duration timeout, Consumer<String> trace) {

  private static final int SMTPS_PORT = 465;

  /** The whole dialogue may take this many time-outs; a server can send a byte now and then. */
  private static final int MAX_TIMEOUTS = 4;

  /**
   * Sends a mail to these recipients.
   *
   * @return a remark, empty if the server accepted the whole alert
   * @throws DeliveryException if the server did not accept it for all of them
   */
  String send(MailMessage message, List<InternetAddress> recipients) throws DeliveryException {
    Secret password = password();
    ByteArrayOutputStream dialogue = new ByteArrayOutputStream();
    try {
      return CompletableFuture.supplyAsync(
              () -> converse(message, recipients, password, dialogue), ExternalCommand::startDaemon)
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
      return Secret.NONE;
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
      MailMessage message, List<InternetAddress> recipients, Secret password, OutputStream out) {
    try {
      Session session = session(message);
      session.setDebugOut(new PrintStream(out, true, StandardCharsets.UTF_8));
      session.setDebug(trace != null);
      try (Transport transport = session.getTransport("smtp")) {
        transport.connect(password.user(), password.value());
        return transfer(transport, session, message, recipients.toArray(InternetAddress[]::new));
      }
    } catch (MessagingException | IOException | GeneralSecurityException e) {
      throw new CompletionException(e);
    }
  }

  /**
   * Sends the whole alert or, if the server rejects it for good, its summary: any user can open a
   * socket whose name triggers mail filters.
   */
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
    } catch (SendFailedException e) {
      throw e;
    } catch (MessagingException e) {
      throw new SendFailedException("the server stopped answering", e);
    }
  }

  private Session session(MailMessage message) throws IOException, GeneralSecurityException {
    Properties properties = encryption();
    int millis = (int) timeout.toMillis();
    properties.putAll(
        Map.of(
            "mail.smtp.host",
            config.smtpHost(),
            "mail.smtp.port",
            config.smtpPort(),
            "mail.smtp.auth",
            !config.smtpUser().isEmpty(),
            // By default HELO asks the resolver for the host name, which may take minutes.
            "mail.smtp.localhost",
            message.domain(),
            "mail.mime.address.strict",
            false,
            // A rejected recipient must not keep the alert from the others.
            "mail.smtp.sendpartial",
            true,
            "mail.smtp.connectiontimeout",
            millis,
            "mail.smtp.timeout",
            millis,
            "mail.smtp.writetimeout",
            millis));
    return Session.getInstance(properties);
  }

  private Properties encryption() throws IOException, GeneralSecurityException {
    Tls tls = config.smtpTls();
    boolean implicit = tls == Tls.TLS || (tls == Tls.AUTO && config.smtpPort() == SMTPS_PORT);
    boolean required =
        tls == Tls.STARTTLS || (tls == Tls.AUTO && !config.smtpUser().isEmpty() && !implicit);
    // Without a login, STARTTLS is used if offered, with any certificate: no password is sent, and
    // the alternative is clear text (RFC 7435).
    boolean opportunistic = tls == Tls.AUTO && !implicit && !required;
    Properties properties = new Properties();
    properties.putAll(
        Map.of(
            "mail.smtp.ssl.enable", implicit,
            "mail.smtp.starttls.enable", required || opportunistic,
            "mail.smtp.starttls.required", required,
            "mail.smtp.ssl.checkserveridentity", !opportunistic,
            // By default Angus Mail tries again with the authorities of the Java runtime.
            "mail.smtp.socketFactory.fallback", false));
    if (opportunistic) {
      properties.put("mail.smtp.ssl.trust", "*");
    } else if (tls != Tls.NONE) {
      TrustedCertificates.socketFactory(authorities)
          .ifPresent(it -> properties.put("mail.smtp.ssl.socketFactory", it));
    }
    return properties;
  }
}
