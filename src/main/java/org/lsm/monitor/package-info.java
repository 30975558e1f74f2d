package org.lsm.monitor;

/** One run of the monitor: scan, compare until confirmed, decide, store the alert, deliver it. */
