package org.lsm.channel;

import jakarta.mail.Address;
import jakarta.mail.AuthenticationFailedException;
import jakarta.mail.MessagingException;
import jakarta.mail.SendFailedException;
import java.security.GeneralSecurityException;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.TimeoutException;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.eclipse.angus.mail.smtp.SMTPAddressFailedException;
import org.eclipse.angus.mail.smtp.SMTPSendFailedException;
import org.lsm.alert.DeliveryException;
import org.lsm.alert.DeliveryException.FailureKind;

/** Why an SMTP dialogue failed, from the exceptions of Angus Mail. */
record SmtpFailure(Throwable error) {
  private Stream<Throwable> chain() {
    return Stream.iterate(error, Objects::nonNull, Throwable::getCause);
  }

  private Throwable root() {
    return chain().reduce(error, (effect, cause) -> cause);
  }

  DeliveryException toDeliveryException(String server, SmtpClient.Secret password) {
    String reason = password.redact(reason()).strip().replaceAll("\\s+", " ");
    String message = "mail to " + server + " failed: " + ExternalCommand.shorten(reason) + "; ";
    return new DeliveryException(message + advice(), password.redact(error), kind(), served());
  }

  /** Whether the server closed the connection: Angus Mail reports a reply without a code. */
  boolean hungUp() {
    return chain().anyMatch(it -> it instanceof SMTPSendFailedException e && e.getReturnCode() < 0)
        || chain().anyMatch(it -> String.valueOf(it.getMessage()).strip().endsWith("[EOF]"));
  }

  private boolean isRejection() {
    boolean answered = error instanceof SendFailedException && root() instanceof MessagingException;
    return answered && !hungUp();
  }

  /** The words of the server, or those of the innermost exception. */
  private String reason() {
    Throwable root = root();
    if (error instanceof TimeoutException) {
      return "it took too long";
    } else if (hungUp()) {
      return "the server closed the connection";
    } else if (isRejection()) {
      String recipients =
          chain()
              .flatMap(it -> it instanceof SMTPAddressFailedException at ? Stream.of(at) : null)
              .map(it -> "for " + it.getAddress() + ": " + it.getMessage().strip())
              .collect(Collectors.joining(", "));
      return "rejected " + (recipients.isEmpty() ? root.getMessage() : recipients);
    } else if (root instanceof GeneralSecurityException) {
      return "the certificate of the server is not trusted: " + root.getMessage();
    }
    String kind = root instanceof MessagingException ? "" : root.getClass().getSimpleName() + ": ";
    return kind + root.getMessage();
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
    boolean stalled = error instanceof SendFailedException || error instanceof TimeoutException;
    return stalled ? FailureKind.STALLED : FailureKind.UNAVAILABLE;
  }

  /** The recipients that the server accepted although it rejected others. */
  private Set<String> served() {
    Address[] sent = error instanceof SendFailedException it ? it.getValidSentAddresses() : null;
    return sent == null
        ? Set.of()
        : Stream.of(sent).map(Address::toString).collect(Collectors.toSet());
  }
}
