package org.lsm.proc;

import java.util.List;
import java.util.Map;
import org.lsm.model.SocketKey;

/**
 * The content of one socket table.
 *
 * @param sockets the watched sockets
 * @param suspicions the sockets among them whose rows may be forged
 * @param rowCount number of rows read, watched or not
 * @param skipped number of malformed rows among them
 * @param firstSkipped line number and reason of the first malformed row; empty if there is none
 */
record ParsedTable(
    List<SocketKey> sockets,
    Map<SocketKey, ForgerySuspicion> suspicions,
    int rowCount,
    int skipped,
    String firstSkipped) {

  /** The content of a table that does not exist. */
  static final ParsedTable EMPTY = new ParsedTable(List.of(), Map.of(), 0, 0, "");
}
