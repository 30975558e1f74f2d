package org.lsm.channel;

import jakarta.mail.Message;
import jakarta.mail.MessagingException;
import jakarta.mail.Session;
import jakarta.mail.internet.InternetAddress;
import jakarta.mail.internet.MimeBodyPart;
import jakarta.mail.internet.MimeMessage;
import jakarta.mail.internet.MimeMultipart;
import java.nio.charset.StandardCharsets;
import java.util.Date;
import java.util.List;
import java.util.regex.Pattern;
import org.lsm.alert.Alert;
import org.lsm.config.Config;

/** An alert as a mail: its addresses and its MIME message. */
record MailMessage(Alert alert, Config config) {

  private static final Pattern DOMAIN = Pattern.compile("[A-Za-z0-9._-]+");
  private static final String UTF_8 = StandardCharsets.UTF_8.name();

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
    MimeMessage message = headers(session);
    message.setContent(
        new MimeMultipart("alternative", part(alert.text(), "plain"), part(alert.html(), "html")));
    message.saveChanges();
    return message;
  }

  /** Only the numbers of the alert, without any text that another user of the host can choose. */
  MimeMessage summary(Session session) throws MessagingException {
    MimeMessage message = headers(session);
    message.setText(
        alert.summary()
            + "\n\nThe mail server rejected the whole alert. Run 'lsm compare' and 'lsm history'"
            + " on the host to see it.\n",
        UTF_8);
    message.saveChanges();
    return message;
  }

  private MimeMessage headers(Session session) throws MessagingException {
    // The same Message-ID at each attempt: mail readers recognize duplicates (RFC 5322, 3.6.4).
    String id = "<" + alert.id() + sender().getAddress().replaceFirst("^.*@", "@") + ">";
    MimeMessage message =
        new MimeMessage(session) {
          @Override
          protected void updateMessageID() throws MessagingException {
            setHeader("Message-ID", id);
          }
        };
    message.setFrom(sender());
    message.setRecipients(Message.RecipientType.TO, recipients().toArray(InternetAddress[]::new));
    // Mail readers decode "=?" (RFC 2047) even where the sender did not encode anything.
    message.setSubject(alert.subject().replace("=?", "=\\x3f"), UTF_8);
    message.setSentDate(Date.from(alert.time()));
    message.setHeader("Auto-Submitted", "auto-generated"); // no vacation replies (RFC 3834)
    return message;
  }

  private static MimeBodyPart part(List<String> lines, String subtype) throws MessagingException {
    MimeBodyPart part = new MimeBodyPart();
    part.setText(String.join("\n", lines) + "\n", UTF_8, subtype);
    return part;
  }

  private InternetAddress address(String address) {
    // Not parsed: Config has validated it, and InternetAddress rejects real host names (web_1).
    InternetAddress result = new InternetAddress();
    result.setAddress(address.indexOf('@') < 0 ? address + "@" + domain() : address);
    return result;
  }
}
