package org.lsm.channel;

import jakarta.mail.Message;
import jakarta.mail.MessagingException;
import jakarta.mail.Session;
import jakarta.mail.internet.InternetAddress;
import jakarta.mail.internet.MimeBodyPart;
import jakarta.mail.internet.MimeMessage;
import jakarta.mail.internet.MimeMultipart;
import java.util.Date;
import java.util.List;
import java.util.regex.Pattern;
import org.lsm.alert.Alert;
import org.lsm.config.Config;

/** An alert as a mail: its addresses and its MIME message. */
record MailMessage(Alert alert, Config config) {
  private static final Pattern DOMAIN = Pattern.compile("[A-Za-z0-9._-]+");

  InternetAddress sender() {
    return address(config.from());
  }

  List<InternetAddress> recipients() {
    return config.recipients().stream().map(this::address).toList();
  }

  /** The host name, or localhost if the name is not valid in an address or an SMTP command. */
  String domain() {
    return DOMAIN.matcher(alert.host()).matches() ? alert.host() : "localhost";
  }

  /** The whole alert, as text and as HTML. */
  MimeMessage whole(Session session) throws MessagingException {
    MimeBodyPart text = part(alert.text(), "plain");
    var content = new MimeMultipart("alternative", text, part(alert.html(), "html"));
    return message(session, alert.subject(), content);
  }

  /** Only the numbers of the alert, without any text that another user of the host can choose. */
  MimeMessage summary(Session session) throws MessagingException {
    String reason = "The mail server rejected the whole alert.";
    String advice = "Run 'lsm compare' and 'lsm history' on the host to see it.";
    String text = alert.plainSummary() + "\n\n" + reason + " " + advice + "\n";
    return message(session, alert.plainSubject(), text);
  }

  /** A message with these parts or this text. */
  private MimeMessage message(Session session, String subject, Object content)
      throws MessagingException {
    MimeMessage message = new MimeMessage(session);
    message.setFrom(sender());
    message.setRecipients(Message.RecipientType.TO, recipients().toArray(InternetAddress[]::new));
    // Mail readers decode "=?" (RFC 2047) even where the sender did not encode anything.
    message.setSubject(subject.replace("=?", "=\\x3f"), "UTF-8");
    message.setSentDate(Date.from(alert.time()));
    message.setHeader("Auto-Submitted", "auto-generated"); // no vacation replies (RFC 3834)
    message.setContent(content, "text/plain; charset=UTF-8");
    message.saveChanges();
    // The same Message-ID at each attempt: mail readers recognize duplicates (RFC 5322, 3.6.4).
    String domain = sender().getAddress().replaceFirst("^.*@", "@");
    message.setHeader("Message-ID", "<" + alert.id() + domain + ">");
    return message;
  }

  private static MimeBodyPart part(List<String> lines, String subtype) throws MessagingException {
    MimeBodyPart part = new MimeBodyPart();
    part.setText(String.join("\n", lines) + "\n", "UTF-8", subtype);
    return part;
  }

  private InternetAddress address(String address) {
    // Not parsed: Config has validated it, and InternetAddress rejects real host names (web_1).
    InternetAddress result = new InternetAddress();
    result.setAddress(address.indexOf('@') < 0 ? address + "@" + domain() : address);
    return result;
  }
}
