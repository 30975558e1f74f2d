package org.lsm.config;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.lsm.model.TextEscaper;

/**
 * A pattern in which {@code *} matches anything within a path component, {@code **} anything, and
 * {@code ?} one character within a component. It is written as reports print names: {@code \x2a} is
 * a literal star, {@code \x20} a space.
 *
 * <p>All positions in the pattern are followed in parallel, so that the time to match is bounded by
 * pattern length times text length: users choose the names of their sockets.
 */
public final class Glob {

  private static final Pattern ESCAPE = Pattern.compile("\\\\(\\\\|x..|u\\{[^}]*\\}|.?)");
  private static final int ONE = -1;
  private static final int STAR = -2;
  private static final int STAR_STAR = -3;

  private final String pattern;
  private final List<Integer> tokens = new ArrayList<>();

  /**
   * Parses a pattern.
   *
   * @throws IllegalArgumentException if a backslash does not start an escape
   */
  public Glob(String pattern) {
    this.pattern = pattern;
    for (int i = 0; i < pattern.length(); i++) {
      char c = pattern.charAt(i);
      Matcher escape = ESCAPE.matcher(pattern).region(i, pattern.length());
      if (escape.lookingAt()) {
        TextEscaper.unescape(escape.group()).chars().forEach(tokens::add);
        i = escape.end() - 1;
      } else if (c == '*' && pattern.startsWith("**", i)) {
        tokens.add(STAR_STAR);
        i++;
      } else {
        tokens.add(c == '*' ? STAR : c == '?' ? ONE : c);
      }
    }
  }

  /** Whether the pattern matches the whole text. */
  public boolean matches(String text) {
    boolean[] positions = new boolean[tokens.size() + 1];
    positions[0] = true;
    skipStars(positions);
    for (int i = 0; i < text.length(); i++) {
      positions = advance(positions, text.charAt(i));
    }
    return positions[tokens.size()];
  }

  private boolean[] advance(boolean[] positions, char c) {
    boolean[] next = new boolean[positions.length];
    for (int i = 0; i < tokens.size(); i++) {
      int token = tokens.get(i);
      boolean stays = token == STAR_STAR || (token == STAR && c != '/');
      boolean passes = token == c || (token == ONE && c != '/');
      next[i] |= positions[i] && stays;
      next[i + 1] |= positions[i] && passes;
    }
    skipStars(next);
    return next;
  }

  /** A star also matches nothing. */
  private void skipStars(boolean[] positions) {
    for (int i = 0; i < tokens.size(); i++) {
      positions[i + 1] |= positions[i] && tokens.get(i) <= STAR;
    }
  }

  @Override
  public String toString() {
    return pattern;
  }
}
