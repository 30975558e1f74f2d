package org.lsm.config;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
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
  private static final Pattern TOKEN =
      Pattern.compile("\\*\\*|\\\\(\\\\|x..|u\\{[^}]*\\}|.?)|.", Pattern.DOTALL);
  private static final int ONE = -1;
  private static final int STAR = -2;
  private static final int STAR_STAR = -3;

  private final String pattern;
  private final List<Integer> tokens = new ArrayList<>();

  /** Parses a pattern; an IllegalArgumentException if a backslash does not start an escape. */
  public Glob(String pattern) {
    this.pattern = pattern;
    for (MatchResult token : TOKEN.matcher(pattern).results().toList()) {
      switch (token.group()) {
        case "**" -> tokens.add(STAR_STAR);
        case "*" -> tokens.add(STAR);
        case "?" -> tokens.add(ONE);
        default -> TextEscaper.unescape(token.group()).chars().forEach(tokens::add);
      }
    }
  }

  /** Whether the pattern matches the whole text. */
  public boolean matches(String text) {
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
