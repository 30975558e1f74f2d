package org.lsm.proc;

import java.io.FileInputStream;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.lsm.model.TextEscaper;

/** Reads files, links and directories under /proc. */
final class ProcFile {
  private static final int MAX_BYTES = 1 << 20;
  private static final int PIECE = 1 << 12; // most files have less

  private ProcFile() {}

  /**
   * Reads a file as ISO 8859-1, one character for each byte, and in large pieces: some files under
   * /proc/sys answer the first read(2) only, and the readers of Files begin with one byte.
   */
  static String read(Path file) throws IOException {
    byte[] bytes = new byte[PIECE];
    int length = 0;
    try (InputStream in = open(file)) {
      for (int read = 0; read >= 0 && length < MAX_BYTES; length += Math.max(read, 0)) {
        bytes = length < bytes.length ? bytes : Arrays.copyOf(bytes, 2 * length);
        read = in.read(bytes, length, bytes.length - length);
      }
    }
    return new String(bytes, 0, length, StandardCharsets.ISO_8859_1);
  }

  /** Opens a file; a channel takes thrice the time, but its exceptions say what is wrong. */
  private static InputStream open(Path file) throws IOException {
    try {
      return new FileInputStream(file.toFile());
    } catch (FileNotFoundException e) {
      return Files.newInputStream(file);
    }
  }

  static String decode(Path file) throws IOException {
    return decode(read(file));
  }

  /** Decodes what {@link #read} has read. */
  static String decode(String bytes) {
    return TextEscaper.decode(bytes.getBytes(StandardCharsets.ISO_8859_1));
  }

  /** Returns what follows the key in the first line that begins with it. */
  static String readLine(Path file, String key) throws IOException {
    // Splits at newlines only: a process name may contain a carriage return.
    String lines = "\n" + read(file) + "\n";
    int start = lines.indexOf("\n" + key);
    if (start < 0) {
      throw new IOException(file + ": has no line '" + key + "'");
    }
    return lines.substring(start + 1 + key.length(), lines.indexOf('\n', start + 1));
  }

  static long parseNumber(String token, Path file) throws IOException {
    try {
      return Long.parseLong(token);
    } catch (NumberFormatException e) {
      throw new IOException(file + ": not a number: '" + token + "'", e);
    }
  }

  interface RowReader {
    void read(FieldReader row) throws MalformedRowException;
  }

  /** Reads the rows of a table of the kernel; none if it lacks the table. Skips malformed rows. */
  static void readRows(Path table, RowReader reader) throws IOException {
    try (InputStream in = Files.newInputStream(table)) {
      ByteLineReader lines = new ByteLineReader(in);
      for (String line = lines.next(); line != null; line = lines.next()) {
        try {
          reader.read(new FieldReader(line.replace('\t', ' ')));
        } catch (MalformedRowException e) {
          // the header, or a row that the scan reports
        }
      }
    } catch (NoSuchFileException e) {
      // a kernel without this family
    }
  }

  /** Lists a directory; one that vanishes meanwhile is empty. */
  static List<Path> list(Path directory) throws IOException {
    List<Path> entries = new ArrayList<>();
    try (DirectoryStream<Path> stream = Files.newDirectoryStream(directory)) {
      for (Path entry : stream) {
        entries.add(entry);
      }
    } catch (DirectoryIteratorException e) {
      // An ended thread has no open descriptors.
    }
    return entries;
  }

  static boolean isReadableLink(Path link) throws IOException {
    try {
      Files.readSymbolicLink(link);
      return true;
    } catch (NoSuchFileException e) {
      return false;
    }
  }

  /** Returns a path as {@link TextEscaper#decode} reads its bytes, which a Path does not show. */
  static String text(Path path) {
    String text = path.toString();
    if (text.indexOf('\uFFFD') < 0) {
      return text;
    }
    String encoded = path.toUri().getRawPath().replace("+", "%2B");
    return decode(URLDecoder.decode(encoded, StandardCharsets.ISO_8859_1));
  }
}
