package org.lsm.storage;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Instant;
import java.time.format.DateTimeParseException;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.SortedSet;
import java.util.TreeSet;
import org.lsm.model.Endpoint;
import org.lsm.model.HostInfo;
import org.lsm.model.Owner;
import org.lsm.model.Snapshot;
import org.lsm.model.SocketEntry;
import org.lsm.model.TextEscaper;

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
  private static final int HEADER_LINES = 4;

  private SnapshotFile() {}

  /** A file that is no snapshot, or no longer the one that was written. */
  public static final class DamagedException extends IOException {
    private static final long serialVersionUID = 1L;

    DamagedException(Path file, String reason) {
      super(
          file
              + ": "
              + TextEscaper.escape(reason)
              + "; restore it from a backup or a predecessor, or run 'lsm generate' to replace it");
    }
  }

  /** Writes a snapshot durably: afterwards the file holds all of it, whatever happens. */
  public static void write(Path file, Snapshot snapshot) throws IOException {
    AtomicFile.write(file, format(snapshot).getBytes(StandardCharsets.UTF_8));
  }

  /**
   * Reads a snapshot back.
   *
   * @throws java.nio.file.NoSuchFileException if there is none
   * @throws DamagedException if it is not exactly what was written
   */
  public static Snapshot read(Path file) throws IOException {
    ByteBuffer bytes = ByteBuffer.wrap(AtomicFile.read(file));
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
    HostInfo hostInfo = snapshot.hostInfo();
    ChecksummedText text =
        new ChecksummedText(MAGIC, FORMAT)
            .line("host", hostInfo.host())
            .line("kernel", hostInfo.kernel())
            .line("time", hostInfo.time().toString())
            .line("lsm", hostInfo.version());
    for (SocketEntry entry : snapshot.sockets().values()) {
      List<String> fields = new ArrayList<>();
      fields.add(entry.endpoint().table());
      fields.add(entry.endpoint().local());
      for (Owner owner : entry.owners()) {
        fields.add(owner.user());
        fields.add(owner.program());
      }
      text.line(fields.toArray(String[]::new));
    }
    return text.seal();
  }

  /** Reverse of {@link #format}. */
  static Snapshot parse(String text) {
    List<List<String>> lines = ChecksummedText.open(text, MAGIC, FORMAT);
    if (lines.size() < HEADER_LINES) {
      throw new IllegalArgumentException("its header is incomplete");
    }
    HostInfo hostInfo =
        new HostInfo(
            header(lines.get(0), "host"),
            header(lines.get(1), "kernel"),
            Instant.parse(header(lines.get(2), "time")),
            header(lines.get(3), "lsm"));
    return Snapshot.of(
        hostInfo, lines.stream().skip(HEADER_LINES).map(SnapshotFile::entry).toList());
  }

  private static String header(List<String> fields, String name) {
    if (fields.size() != 2 || !fields.get(0).equals(name)) {
      throw new IllegalArgumentException("its header has no '" + name + "'");
    }
    return fields.get(1);
  }

  private static SocketEntry entry(List<String> fields) {
    if (fields.size() < 2 || fields.size() % 2 != 0) {
      throw new IllegalArgumentException("not a socket: '" + String.join(" ", fields) + "'");
    }
    Iterator<String> field = fields.iterator();
    Endpoint endpoint = Endpoint.of(field.next(), field.next());
    SortedSet<Owner> owners = new TreeSet<>();
    while (field.hasNext()) {
      owners.add(new Owner(field.next(), field.next()));
    }
    return new SocketEntry(endpoint, owners, List.of());
  }
}
