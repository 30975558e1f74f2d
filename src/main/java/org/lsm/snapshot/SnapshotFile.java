package org.lsm.snapshot;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Instant;
import java.time.format.DateTimeParseException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Iterator;
import java.util.List;
import java.util.SortedSet;
import java.util.TreeSet;
import org.lsm.snapshot.Snapshot.Origin;

/**
 * A snapshot as a text file: tab-separated, sorted, one socket a line, so that grep and diff work.
 *
 * <pre>
 * lsm-snapshot  1
 * host          web1
 * kernel        6.1.0
 * time          2026-01-01T00:00:00Z
 * lsm           1.0.0
 * tcp           0.0.0.0:22     root  /usr/sbin/sshd     (user and program, again for each owner)
 * unix          /run/x.sock    ?     ?                  (owner unknown)
 * udp           0.0.0.0:51820                           (no process holds it)
 * sha256        (64 hex digits over all the bytes before this line)
 * </pre>
 */
public final class SnapshotFile {

  private static final String MAGIC = "lsm-snapshot";
  private static final String FORMAT = "1";
  private static final String CHECKSUM = "sha256";
  private static final int HEADER_LINES = 5;

  private SnapshotFile() {}

  /** A file that is no snapshot, or no longer the one that was written. */
  public static final class DamagedException extends IOException {
    private static final long serialVersionUID = 1L;

    DamagedException(Path file, String reason) {
      super(
          file
              + ": "
              + reason
              + "; restore it from a backup or a predecessor, or run 'lsm generate' to replace it");
    }
  }

  /** Writes a snapshot durably: afterwards the file holds all of it, whatever happens. */
  public static void write(Path file, Snapshot snapshot) throws IOException {
    DurableFile.write(file, format(snapshot).getBytes(StandardCharsets.UTF_8));
  }

  /**
   * Reads a snapshot back.
   *
   * @throws java.nio.file.NoSuchFileException if there is none
   * @throws DamagedException if it is not exactly what was written
   */
  public static Snapshot read(Path file) throws IOException {
    ByteBuffer bytes = ByteBuffer.wrap(DurableFile.read(file));
    try {
      // Strictly: to replace bad bytes would let some damage pass the checksum.
      return parse(StandardCharsets.UTF_8.newDecoder().decode(bytes).toString());
    } catch (CharacterCodingException e) {
      throw new DamagedException(file, "damaged, it is not UTF-8 text");
    } catch (IllegalArgumentException | DateTimeParseException e) {
      throw new DamagedException(file, e.getMessage());
    }
  }

  static String format(Snapshot snapshot) {
    Origin origin = snapshot.origin();
    StringBuilder out = new StringBuilder();
    line(out, MAGIC, FORMAT);
    line(out, "host", origin.host());
    line(out, "kernel", origin.kernel());
    line(out, "time", origin.time().toString());
    line(out, "lsm", origin.version());
    for (SocketEntry entry : snapshot.sockets().values()) {
      List<String> fields = new ArrayList<>();
      fields.add(entry.endpoint().protocol().label());
      fields.add(entry.endpoint().local());
      for (Owner owner : entry.owners()) {
        fields.add(owner.user());
        fields.add(owner.program());
      }
      line(out, fields.toArray(String[]::new));
    }
    line(out, CHECKSUM, sha256(out.toString()));
    return out.toString();
  }

  private static void line(StringBuilder out, String... fields) {
    out.append(String.join("\t", Arrays.stream(fields).map(Untrusted::escape).toList()));
    out.append('\n');
  }

  /** Reverse of {@link #format}; the checksum is verified before any line is believed. */
  static Snapshot parse(String text) {
    int last = text.lastIndexOf('\n', text.length() - 2) + 1;
    List<String> head = fields(text.lines().findFirst().orElse(""));
    if (head.size() != 2 || !head.get(0).equals(MAGIC)) {
      throw new IllegalArgumentException("not a snapshot of lsm");
    }
    if (!head.get(1).equals(FORMAT)) {
      throw new IllegalArgumentException(
          "written in format " + Untrusted.escape(head.get(1)) + ", this lsm reads " + FORMAT);
    }
    if (!text.endsWith("\n") || !text.startsWith(CHECKSUM + "\t", last)) {
      throw new IllegalArgumentException("truncated, its last line is no checksum");
    }
    String body = text.substring(0, last);
    if (!text.substring(last).equals(CHECKSUM + "\t" + sha256(body) + "\n")) {
      throw new IllegalArgumentException("damaged or edited, its checksum is wrong");
    }
    List<String> lines = body.lines().toList();
    if (lines.size() < HEADER_LINES) {
      throw new IllegalArgumentException("its header is incomplete");
    }
    Origin origin =
        new Origin(
            header(lines.get(1), "host"),
            header(lines.get(2), "kernel"),
            Instant.parse(header(lines.get(3), "time")),
            header(lines.get(4), "lsm"));
    return Snapshot.of(origin, lines.stream().skip(HEADER_LINES).map(SnapshotFile::entry).toList());
  }

  private static List<String> fields(String line) {
    return Arrays.stream(line.split("\t", -1)).map(Untrusted::unescape).toList();
  }

  private static String header(String line, String name) {
    List<String> fields = fields(line);
    if (fields.size() != 2 || !fields.get(0).equals(name)) {
      throw new IllegalArgumentException("its header has no '" + name + "'");
    }
    return fields.get(1);
  }

  private static SocketEntry entry(String line) {
    List<String> fields = fields(line);
    if (fields.size() < 2 || fields.size() % 2 != 0) {
      throw new IllegalArgumentException("not a socket: '" + Untrusted.escape(line) + "'");
    }
    Iterator<String> field = fields.iterator();
    String label = field.next();
    Protocol protocol =
        Protocol.of(label)
            .orElseThrow(
                () ->
                    new IllegalArgumentException(
                        "unknown protocol '" + Untrusted.escape(label) + "'"));
    Endpoint endpoint = Endpoint.of(protocol, field.next());
    SortedSet<Owner> owners = new TreeSet<>();
    while (field.hasNext()) {
      owners.add(new Owner(field.next(), field.next()));
    }
    return new SocketEntry(endpoint, owners, List.of());
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
