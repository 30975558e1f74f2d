package org.lsm.proc;

/** Reads the fields of one row, separated by spaces, from left to right. */
final class FieldReader {
  private final String row;
  private final int end;
  private int position;

  FieldReader(String row) {
    this.row = row;
    this.end = row.endsWith("\n") ? row.length() - 1 : row.length();
  }

  String next() throws MalformedRowException {
    int start = position;
    while (start < end && row.charAt(start) == ' ') {
      start++;
    }
    int space = row.indexOf(' ', start);
    position = space < 0 ? end : space;
    if (start == position) {
      throw new MalformedRowException("row is cut short: '" + row.strip() + "'");
    }
    return row.substring(start, position);
  }

  FieldReader skip(int count) throws MalformedRowException {
    for (int i = 0; i < count; i++) {
      next();
    }
    return this;
  }

  boolean hasNext() {
    return !row.substring(position, end).isBlank();
  }

  int number(int radix, int max) throws MalformedRowException {
    return (int) number(next(), radix, max);
  }

  long decimal() throws MalformedRowException {
    return number(next(), 10, Long.MAX_VALUE);
  }

  /** Parses a number from 0 to {@code max} without a sign. */
  static long number(String token, int radix, long max) throws MalformedRowException {
    try {
      long value = Long.parseLong(token, radix);
      if (value <= max && Character.digit(token.charAt(0), radix) >= 0) {
        return value;
      }
    } catch (NumberFormatException e) {
      // reported below, like a number that is out of range
    }
    throw new MalformedRowException("not a number: '" + token + "'");
  }
}
