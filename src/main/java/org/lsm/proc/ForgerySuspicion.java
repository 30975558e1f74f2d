package org.lsm.proc;

import org.lsm.model.SocketKey;

/**
 * Why a row may be forged.
 *
 * @param suspectedParent the socket whose name it may be a part of
 * @param contested whether another row has the same inode, so that one of the two is forged
 */
record ForgerySuspicion(SocketKey suspectedParent, boolean contested) {}
