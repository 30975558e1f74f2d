/** The configuration: read, validated, explained. */
package org.lsm.config;
