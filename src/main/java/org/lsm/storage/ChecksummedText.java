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
import java.util.HexFormat;
import java.util.List;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.zip.CRC32C;
import org.lsm.model.Owner;
import org.lsm.model.TextEscaper;

/**
 * The format of the state files: lines of escaped fields with tabs between them. The first line
 * names the kind and the format of the file, the last one has the CRC-32C of all bytes before it:
 * it shows damage, and an edit by hand, but not one by somebody who computes it anew, as who can
 * write the file can. No file is larger than 16 MiB, so that reading it takes little memory.
 */
public final class ChecksummedText {
  private static final String CHECKSUM = "crc32c\t";

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
    byte[] bytes = text.toString().getBytes(UTF_8);
    return text + lastLine(bytes, bytes.length);
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

  /** The last line behind the first bytes of a text. */
  private static String lastLine(byte[] bytes, int length) {
    CRC32C crc = new CRC32C();
    crc.update(bytes, 0, length);
    return CHECKSUM + HexFormat.of().toHexDigits((int) crc.getValue()) + "\n";
  }

  /** Returns where the last line begins; throws IllegalArgumentException if it is wrong. */
  static int verify(byte[] bytes, String text) {
    int last = text.lastIndexOf('\n', text.length() - 2) + 1;
    if (!text.endsWith("\n") || !text.startsWith(CHECKSUM, last)) {
      throw new IllegalArgumentException("truncated, its last line is not a checksum");
    }
    int bytesOfLast = text.length() - last; // if it is right
    if (!text.substring(last).equals(lastLine(bytes, bytes.length - bytesOfLast))) {
      throw new IllegalArgumentException("damaged or edited, its checksum is wrong");
    }
    return last;
  }

  /** Reads the inner lines of a file, each as its fields, as {@link FieldCursor#open} does. */
  public static List<List<String>> read(Path file, String kind, String format) throws IOException {
    return lines(FieldCursor.open(file, kind, format));
  }

  /** The same for the text of a file. */
  public static List<List<String>> open(String text, String kind, String format) {
    return lines(FieldCursor.open(text.getBytes(UTF_8), kind, format));
  }

  private static List<List<String>> lines(FieldCursor cursor) {
    List<List<String>> lines = new ArrayList<>();
    while (cursor.nextLine()) {
      lines.add(cursor.rest());
    }
    return lines;
  }

  /** Appends the user, the program and the script of each owner to the fields of a line. */
  public static void addOwners(List<? super String> fields, Collection<Owner> owners) {
    for (Owner owner : owners) {
      fields.add(owner.user());
      fields.add(owner.program());
      fields.add(owner.script());
    }
  }

  /** Reads the fields that {@link #addOwners} wrote, three for each. */
  public static SortedSet<Owner> owners(List<String> fields) {
    SortedSet<Owner> owners = new TreeSet<>();
    for (int i = 0; i < fields.size(); i += 3) {
      owners.add(new Owner(fields.get(i), fields.get(i + 1), fields.get(i + 2)));
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
