/** Values that the other packages exchange: sockets, processes, snapshots, differences. */
package org.lsm.model;
