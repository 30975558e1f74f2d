/** Alerts: when one is due, how it waits in the outbox, and the history of all of them. */
package org.lsm.alert;
