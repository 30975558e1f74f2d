package org.lsm.proc;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.lsm.model.Endpoint;
import org.lsm.model.Protocol;
import org.lsm.model.SocketKey;
import org.lsm.model.TextEscaper;

/**
 * Parses {@code /proc/net/unix} (proc_net(5)), in which names stand as any user of the host has
 * chosen them, newlines and all: a name may go on in the next line, and that line may look like a
 * row. Nothing that is written in it tells a forged row from a real one, so each row that may be
 * the end of the name before it comes with its {@link ForgerySuspicion}.
 */
final class ProcNetUnixParser {

  /** The socket accepts connections (__SO_ACCEPTCON of include/linux/net.h). */
  private static final long ACCEPTS_CONNECTIONS = 0x10000;

  private static final long SOCK_DGRAM = 2;

  /** Longest name, sun_path of unix(7). */
  private static final int LONGEST_NAME = 108;

  /**
   * A row, to the digit (unix_seq_show in net/unix/af_unix.c): {@code Num: RefCount Protocol Flags
   * Type St Inode Path}, of which this is what stands between the address, of 8 or 16 digits, and
   * the inode. A row that has to be as long as that leaves no room for a second one in a name.
   */
  private static final String LAYOUT = ": XXXXXXXX 00000000 XXXXXXXX XXXX XX ";

  private static final int FLAGS = 20;
  private static final int TYPE = 29;

  /** The inode is padded to so many characters. */
  private static final int LEAST_WIDTH = 5;

  private static final int MOST_DIGITS = 18;

  private final String netns;

  /** The watched sockets, each with the one whose name it may be a part of, or null. */
  private final Map<SocketKey, SocketKey> sockets = new LinkedHashMap<>();

  /** The inodes of all others. */
  private long[] others = new long[1024];

  private int otherCount;

  /** Digits of the address, which are as many in each row; 0 before the first. */
  private int addressWidth;

  private Row last;

  /** How many bytes the longest name that may be going on can still have. */
  private int room;

  /** For one table of the network namespace with this label. */
  ProcNetUnixParser(String netns) {
    this.netns = netns;
  }

  /** A row of the table. */
  private static final class Row {
    private final String line;
    private final long inode;
    private final boolean watched;

    /** Where the name begins; -1 if there is none. */
    private final int name;

    /** The row with a name that this one may be a part of; null if there is none. */
    private Row suspectedParent;

    /** The other lines of the name. */
    private String rest = "";

    /** Made when it is needed, for most rows are of no interest, and then once. */
    private SocketKey socket;

    Row(String line, long inode, boolean watched, int name, Row suspectedParent) {
      this.line = line;
      this.inode = inode;
      this.watched = watched;
      this.name = name;
      this.suspectedParent = suspectedParent;
    }

    int nameLength() {
      return line.length() - 1 - name;
    }

    String name() {
      String all = line.substring(name, line.length() - 1) + rest;
      return TextEscaper.decode(all.getBytes(StandardCharsets.ISO_8859_1));
    }
  }

  /** Reads the table to its end. */
  ParsedTable parse(InputStream in) throws IOException {
    ByteLineReader lines = new ByteLineReader(in);
    int count = 0;
    int skipped = 0;
    String firstSkipped = "";
    lines.next(); // the header
    int number = 1;
    for (String line = lines.next(); line != null; line = lines.next()) {
      number++;
      try {
        count += read(line) ? 1 : 0;
      } catch (MalformedRowException e) {
        count++;
        skipped++;
        firstSkipped = skipped == 1 ? "line " + number + ": " + e.getMessage() : firstSkipped;
      }
    }
    keep();
    return new ParsedTable(List.copyOf(sockets.keySet()), doubts(), count, skipped, firstSkipped);
  }

  /** Reads a line; false if it only goes on with the name before it. */
  private boolean read(String line) throws MalformedRowException {
    if (!line.endsWith("\n")) {
      throw new MalformedRowException("row is cut short");
    }
    // Its length is that of its text and of the newline before that, which is part of the name too.
    Row suspectedParent = line.length() <= room ? named(last) : null; // before it is kept
    room -= line.length();
    Row row = row(line, suspectedParent);
    if (row != null) {
      keep();
      last = row;
      room = Math.max(room, row.name < 0 ? 0 : LONGEST_NAME - row.nameLength());
      return true;
    }
    if (suspectedParent == null || suspectedParent != last) {
      throw new MalformedRowException("no row: '" + line.strip() + "'");
    }
    last.rest += "\n" + line.substring(0, line.length() - 1);
    return false;
  }

  private static Row named(Row row) {
    return row == null || row.name >= 0 ? row : row.suspectedParent;
  }

  /** The row that a line is, or null if it is none. */
  private Row row(String line, Row suspectedParent) {
    int width = line.indexOf(':');
    boolean usual = addressWidth == 0 ? width == 8 || width == 16 : width == addressWidth;
    if (!usual || !isLaidOut(line, width)) {
      return null;
    }
    int inode = width + LAYOUT.length();
    int digits = inode;
    while (at(line, digits) == ' ' && digits < inode + LEAST_WIDTH - 1) {
      digits++;
    }
    int end = digits;
    while (Character.digit(at(line, end), 10) >= 0) {
      end++;
    }
    // A name that begins with a newline leaves nothing but the space before it.
    boolean named = at(line, end) == ' ';
    boolean padded = end >= inode + LEAST_WIDTH && end > digits && end <= digits + MOST_DIGITS;
    if (!padded || !(named || at(line, end) == '\n')) {
      return null;
    }
    addressWidth = width;
    boolean listens = (hex(line, width + FLAGS, 8) & ACCEPTS_CONNECTIONS) != 0;
    boolean watched = named && (listens || hex(line, width + TYPE, 4) == SOCK_DGRAM);
    long number = Long.parseLong(line, digits, end, 10);
    return new Row(line, number, watched, named ? end + 1 : -1, suspectedParent);
  }

  private static boolean isLaidOut(String line, int width) {
    for (int i = 0; i < width; i++) {
      if (!isHex(at(line, i))) {
        return false;
      }
    }
    for (int i = 0; i < LAYOUT.length(); i++) {
      char expected = LAYOUT.charAt(i);
      char found = at(line, width + i);
      if (expected == 'X' ? !isHex(found) : found != expected) {
        return false;
      }
    }
    return true;
  }

  private static char at(String line, int index) {
    return index < line.length() ? line.charAt(index) : 0;
  }

  private static boolean isHex(char c) {
    return Character.digit(c, 16) >= 0;
  }

  private static long hex(String line, int start, int digits) {
    return Long.parseLong(line, start, start + digits, 16);
  }

  /** Keeps the last row, whose name is whole now. */
  private void keep() {
    if (last == null) {
      return;
    }
    if (last.watched) {
      // Of two rows for the same socket one may be forged, but the other one is not.
      if (last.suspectedParent == null || !sockets.containsKey(socket(last))) {
        sockets.put(
            socket(last), last.suspectedParent == null ? null : socket(last.suspectedParent));
      }
    } else {
      if (otherCount == others.length) {
        others = Arrays.copyOf(others, 2 * otherCount);
      }
      others[otherCount++] = last.inode;
    }
    last.suspectedParent = null; // else each row would keep all before it
  }

  /** The table tells no user. */
  private SocketKey socket(Row row) {
    if (row.socket == null) {
      row.socket = new SocketKey(row.inode, 0, new Endpoint(netns, Protocol.UNIX, row.name(), 0));
    }
    return row.socket;
  }

  private Map<SocketKey, ForgerySuspicion> doubts() {
    Map<Long, Integer> claims = new HashMap<>();
    for (SocketKey socket : sockets.keySet()) {
      claims.merge(socket.inode(), 1, Integer::sum);
    }
    for (int i = 0; i < otherCount; i++) {
      Integer watched = claims.get(others[i]);
      if (watched != null) {
        claims.put(others[i], watched + 1);
      }
    }
    Map<SocketKey, ForgerySuspicion> doubts = new HashMap<>();
    for (var entry : sockets.entrySet()) {
      if (entry.getValue() != null) {
        boolean contested = claims.get(entry.getKey().inode()) > 1;
        doubts.put(entry.getKey(), new ForgerySuspicion(entry.getValue(), contested));
      }
    }
    return doubts;
  }
}
