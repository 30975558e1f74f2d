package org.lsm.proc;

import java.util.List;
import java.util.Map;
import java.util.Set;
import org.lsm.model.Endpoint;
import org.lsm.model.OwnerCache;
import org.lsm.model.Snapshot;
import org.lsm.model.SocketDetails;

/**
 * The result of one scan.
 *
 * @param snapshot the watched sockets
 * @param forged the endpoints in it that are rows forged by a user instead of sockets
 * @param details the details of the sockets that were selected
 * @param ownerCache the owners found, for the next scan
 * @param notes what limits the trust in this scan, in words; not escaped
 */
public record ScanResult(
    Snapshot snapshot,
    Set<Endpoint> forged,
    Map<Endpoint, SocketDetails> details,
    OwnerCache ownerCache,
    List<String> notes) {}
