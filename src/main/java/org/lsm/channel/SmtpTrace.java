package org.lsm.channel;

import java.io.ByteArrayOutputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.function.Consumer;
import java.util.regex.Pattern;

/**
 * Passes on the lines of an SMTP dialogue, out of what Angus Mail prints: marked with C for the
 * client and S for the server as in RFC 5321, without the message and without debug output.
 */
final class SmtpTrace extends OutputStream {
  private static final Pattern REPLY = Pattern.compile("\\d{3}([ -].*)?");
  private static final Pattern COMMAND =
      Pattern.compile("(EHLO|HELO|STARTTLS|MAIL|RCPT|DATA|RSET|QUIT)\\b.*");
  private static final String LOGIN = "DEBUG SMTP: AUTH "; // which Angus Mail sends unprinted

  private final Consumer<String> sink;
  private final ByteArrayOutputStream line = new ByteArrayOutputStream();
  private boolean inMessage;

  SmtpTrace(Consumer<String> sink) {
    this.sink = sink;
  }

  @Override
  public void write(int b) {
    if (b != '\n') {
      line.write(b);
      return;
    }
    String text = line.toString(StandardCharsets.UTF_8).stripTrailing();
    line.reset();
    if (inMessage) {
      inMessage = !text.equals(".");
    } else if (REPLY.matcher(text).matches()) {
      sink.accept("S: " + text);
      inMessage = text.startsWith("354");
    } else if (COMMAND.matcher(text).matches()) {
      sink.accept("C: " + text);
    } else if (text.startsWith(LOGIN)) {
      sink.accept("C: AUTH " + text.substring(LOGIN.length()));
    }
  }
}
