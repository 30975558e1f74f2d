package org.lsm.proc;

import java.util.Collection;
import java.util.List;
import org.lsm.model.Snapshot;
import org.lsm.model.SocketEntry;

/** Selects the sockets whose details a scan reads, while their processes still run. */
@FunctionalInterface
public interface DetailsSelector {

  /** Selects nothing. */
  DetailsSelector NONE = scanned -> List.of();

  /** The sockets of a scan to read the details of. */
  Collection<SocketEntry> select(Snapshot scanned);
}
