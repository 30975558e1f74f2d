package org.lsm.report;

import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.lsm.model.Endpoint;
import org.lsm.model.TextEscaper;

/** A text that is escaped, hence safe to print. */
public record EscapedText(String text) {
  /** Characters of an escaped part. A socket's name always fits, even if all of it is escaped. */
  private static final int MAX_PART = 500;

  private static final Pattern SPECIAL = Pattern.compile("[*?!']");

  /** Escapes each part, and cuts it where it is very long; parts that are escaped stay as is. */
  static EscapedText of(Object... parts) {
    StringBuilder text = new StringBuilder();
    for (Object it : parts) {
      text.append(it instanceof EscapedText ? it : escape(it.toString()));
    }
    return new EscapedText(text.toString());
  }

  /** {@code subject (remark)}, or the subject alone. */
  static EscapedText withRemark(Object subject, String remark) {
    // Two spaces in one part would be escaped.
    return remark.isEmpty() ? of(subject) : of(subject, " ", " (", remark, ")");
  }

  /** Escapes a text that another user may have chosen; a very long one is cut. */
  public static String escape(String text) {
    return cut(TextEscaper.escape(text), MAX_PART);
  }

  /** The name of a socket without a space, which could imitate the words that follow it. */
  static String word(Endpoint endpoint) {
    return escape(endpoint.toString()).replace(" ", "\\x20");
  }

  /** The name of a socket as a pattern for it alone: its own stars match no other name. */
  public static String pattern(Endpoint endpoint) {
    Matcher special = SPECIAL.matcher(escape(endpoint.toString()));
    return special.replaceAll(it -> "\\\\x" + Integer.toHexString(it.group().charAt(0)));
  }

  /** The first characters of a text, followed by an ellipsis if it is longer. */
  public static String cut(String text, int max) {
    if (text.length() <= max) {
      return text;
    }
    // Not between the two halves of a surrogate pair.
    int end = Character.isHighSurrogate(text.charAt(max - 1)) ? max - 1 : max;
    return text.substring(0, end) + "…";
  }

  @Override
  public String toString() {
    return text;
  }
}
