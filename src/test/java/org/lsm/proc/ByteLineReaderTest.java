package org.lsm.proc;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ByteLineReaderTest {

  @Test
  void splitsAtNewlinesOnly() throws IOException {
    assertEquals(
        List.of("a\rb\u000b\f\u0085c\n", "\n", "d\0\u00ff\n"),
        lines("a\rb\u000b\f\u0085c\n\nd\0\u00ff\n"));
  }

  @Test
  void returnsLastLineWithoutNewline() throws IOException {
    assertEquals(List.of("whole\n", "cut"), lines("whole\ncut"));
  }

  @Test
  void returnsNullAtTheEnd() throws IOException {
    ByteLineReader lines = new ByteLineReader(InputStream.nullInputStream());
    assertNull(lines.next());
    assertNull(lines.next());
  }

  @ParameterizedTest
  @ValueSource(ints = {8190, 8191, 8192, 8193, 16_384, 100_000})
  void readsLinesLongerThanTheBuffer(int length) throws IOException {
    String line = "x".repeat(length) + "\n";
    assertEquals(List.of("first\n", line, "last\n"), lines("first\n" + line + "last\n"));
  }

  @Test
  void readsOneByteAtATime() throws IOException {
    String text = "one\n" + "2".repeat(9000) + "\nthree";
    assertEquals(List.of("one\n", "2".repeat(9000) + "\n", "three"), all(dripping(text)));
  }

  private static List<String> lines(String text) throws IOException {
    return all(new ByteArrayInputStream(text.getBytes(StandardCharsets.ISO_8859_1)));
  }

  private static List<String> all(InputStream in) throws IOException {
    ByteLineReader lines = new ByteLineReader(in);
    List<String> all = new ArrayList<>();
    for (String line = lines.next(); line != null; line = lines.next()) {
      all.add(line);
    }
    return all;
  }

  private static InputStream dripping(String text) {
    return new ByteArrayInputStream(text.getBytes(StandardCharsets.ISO_8859_1)) {
      @Override
      public synchronized int read(byte[] target, int offset, int length) {
        return super.read(target, offset, Math.min(length, 1));
      }
    };
  }
}
