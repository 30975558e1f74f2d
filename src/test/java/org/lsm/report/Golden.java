package org.lsm.report;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;

/** Expected output, in files beside these tests. */
final class Golden {

  private Golden() {}

  static String read(String file) {
    try (InputStream in = Golden.class.getResourceAsStream(file)) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  static void assertGolden(String file, String actual) {
    assertEquals(read(file), actual, file);
  }

  /** The parts of a file, each under a line {@code == NAME}. */
  static Map<String, String> sections(String file) {
    Map<String, String> sections = new LinkedHashMap<>();
    for (String section : read(file).substring(3).split("(?m)^== ", -1)) {
      int end = section.indexOf('\n');
      sections.put(section.substring(0, end), section.substring(end + 1));
    }
    return sections;
  }
}
