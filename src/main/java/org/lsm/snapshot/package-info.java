/** The model: endpoints, who holds them, a host's sockets at one moment, its file, and the diff. */
package org.lsm.snapshot;
