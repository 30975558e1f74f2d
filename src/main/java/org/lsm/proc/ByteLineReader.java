package org.lsm.proc;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/** Splits a stream at newlines only, because names in a socket table may hold carriage returns. */
final class ByteLineReader {
  private final InputStream in;
  private byte[] buffer = new byte[8192];
  private int start;
  private int end;

  ByteLineReader(InputStream in) {
    this.in = in;
  }

  /** Returns the next line as ISO 8859-1 with its newline, which the last may lack, or null. */
  String next() throws IOException {
    for (int i = start; ; i++) {
      if (i == end) {
        i -= start;
        if (!fill()) {
          return start == end ? null : take(end);
        }
      }
      if (buffer[i] == '\n') {
        return take(i + 1);
      }
    }
  }

  private String take(int to) {
    String line = new String(buffer, start, to - start, StandardCharsets.ISO_8859_1);
    start = to;
    return line;
  }

  /** Moves the unread bytes to the front and reads more behind them. */
  private boolean fill() throws IOException {
    int left = end - start;
    byte[] target = left == buffer.length ? Arrays.copyOf(buffer, 2 * left) : buffer;
    System.arraycopy(buffer, start, target, 0, left);
    buffer = target;
    start = 0;
    int read = in.read(buffer, left, buffer.length - left);
    end = left + Math.max(read, 0);
    return read > 0;
  }
}
