package org.lsm.storage;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.lsm.model.Endpoint;
import org.lsm.model.HostInfo;
import org.lsm.model.ProgramDigest;
import org.lsm.model.ProgramFile;
import org.lsm.model.Snapshot;
import org.lsm.model.SocketEntry;

/**
 * A snapshot as a {@link ChecksummedText}, sorted, with a socket on each line, then the programs:
 * grep and diff work.
 *
 * <pre>
 * lsm-snapshot  1
 * host          web1
 * kernel        6.1.0
 * time          2026-01-01T00:00:00Z
 * lsm           1.0.0
 * tcp           0.0.0.0:22     root  /usr/sbin/sshd     (user, program and script, again for each
 * unix          /run/x.sock    ?     ?                  owner; this one is unknown)
 * tcp           127.0.0.1:631  optional  root  /usr/sbin/cupsd
 * udp           0.0.0.0:51820                           (no process holds it)
 * program       /usr/sbin/sshd  2049 131 1067 1767225600  (64 hex digits of its content)
 * crc32c        (8 hex digits)
 * </pre>
 */
public final class SnapshotFile {
  private static final String KIND = "lsm-snapshot";
  private static final String FORMAT = "1";
  private static final String OPTIONAL = "optional";
  private static final String PROGRAM = "program";
  private static final String VOUCHED = "vouched"; // in the program cache

  private SnapshotFile() {}

  public static final class DamagedException extends IOException {
    private static final long serialVersionUID = 1L;
    private static final String REMEDY =
        "; restore it from a backup or a predecessor, or run 'lsm generate' to replace it";

    DamagedException(Path file, IllegalArgumentException e) {
      super(file + ": " + e.getMessage() + REMEDY, e);
    }
  }

  /** Reads a snapshot; throws DamagedException if the file is not exactly what lsm wrote. */
  public static Snapshot read(Path file) throws IOException {
    try {
      return parse(FieldCursor.open(file, KIND, FORMAT));
    } catch (IllegalArgumentException e) {
      throw new DamagedException(file, e);
    }
  }

  /** The content of a file that {@link #read} takes; throws IOException if it is too large. */
  public static String content(Snapshot snapshot) throws IOException {
    return new String(format(snapshot).bytes("the snapshot", AtomicFile.MAX_SIZE), UTF_8);
  }

  static ChecksummedText format(Snapshot snapshot) {
    HostInfo hostInfo = snapshot.hostInfo();
    ChecksummedText text = new ChecksummedText(KIND, FORMAT);
    text.line("host", hostInfo.host()).line("kernel", hostInfo.kernel());
    text.line("time", hostInfo.time()).line("lsm", hostInfo.version());
    for (SocketEntry entry : snapshot.sockets().values()) {
      Endpoint at = entry.endpoint();
      List<String> fields = new ArrayList<>(List.of(at.table(), at.local()));
      fields.addAll(entry.optional() ? List.of(OPTIONAL) : List.of());
      ChecksummedText.addOwners(fields, entry.owners());
      text.line(fields.toArray());
    }
    for (ProgramDigest it : snapshot.programs()) {
      String kind = it.vouched() ? VOUCHED : PROGRAM;
      text.line(kind, it.path(), it.file().numbers(), it.sha256());
    }
    return text;
  }

  static Snapshot parse(FieldCursor line) {
    String host = header(line, "host");
    String kernel = header(line, "kernel");
    Instant time = ChecksummedText.time(header(line, "time"));
    HostInfo hostInfo = new HostInfo(host, kernel, time, header(line, "lsm"));
    List<SocketEntry> entries = new ArrayList<>();
    List<ProgramDigest> programs = new ArrayList<>();
    // Many sockets have the same owners: each text of them is read once.
    Map<String, SocketEntry> byOwners = new HashMap<>();
    while (line.nextLine()) {
      String table = line.next();
      if (table.equals(PROGRAM) || table.equals(VOUCHED)) {
        programs.add(program(line, table.equals(VOUCHED)));
      } else if (line.hasNext()) {
        Endpoint endpoint = Endpoint.of(table, line.next());
        String owners = line.peek();
        SocketEntry same = byOwners.get(owners);
        if (same == null) {
          same = socket(endpoint, line);
          byOwners.put(owners, same);
        }
        entries.add(same.at(endpoint));
      } else {
        throw notSocket(line);
      }
    }
    return Snapshot.of(hostInfo, entries).with(programs);
  }

  private static ProgramDigest program(FieldCursor line, boolean vouched) {
    List<String> fields = line.rest();
    if (fields.size() != 3) {
      throw notSocket(line);
    }
    ProgramFile file = ProgramFile.parse(fields.get(1));
    return new ProgramDigest(fields.get(0), file, fields.get(2), vouched);
  }

  private static SocketEntry socket(Endpoint endpoint, FieldCursor line) {
    List<String> fields = line.rest();
    boolean isOptional = fields.size() % 3 == 1 && fields.get(0).equals(OPTIONAL);
    if (!isOptional && fields.size() % 3 != 0) {
      throw notSocket(line);
    }
    List<String> rest = fields.subList(isOptional ? 1 : 0, fields.size());
    return new SocketEntry(endpoint, ChecksummedText.owners(rest), List.of(), isOptional);
  }

  private static IllegalArgumentException notSocket(FieldCursor line) {
    return new IllegalArgumentException("not a socket: '" + line.line() + "'");
  }

  private static String header(FieldCursor line, String name) {
    List<String> fields = line.nextLine() ? line.rest() : List.of();
    if (fields.size() != 2 || !fields.get(0).equals(name)) {
      throw new IllegalArgumentException("its header has no '" + name + "'");
    }
    return fields.get(1);
  }
}
