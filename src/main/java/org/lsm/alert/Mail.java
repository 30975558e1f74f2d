package org.lsm.alert;

import static org.lsm.snapshot.Untrusted.escape;

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
import java.security.GeneralSecurityException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Date;
import java.util.List;
import java.util.Properties;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.regex.Pattern;
import org.eclipse.angus.mail.smtp.SMTPAddressFailedException;
import org.eclipse.angus.mail.smtp.SMTPSendFailedException;
import org.lsm.config.Config;
import org.lsm.config.Config.Tls;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Mails alerts, over SMTP or through the sendmail program of the host. */
public final class Mail {

  private static final Logger log = LoggerFactory.getLogger(Mail.class);

  private static final int SMTPS_PORT = 465;

  /** How many time-outs a whole dialogue may take. */
  private static final int MOST_WAITS = 4;

  private static final Pattern DOMAIN = Pattern.compile("[A-Za-z0-9._-]+");

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

  private List<InternetAddress> recipients(Alert alert) {
    return config.recipients().stream().map(recipient -> address(recipient, alert.host())).toList();
  }

  /**
   * A name without a domain is a user of this host. Not parsed: the configuration is checked
   * already, and InternetAddress refuses what hosts are really called ({@code web_1}).
   */
  private static InternetAddress address(String address, String host) {
    InternetAddress parsed = new InternetAddress();
    parsed.setAddress(address.indexOf('@') < 0 ? address + "@" + domain(host) : address);
    return parsed;
  }

  /** The name of a host, or localhost where it cannot stand in an address or a command. */
  private static String domain(String host) {
    return DOMAIN.matcher(host).matches() ? host : "localhost";
  }

  private void sendBySmtp(Alert alert) throws DeliveryException {
    String server = config.smtpHost() + ":" + config.smtpPort();
    String password = password();
    FutureTask<Void> dialogue = new FutureTask<>(() -> converse(alert, password));
    Thread thread = new Thread(dialogue, "smtp");
    thread.setDaemon(true);
    thread.start();
    try {
      // Each answer has its time-out, but a server may send one byte now and then for ever.
      dialogue.get(timeout.multipliedBy(MOST_WAITS).toMillis(), TimeUnit.MILLISECONDS);
      log.debug("mailed to {} by {}", config.recipients(), server);
    } catch (ExecutionException e) {
      Throwable cause = e.getCause();
      throw new DeliveryException(
          "mail to " + server + " failed: " + escape(reason(cause)) + "; " + advice(cause), cause);
    } catch (TimeoutException e) {
      throw new DeliveryException(
          "mail to " + server + " failed: it took too long; check the mail server", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new DeliveryException("mail to " + server + " was interrupted", e);
    }
  }

  private Void converse(Alert alert, String password) throws MessagingException {
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
    return null;
  }

  private Session session(String host) {
    Properties properties = new Properties();
    // Else Message-ID and HELO ask the resolver for the name of this host, which may take minutes.
    properties.setProperty("mail.from", address(config.from(), host).getAddress());
    properties.setProperty("mail.smtp.localhost", domain(host));
    properties.setProperty("mail.mime.address.strict", "false");
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

  /** The innermost reason, which is the one that a person can use, or the server's own words. */
  private static String reason(Throwable e) {
    if (hungUp(e)) {
      return "the server closed the connection";
    }
    List<String> refused = new ArrayList<>();
    Throwable cause = e;
    for (Throwable next = e; next != null; next = next.getCause()) {
      if (next instanceof SMTPAddressFailedException recipient) {
        refused.add("for " + recipient.getAddress() + ": " + oneLine(recipient.getMessage()));
      }
      cause = next;
    }
    if (!refused.isEmpty()) {
      return "refused " + String.join(", ", refused);
    }
    if (cause instanceof GeneralSecurityException) {
      return "the certificate of the server is not trusted: " + cause.getMessage();
    }
    if (cause instanceof MessagingException) {
      return (e instanceof SendFailedException ? "refused " : "") + oneLine(cause.getMessage());
    }
    return cause.getClass().getSimpleName() + ": " + cause.getMessage();
  }

  private static String oneLine(String reply) {
    return reply.strip().replaceAll("\\s+", " ");
  }

  /** Angus has no exception for it, only a reply that is none. */
  private static boolean hungUp(Throwable e) {
    for (Throwable next = e; next != null; next = next.getCause()) {
      boolean noReply =
          next instanceof SMTPSendFailedException failed && failed.getReturnCode() < 0;
      if (noReply || String.valueOf(next.getMessage()).strip().endsWith("[EOF]")) {
        return true;
      }
    }
    return false;
  }

  private static String advice(Throwable e) {
    if (e instanceof AuthenticationFailedException) {
      return "check SMTP_USER and the password in SMTP_PASS_FILE";
    }
    if (e instanceof SendFailedException && !hungUp(e)) {
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
      // Programs of this host end lines as the host does; ISO 8859-1 keeps every byte.
      byte[] input =
          bytes
              .toString(StandardCharsets.ISO_8859_1)
              .replace("\r\n", "\n")
              .getBytes(StandardCharsets.ISO_8859_1);
      Program.Outcome outcome = new Program(sendmail, timeout).run(arguments, input);
      if (outcome.exitCode() != 0) {
        throw new IOException(
            "it ended with " + outcome.exitCode() + " and said: " + outcome.output().strip());
      }
    } catch (IOException | MessagingException e) {
      throw new DeliveryException(
          "mail through "
              + sendmail
              + " failed: "
              + escape(e.getMessage())
              + "; install a mail transfer agent, or set MAILER=\"smtp\" and SMTP_HOST",
          e);
    }
  }
}
