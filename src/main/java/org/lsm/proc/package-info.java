/** The only package that knows /proc: rows of the socket tables, and who holds the sockets. */
package org.lsm.proc;
