/**
 * One class a command: it parses options, calls the other packages, prints, and returns the exit
 * code.
 */
package org.lsm.cli;
