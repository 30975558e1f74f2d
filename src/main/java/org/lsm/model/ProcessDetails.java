package org.lsm.model;

import java.util.List;
import java.util.Set;

/**
 * What can be told of one process.
 *
 * @param process the process
 * @param commandLine its arguments, separated by spaces
 * @param workingDirectory where it runs
 * @param unit the systemd unit or the container it belongs to
 * @param parents its parent, and so on up to PID 1
 * @param flags what is odd about it
 */
public record ProcessDetails(
    ProcessRef process,
    String commandLine,
    String workingDirectory,
    String unit,
    List<ProcessRef> parents,
    Set<Flag> flags) {}
