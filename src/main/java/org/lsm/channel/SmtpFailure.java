package org.lsm.channel;

import jakarta.mail.Address;
import jakarta.mail.AuthenticationFailedException;
import jakarta.mail.MessagingException;
import jakarta.mail.SendFailedException;
import jakarta.mail.internet.InternetAddress;
import java.io.IOException;
import java.net.ConnectException;
import java.net.SocketTimeoutException;
import java.net.UnknownHostException;
import java.security.GeneralSecurityException;
import java.util.Locale;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.TimeoutException;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.eclipse.angus.mail.smtp.SMTPAddressFailedException;
import org.eclipse.angus.mail.smtp.SMTPSendFailedException;
import org.lsm.alert.DeliveryException;
import org.lsm.alert.DeliveryException.FailureKind;
import org.lsm.report.EscapedText;

/**
 * Why an SMTP dialogue failed, from the exceptions of Angus Mail.
 *
 * @param complete whether the server has the whole message and has not answered it
 */
record SmtpFailure(Throwable error, boolean complete) {
  SmtpFailure(Throwable error) {
    this(error, false);
  }

  private Stream<Throwable> chain() {
    return Stream.iterate(error, Objects::nonNull, Throwable::getCause);
  }

  private Throwable root() {
    return chain().reduce(error, (effect, cause) -> cause);
  }

  /** The failure of the channel; {@code recipient} finds the configured recipient of an address. */
  DeliveryException toDeliveryException(
      String server, SmtpClient.Secret password, Function<String, Optional<String>> recipient) {
    String reason = password.redact(reason()).strip().replaceAll("\\s+", " ");
    String message =
        "mail to "
            + server
            + " failed: "
            + EscapedText.cut(reason, ExternalCommand.MAX_REASON)
            + "; ";
    Set<String> served =
        sentAddresses().flatMap(it -> recipient.apply(it).stream()).collect(Collectors.toSet());
    return new DeliveryException(message + advice(), password.redact(error), kind(), served);
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
    }
    return (isStarttls() ? "STARTTLS failed: " : "") + explain(root);
  }

  /** An exception in plain words. */
  static String explain(Throwable e) {
    if (e instanceof UnknownHostException) {
      return "the host name is unknown";
    }
    if (e instanceof GeneralSecurityException) {
      return "the certificate of the server is not trusted: " + e.getMessage();
    }
    if (e instanceof ConnectException) {
      return String.valueOf(e.getMessage()).toLowerCase(Locale.ROOT);
    }
    if (e instanceof SocketTimeoutException) {
      return "the server does not answer";
    }
    boolean wordy = e instanceof MessagingException || e instanceof IOException;
    return (wordy ? "" : e.getClass().getSimpleName() + ": ") + e.getMessage();
  }

  private boolean isStarttls() {
    return error instanceof SmtpClient.StarttlsException;
  }

  private String advice() {
    if (error instanceof TimeoutException) {
      return "check the mail server";
    }
    if (error instanceof AuthenticationFailedException) {
      return "check SMTP_USER and the password in SMTP_PASS_FILE";
    }
    if (isStarttls()) {
      return "repair it on the server, or set SMTP_TLS=\"none\" to send in clear text";
    }
    if (isTemporary()) {
      return "the next run tries again";
    }
    return isRejection()
        ? "check the addresses in USER and FROM"
        : "check SMTP_HOST, SMTP_PORT and SMTP_TLS, or set MAILER=\"sendmail\"";
  }

  /** Whether the server asks to try later, for each recipient that it rejects (RFC 5321, 4.2.1). */
  private boolean isTemporary() {
    return isRejection()
        && chain().mapToInt(SmtpFailure::replyCode).anyMatch(it -> it >= 400)
        && chain().mapToInt(SmtpFailure::replyCode).allMatch(it -> it < 500);
  }

  private static int replyCode(Throwable e) {
    int code = e instanceof SMTPSendFailedException it ? it.getReturnCode() : 0;
    return e instanceof SMTPAddressFailedException it ? it.getReturnCode() : code;
  }

  private FailureKind kind() {
    if (complete) {
      return FailureKind.UNANSWERED;
    }
    if (isRejection()) {
      return FailureKind.REJECTED;
    }
    boolean stalled = error instanceof SendFailedException || error instanceof TimeoutException;
    return stalled ? FailureKind.STALLED : FailureKind.UNAVAILABLE;
  }

  /** The addresses that the server accepted although it rejected others. */
  private Stream<String> sentAddresses() {
    Address[] sent = error instanceof SendFailedException it ? it.getValidSentAddresses() : null;
    return Stream.ofNullable(sent)
        .flatMap(Stream::of)
        .map(it -> ((InternetAddress) it).getAddress());
  }
}
