package org.lsm.proc;

import java.util.List;
import java.util.Map;
import org.lsm.model.SocketKey;

/**
 * What a table held.
 *
 * @param rows the watched sockets
 * @param doubts why some of them may be no sockets at all
 * @param count how many rows were read, watched or not
 * @param skipped how many of them were not understood
 * @param firstSkipped line and reason of the first of those, empty if there is none
 */
record ParsedTable(
    List<SocketKey> rows,
    Map<SocketKey, ForgerySuspicion> doubts,
    int count,
    int skipped,
    String firstSkipped) {

  /** What a table held in which nobody can forge rows. */
  ParsedTable(List<SocketKey> rows, int count, int skipped, String firstSkipped) {
    this(rows, Map.of(), count, skipped, firstSkipped);
  }
}
