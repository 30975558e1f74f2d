/** Reads /proc: the socket tables, and the processes that hold the sockets. */
package org.lsm.proc;
