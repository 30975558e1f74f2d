package org.lsm;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/** The last line of state files. */
public final class Checksum {

  private Checksum() {}

  /** Returns the text with a valid checksum in place of the one it has. */
  public static String on(String text) {
    int last = text.lastIndexOf("sha256\t");
    return append(last < 0 ? text : text.substring(0, last));
  }

  /** Returns the text followed by its checksum. */
  public static String append(String text) {
    try {
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      byte[] sum = digest.digest(text.getBytes(StandardCharsets.UTF_8));
      return text + "sha256\t" + HexFormat.of().formatHex(sum) + "\n";
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform has SHA-256", e);
    }
  }
}
