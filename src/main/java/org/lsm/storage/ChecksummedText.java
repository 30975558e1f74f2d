package org.lsm.storage;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.format.DateTimeParseException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Iterator;
import java.util.List;
import java.util.SortedSet;
import java.util.TreeSet;
import org.lsm.model.Owner;
import org.lsm.model.Sha256;
import org.lsm.model.TextEscaper;

/**
 * The format of the state files: lines of escaped fields with tabs between them. The first line
 * names the kind and the format of the file, the last one has the SHA-256 of all bytes before it.
 * No file is larger than 16 MiB, so that reading it takes little memory.
 */
public final class ChecksummedText {
  private static final String CHECKSUM = "sha256\t";

  private final StringBuilder text = new StringBuilder();

  /** Begins a text of this kind and format. */
  public ChecksummedText(String kind, String format) {
    line(kind, format);
  }

  /** Appends a line; a field may hold any characters. What is too large for a file is dropped. */
  public ChecksummedText line(Object... fields) {
    for (int i = 0; i < fields.length && text.length() <= AtomicFile.MAX_SIZE; i++) {
      text.append(i == 0 ? "" : "\t").append(TextEscaper.escape(fields[i].toString()));
    }
    text.append('\n');
    return this;
  }

  public String seal() {
    return text + CHECKSUM + Sha256.of(text.toString()) + "\n";
  }

  /** Replaces a file with this text, see {@link AtomicFile#write}. */
  public void write(Path file) throws IOException {
    write(file, AtomicFile.MAX_SIZE);
  }

  /** Replaces a file with this text if that has at most so many bytes, or throws IOException. */
  void write(Path file, int max) throws IOException {
    AtomicFile.write(file, bytes(file.toString(), max));
  }

  /** The bytes of a file with this text; throws IOException if these are more than so many. */
  byte[] bytes(String file, int max) throws IOException {
    byte[] bytes = seal().getBytes(UTF_8);
    if (bytes.length > max) {
      String advice = "'lsm list' shows what opens or shares so many sockets";
      throw new IOException(file + " would be larger than " + (max >> 20) + " MiB; " + advice);
    }
    return bytes;
  }

  /** Replaces a file with this text if it holds another one, which spares the disk. */
  public void writeIfChanged(Path file) throws IOException {
    if (!Files.exists(file) || !Arrays.equals(AtomicFile.read(file), seal().getBytes(UTF_8))) {
      write(file);
    }
  }

  /** Reads the text of a file, as {@link #open} does. */
  public static List<List<String>> read(Path file, String kind, String format) throws IOException {
    if (Files.size(file) > AtomicFile.MAX_SIZE) {
      throw new IllegalArgumentException("damaged, it is larger than 16 MiB");
    }
    byte[] bytes = AtomicFile.read(file);
    String text = new String(bytes, UTF_8);
    // Decoding replaces malformed bytes, and could so hide damage from the checksum.
    if (!Arrays.equals(bytes, text.getBytes(UTF_8))) {
      throw new IllegalArgumentException("damaged, it is not UTF-8 text");
    }
    return open(text, kind, format);
  }

  /** Returns the inner lines; throws IllegalArgumentException on another format, or damage. */
  public static List<List<String>> open(String text, String kind, String format) {
    int end = text.indexOf('\n');
    List<String> head = fields(end < 0 ? text : text.substring(0, end));
    if (head.size() != 2 || !head.get(0).equals(kind)) {
      throw new IllegalArgumentException("not an " + kind + " file");
    }
    if (!head.get(1).equals(format)) {
      throw new IllegalArgumentException(
          "written in format " + head.get(1) + ", this lsm reads " + format);
    }
    int last = text.lastIndexOf('\n', text.length() - 2) + 1;
    if (!text.endsWith("\n") || !text.startsWith(CHECKSUM, last)) {
      throw new IllegalArgumentException("truncated, its last line is not a checksum");
    }
    if (!text.substring(last).equals(CHECKSUM + Sha256.of(text.substring(0, last)) + "\n")) {
      throw new IllegalArgumentException("damaged or edited, its checksum is wrong");
    }
    List<List<String>> lines = new ArrayList<>();
    for (int start = end + 1; start < last; start = end + 1) {
      end = text.indexOf('\n', start);
      lines.add(fields(text.substring(start, end)));
    }
    return lines;
  }

  private static List<String> fields(String line) {
    String[] fields = line.split("\t", -1);
    for (int i = 0; i < fields.length; i++) {
      fields[i] = TextEscaper.unescape(fields[i]);
    }
    return Arrays.asList(fields);
  }

  /** Appends the user, the program and the script of each owner to the fields of a line. */
  public static void addOwners(List<? super String> fields, Collection<Owner> owners) {
    for (Owner owner : owners) {
      fields.add(owner.user());
      fields.add(owner.program());
      fields.add(owner.script());
    }
  }

  /** Reads the rest of a line as {@link #addOwners} wrote it. */
  public static SortedSet<Owner> owners(Iterator<String> fields) {
    SortedSet<Owner> owners = new TreeSet<>();
    while (fields.hasNext()) {
      owners.add(new Owner(fields.next(), fields.next(), fields.next()));
    }
    return owners;
  }

  /** Reads a time of {@link Instant#toString}, not after the year 9999: arithmetic may overflow. */
  public static Instant time(String field) {
    try {
      return Instant.parse(field.startsWith("+") || field.startsWith("-") ? "" : field);
    } catch (DateTimeParseException e) {
      throw new IllegalArgumentException("not a time: '" + field + "'", e);
    }
  }
}
