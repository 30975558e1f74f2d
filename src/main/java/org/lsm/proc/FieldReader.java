package org.lsm.proc;

/**
 * The columns of one row, separated by runs of spaces and read from left to right. A row is given
 * as ISO 8859-1, one character a byte, because some hold bytes that are no text.
 */
final class FieldReader {

  private final String row;
  private final int end;
  private int position;

  /** The columns of a row up to {@code end}. */
  FieldReader(String row, int end) {
    this.row = row;
    this.end = end;
  }

  /** The next column. */
  String next() throws MalformedRowException {
    int start = advance();
    return row.substring(start, position);
  }

  FieldReader skip(int count) throws MalformedRowException {
    for (int i = 0; i < count; i++) {
      advance();
    }
    return this;
  }

  /** Moves to the end of the next column and returns where it starts. */
  private int advance() throws MalformedRowException {
    int start = position;
    while (start < end && row.charAt(start) == ' ') {
      start++;
    }
    int space = row.indexOf(' ', start);
    position = space < 0 ? end : space;
    if (start == position) {
      throw new MalformedRowException("row is cut short");
    }
    return start;
  }

  boolean hasNext() {
    return !row.substring(position, end).isBlank();
  }

  /** The next column as a hexadecimal number of at most 32 bits. */
  long hex() throws MalformedRowException {
    return number(next(), 16, 0xFFFF_FFFFL);
  }

  /** The next column as a decimal number. */
  long decimal() throws MalformedRowException {
    return number(next(), 10, Long.MAX_VALUE);
  }

  /** A number without a sign, of at most {@code max}. */
  static long number(String token, int radix, long max) throws MalformedRowException {
    try {
      if (Character.digit(token.charAt(0), radix) >= 0) {
        long value = Long.parseLong(token, radix);
        if (value <= max) {
          return value;
        }
      }
    } catch (NumberFormatException | IndexOutOfBoundsException e) {
      // reported below, like a number that is out of range
    }
    throw new MalformedRowException("no number: '" + token + "'");
  }
}
