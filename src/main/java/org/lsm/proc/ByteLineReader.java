package org.lsm.proc;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * Splits a stream into lines at newlines and nowhere else: names in a table may hold carriage
 * returns.
 */
final class ByteLineReader {

  private final InputStream in;
  private byte[] buffer = new byte[8192];
  private int start;
  private int end;

  ByteLineReader(InputStream in) {
    this.in = in;
  }

  /**
   * The next line as ISO 8859-1, one character a byte, with its newline; without one if the stream
   * ended in the middle of it. Null at the end.
   */
  String next() throws IOException {
    int scanned = start;
    while (true) {
      for (; scanned < end; scanned++) {
        if (buffer[scanned] == '\n') {
          return take(scanned + 1);
        }
      }
      scanned -= start;
      if (!fill()) {
        return start == end ? null : take(end);
      }
    }
  }

  private String take(int to) {
    String line = new String(buffer, start, to - start, StandardCharsets.ISO_8859_1);
    start = to;
    return line;
  }

  /** Moves what is left to the front and reads more behind it. */
  private boolean fill() throws IOException {
    int left = end - start;
    byte[] target = left == buffer.length ? Arrays.copyOf(buffer, 2 * left) : buffer;
    System.arraycopy(buffer, start, target, 0, left);
    buffer = target;
    start = 0;
    end = left;
    int read = in.read(buffer, end, buffer.length - end);
    end += Math.max(read, 0);
    return read > 0;
  }
}
