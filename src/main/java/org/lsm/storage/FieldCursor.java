package org.lsm.storage;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.lsm.model.TextEscaper;

/** Reads the inner lines of a {@link ChecksummedText} from first to last, each field by field. */
public final class FieldCursor {
  private final String text;
  private final boolean hasEscapes;
  private int end; // of the lines to read
  private int lineStart;
  private int lineEnd = -1; // the newline; before the first line, where one would be
  private int at; // the next field; behind lineEnd if there is none
  private int tab = -1; // the first one from the next field on, once it was looked for

  private FieldCursor(String text) {
    this.text = text;
    this.hasEscapes = text.indexOf('\\') >= 0;
    this.end = text.length();
  }

  /** Opens a file; throws IllegalArgumentException on another format, or damage. */
  public static FieldCursor open(Path file, String kind, String format) throws IOException {
    if (Files.size(file) > AtomicFile.MAX_SIZE) {
      throw new IllegalArgumentException("damaged, it is larger than 16 MiB");
    }
    return open(AtomicFile.read(file), kind, format);
  }

  /** The same for the bytes of a file. */
  public static FieldCursor open(byte[] bytes, String kind, String format) {
    String text = new String(bytes, UTF_8);
    // Decoding replaces malformed bytes.
    if (text.indexOf('\ufffd') >= 0 && !Arrays.equals(bytes, text.getBytes(UTF_8))) {
      throw new IllegalArgumentException("damaged, it is not UTF-8 text");
    }
    FieldCursor cursor = new FieldCursor(text);
    List<String> head = cursor.nextLine() ? cursor.rest() : List.of();
    if (head.size() != 2 || !head.get(0).equals(kind)) {
      throw new IllegalArgumentException("not an " + kind + " file");
    }
    if (!head.get(1).equals(format)) {
      throw new IllegalArgumentException(
          "written in format " + head.get(1) + ", this lsm reads " + format);
    }
    cursor.end = ChecksummedText.verify(bytes, text);
    return cursor;
  }

  /** Goes to the next line; returns false if there is none. */
  public boolean nextLine() {
    lineStart = lineEnd + 1;
    at = lineStart;
    if (at >= end) {
      return false;
    }
    int newline = text.indexOf('\n', at);
    lineEnd = newline < 0 ? end : newline;
    return true;
  }

  /** Whether the line has another field. */
  public boolean hasNext() {
    return at <= lineEnd;
  }

  /** Returns the next field, unescaped; throws IllegalArgumentException if there is none. */
  public String next() {
    int start = at;
    String field = text.substring(start, skip());
    return hasEscapes ? TextEscaper.unescape(field) : field;
  }

  /** Returns the next field as a number. */
  public long number() {
    int start = at;
    return Long.parseLong(text, start, skip(), 10);
  }

  /** Goes behind the next field and returns its end. */
  private int skip() {
    if (!hasNext()) {
      throw new IllegalArgumentException("a field is missing in '" + line() + "'");
    }
    if (tab < at) {
      tab = text.indexOf('\t', at);
      tab = tab < 0 ? text.length() : tab;
    }
    int fieldEnd = Math.min(tab, lineEnd);
    at = fieldEnd + 1;
    return fieldEnd;
  }

  /** Returns the other fields of the line. */
  public List<String> rest() {
    List<String> fields = new ArrayList<>();
    while (hasNext()) {
      fields.add(next());
    }
    return fields;
  }

  /** Returns the other fields of the line as they are in the file, without reading them. */
  String peek() {
    return hasNext() ? text.substring(at, lineEnd) : "";
  }

  /** The whole line, with blanks between its fields. */
  String line() {
    return TextEscaper.unescape(text.substring(lineStart, lineEnd).replace('\t', ' '));
  }
}
