package org.lsm;

import java.nio.charset.StandardCharsets;
import java.util.zip.CRC32C;

/** The last line of state files. */
public final class Checksum {

  private Checksum() {}

  /** Returns the text with a valid checksum in place of the one it has. */
  public static String on(String text) {
    int last = text.lastIndexOf("crc32c\t");
    return append(last < 0 ? text : text.substring(0, last));
  }

  /** Returns the text followed by its checksum. */
  public static String append(String text) {
    CRC32C sum = new CRC32C();
    sum.update(text.getBytes(StandardCharsets.UTF_8));
    return text + String.format("crc32c\t%08x\n", sum.getValue());
  }
}
