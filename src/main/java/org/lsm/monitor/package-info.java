/** One run of the monitor: scan, compare until confirmed, decide, store the alert, deliver it. */
package org.lsm.monitor;
