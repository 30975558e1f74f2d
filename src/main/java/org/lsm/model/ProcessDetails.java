package org.lsm.model;

import java.util.List;
import java.util.Set;

/**
 * What a report adds to a process: also its systemd unit or container, and its parents up to PID 1.
 * A string is empty if it is unknown.
 */
public record ProcessDetails(
    ProcessRef process,
    String commandLine,
    String workingDirectory,
    String unit,
    List<ProcessRef> parents,
    Set<Flag> flags) {}
