package org.lsm.proc;

import java.io.IOException;
import java.io.InputStream;
import java.util.List;
import java.util.Map;
import org.lsm.model.SocketKey;

/** Reads one socket table row by row. Malformed rows are skipped, counted and reported. */
abstract class TableParser {

  private int rowCount;
  private int skipped;
  private String firstSkipped = "";
  private boolean stopped;

  /** Parses one line, which ends with a newline. */
  abstract void parseLine(String line) throws MalformedRowException;

  /** Returns the watched sockets after the last line. */
  abstract List<SocketKey> sockets();

  /** Returns those of them whose rows may be forged. */
  Map<SocketKey, ForgerySuspicion> suspicions() {
    return Map.of();
  }

  /** Ends the table with the line being parsed: the rows behind it are not of interest. */
  final void stop() {
    stopped = true;
  }

  /** Does not count the line being parsed: it continues the row before it. */
  final void continueRow() {
    rowCount--;
  }

  /** Parses a table, which a parser does once. */
  final ParsedTable parse(InputStream in) throws IOException {
    ByteLineReader lines = new ByteLineReader(in);
    lines.next(); // the header, which differs between kernels
    int lineNumber = 1;
    for (String line = lines.next(); line != null; line = stopped ? null : lines.next()) {
      lineNumber++;
      rowCount++;
      try {
        if (!line.endsWith("\n")) {
          throw MalformedRowException.cutShort(line);
        }
        parseLine(line);
      } catch (MalformedRowException e) {
        if (skipped++ == 0) {
          firstSkipped = "line " + lineNumber + ": " + e.getMessage();
        }
      }
    }
    return new ParsedTable(sockets(), suspicions(), rowCount, skipped, firstSkipped);
  }
}
