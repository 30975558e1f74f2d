package org.lsm.model;

import java.util.List;
import java.util.Set;

/** A process with its systemd unit or container and parents up to PID 1; empty where unknown. */
public record ProcessDetails(
    ProcessRef process,
    String commandLine,
    String workingDirectory,
    String unit,
    List<ProcessRef> parents,
    Set<Flag> flags,
    Facts facts) {

  /** Details without facts. */
  public ProcessDetails(
      ProcessRef process,
      String commandLine,
      String workingDirectory,
      String unit,
      List<ProcessRef> parents,
      Set<Flag> flags) {
    this(process, commandLine, workingDirectory, unit, parents, flags, Facts.NONE);
  }

  public ProcessDetails with(Facts all) {
    return new ProcessDetails(process, commandLine, workingDirectory, unit, parents, flags, all);
  }
}
