/** The channels that deliver alerts: mail, syslog and the administrator's command. */
package org.lsm.channel;
