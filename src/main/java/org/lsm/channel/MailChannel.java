package org.lsm.channel;

import jakarta.mail.MessagingException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import org.lsm.alert.Alert;
import org.lsm.alert.Channel;
import org.lsm.alert.DeliveryException;
import org.lsm.config.Config;
import org.lsm.config.Config.Mailer;

/**
 * Mails alerts, over SMTP or through the sendmail program of the host.
 *
 * @param trace receives the lines of the SMTP dialogue, without the password; may be null
 */
public record MailChannel(Config config, MailSystem system, Consumer<String> trace)
    implements Channel {
  @Override
  public String name() {
    return "mail";
  }

  @Override
  public String destination() {
    String program = system.sendmail().toString();
    boolean either = config.mailer() == Mailer.AUTO && config.mailsLocally();
    String server =
        config.smtpServer() + (either ? " or, if nobody listens there, " + program : "");
    return "to "
        + String.join(", ", config.recipients())
        + " through "
        + (config.mailer() == Mailer.SENDMAIL ? program : server);
  }

  @Override
  public String send(Alert alert, Set<String> served) throws DeliveryException {
    List<String> recipients = new ArrayList<>(config.recipients());
    recipients.removeIf(served::contains);
    if (recipients.isEmpty()) {
      return "";
    }
    if (config.mailer() == Mailer.SENDMAIL) {
      return runSendmail(alert, recipients);
    }
    SmtpClient client = new SmtpClient(config, system, trace);
    Socket socket;
    try {
      socket = client.connect();
    } catch (IOException e) {
      if (config.mailer() == Mailer.AUTO && config.mailsLocally()) {
        return runSendmail(alert, recipients);
      }
      throw client.failure(e);
    }
    MailMessage message = message(alert, "@localhost"); // a bare name is no address in SMTP
    String reply = client.send(socket, message, recipients);
    return receipt(message, recipients, config.smtpServer()) + "; reply: " + reply;
  }

  private MailMessage message(Alert alert, String suffix) {
    return new MailMessage(alert, config, suffix, system.fullyQualified(alert.host()), true);
  }

  private static String receipt(MailMessage message, List<String> recipients, String server) {
    return message.addresses(recipients).stream()
        .map(it -> it.getAddress())
        .collect(Collectors.joining(", ", "to ", " through " + server));
  }

  private String runSendmail(Alert alert, List<String> recipients) throws DeliveryException {
    MailMessage message = message(alert, ""); // the program qualifies names as the host wants it
    List<String> args = new ArrayList<>(List.of("-i"));
    if (!config.from().isEmpty()) { // or the program knows better who sends
      args.addAll(List.of("-f", message.sender().getAddress()));
    }
    args.add("--");
    message.addresses(recipients).forEach(it -> args.add(it.getAddress()));
    try {
      ByteArrayOutputStream mail = new ByteArrayOutputStream();
      message.whole().writeTo(mail);
      // sendmail expects the line ends of the host; ISO 8859-1 keeps every byte.
      String input = mail.toString(StandardCharsets.ISO_8859_1).replace("\r\n", "\n");
      new ExternalCommand(system.sendmail(), system.timeout())
          .run(args, input.getBytes(StandardCharsets.ISO_8859_1), Map.of());
      return receipt(message, recipients, system.sendmail().toString());
    } catch (IOException e) {
      boolean noServer = config.mailer() == Mailer.AUTO && !Files.exists(system.sendmail());
      throw ExternalCommand.deliveryFailure(
          noServer
              ? "mail through " + config.smtpServer() + ", where nobody listens,"
              : "mail through " + system.sendmail(),
          e,
          "install a mail transfer agent, or set MAILER=\"smtp\" and SMTP_HOST",
          Set.of());
    } catch (MessagingException e) {
      throw new IllegalStateException("the alert cannot be made a mail", e);
    }
  }
}
