package org.lsm.config;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.lsm.model.TextEscaper;

/**
 * A pattern in which {@code *} stands for anything within a path component, {@code **} for anything
 * at all, and {@code ?} for one character within a component. It is written as reports show names:
 * {@code \x2a} is a star that stands for itself, {@code \x20} a space.
 *
 * <p>All positions that the pattern can be at are followed side by side, so the time to match is
 * bounded by pattern length times text length: who chooses a socket's name cannot choose one that
 * takes forever.
 */
public final class Glob {

  private static final Pattern ESCAPE = Pattern.compile("\\\\(\\\\|x..|u\\{[^}]*\\}|.?)");
  private static final int ONE = -1;
  private static final int STAR = -2;
  private static final int STAR_STAR = -3;

  private final String pattern;
  private final List<Integer> tokens = new ArrayList<>();

  /**
   * @throws IllegalArgumentException if a backslash in it starts no escape
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

  /** Whether the whole text is what this pattern stands for. */
  public boolean matches(String text) {
    boolean[] at = new boolean[tokens.size() + 1];
    at[0] = true;
    skipStars(at);
    for (int i = 0; i < text.length(); i++) {
      at = step(at, text.charAt(i));
    }
    return at[tokens.size()];
  }

  /** Where the pattern can be after one more character. */
  private boolean[] step(boolean[] at, char c) {
    boolean[] next = new boolean[at.length];
    for (int i = 0; i < tokens.size(); i++) {
      int token = tokens.get(i);
      boolean stays = token == STAR_STAR || (token == STAR && c != '/');
      boolean passes = token == c || (token == ONE && c != '/');
      next[i] |= at[i] && stays;
      next[i + 1] |= at[i] && passes;
    }
    skipStars(next);
    return next;
  }

  /** A star may stand for nothing. */
  private void skipStars(boolean[] at) {
    for (int i = 0; i < tokens.size(); i++) {
      at[i + 1] |= at[i] && tokens.get(i) <= STAR;
    }
  }

  @Override
  public String toString() {
    return pattern;
  }
}
