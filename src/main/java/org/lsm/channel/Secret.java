package org.lsm.channel;

import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.stream.Stream;

/**
 * What lsm logs in with at a mail server. Servers repeat what they do not understand, so that the
 * password may come back in a reply.
 *
 * @param user null for no login
 * @param value the password, null for no login
 */
record Secret(String user, String value) {

  static final Secret NONE = new Secret(null, null);

  /** Hides the password, also as AUTH LOGIN and AUTH PLAIN (RFC 4616) send it. */
  String redact(String text) {
    if (value == null || value.isEmpty() || text == null) {
      return text;
    }
    // Angus Mail sends the user name as the authorization identity as well.
    return Stream.of(base64(user + "\0" + user + "\0" + value), base64(value), value)
        .reduce(text, (redacted, form) -> redacted.replace(form, "********"));
  }

  /** A copy of a failure and its causes for a stack trace. */
  Throwable redact(Throwable e) {
    if (value == null || e == null) {
      return e;
    }
    Throwable copy = new Exception(redact(e.toString()), redact(e.getCause()));
    copy.setStackTrace(e.getStackTrace());
    return copy;
  }

  private static String base64(String text) {
    return Base64.getEncoder().encodeToString(text.getBytes(StandardCharsets.UTF_8));
  }

  @Override
  public String toString() {
    return "Secret[" + user + "]";
  }
}
