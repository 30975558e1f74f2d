package org.lsm.channel;

import jakarta.mail.Message;
import jakarta.mail.MessagingException;
import jakarta.mail.Session;
import jakarta.mail.internet.InternetAddress;
import jakarta.mail.internet.MimeBodyPart;
import jakarta.mail.internet.MimeMessage;
import jakarta.mail.internet.MimeMultipart;
import java.io.UnsupportedEncodingException;
import java.net.IDN;
import java.nio.charset.StandardCharsets;
import java.util.Date;
import java.util.List;
import java.util.Optional;
import java.util.Properties;
import java.util.regex.Pattern;
import org.lsm.alert.Alert;
import org.lsm.config.Config;

/**
 * An alert as a mail: its addresses and its MIME message.
 *
 * @param suffix what makes the name of a local user an address for the server, or ""
 * @param domain the fully qualified name of this host
 * @param utf8 whether the server takes addresses outside ASCII (RFC 6531); if not, the message
 *     names only the others
 */
record MailMessage(
    Alert alert, Config config, String suffix, Optional<String> domain, boolean utf8) {
  private static final Pattern DOMAIN = Pattern.compile("[A-Za-z0-9._-]+");

  MailMessage withUtf8(boolean supported) {
    return new MailMessage(alert, config, suffix, domain, supported);
  }

  /** The envelope sender. */
  InternetAddress sender() {
    String from = "root" + domain.map(it -> "@" + it).orElse(suffix);
    return address(config.from().isEmpty() ? from : config.from());
  }

  List<InternetAddress> addresses(List<String> recipients) {
    return recipients.stream().map(this::address).toList();
  }

  /** The recipient of the configuration that has this address here. */
  Optional<String> recipient(String address) {
    return config.recipients().stream()
        .filter(it -> address(it).getAddress().equals(address))
        .findFirst();
  }

  private InternetAddress address(String address) {
    int at = address.indexOf('@') + 1;
    // Not parsed: Config has validated it, and InternetAddress rejects real host names (web_1).
    InternetAddress result = new InternetAddress();
    result.setAddress(
        at == 0 ? address + suffix : address.substring(0, at) + IDN.toASCII(address.substring(at)));
    return result;
  }

  /** Whether the sender and all recipients have ASCII addresses. */
  boolean isAscii() {
    return isAscii(sender()) && addresses(config.recipients()).stream().allMatch(it -> isAscii(it));
  }

  static boolean isAscii(InternetAddress address) {
    return StandardCharsets.US_ASCII.newEncoder().canEncode(address.getAddress());
  }

  /** The whole alert, as text and as HTML. */
  MimeMessage whole() throws MessagingException {
    MimeBodyPart text = part(alert.text(), "plain");
    var content = new MimeMultipart("alternative", text, part(alert.html(), "html"));
    return message(alert.subject(), content);
  }

  /** Only the numbers of the alert, without any text that another user of the host can choose. */
  MimeMessage summary() throws MessagingException {
    String reason = "The mail server rejected the whole alert.";
    String advice = "Run 'lsm compare' and 'lsm history' on the host to see it.";
    String text = alert.plainSummary() + "\n\n" + reason + " " + advice + "\n";
    return message(alert.plainSubject(), text);
  }

  /** A message with these parts or this text. */
  private MimeMessage message(String subject, Object content) throws MessagingException {
    List<InternetAddress> to = addresses(config.recipients());
    Properties properties = new Properties();
    properties.put("mail.mime.allowutf8", utf8 && !isAscii());
    properties.put("mail.from", sender().getAddress()); // or it asks the resolver
    MimeMessage message = new MimeMessage(Session.getInstance(properties));
    message.setFrom(from());
    message.setRecipients(
        Message.RecipientType.TO,
        to.stream().filter(it -> utf8 || isAscii(it)).toArray(InternetAddress[]::new));
    // Mail readers decode "=?" (RFC 2047) even where the sender did not encode anything.
    message.setSubject(subject.replace("=?", "=\\x3f"), "UTF-8");
    message.setSentDate(Date.from(alert.time()));
    message.setHeader("Auto-Submitted", "auto-generated"); // no vacation replies (RFC 3834)
    message.setContent(content, "text/plain; charset=UTF-8");
    message.saveChanges();
    message.setHeader("Message-ID", "<" + alert.id() + "@" + idDomain() + ">");
    return message;
  }

  /** The sender for people. */
  private InternetAddress from() throws MessagingException {
    InternetAddress from = sender();
    try {
      if (config.from().isEmpty() && DOMAIN.matcher(alert.host()).matches()) {
        from.setPersonal("lsm on " + alert.host(), "UTF-8");
      }
      return from;
    } catch (UnsupportedEncodingException e) {
      throw new MessagingException("there is no UTF-8", e);
    }
  }

  /** The same at each attempt, so that mail readers recognize duplicates (RFC 5322, 3.6.4). */
  private String idDomain() {
    int at = config.from().indexOf('@');
    if (at >= 0) {
      return IDN.toASCII(config.from().substring(at + 1));
    }
    return DOMAIN.matcher(alert.host()).matches() ? alert.host() : "localhost";
  }

  private static MimeBodyPart part(List<String> lines, String subtype) throws MessagingException {
    MimeBodyPart part = new MimeBodyPart();
    part.setText(String.join("\n", lines) + "\n", "UTF-8", subtype);
    return part;
  }
}
