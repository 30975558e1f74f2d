package org.lsm.proc;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import java.io.ByteArrayOutputStream;
import java.io.FileInputStream;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import org.lsm.model.Protocol;

/**
 * Reads, as bytes, the columns that tell the watched sockets of this namespace from all others: two
 * scans that read the same find the same sockets. {@link TableParser} collects the same columns of
 * the rows that it parses. Where both do not agree, as for names that contain newlines, the sockets
 * do not count as the same.
 */
public final class WatchedRows {
  /** Of tables with more watched bytes than this, nothing is known to be the same. */
  public static final int MAX_SIZE = 4 * 1024 * 1024;

  // Columns of the formats that ProcNetParser describes.
  private static final int[] INET = {1, 7, 9}; // local_address, uid, inode
  private static final int[] PACKET = {3, 4, 7, 8}; // Proto, Iface, User, Inode
  private static final int INTERFACE = 4;
  private static final int[] SCTP = {5, 6, 7}; // LPORT, UID, INODE; the addresses follow
  private static final int STATE = 3;
  private static final int MAX_COLUMNS = 64;

  // The kernel fills a page as long as there are rows, each of which has less than 1,024 bytes. To
  // find
  // out that a table of TCP has no more, it walks through all connections, which takes
  // milliseconds.
  // Not for SCTP, where a whole hash bucket is one record.
  private static final int SHORT_READ = 3072;

  // Offsets behind the address in a row of ProcNetUnixParser.
  private static final int ACCEPTS_CONNECTIONS = 23; // a digit of the flags
  private static final int TYPE = 32; // its last digit, 2 for SOCK_DGRAM
  private static final int INODE = 37;

  private final ByteArrayOutputStream rows;
  private final boolean listenersFirst;
  private final InterfaceNames interfaces;
  private final int[] starts = new int[MAX_COLUMNS];
  private final int[] ends = new int[MAX_COLUMNS];
  private int columns;
  private int addressWidth; // of the rows of unix sockets; 0 before the first
  private ByteLineReader line;

  private WatchedRows(Path proc, ByteArrayOutputStream rows) throws IOException {
    this.rows = rows;
    this.listenersFirst = new KernelInfo(proc).listsListenersFirst();
    this.interfaces = new InterfaceNames(proc.resolve("net"));
  }

  /**
   * Appends the watched rows below a mount point of /proc; throws IOException if a table cannot be
   * read, or has a line that is not a row.
   */
  public static void append(Path proc, ByteArrayOutputStream rows) throws IOException {
    WatchedRows reader = new WatchedRows(proc, rows);
    for (Protocol protocol : Protocol.values()) {
      if (protocol.family() != Protocol.Family.OUTBOUND) {
        reader.appendTable(protocol, proc + "/net/", NetworkNamespace.table(protocol));
      }
    }
  }

  private void appendTable(Protocol protocol, String directory, String table) throws IOException {
    try (InputStream in = new FileInputStream(directory + table)) {
      line = new ByteLineReader(in, isTcp(protocol) ? SHORT_READ : 0);
      if (line.advance()) {
        rows.writeBytes(table.substring(table.lastIndexOf('/') + 1).getBytes(ISO_8859_1));
        rows.write(' ');
        rows.write('\n');
      }
      while (line.advance() && appendRow(protocol)) {
        if (rows.size() > MAX_SIZE) {
          throw new IOException("too many rows in " + table);
        }
      }
    } catch (MalformedRowException e) {
      throw notARow();
    } catch (FileNotFoundException e) {
      // A kernel without this protocol; otherwise the rows are missing in the result.
    }
  }

  /** Appends a row if it is watched; returns false if no row behind it is. */
  private boolean appendRow(Protocol protocol) throws IOException, MalformedRowException {
    if (line.at(line.length() - 1) != '\n') {
      throw notARow();
    }
    if (protocol == Protocol.UNIX) {
      appendUnix();
      return true;
    }
    split();
    boolean isWatched =
        switch (protocol) {
          case TCP, TCP6 -> isState('A');
          case UDP, UDP6, UDPLITE, UDPLITE6 -> isState('7');
          default -> true;
        };
    if (isWatched) {
      switch (protocol.family()) {
        case PACKET -> {
          append(PACKET, columns);
          rows.writeBytes(interfaces.of(column(INTERFACE)).getBytes(ISO_8859_1));
          rows.write(' ');
          rows.write('\n');
        }
        case SCTP -> append(SCTP, SCTP[SCTP.length - 1] + 1);
        default -> append(INET, columns);
      }
    }
    return isWatched
        || !isTcp(protocol)
        || !listenersFirst
        || isState('3'); // a half-open connection
  }

  private static boolean isTcp(Protocol protocol) {
    return protocol == Protocol.TCP || protocol == Protocol.TCP6;
  }

  private void split() throws IOException {
    columns = 0;
    int end = line.length() - 1;
    for (int i = 0; i < end; ) {
      if (line.at(i) == ' ') {
        i++;
        continue;
      }
      if (columns == MAX_COLUMNS) {
        throw notARow();
      }
      starts[columns] = i;
      while (i < end && line.at(i) != ' ') {
        i++;
      }
      ends[columns++] = i;
    }
  }

  /** Whether the state is this hexadecimal digit, after a zero. */
  private boolean isState(char digit) throws IOException {
    if (columns <= STATE || ends[STATE] - starts[STATE] != 2) {
      throw notARow();
    }
    return line.at(starts[STATE]) == '0' && line.at(starts[STATE] + 1) == digit;
  }

  /** Appends these columns of the row, and all from another one on. */
  private void append(int[] selected, int from) throws IOException {
    for (int column : selected) {
      append(column);
    }
    for (int column = from; column < columns; column++) {
      append(column);
    }
    rows.write('\n');
  }

  private void append(int column) throws IOException {
    if (column >= columns) {
      throw notARow();
    }
    line.copy(starts[column], ends[column], rows);
    rows.write(' ');
  }

  private void appendUnix() throws IOException {
    int width = line.length() > 8 && line.at(8) == ':' ? 8 : 16;
    addressWidth = addressWidth == 0 ? width : addressWidth;
    boolean isRow = width == addressWidth && line.length() > width + INODE + 1;
    if (!isRow || !ProcNetUnixParser.hasLayout(line.buffer(), line.start(), width)) {
      throw notARow();
    }
    boolean isListener = line.at(width + ACCEPTS_CONNECTIONS) == '1';
    if (!isListener && line.at(width + TYPE) != '2') {
      return;
    }
    int digits = width + INODE;
    while (line.at(digits) == ' ') {
      digits++; // the newline ends this at the latest
    }
    int end = digits;
    while (line.at(end) > ' ') {
      end++;
    }
    if (line.at(end) == ' ') { // it has a name
      line.copy(digits, line.length() - 1, rows);
      rows.write(' ');
      rows.write('\n');
    }
  }

  private String column(int column) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    line.copy(starts[column], ends[column], bytes);
    return bytes.toString(ISO_8859_1);
  }

  private static IOException notARow() {
    return new IOException("not a row");
  }
}
