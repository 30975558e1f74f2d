package org.lsm.storage;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import org.lsm.model.TextEscaper;

/**
 * Text of tab-separated lines that says what it is in its first line and proves in its last one,
 * with a SHA-256 over all the bytes before it, that it is whole.
 */
public final class ChecksummedText {

  private static final String CHECKSUM = "sha256";

  private final StringBuilder text = new StringBuilder();

  /** Begins a text of this kind and format. */
  public ChecksummedText(String kind, String format) {
    line(kind, format);
  }

  /** Appends a line; its fields may hold anything. */
  public ChecksummedText line(String... fields) {
    text.append(String.join("\t", Arrays.stream(fields).map(TextEscaper::escape).toList()));
    text.append('\n');
    return this;
  }

  /** The finished text. */
  public String seal() {
    return text + CHECKSUM + "\t" + sha256(text.toString()) + "\n";
  }

  /**
   * Takes a text apart; no line of it is believed before its checksum is verified.
   *
   * @return the fields of each line between the first and the last
   * @throws IllegalArgumentException if it is of another kind or format, or not whole
   */
  public static List<List<String>> open(String text, String kind, String format) {
    List<String> head = fields(text.lines().findFirst().orElse(""));
    if (head.size() != 2 || !head.get(0).equals(kind)) {
      throw new IllegalArgumentException("not an " + kind + " file");
    }
    if (!head.get(1).equals(format)) {
      throw new IllegalArgumentException(
          "written in format " + head.get(1) + ", this lsm reads " + format);
    }
    int last = text.lastIndexOf('\n', text.length() - 2) + 1;
    if (!text.endsWith("\n") || !text.startsWith(CHECKSUM + "\t", last)) {
      throw new IllegalArgumentException("truncated, its last line is no checksum");
    }
    String body = text.substring(0, last);
    if (!text.substring(last).equals(CHECKSUM + "\t" + sha256(body) + "\n")) {
      throw new IllegalArgumentException("damaged or edited, its checksum is wrong");
    }
    return body.lines().skip(1).map(ChecksummedText::fields).toList();
  }

  private static List<String> fields(String line) {
    return Arrays.stream(line.split("\t", -1)).map(TextEscaper::unescape).toList();
  }

  private static String sha256(String text) {
    try {
      byte[] digest =
          MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8));
      return HexFormat.of().formatHex(digest);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform has SHA-256", e);
    }
  }
}
