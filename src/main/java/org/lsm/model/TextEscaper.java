package org.lsm.model;

import static java.util.regex.Matcher.quoteReplacement;

import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;

/**
 * Escapes text that any user of the host may have chosen: socket names, paths, command lines.
 *
 * <p>Inside lsm, such text is a String without losses: a byte that is not UTF-8 becomes a lone
 * surrogate, U+DC80 to U+DCFF (PEP 383). Where it leaves lsm, it is escaped: without control,
 * invisible and reordering characters, and in a form that {@link #unescape} can read.
 */
public final class TextEscaper {
  private static final int LONE_BYTE = 0xDC00;

  /** Compiled where text needs it: most runs meet none. */
  private static final class Patterns {
    // Backslashes, several spaces (they look like the gap between two columns), and all that is not
    // visible, with Default_Ignorable_Code_Point and the blank of braille.
    private static final Pattern HIDDEN =
        Pattern.compile(
            "\\\\| {2,}|[\\p{C}\\p{Z}&&[^ ]]|[\\u034F\\u115F\\u1160\\u17B4\\u17B5\\u180B-\\u180D\\u180F"
                + "\\u2800\\u3164\\uFFA0\\uFE00-\\uFE0F\\x{E0100}-\\x{E01EF}]");
    private static final Pattern ESCAPE =
        Pattern.compile("\\\\(?:(\\\\)|x([0-9a-f]{2})|u\\{([0-9a-f]{1,6})\\})?");
  }

  private TextEscaper() {}

  /** Decodes bytes; different inputs give different Strings. */
  public static String decode(byte[] bytes) {
    CharsetDecoder utf8 = StandardCharsets.UTF_8.newDecoder();
    ByteBuffer in = ByteBuffer.wrap(bytes);
    CharBuffer out = CharBuffer.allocate(bytes.length);
    while (utf8.decode(in, out, true).isError()) {
      out.put((char) (LONE_BYTE | (in.get() & 0xFF)));
    }
    return out.flip().toString();
  }

  /**
   * Escapes text for a terminal, a mail or a line of a file: {@code \\} stands for a backslash,
   * {@code \xNN} for control characters and bytes that are not UTF-8, <code>&#92;u{N}</code> for
   * everything else that is not visible.
   */
  public static String escape(String text) {
    return isPlain(text)
        ? text
        : Patterns.HIDDEN.matcher(text).replaceAll(it -> quoteReplacement(escape(it)));
  }

  private static boolean isPlain(String text) {
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c <= ' ' || c >= 0x7F || c == '\\') {
        return false;
      }
    }
    return true;
  }

  /** The stack trace of an exception and its causes; their messages may quote hostile text. */
  public static String stackTrace(Throwable e) {
    StringBuilder trace = new StringBuilder();
    for (Throwable cause = e; cause != null; cause = cause.getCause()) {
      trace.append(cause == e ? "" : "\nCaused by: ").append(escape(cause.toString()));
      for (StackTraceElement frame : cause.getStackTrace()) {
        trace.append("\n at ").append(frame);
      }
    }
    return trace.toString();
  }

  private static String escape(MatchResult hidden) {
    int codePoint = hidden.group().codePointAt(0);
    if (codePoint == '\\') {
      return "\\\\";
    }
    boolean loneByte = codePoint >= LONE_BYTE + 0x80 && codePoint <= LONE_BYTE + 0xFF;
    return loneByte || codePoint <= ' ' || codePoint == 0x7F
        ? ("\\x" + HexFormat.of().toHexDigits((byte) codePoint)).repeat(hidden.group().length())
        : "\\u{" + Integer.toHexString(codePoint) + "}";
  }

  /** Reverses {@link #escape}; a backslash that escapes nothing is an IllegalArgumentException. */
  public static String unescape(String text) {
    return text.indexOf('\\') < 0
        ? text
        : Patterns.ESCAPE.matcher(text).replaceAll(it -> quoteReplacement(unescape(it)));
  }

  private static String unescape(MatchResult escape) {
    if (escape.group(1) != null) {
      return "\\";
    }
    if (escape.group(2) != null) {
      int value = Integer.parseInt(escape.group(2), 16);
      return String.valueOf((char) (value < 0x80 ? value : LONE_BYTE | value));
    }
    if (escape.group(3) != null) {
      return Character.toString(Integer.parseInt(escape.group(3), 16));
    }
    throw new IllegalArgumentException("a backslash that escapes nothing");
  }
}
