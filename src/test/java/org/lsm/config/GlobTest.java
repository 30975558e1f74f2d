package org.lsm.config;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Patterns, and the time that matching takes. */
class GlobTest {

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          ''           | ''              | true
          ''           | a               | false
          /run/x.sock  | /run/x.sock     | true
          /run/x.sock  | /run/x_sock     | false
          /run/x       | /run/x.sock     | false
          /run/x.sock  | /run/x          | false
          RUN          | run             | false
          # one star stays within a component
          *            | ''              | true
          *            | abc             | true
          *            | a/c             | false
          /run/*       | /run/           | true
          /run/*       | /run/a          | true
          /run/*       | /run/a/b        | false
          /run/*/x     | /run/user/x     | true
          /run/*/x     | /run//x         | true
          /run/*/x     | /run/x          | false
          *.sock       | a.sock          | true
          *.sock       | a.sock.sock     | true
          *.sock       | a.socket        | false
          a*b*c        | aXbYbc          | true
          a*b*c        | aXbYbcd         | false
          # two cross components
          **           | ''              | true
          **           | /a/b            | true
          /run/**      | /run/a/b/c      | true
          /run/**      | /run            | false
          /run/**/x    | /run/a/b/x      | true
          /run/**/x    | /run/x          | false
          **/x         | /a/b/x          | true
          a**z         | az              | true
          a**z         | a/b/z/          | false
          ***          | /a/b            | true
          # a question mark is one character within a component
          ?            | a               | true
          ?            | ''              | false
          ?            | ab              | false
          /a?c         | /abc            | true
          /a?c         | /a/c            | false
          @?????       | @1f2e3          | true
          @?????       | @1f2e3d         | false
          # nothing else is special
          a.c          | abc             | false
          [ab]         | a               | false
          [ab]         | [ab]            | true
          {a,b}        | a               | false
          a+           | aa              | false
          a\\x2ab       | a*b             | true
          a\\x2ab       | axb             | false
          a\\x2a*       | a*b             | true
          a\\x3f        | ab              | false
          a\\x20b       | 'a b'           | true
          a\\\\b         | a\\b             | true
          a\\\\*b        | a\\xb            | true
          a\\u{e9}      | aé              | true
          ^a$          | a               | false
          """)
  void matchesTheWholeText(String pattern, String text, boolean matches) {
    assertEquals(matches, new Glob(pattern).matches(text));
  }

  @ParameterizedTest
  @ValueSource(strings = {"a\nb", "a\rb", "a\u2028b", "a\u0000b", "a\udcffb", "a b"})
  void starsMatchControlCharacters(String text) {
    assertTrue(new Glob("a*b").matches(text));
    assertTrue(new Glob("a**b").matches(text));
    assertTrue(new Glob("a?b").matches(text));
    assertFalse(new Glob("a*c").matches(text));
  }

  @ParameterizedTest
  @ValueSource(strings = {"\\*", "a\\", "\\q", "\\x2", "\\xzz", "\\u{}", "\\u{110000}"})
  void refusesInvalidEscapes(String pattern) {
    assertThrows(IllegalArgumentException.class, () -> new Glob(pattern));
  }

  /** Backtracking would take years. */
  @ParameterizedTest
  @CsvSource({
    "**a**a**a**a**b, 1",
    "*a*a*a*a*b, 1",
    "**a*?**a*?**a*?**b, 1",
    "**a, 50",
    "**a*, 50",
    "***, 50"
  })
  void matchesInBoundedTime(String pattern, int times) {
    Glob glob = new Glob(pattern.repeat(times) + (times > 1 ? "b" : ""));
    String text = "a".repeat(1 << 16);
    assertTimeoutPreemptively(
        Duration.ofSeconds(30),
        () -> {
          assertFalse(glob.matches(text));
          assertTrue(glob.matches(text + "b"));
          assertFalse(glob.matches(text + "bc"));
        });
  }

  @Test
  void printsThePattern() {
    assertEquals("/run/**/?*", new Glob("/run/**/?*").toString());
  }
}
