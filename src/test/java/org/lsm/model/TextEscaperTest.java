package org.lsm.model;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.nio.charset.StandardCharsets;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class TextEscaperTest {

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          ''                 | ''
          2f72756e2f61       | /run/a
          612062             | a b
          2061               | ' a'
          # control characters
          0a                 | \\x0a
          0d                 | \\x0d
          09                 | \\x09
          00                 | \\x00
          7f                 | \\x7f
          1b5b324a           | \\x1b[2J
          610d0a546f3a2062   | a\\x0d\\x0aTo: b
          # backslashes, and what looks like an escape already
          5c                 | \\\\
          5c5c               | \\\\\\\\
          5c783061           | \\\\x0a
          5c757b323032657d   | \\\\u{202e}
          # bytes that are not UTF-8: stray, truncated, overlong, surrogates, beyond Unicode
          80                 | \\x80
          ff                 | \\xff
          c3                 | \\xc3
          c328               | \\xc3(
          e282               | \\xe2\\x82
          e28261             | \\xe2\\x82a
          f09f98             | \\xf0\\x9f\\x98
          f09f9861           | \\xf0\\x9f\\x98a
          c080               | \\xc0\\x80
          c1bf               | \\xc1\\xbf
          e08080             | \\xe0\\x80\\x80
          f08282ac           | \\xf0\\x82\\x82\\xac
          eda080             | \\xed\\xa0\\x80
          edb280             | \\xed\\xb2\\x80
          edbfbf             | \\xed\\xbf\\xbf
          eda0bdedb880       | \\xed\\xa0\\xbd\\xed\\xb8\\x80
          f4908080           | \\xf4\\x90\\x80\\x80
          f5808080           | \\xf5\\x80\\x80\\x80
          f09f9880ff         | 😀\\xff
          # valid, but not visible, or reordering
          c280               | \\u{80}
          c285               | \\u{85}
          c2a0               | \\u{a0}
          c2ad               | \\u{ad}
          cd8f               | \\u{34f}
          e1859f             | \\u{115f}
          e2808b             | \\u{200b}
          e2808f             | \\u{200f}
          e280a8             | \\u{2028}
          e280a9             | \\u{2029}
          e280ae             | \\u{202e}
          e281a6             | \\u{2066}
          e2a080             | \\u{2800}
          e38080             | \\u{3000}
          e385a4             | \\u{3164}
          ee8080             | \\u{e000}
          efb88f             | \\u{fe0f}
          efbbbf             | \\u{feff}
          efbea0             | \\u{ffa0}
          efbfbf             | \\u{ffff}
          f3a08081           | \\u{e0001}
          f3a08480           | \\u{e0100}
          f48fbfbf           | \\u{10ffff}
          # visible
          c3a9               | é
          65cc81             | e\u0301
          e7988d             | 瘍
          e7988a             | 瘊
          f09f9880           | 😀
          efbfbd             | \uFFFD
          """)
  void escapesAndUnescapes(String hex, String escaped) {
    String text = TextEscaper.decode(bytes(hex));
    assertEquals(escaped, TextEscaper.escape(text));
    assertEquals(text, TextEscaper.unescape(escaped));
  }

  /** With all sequences of four bytes of the classes that UTF-8 distinguishes. */
  @Test
  void isInjective() {
    byte[] probeTypes = bytes("00 0a 41 5c 7f 80 90 9f a0 bf c2 e0 ed ef f0 f4");
    Set<String> decoded = new HashSet<>();
    Set<String> escaped = new HashSet<>();
    for (int i = 0; i < 0x10000; i++) {
      byte[] input = {
        probeTypes[i >> 12], probeTypes[i >> 8 & 15], probeTypes[i >> 4 & 15], probeTypes[i & 15]
      };
      String text = TextEscaper.decode(input);
      String out = TextEscaper.escape(text);
      assertEquals(text, TextEscaper.unescape(out));
      decoded.add(text);
      escaped.add(out);
    }
    assertEquals(0x10000, decoded.size());
    assertEquals(0x10000, escaped.size());
  }

  @Test
  void unescapesBasicPlane() {
    for (int codePoint = 0; codePoint <= 0xFFFF; codePoint++) {
      String text = Character.toString(codePoint);
      String escaped = TextEscaper.escape(text);
      assertEquals(text, TextEscaper.unescape(escaped));
      assertEquals(
          escaped, new String(escaped.getBytes(StandardCharsets.UTF_8), StandardCharsets.UTF_8));
      assertEquals(0, escaped.chars().filter(Character::isISOControl).count());
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "\\",
        "a\\",
        "\\n",
        "\\0",
        "\\x",
        "\\x4",
        "\\xg0",
        "\\xFF",
        "\\u202e",
        "\\u{}",
        "\\u{202e",
        "\\u{1234567}",
        "\\u{202E}",
        "\\\\\\"
      })
  void refusesInvalidEscapes(String text) {
    IllegalArgumentException e =
        assertThrows(IllegalArgumentException.class, () -> TextEscaper.unescape(text));
    assertEquals("a backslash that escapes nothing", e.getMessage());
  }

  @Test
  void refusesEscapesBeyondUnicode() {
    assertThrows(IllegalArgumentException.class, () -> TextEscaper.unescape("\\u{110000}"));
  }

  @Test
  void escapesMessagesInStackTraces() {
    Exception cause = new IllegalStateException("evil\nat lsm.Forged\033");
    StackTraceElement frame = new StackTraceElement("org.lsm.Lsm", "main", "Lsm.java", 7);
    cause.setStackTrace(new StackTraceElement[] {frame});
    Exception e = new RuntimeException("a\tb", cause);
    e.setStackTrace(new StackTraceElement[] {frame, frame});

    assertEquals(
        """
        java.lang.RuntimeException: a\\x09b
         at org.lsm.Lsm.main(Lsm.java:7)
         at org.lsm.Lsm.main(Lsm.java:7)
        Caused by: java.lang.IllegalStateException: evil\\x0aat lsm.Forged\\x1b
         at org.lsm.Lsm.main(Lsm.java:7)\
        """,
        TextEscaper.stackTrace(e));
  }

  private static byte[] bytes(String hex) {
    return HexFormat.of().parseHex(hex.replace(" ", ""));
  }
}
