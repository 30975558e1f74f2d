package org.lsm;

import java.nio.ByteBuffer;
import java.util.List;
import org.lsm.model.TextEscaper;

/** Makes values of the bytes that a fuzzer gives; zeros and empty texts when there are no more. */
public final class ByteSource {

  private static final int MAX_TEXT = 24;

  private final ByteBuffer bytes;

  public ByteSource(byte[] bytes) {
    this.bytes = ByteBuffer.wrap(bytes);
  }

  public boolean hasMore() {
    return bytes.hasRemaining();
  }

  /** A number from 0 to {@code bound} - 1, which is at most 256. */
  public int below(int bound) {
    return hasMore() ? (bytes.get() & 0xFF) % bound : 0;
  }

  public <T> T of(List<T> values) {
    return values.get(below(values.size()));
  }

  /** Any 64 bits. */
  public long number() {
    return bytes.remaining() >= Long.BYTES ? bytes.getLong() : below(256);
  }

  /** A name of any bytes, as the kernel gives it. */
  public String text() {
    byte[] text = new byte[Math.min(below(MAX_TEXT), bytes.remaining())];
    bytes.get(text);
    return TextEscaper.decode(text);
  }
}
