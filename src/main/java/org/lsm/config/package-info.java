/** conf.lsm and ignore.lsm: read, validated, explained. */
package org.lsm.config;
