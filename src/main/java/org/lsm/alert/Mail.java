package org.lsm.alert;

import jakarta.mail.AuthenticationFailedException;
import jakarta.mail.Message;
import jakarta.mail.MessagingException;
import jakarta.mail.SendFailedException;
import jakarta.mail.Session;
import jakarta.mail.Transport;
import jakarta.mail.internet.InternetAddress;
import jakarta.mail.internet.MimeMessage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Date;
import java.util.List;
import java.util.Properties;
import org.lsm.config.Config;
import org.lsm.config.Config.Tls;
import org.lsm.snapshot.Untrusted;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Mails alerts, over SMTP or through the sendmail program of the host. */
public final class Mail {

  private static final Logger log = LoggerFactory.getLogger(Mail.class);

  private static final int SMTPS_PORT = 465;

  private final Config config;
  private final Path sendmail;
  private final Duration timeout;

  /**
   * @param config whom to mail to, from, and which way
   * @param sendmail the program for {@code MAILER="sendmail"}
   * @param timeout how long to wait for a connection, for each answer, and for sendmail to end
   */
  public Mail(Config config, Path sendmail, Duration timeout) {
    this.config = config;
    this.sendmail = sendmail;
    this.timeout = timeout;
  }

  /**
   * Hands an alert over.
   *
   * @throws DeliveryException if not every recipient was accepted
   */
  public void send(Alert alert) throws DeliveryException {
    switch (config.mailer()) {
      case SMTP -> sendBySmtp(alert);
      case SENDMAIL -> sendBySendmail(alert);
      case NONE -> log.debug("MAILER is \"none\": nothing is mailed");
    }
  }

  private MimeMessage message(Session session, Alert alert) throws MessagingException {
    MimeMessage message = new MimeMessage(session);
    message.setFrom(address(config.from(), alert.host()));
    for (InternetAddress recipient : recipients(alert)) {
      message.addRecipient(Message.RecipientType.TO, recipient);
    }
    message.setSubject(alert.subject(), StandardCharsets.UTF_8.name());
    message.setSentDate(Date.from(alert.time()));
    // RFC 3834: keeps vacation responders quiet.
    message.setHeader("Auto-Submitted", "auto-generated");
    message.setText(alert.text(), StandardCharsets.UTF_8.name());
    message.saveChanges();
    return message;
  }

  private List<InternetAddress> recipients(Alert alert) throws MessagingException {
    List<InternetAddress> recipients = new ArrayList<>();
    for (String recipient : config.recipients()) {
      recipients.add(address(recipient, alert.host()));
    }
    return recipients;
  }

  /** A name without a domain is a user of this host. */
  private static InternetAddress address(String address, String host) throws MessagingException {
    return new InternetAddress(address.indexOf('@') < 0 ? address + "@" + host : address, true);
  }

  private void sendBySmtp(Alert alert) throws DeliveryException {
    String server = config.smtpHost() + ":" + config.smtpPort();
    try {
      String password = password();
      Session session = session(alert.host());
      MimeMessage message = message(session, alert);
      try (Transport transport = session.getTransport("smtp")) {
        if (password == null) {
          transport.connect();
        } else {
          transport.connect(config.smtpUser(), password);
        }
        transport.sendMessage(message, message.getAllRecipients());
      }
      log.debug("mailed to {} by {}", config.recipients(), server);
    } catch (MessagingException e) {
      throw new DeliveryException(
          "mail to " + server + " failed: " + Untrusted.escape(reason(e)) + "; " + advice(e), e);
    }
  }

  private Session session(String host) throws MessagingException {
    Properties properties = new Properties();
    // Else Message-ID and HELO ask the resolver for the name of this host, which may take minutes.
    properties.setProperty("mail.from", address(config.from(), host).getAddress());
    properties.setProperty("mail.smtp.localhost", host);
    properties.setProperty("mail.smtp.host", config.smtpHost());
    properties.setProperty("mail.smtp.port", Integer.toString(config.smtpPort()));
    properties.setProperty("mail.smtp.auth", Boolean.toString(!config.smtpUser().isEmpty()));
    // One recipient that is refused must not keep the alert from the others.
    properties.setProperty("mail.smtp.sendpartial", "true");
    for (String wait : List.of("connectiontimeout", "timeout", "writetimeout")) {
      properties.setProperty("mail.smtp." + wait, Long.toString(timeout.toMillis()));
    }
    properties.putAll(encryption());
    return Session.getInstance(properties);
  }

  private Properties encryption() {
    Tls tls = config.smtpTls();
    boolean login = !config.smtpUser().isEmpty();
    boolean implicit = tls == Tls.TLS || (tls == Tls.AUTO && config.smtpPort() == SMTPS_PORT);
    boolean required = tls == Tls.STARTTLS || (tls == Tls.AUTO && login);
    // Encryption that is merely taken when offered keeps off listeners; nothing secret is sent, and
    // to fall back to clear text because of a self-signed certificate would be worse (RFC 7435).
    boolean opportunistic = tls == Tls.AUTO && !implicit && !required;
    Properties properties = new Properties();
    properties.setProperty("mail.smtp.ssl.enable", Boolean.toString(implicit));
    properties.setProperty(
        "mail.smtp.starttls.enable", Boolean.toString(tls != Tls.NONE && !implicit));
    properties.setProperty("mail.smtp.starttls.required", Boolean.toString(required && !implicit));
    properties.setProperty("mail.smtp.ssl.checkserveridentity", Boolean.toString(!opportunistic));
    if (opportunistic) {
      properties.setProperty("mail.smtp.ssl.trust", "*");
    }
    return properties;
  }

  /** The password to log in with, or null for no login. */
  private String password() throws DeliveryException {
    if (config.smtpUser().isEmpty()) {
      return null;
    }
    Path file = config.smtpPassFile().orElseThrow();
    try {
      return Files.readString(file).lines().findFirst().orElse("");
    } catch (IOException e) {
      throw new DeliveryException(
          "cannot read the password file " + file + "; check SMTP_PASS_FILE and its permissions",
          e);
    }
  }

  /** The innermost reason, which is the one that a person can use; replies are kept whole. */
  private static String reason(MessagingException e) {
    if (e instanceof SendFailedException failed) {
      Exception reply = failed.getNextException();
      String who =
          failed.getInvalidAddresses() == null
              ? ""
              : "for " + Arrays.toString(failed.getInvalidAddresses()) + " ";
      return "refused " + who + (reply == null ? e : reply).getMessage().strip();
    }
    Throwable cause = e;
    while (cause.getCause() != null) {
      cause = cause.getCause();
    }
    return cause instanceof MessagingException
        ? cause.getMessage()
        : cause.getClass().getSimpleName() + ": " + cause.getMessage();
  }

  private static String advice(MessagingException e) {
    if (e instanceof AuthenticationFailedException) {
      return "check SMTP_USER and the password in SMTP_PASS_FILE";
    }
    if (e instanceof SendFailedException) {
      return "check the addresses in USER and FROM";
    }
    return "check SMTP_HOST, SMTP_PORT and SMTP_TLS, or set MAILER=\"sendmail\"";
  }

  private void sendBySendmail(Alert alert) throws DeliveryException {
    try {
      MimeMessage message = message(session(alert.host()), alert);
      ByteArrayOutputStream bytes = new ByteArrayOutputStream();
      message.writeTo(bytes);
      String sender = address(config.from(), alert.host()).getAddress();
      List<String> arguments = new ArrayList<>(List.of("-i", "-f", sender, "--"));
      recipients(alert).forEach(recipient -> arguments.add(recipient.getAddress()));
      Program.Outcome outcome = new Program(sendmail, timeout).run(arguments, bytes.toByteArray());
      if (outcome.exitCode() != 0) {
        throw new IOException(
            "it ended with " + outcome.exitCode() + " and said: " + outcome.output().strip());
      }
    } catch (IOException | MessagingException e) {
      throw new DeliveryException(
          "mail through "
              + sendmail
              + " failed: "
              + Untrusted.escape(e.getMessage())
              + "; install a mail transfer agent, or set MAILER=\"smtp\" and SMTP_HOST",
          e);
    }
  }
}
