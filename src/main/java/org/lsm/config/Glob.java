package org.lsm.config;

import java.util.ArrayList;
import java.util.List;
import org.lsm.model.TextEscaper;

/**
 * A pattern in which {@code *} matches anything within a path component, {@code **} anything, and
 * {@code ?} one character within a component. It is written as reports print names: {@code \x2a} is
 * a literal star, {@code \x20} a space.
 *
 * <p>Each token is applied to all places in the text where the tokens before it may end, so that
 * the time is bounded by pattern length times text length: users choose the names of their sockets.
 */
public final class Glob {
  private static final int ONE = -1;
  private static final int STAR = -2;
  private static final int STAR_STAR = -3;

  private final String pattern;
  private final String start; // what is before the first wildcard
  private final List<Integer> tokens = new ArrayList<>(); // what follows

  /** Parses a pattern; an IllegalArgumentException if a backslash does not start an escape. */
  public Glob(String pattern) {
    this.pattern = pattern;
    int end = literalEnd(0);
    this.start = TextEscaper.unescape(pattern.substring(0, end));
    for (int at = end; at < pattern.length(); at = end) {
      end = literalEnd(at);
      if (end > at) {
        TextEscaper.unescape(pattern.substring(at, end)).chars().forEach(tokens::add);
      } else if (pattern.charAt(at) == '?') {
        end = at + 1;
        tokens.add(ONE);
      } else {
        end = pattern.startsWith("**", at) ? at + 2 : at + 1;
        tokens.add(end == at + 2 ? STAR_STAR : STAR);
      }
    }
  }

  /** The index of the first wildcard from there on. */
  private int literalEnd(int from) {
    int end = from;
    while (end < pattern.length() && pattern.charAt(end) != '*' && pattern.charAt(end) != '?') {
      end++;
    }
    return end;
  }

  /** Whether the pattern matches the whole text. */
  public boolean matches(String text) {
    return text.startsWith(start) && restMatches(text.substring(start.length()));
  }

  private boolean restMatches(String text) {
    boolean[] ends = new boolean[text.length() + 1];
    ends[0] = true;
    for (int token : tokens) {
      // A star also matches nothing, so that it keeps what is there.
      boolean[] next = token <= STAR ? ends : new boolean[ends.length];
      for (int i = 0; i < text.length(); i++) {
        char c = text.charAt(i);
        boolean fits = token == c || token == STAR_STAR || (token <= ONE && c != '/');
        next[i + 1] |= ends[i] && fits;
      }
      ends = next;
    }
    return ends[text.length()];
  }

  @Override
  public String toString() {
    return pattern;
  }
}
