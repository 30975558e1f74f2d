/** Who probes unused ports: the packet filter of the kernel counts them, and cuts them off. */
package org.lsm.sentry;
