package org.lsm.proc;

import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.LongStream;
import org.lsm.model.Endpoint;
import org.lsm.model.Protocol;
import org.lsm.model.SocketKey;

/**
 * Parses {@code /proc/net/unix} (proc_net(5)). Any user may bind a socket to a name that contains
 * newlines, and the kernel prints it as it is: the name continues in the next line, which may look
 * like a row. The text of a forged row does not differ from that of a real one. Therefore each row
 * that may be the end of a name before it gets a {@link ForgerySuspicion}.
 */
final class ProcNetUnixParser extends TableParser {
  private static final long ACCEPTS_CONNECTIONS = 0x10000; // __SO_ACCEPTCON of linux/net.h
  private static final long SOCK_DGRAM = 2;
  private static final int MAX_NAME = 108; // bytes of sun_path in unix(7)
  // What stands between the address, of 8 or 16 digits, and the inode in "Num: RefCount Protocol
  // Flags Type St Inode Path" (unix_seq_show in net/unix/af_unix.c). Comparing it to the digit
  // makes rows so long that a name has no room for two.
  private static final String LAYOUT = ": XXXXXXXX 00000000 XXXXXXXX XXXX XX ";
  private static final int MIN_INODE_WIDTH = 5; // with spaces in front
  private static final int MAX_INODE_DIGITS = 18;

  private final String netns;
  private final Map<SocketKey, SocketKey> suspectedParents = new HashMap<>();
  private final LongStream.Builder unwatchedInodes = LongStream.builder(); // of a million, 8 MB

  private int addressWidth; // in digits, the same in all rows; 0 before the first
  private Row last;
  private int room; // in bytes, for names before the line to continue in it

  ProcNetUnixParser(String netns) {
    this.netns = netns;
  }

  private final class Row {
    private final String line;
    private final int nameStart; // index in the line; -1 without a name
    private long inode;
    private boolean watched;
    private Row suspectedParent; // the row whose name may contain this one, or null
    private String continuation = ""; // lines that continue the name
    private SocketKey key;

    Row(String line, int nameStart) {
      this.line = line;
      this.nameStart = nameStart;
    }

    /** The name as ISO 8859-1. */
    String name() {
      return line.substring(nameStart, line.length() - 1) + continuation;
    }

    /** Created once and only if needed: most rows are not watched. The table has no user. */
    SocketKey key() {
      if (key == null) {
        Endpoint endpoint = new Endpoint(netns, Protocol.UNIX, ProcFile.decode(name()), 0);
        key = new SocketKey(inode, 0, endpoint);
      }
      return key;
    }
  }

  /** A user could hide that another's socket is gone. */
  @Override
  Optional<String> damagedTable() {
    return Optional.empty();
  }

  @Override
  void parseLine(String line) throws MalformedRowException {
    // As part of a name, the line would add its text and the newline before it: its own length.
    boolean fits = line.length() <= room;
    room -= line.length();
    Row lastNamed = last == null || last.nameStart >= 0 ? last : last.suspectedParent;
    Row parent = fits ? lastNamed : null;
    Row row = parseRow(line);
    if (row != null) {
      finishLast();
      row.suspectedParent = parent;
      last = row;
      room = Math.max(room, row.nameStart < 0 ? 0 : MAX_NAME - line.length() + 1 + row.nameStart);
    } else if (parent != null && parent == last) {
      last.continuation += "\n" + line.substring(0, line.length() - 1);
      rowCount--;
    } else {
      throw new MalformedRowException("not a row: '" + line.strip() + "'");
    }
  }

  /** Returns null if the line is not laid out as a row. */
  private Row parseRow(String line) {
    int width = line.indexOf(':');
    int inodeStart = width + LAYOUT.length();
    boolean isWidth = addressWidth == 0 ? width == 8 || width == 16 : width == addressWidth;
    if (!isWidth || line.length() <= inodeStart + MIN_INODE_WIDTH || !hasLayout(line, width)) {
      return null;
    }
    int digits = inodeStart;
    while (line.charAt(digits) == ' ' && digits < inodeStart + MIN_INODE_WIDTH - 1) {
      digits++;
    }
    int end = digits; // the newline ends the loop at the latest
    while (Character.digit(line.charAt(end), 10) >= 0) {
      end++;
    }
    // A name that begins with a newline leaves only the space before it.
    boolean named = line.charAt(end) == ' ';
    boolean isInode = end >= inodeStart + MIN_INODE_WIDTH && end <= digits + MAX_INODE_DIGITS;
    if (!isInode || end == digits || !(named || line.charAt(end) == '\n')) {
      return null;
    }
    addressWidth = width;
    long flags = Long.parseLong(line, width + 20, width + 28, 16);
    long type = Long.parseLong(line, width + 29, width + 33, 16);
    Row row = new Row(line, named ? end + 1 : -1);
    row.watched = named && ((flags & ACCEPTS_CONNECTIONS) != 0 || type == SOCK_DGRAM);
    row.inode = Long.parseLong(line, digits, end, 10);
    return row;
  }

  /** The same for a line of bytes, of which many are read: this is compiled as a whole. */
  static boolean hasLayout(byte[] bytes, int start, int width) {
    for (int i = 0; i < width + LAYOUT.length(); i++) {
      char expected = i < width ? 'X' : LAYOUT.charAt(i - width);
      byte found = bytes[start + i];
      boolean isDigit =
          (found >= '0' && found <= '9')
              || (found >= 'a' && found <= 'f')
              || (found >= 'A' && found <= 'F');
      if (expected == 'X' ? !isDigit : found != expected) {
        return false;
      }
    }
    return true;
  }

  private static boolean hasLayout(String line, int width) {
    for (int i = 0; i < width + LAYOUT.length(); i++) {
      char expected = i < width ? 'X' : LAYOUT.charAt(i - width);
      char found = line.charAt(i);
      if (expected == 'X' ? Character.digit(found, 16) < 0 : found != expected) {
        return false;
      }
    }
    return true;
  }

  /** Stores the last row, whose name is complete now. */
  private void finishLast() {
    if (last == null) {
      return;
    }
    if (last.watched) {
      addRow(Long.toString(last.inode), last.continuation.isEmpty() ? last.name() : "\n");
    }
    if (!last.watched) {
      unwatchedInodes.add(last.inode);
    } else if (last.suspectedParent == null) {
      sockets.add(last.key());
      suspectedParents.remove(last.key());
    } else if (sockets.add(last.key())) { // otherwise it copies a row, which may be real
      suspectedParents.put(last.key(), last.suspectedParent.key());
    }
    last.suspectedParent = null; // or each row would keep all rows before it in memory
  }

  @Override
  Map<SocketKey, ForgerySuspicion> finish() {
    finishLast();
    if (suspectedParents.isEmpty()) {
      return Map.of();
    }
    Map<SocketKey, ForgerySuspicion> suspicions = new HashMap<>();
    Set<Long> inodes = new HashSet<>(unwatchedInodes.build().boxed().toList());
    Set<Long> contested = new HashSet<>();
    for (SocketKey socket : sockets) {
      if (!inodes.add(socket.inode())) {
        contested.add(socket.inode());
      }
    }
    for (var entry : suspectedParents.entrySet()) {
      boolean isContested = contested.contains(entry.getKey().inode());
      suspicions.put(entry.getKey(), new ForgerySuspicion(entry.getValue(), isContested));
    }
    return suspicions;
  }
}
