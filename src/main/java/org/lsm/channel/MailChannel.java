package org.lsm.channel;

import static org.lsm.report.EscapedText.escape;

import jakarta.mail.Address;
import jakarta.mail.AuthenticationFailedException;
import jakarta.mail.Message;
import jakarta.mail.MessagingException;
import jakarta.mail.SendFailedException;
import jakarta.mail.Session;
import jakarta.mail.Transport;
import jakarta.mail.internet.InternetAddress;
import jakarta.mail.internet.MimeBodyPart;
import jakarta.mail.internet.MimeMessage;
import jakarta.mail.internet.MimeMultipart;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Date;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.eclipse.angus.mail.smtp.SMTPAddressFailedException;
import org.eclipse.angus.mail.smtp.SMTPSendFailedException;
import org.lsm.alert.Alert;
import org.lsm.alert.Channel;
import org.lsm.alert.DeliveryException;
import org.lsm.alert.FailureKind;
import org.lsm.config.Config;
import org.lsm.config.Config.Mailer;
import org.lsm.config.Config.Tls;
import org.lsm.report.EscapedText;
import org.lsm.storage.SecureFiles;

/** Mails alerts, over SMTP or through the sendmail program of the host. */
public final class MailChannel implements Channel {

  private static final int SMTPS_PORT = 465;

  /** How many time-outs a whole dialogue may take. */
  private static final int MOST_WAITS = 4;

  private static final Pattern DOMAIN = Pattern.compile("[A-Za-z0-9._-]+");

  private final Config config;
  private final Path sendmail;
  private final List<Path> authorities;
  private final Duration timeout;
  private final Consumer<String> trace;

  /**
   * @param config whom to mail to, from, and which way
   * @param sendmail the program for {@code MAILER="sendmail"}
   * @param authorities bundles of the certificates that vouch for mail servers; the first that can
   *     be read is taken
   * @param timeout how long to wait for a connection, for each answer, and for sendmail to end
   * @param trace told every line of the SMTP dialogue, without the password, or null
   */
  public MailChannel(
      Config config,
      Path sendmail,
      List<Path> authorities,
      Duration timeout,
      Consumer<String> trace) {
    this.config = config;
    this.sendmail = sendmail;
    this.authorities = authorities;
    this.timeout = timeout;
    this.trace = trace;
  }

  @Override
  public String name() {
    return "mail";
  }

  @Override
  public String send(Alert alert, Set<String> served) throws DeliveryException {
    List<InternetAddress> recipients = recipients(alert);
    recipients.removeIf(recipient -> served.contains(recipient.getAddress()));
    if (recipients.isEmpty()) {
      return "";
    }
    if (config.mailer() == Mailer.SENDMAIL) {
      sendBySendmail(alert, recipients);
      return "";
    }
    return sendBySmtp(alert, recipients);
  }

  private MimeMessage message(Session session, Alert alert) throws MessagingException {
    MimeMessage message = envelope(session, alert);
    message.setContent(
        new MimeMultipart("alternative", part(alert.text(), "plain"), part(alert.html(), "html")));
    message.saveChanges();
    return message;
  }

  /** The alert in words that nobody else has chosen. */
  private MimeMessage bareMessage(Session session, Alert alert) throws MessagingException {
    MimeMessage message = envelope(session, alert);
    message.setText(
        alert.summary()
            + "\n\nThe mail server refused to take the whole alert. Run 'lsm compare' and"
            + " 'lsm history' on the host to see it.\n",
        StandardCharsets.UTF_8.name());
    message.saveChanges();
    return message;
  }

  private MimeMessage envelope(Session session, Alert alert) throws MessagingException {
    MimeMessage message = new IdentifiedMessage(session, messageId(alert));
    message.setFrom(address(config.from(), alert.host()));
    for (InternetAddress recipient : recipients(alert)) {
      message.addRecipient(Message.RecipientType.TO, recipient);
    }
    // Lest a mail reader decode what is not encoded (RFC 2047).
    String subject = alert.subject().replace("=?", "=\\x3f");
    message.setSubject(subject, StandardCharsets.UTF_8.name());
    message.setSentDate(Date.from(alert.time()));
    // RFC 3834: keeps vacation responders quiet.
    message.setHeader("Auto-Submitted", "auto-generated");
    return message;
  }

  private static MimeBodyPart part(List<String> lines, String subtype) throws MessagingException {
    MimeBodyPart part = new MimeBodyPart();
    part.setText(String.join("\n", lines) + "\n", StandardCharsets.UTF_8.name(), subtype);
    return part;
  }

  /** The same at each attempt: who gets an alert twice can tell that it is one (RFC 5322). */
  private String messageId(Alert alert) {
    String sender = address(config.from(), alert.host()).getAddress();
    return "<" + alert.id() + "@" + sender.substring(sender.indexOf('@') + 1) + ">";
  }

  /** Else Jakarta Mail makes up another Message-ID each time. */
  private static final class IdentifiedMessage extends MimeMessage {
    private final String id;

    IdentifiedMessage(Session session, String id) {
      super(session);
      this.id = id;
    }

    @Override
    protected void updateMessageID() throws MessagingException {
      setHeader("Message-ID", id);
    }
  }

  private List<InternetAddress> recipients(Alert alert) {
    return config.recipients().stream()
        .map(recipient -> address(recipient, alert.host()))
        .collect(Collectors.toCollection(ArrayList::new));
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

  private String sendBySmtp(Alert alert, List<InternetAddress> recipients)
      throws DeliveryException {
    String server = config.smtpHost() + ":" + config.smtpPort();
    String password = password();
    FutureTask<String> dialogue = new FutureTask<>(() -> converse(alert, recipients, password));
    Thread thread = new Thread(dialogue, "smtp");
    thread.setDaemon(true);
    thread.start();
    try {
      // Each answer has its time-out, but a server may send one byte now and then for ever.
      return dialogue.get(timeout.multipliedBy(MOST_WAITS).toMillis(), TimeUnit.MILLISECONDS);
    } catch (ExecutionException e) {
      Throwable cause = e.getCause();
      throw new DeliveryException(
          "mail to "
              + server
              + " failed: "
              + escape(without(password, reason(cause)))
              + "; "
              + advice(cause),
          without(password, cause),
          blame(cause),
          served(cause));
    } catch (TimeoutException e) {
      throw new DeliveryException(
          "mail to " + server + " failed: it took too long; check the mail server",
          e,
          FailureKind.STALLED,
          Set.of());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new DeliveryException("mail to " + server + " was interrupted", e);
    }
  }

  private String converse(Alert alert, List<InternetAddress> recipients, String password)
      throws MessagingException, IOException, GeneralSecurityException {
    Session session = session(alert.host());
    session.getProperties().putAll(encryption());
    if (trace != null) {
      session.setDebugOut(new PrintStream(new TraceStream(password), true, StandardCharsets.UTF_8));
      session.setDebug(true);
    }
    try (Transport transport = session.getTransport("smtp")) {
      if (password == null) {
        transport.connect();
      } else {
        transport.connect(config.smtpUser(), password);
      }
      return send(transport, session, alert, recipients.toArray(InternetAddress[]::new));
    }
  }

  /**
   * Whoever opens a socket chooses words that stand in the alert, and could have every mail filter
   * refuse it. Then at least the number of differences gets through.
   */
  private String send(
      Transport transport, Session session, Alert alert, InternetAddress[] recipients)
      throws MessagingException {
    try {
      transport.sendMessage(message(session, alert), recipients);
      return "";
    } catch (SMTPSendFailedException e) {
      if (e.getReturnCode() < 500) {
        throw e;
      }
      sendBare(transport, session, alert, recipients, e);
      return "refused the whole alert and took a summary";
    } catch (SendFailedException e) {
      throw e;
    } catch (MessagingException e) {
      throw new StuckException(e);
    }
  }

  private void sendBare(
      Transport transport,
      Session session,
      Alert alert,
      InternetAddress[] recipients,
      SMTPSendFailedException refusal)
      throws MessagingException {
    try {
      transport.sendMessage(bareMessage(session, alert), recipients);
    } catch (SendFailedException e) {
      throw hungUp(e) ? refusal : e;
    } catch (MessagingException | IllegalStateException e) {
      throw refusal; // it has hung up over the first one
    }
  }

  /** The server came to a stop when it had begun to take a message. */
  private static final class StuckException extends MessagingException {
    private static final long serialVersionUID = 1L;

    StuckException(MessagingException cause) {
      super(cause.getMessage(), cause);
    }
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
    return Session.getInstance(properties);
  }

  private Properties encryption() throws IOException, GeneralSecurityException {
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
    } else if (tls != Tls.NONE) {
      // Else implicit TLS would try again with what the runtime trusts.
      properties.setProperty("mail.smtp.socketFactory.fallback", "false");
      TrustedCertificates.of(authorities)
          .ifPresent(it -> properties.put("mail.smtp.ssl.socketFactory", it));
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
      String text = new String(SecureFiles.read(file), StandardCharsets.UTF_8);
      return text.lines().findFirst().orElse("");
    } catch (IOException e) {
      throw new DeliveryException(
          "cannot read the password file: "
              + escape(e.getMessage())
              + "; check SMTP_PASS_FILE and its permissions",
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

  private static FailureKind blame(Throwable e) {
    if (isRefusal(e)) {
      return FailureKind.REJECTED;
    }
    boolean begun = e instanceof SendFailedException || e instanceof StuckException;
    return begun ? FailureKind.STALLED : FailureKind.UNAVAILABLE;
  }

  /** Whether the server does work, but does not take this. */
  private static boolean isRefusal(Throwable e) {
    return e instanceof SendFailedException && !hungUp(e);
  }

  /** The recipients that the server has accepted although it refused others. */
  private static Set<String> served(Throwable e) {
    Address[] sent =
        e instanceof SendFailedException failed ? failed.getValidSentAddresses() : null;
    return sent == null
        ? Set.of()
        : Stream.of(sent)
            .map(address -> ((InternetAddress) address).getAddress())
            .collect(Collectors.toSet());
  }

  private static String advice(Throwable e) {
    if (e instanceof AuthenticationFailedException) {
      return "check SMTP_USER and the password in SMTP_PASS_FILE";
    }
    if (isRefusal(e)) {
      return "check the addresses in USER and FROM";
    }
    return "check SMTP_HOST, SMTP_PORT and SMTP_TLS, or set MAILER=\"sendmail\"";
  }

  private void sendBySendmail(Alert alert, List<InternetAddress> recipients)
      throws DeliveryException {
    try {
      MimeMessage message = message(session(alert.host()), alert);
      ByteArrayOutputStream bytes = new ByteArrayOutputStream();
      message.writeTo(bytes);
      String sender = address(config.from(), alert.host()).getAddress();
      List<String> arguments = new ArrayList<>(List.of("-i", "-f", sender, "--"));
      recipients.forEach(recipient -> arguments.add(recipient.getAddress()));
      // Programs of this host end lines as the host does; ISO 8859-1 keeps every byte.
      byte[] input =
          bytes
              .toString(StandardCharsets.ISO_8859_1)
              .replace("\r\n", "\n")
              .getBytes(StandardCharsets.ISO_8859_1);
      new ExternalCommand(sendmail, timeout).runSuccessfully(arguments, input, Map.of());
    } catch (IOException | MessagingException e) {
      throw new DeliveryException(
          "mail through "
              + sendmail
              + " failed: "
              + EscapedText.escape(e.getMessage())
              + "; install a mail transfer agent, or set MAILER=\"smtp\" and SMTP_HOST",
          e,
          e instanceof IOException io ? ExternalCommand.blame(io) : FailureKind.UNAVAILABLE,
          Set.of());
    }
  }

  /** Hands the dialogue on line by line, without the password. */
  private final class TraceStream extends ByteArrayOutputStream {
    private final String password;

    TraceStream(String password) {
      this.password = password;
    }

    @Override
    public synchronized void flush() {
      String text = toString(StandardCharsets.UTF_8);
      int end = text.lastIndexOf('\n') + 1;
      text.substring(0, end).lines().map(line -> without(password, line)).forEach(trace);
      reset();
      writeBytes(text.substring(end).getBytes(StandardCharsets.UTF_8));
    }
  }

  /** A failure without the password, for its stack trace: servers repeat what they were told. */
  private Throwable without(String password, Throwable e) {
    if (password == null || e == null) {
      return e;
    }
    Throwable copy =
        new Exception(without(password, e.toString()), without(password, e.getCause()));
    copy.setStackTrace(e.getStackTrace());
    return copy;
  }

  /** A text without the password, plain or as AUTH LOGIN and AUTH PLAIN send it (RFC 4616). */
  private String without(String password, String text) {
    if (password == null) {
      return text;
    }
    String user = config.smtpUser();
    byte[] bytes = password.getBytes(StandardCharsets.UTF_8);
    String reply = new String(bytes, StandardCharsets.ISO_8859_1); // as Angus Mail reads replies
    // Angus Mail names the user twice, which moves the letters of all that follows.
    return Stream.of(
            base64(user + "\0" + user + "\0" + password),
            base64("\0" + user + "\0" + password),
            base64(password),
            password,
            reply,
            oneLine(password),
            oneLine(reply))
        .filter(secret -> !secret.isEmpty())
        .reduce(text, (hidden, secret) -> hidden.replace(secret, "********"));
  }

  private static String base64(String text) {
    return Base64.getEncoder().encodeToString(text.getBytes(StandardCharsets.UTF_8));
  }
}
