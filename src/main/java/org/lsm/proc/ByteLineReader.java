package org.lsm.proc;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/** Splits a stream at newlines only, because names in a socket table may hold carriage returns. */
final class ByteLineReader {
  private final InputStream in;
  private final int shortRead;
  private boolean hasEnded;
  private byte[] buffer = new byte[8192];
  private int lineStart;
  private int start; // of what was read behind the line
  private int end;

  ByteLineReader(InputStream in) {
    this(in, 0);
  }

  /** Reads from a stream that has ended where a read returns fewer bytes than this. */
  ByteLineReader(InputStream in, int shortRead) {
    this.in = in;
    this.shortRead = shortRead;
  }

  /** Returns the next line as ISO 8859-1 with its newline, which the last may lack, or null. */
  String next() throws IOException {
    return advance()
        ? new String(buffer, lineStart, start - lineStart, StandardCharsets.ISO_8859_1)
        : null;
  }

  /** Goes to the next line, whose bytes {@link #at} returns; false if there is none. */
  boolean advance() throws IOException {
    for (int i = start; ; i++) {
      if (i == end) {
        i -= start;
        if (!fill()) {
          return take(end);
        }
      }
      if (buffer[i] == '\n') {
        return take(i + 1);
      }
    }
  }

  private boolean take(int to) {
    lineStart = start;
    start = to;
    return lineStart < start;
  }

  /** The length of the line, with its newline. */
  int length() {
    return start - lineStart;
  }

  /** The bytes that have the line, until the next one is read. */
  byte[] buffer() {
    return buffer;
  }

  /** The index of the line in them. */
  int start() {
    return lineStart;
  }

  /** A byte of the line. */
  byte at(int index) {
    return buffer[lineStart + index];
  }

  /** Appends bytes of the line. */
  void copy(int from, int to, ByteArrayOutputStream out) {
    out.write(buffer, lineStart + from, to - from);
  }

  /** Moves the unread bytes to the front and reads more behind them. */
  private boolean fill() throws IOException {
    int left = end - start;
    byte[] target = left == buffer.length ? Arrays.copyOf(buffer, 2 * left) : buffer;
    System.arraycopy(buffer, start, target, 0, left);
    buffer = target;
    start = 0;
    int read = hasEnded ? 0 : in.read(buffer, left, buffer.length - left);
    hasEnded = read < shortRead;
    end = left + Math.max(read, 0);
    return read > 0;
  }
}
