package org.lsm.model;

import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CoderResult;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
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

  /** Default_Ignorable_Code_Point without variation selectors, and the blank of braille. */
  private static final String BLANKS =
      "\u034F\u115F\u1160\u17B4\u17B5\u180B\u180C\u180D\u180F\u2800\u3164\uFFA0";

  private static final Pattern SPACES = Pattern.compile(" {2,}");
  private static final Pattern ESCAPE =
      Pattern.compile("\\\\(?:\\\\|x([0-9a-f]{2})|u\\{([0-9a-f]{1,6})\\})|\\\\");

  private TextEscaper() {}

  /** Decodes bytes; different inputs give different Strings. */
  public static String decode(byte[] bytes) {
    CharsetDecoder utf8 = StandardCharsets.UTF_8.newDecoder();
    ByteBuffer in = ByteBuffer.wrap(bytes);
    CharBuffer out = CharBuffer.allocate(bytes.length);
    for (CoderResult result = utf8.decode(in, out, true);
        result.isError();
        result = utf8.decode(in, out, true)) {
      for (int i = 0; i < result.length(); i++) {
        out.put((char) (LONE_BYTE | (in.get() & 0xFF)));
      }
    }
    return out.flip().toString();
  }

  /**
   * Escapes text for a terminal, a mail or a line of a file: {@code \\} stands for a backslash,
   * {@code \xNN} for control characters and bytes that are not UTF-8, <code>&#92;u{N}</code> for
   * everything else that is not visible.
   */
  public static String escape(String text) {
    if (isPlain(text)) {
      return text;
    }
    StringBuilder out = new StringBuilder(text.length());
    text.codePoints().forEach(codePoint -> escape(codePoint, out));
    // Several spaces look like the gap between two columns.
    return SPACES
        .matcher(out)
        .replaceAll(spaces -> Matcher.quoteReplacement("\\x20".repeat(spaces.group().length())));
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

  private static void escape(int codePoint, StringBuilder out) {
    boolean loneByte = codePoint >= LONE_BYTE + 0x80 && codePoint <= LONE_BYTE + 0xFF;
    if (codePoint == '\\') {
      out.append("\\\\");
    } else if (loneByte || codePoint < ' ' || codePoint == 0x7F) {
      out.append("\\x").append(HexFormat.of().toHexDigits((byte) codePoint));
    } else if (isVisible(codePoint)) {
      out.appendCodePoint(codePoint);
    } else {
      out.append("\\u{").append(Integer.toHexString(codePoint)).append('}');
    }
  }

  private static boolean isVisible(int codePoint) {
    return switch (Character.getType(codePoint)) {
      case Character.CONTROL,
          Character.FORMAT,
          Character.SURROGATE,
          Character.PRIVATE_USE,
          Character.UNASSIGNED,
          Character.LINE_SEPARATOR,
          Character.PARAGRAPH_SEPARATOR ->
          false;
      case Character.SPACE_SEPARATOR -> codePoint == ' ';
      default -> !isBlank(codePoint);
    };
  }

  private static boolean isBlank(int codePoint) {
    return BLANKS.indexOf(codePoint) >= 0
        || (codePoint >= 0xFE00 && codePoint <= 0xFE0F)
        || (codePoint >= 0xE0100 && codePoint <= 0xE01EF);
  }

  /**
   * Reverses {@link #escape}.
   *
   * @throws IllegalArgumentException if a backslash does not start an escape
   */
  public static String unescape(String text) {
    return text.indexOf('\\') < 0
        ? text
        : ESCAPE.matcher(text).replaceAll(escape -> Matcher.quoteReplacement(unescape(escape)));
  }

  private static String unescape(MatchResult escape) {
    if (escape.group().equals("\\\\")) {
      return "\\";
    }
    if (escape.group(1) != null) {
      int value = Integer.parseInt(escape.group(1), 16);
      return String.valueOf((char) (value < 0x80 ? value : LONE_BYTE | value));
    }
    if (escape.group(2) != null) {
      return Character.toString(Integer.parseInt(escape.group(2), 16));
    }
    throw new IllegalArgumentException("a backslash that escapes nothing");
  }
}
