package org.lsm.channel;

import jakarta.mail.Address;
import jakarta.mail.AuthenticationFailedException;
import jakarta.mail.MessagingException;
import jakarta.mail.SendFailedException;
import jakarta.mail.internet.InternetAddress;
import java.security.GeneralSecurityException;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.TimeoutException;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.eclipse.angus.mail.smtp.SMTPAddressFailedException;
import org.eclipse.angus.mail.smtp.SMTPSendFailedException;
import org.lsm.alert.DeliveryException;
import org.lsm.alert.DeliveryException.FailureKind;

/** Why an SMTP dialogue failed, from the exceptions of Angus Mail. */
final class SmtpFailure {

  private final Throwable error;
  private final List<Throwable> chain;
  private final Throwable root;

  SmtpFailure(Throwable error) {
    this.error = error;
    this.chain = Stream.iterate(error, Objects::nonNull, Throwable::getCause).toList();
    this.root = chain.get(chain.size() - 1);
  }

  DeliveryException toDeliveryException(String server, Secret password) {
    String oneLine = password.redact(reason()).strip().replaceAll("\\s+", " ");
    String reason = ExternalCommand.shorten(oneLine);
    return new DeliveryException(
        "mail to " + server + " failed: " + reason + "; " + advice(),
        password.redact(error),
        kind(),
        served());
  }

  /** Whether the server closed the connection: Angus Mail reports a reply without a code. */
  boolean hungUp() {
    return chain.stream()
        .anyMatch(
            it ->
                (it instanceof SMTPSendFailedException failed && failed.getReturnCode() < 0)
                    || String.valueOf(it.getMessage()).strip().endsWith("[EOF]"));
  }

  private boolean isRejection() {
    return error instanceof SendFailedException && root instanceof MessagingException && !hungUp();
  }

  /** The words of the server, or those of the innermost exception. */
  private String reason() {
    if (error instanceof TimeoutException) {
      return "it took too long";
    }
    if (hungUp()) {
      return "the server closed the connection";
    }
    String recipients =
        chain.stream()
            .flatMap(it -> it instanceof SMTPAddressFailedException at ? Stream.of(at) : null)
            .map(it -> "for " + it.getAddress() + ": " + it.getMessage().strip())
            .collect(Collectors.joining(", "));
    if (isRejection()) {
      return "rejected " + (recipients.isEmpty() ? root.getMessage() : recipients);
    }
    if (root instanceof GeneralSecurityException) {
      return "the certificate of the server is not trusted: " + root.getMessage();
    }
    return (root instanceof MessagingException ? "" : root.getClass().getSimpleName() + ": ")
        + root.getMessage();
  }

  private String advice() {
    if (error instanceof TimeoutException) {
      return "check the mail server";
    }
    if (error instanceof AuthenticationFailedException) {
      return "check SMTP_USER and the password in SMTP_PASS_FILE";
    }
    return isRejection()
        ? "check the addresses in USER and FROM"
        : "check SMTP_HOST, SMTP_PORT and SMTP_TLS, or set MAILER=\"sendmail\"";
  }

  private FailureKind kind() {
    if (isRejection()) {
      return FailureKind.REJECTED;
    }
    return error instanceof SendFailedException || error instanceof TimeoutException
        ? FailureKind.STALLED
        : FailureKind.UNAVAILABLE;
  }

  /** The recipients that the server accepted although it rejected others. */
  private Set<String> served() {
    Address[] sent =
        error instanceof SendFailedException failed ? failed.getValidSentAddresses() : null;
    return Stream.of(Optional.ofNullable(sent).orElse(new Address[0]))
        .map(address -> ((InternetAddress) address).getAddress())
        .collect(Collectors.toSet());
  }
}
