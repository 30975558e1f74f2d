/**
 * The values that the other packages exchange: sockets, processes, snapshots and their differences.
 */
package org.lsm.model;
