package org.lsm.channel;

import jakarta.mail.MessagingException;
import jakarta.mail.Session;
import jakarta.mail.internet.InternetAddress;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.function.Consumer;
import org.lsm.alert.Alert;
import org.lsm.alert.Channel;
import org.lsm.alert.DeliveryException;
import org.lsm.config.Config;
import org.lsm.config.Config.Mailer;

/**
 * Mails alerts, over SMTP or through the sendmail program of the host.
 *
 * @param authorities PEM bundles of certificate authorities; the first readable one is used
 * @param timeout for the connection, for each reply of the server, and for sendmail to end
 * @param trace receives the lines of the SMTP dialogue, without the password; may be null
 */
public record MailChannel(
    Config config, Path sendmail, List<Path> authorities, Duration timeout, Consumer<String> trace)
    implements Channel {
  @Override
  public String name() {
    return "mail";
  }

  @Override
  public String send(Alert alert, Set<String> served) throws DeliveryException {
    MailMessage message = new MailMessage(alert, config);
    List<InternetAddress> recipients = new ArrayList<>(message.recipients());
    recipients.removeIf(it -> served.contains(it.getAddress()));
    if (recipients.isEmpty()) {
      return "";
    }
    return config.mailer() == Mailer.SENDMAIL
        ? runSendmail(message, recipients)
        : new SmtpClient(config, authorities, timeout, trace).send(message, recipients);
  }

  private String runSendmail(MailMessage message, List<InternetAddress> recipients)
      throws DeliveryException {
    List<String> args = new ArrayList<>(List.of("-i", "-f", message.sender().getAddress(), "--"));
    recipients.forEach(it -> args.add(it.getAddress()));
    try {
      ByteArrayOutputStream mail = new ByteArrayOutputStream();
      Properties properties = new Properties();
      properties.put("mail.from", message.sender().getAddress()); // or it asks the resolver
      message.whole(Session.getInstance(properties)).writeTo(mail);
      // sendmail expects the line ends of the host; ISO 8859-1 keeps every byte.
      String input = mail.toString(StandardCharsets.ISO_8859_1).replace("\r\n", "\n");
      new ExternalCommand(sendmail, timeout)
          .run(args, input.getBytes(StandardCharsets.ISO_8859_1), Map.of());
      return "";
    } catch (IOException e) {
      String advice = "install a mail transfer agent, or set MAILER=\"smtp\" and SMTP_HOST";
      throw ExternalCommand.deliveryFailure("mail through " + sendmail, e, advice, Set.of());
    } catch (MessagingException e) {
      throw new IllegalStateException("the alert cannot be made a mail", e);
    }
  }
}
