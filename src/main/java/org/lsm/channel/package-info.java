/** The ways that an alert takes: mail, syslog and the administrator's command. */
package org.lsm.channel;
