/** The sentry: nftables rules that count probes of unused ports and block the hosts that scan. */
package org.lsm.sentry;
