package org.lsm.proc;

import org.lsm.model.SocketKey;

/**
 * Why a row of the unix table may be forged.
 *
 * @param suspectedParent the socket whose name may contain the row
 * @param contested whether another row has the same inode, so that one of the two is forged
 */
record ForgerySuspicion(SocketKey suspectedParent, boolean contested) {}
