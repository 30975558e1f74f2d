package org.lsm.proc;

import org.lsm.snapshot.Endpoint;

/**
 * What lsm uses of one row of a socket table.
 *
 * @param endpoint the local end
 * @param inode number of the socket's inode, by which its owners are found; 0 belongs to nobody
 */
record Row(Endpoint endpoint, long inode) {}
