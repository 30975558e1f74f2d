package org.lsm.proc;

import java.util.List;
import java.util.Map;
import org.lsm.model.SocketKey;

/**
 * The content of all tables of a network namespace, as {@link ParsedTable} has that of one.
 *
 * @param notes one line for each table with malformed rows; not escaped
 */
record NamespaceSockets(
    List<SocketKey> sockets,
    Map<SocketKey, ForgerySuspicion> suspicions,
    int rowCount,
    List<String> notes) {}
