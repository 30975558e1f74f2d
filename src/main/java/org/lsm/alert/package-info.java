/** Tells the administrator: the report, and the channels that carry it. */
package org.lsm.alert;
