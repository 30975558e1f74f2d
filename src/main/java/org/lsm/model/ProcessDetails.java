package org.lsm.model;

import java.util.List;
import java.util.Set;

/**
 * What a report adds to a process. A string is empty if it is unknown.
 *
 * @param process the process
 * @param commandLine its arguments, separated by spaces
 * @param workingDirectory the path of its working directory
 * @param unit its systemd unit or container
 * @param parents its parent, and so on up to PID 1
 * @param flags reasons to check the process
 */
public record ProcessDetails(
    ProcessRef process,
    String commandLine,
    String workingDirectory,
    String unit,
    List<ProcessRef> parents,
    Set<Flag> flags) {}
