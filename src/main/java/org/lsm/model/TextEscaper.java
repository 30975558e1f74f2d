package org.lsm.model;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CoderResult;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * Text that any user of the host may have written: socket names, program paths, command lines.
 *
 * <p>Inside lsm it is a String that loses nothing: UTF-8 is decoded, and a byte that is not UTF-8
 * becomes a lone surrogate U+DC80 to U+DCFF (as PEP 383 does it). On its way out it is escaped:
 * what remains has no control characters, no invisible or reordering ones, and can be read back.
 */
public final class TextEscaper {

  private static final int LONE_BYTE = 0xDC00;

  /**
   * Letters, marks and symbols that show nothing: those of Unicode's Default_Ignorable_Code_Point,
   * less the variation selectors, and the blank of braille.
   */
  private static final String BLANKS =
      "\u034F\u115F\u1160\u17B4\u17B5\u180B\u180C\u180D\u180F\u2800\u3164\uFFA0";

  private static final Pattern SPACES = Pattern.compile(" {2,}");
  private static final Pattern ESCAPE =
      Pattern.compile("\\\\(?:\\\\|x([0-9a-f]{2})|u\\{([0-9a-f]{1,6})\\})|\\\\");

  private TextEscaper() {}

  /** Decodes bytes so that no two different inputs give the same String. */
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
   * Makes text safe for a terminal, a mail or a line of a file: {@code \\} for a backslash, {@code
   * \xNN} for control characters and bytes that are not UTF-8, <code>&#92;u{N}</code> for all else
   * that is not plainly visible.
   */
  public static String escape(String text) {
    if (isPlain(text)) {
      return text;
    }
    StringBuilder out = new StringBuilder(text.length());
    text.codePoints().forEach(codePoint -> escape(codePoint, out));
    // Several spaces in a row would look like the next column.
    return SPACES
        .matcher(out)
        .replaceAll(spaces -> Matcher.quoteReplacement("\\x20".repeat(spaces.group().length())));
  }

  /** What most text is. */
  private static boolean isPlain(String text) {
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c <= ' ' || c >= 0x7F || c == '\\') {
        return false;
      }
    }
    return true;
  }

  /** A stack trace; the messages in it may quote a server, or the output of a program. */
  public static String stackTrace(Throwable e) {
    StringWriter trace = new StringWriter();
    e.printStackTrace(new PrintWriter(trace, true));
    return trace
        .toString()
        .replace("\t", " ")
        .lines()
        .map(TextEscaper::escape)
        .collect(Collectors.joining("\n"));
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
   * The reverse of {@link #escape}.
   *
   * @throws IllegalArgumentException if a backslash starts no known escape
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
