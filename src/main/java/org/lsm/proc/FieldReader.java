package org.lsm.proc;

/** Reads the fields of one row, separated by spaces, from left to right. */
final class FieldReader {

  private final String row;
  private final int end;
  private int position;

  /** Reads a row up to the index {@code end}. */
  FieldReader(String row, int end) {
    this.row = row;
    this.end = end;
  }

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

  /** Moves to the end of the next field and returns where it starts. */
  private int advance() throws MalformedRowException {
    int start = position;
    while (start < end && row.charAt(start) == ' ') {
      start++;
    }
    int space = row.indexOf(' ', start);
    position = space < 0 ? end : space;
    if (start == position) {
      throw MalformedRowException.cutShort(row);
    }
    return start;
  }

  boolean hasNext() {
    return !row.substring(position, end).isBlank();
  }

  /** The next field as a hexadecimal number of at most 32 bits. */
  long hex() throws MalformedRowException {
    return number(next(), 16, 0xFFFF_FFFFL);
  }

  /** The next field as a decimal number. */
  long decimal() throws MalformedRowException {
    return number(next(), 10, Long.MAX_VALUE);
  }

  /** Parses a number from 0 to {@code max} without a sign. */
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
    throw new MalformedRowException("not a number: '" + token + "'");
  }
}
