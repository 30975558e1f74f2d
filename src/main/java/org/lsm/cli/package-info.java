/** One class a command: it parses options, calls the other packages, prints, and returns a code. */
package org.lsm.cli;
