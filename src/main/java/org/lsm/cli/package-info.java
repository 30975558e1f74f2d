package org.lsm.cli;

/** One class a command: parse options, call the house, print, return the exit code. */
