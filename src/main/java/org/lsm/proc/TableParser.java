package org.lsm.proc;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.lsm.model.Endpoint;
import org.lsm.model.Plural;
import org.lsm.model.SocketKey;

/** Reads one socket table row by row. Malformed rows are skipped, counted and reported. */
abstract class TableParser {
  /** The socket whose name may contain a row, and whether another row has the same inode. */
  record ForgerySuspicion(SocketKey suspectedParent, boolean contested) {}

  /**
   * Watched sockets, those of them that may be forged, and warnings.
   *
   * @param hasHeader whether there is a header line, which a table without rows has as well
   * @param damaged the tables that may have more sockets, as {@link Endpoint#table} names them
   */
  record ParsedTable(
      List<SocketKey> sockets,
      Map<SocketKey, ForgerySuspicion> suspicions,
      boolean hasHeader,
      Set<String> damaged,
      List<String> notes) {
    static ParsedTable union(List<ParsedTable> tables) {
      List<SocketKey> sockets = new ArrayList<>();
      Map<SocketKey, ForgerySuspicion> suspicions = new HashMap<>();
      List<String> notes = new ArrayList<>();
      Set<String> damaged = new HashSet<>();
      boolean hasHeader = false;
      for (ParsedTable table : tables) {
        sockets.addAll(table.sockets);
        suspicions.putAll(table.suspicions);
        notes.addAll(table.notes);
        damaged.addAll(table.damaged);
        hasHeader |= table.hasHeader;
      }
      return new ParsedTable(sockets, suspicions, hasHeader, damaged, notes);
    }
  }

  final Set<SocketKey> sockets = new LinkedHashSet<>(); // the watched ones

  /** The watched rows as {@link WatchedRows} reads them; other text if it cannot. */
  final StringBuilder rows = new StringBuilder();

  int rowCount; // without lines that continue the row before them
  boolean stopped; // the rows behind the line being parsed are not of interest

  /** Parses one line, which ends with a newline. */
  abstract void parseLine(String line) throws MalformedRowException, IOException;

  /** Adds what {@link WatchedRows} reads of a watched row; of too many, it is not compared. */
  final void addRow(String... columns) {
    if (rows.length() < WatchedRows.MAX_SIZE) {
      for (String column : columns) {
        rows.append(column).append(' ');
      }
      rows.append('\n');
    }
  }

  /** The name of the table, unless its users can put malformed rows into it. */
  abstract Optional<String> damagedTable();

  /** Called after the last line; returns the sockets whose rows may be forged. */
  Map<SocketKey, ForgerySuspicion> finish() {
    return Map.of();
  }

  /** Parses a table, which a parser does once, and names it by its file in notes. */
  final ParsedTable parse(InputStream in, Path file) throws IOException {
    ByteLineReader lines = new ByteLineReader(in);
    boolean hasHeader = lines.next() != null; // its text differs between kernels
    if (hasHeader) {
      addRow(file.getFileName().toString());
    }
    int lineNumber = 1;
    int skipped = 0;
    String firstSkipped = "";
    for (String line = lines.next(); line != null; line = stopped ? null : lines.next()) {
      lineNumber++;
      rowCount++;
      try {
        if (!line.endsWith("\n")) {
          throw new MalformedRowException("row is cut short: '" + line.strip() + "'");
        }
        parseLine(line);
      } catch (MalformedRowException e) {
        if (skipped++ == 0) {
          firstSkipped = "line " + lineNumber + ": " + e.getMessage();
        }
      }
    }
    List<String> notes = new ArrayList<>();
    Set<String> damaged = new HashSet<>();
    if (skipped > 0) {
      damagedTable().ifPresent(damaged::add);
      addRow("malformed");
      String rows = "skipped " + skipped + " malformed of " + Plural.count(rowCount, "row");
      notes.add(rows + " in " + file + "; " + firstSkipped);
    }
    Map<SocketKey, ForgerySuspicion> suspicions = finish();
    return new ParsedTable(List.copyOf(sockets), suspicions, hasHeader, damaged, notes);
  }
}
