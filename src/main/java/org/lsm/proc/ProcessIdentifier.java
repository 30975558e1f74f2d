package org.lsm.proc;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.lsm.model.Owner;
import org.lsm.model.ProcessRef;
import org.lsm.model.ProgramFile;
import org.lsm.proc.ForeignFiles.Attributes;

/** Finds out which program a process executes, and whether that is a file of this host. */
final class ProcessIdentifier {
  private final ProcessReader processes;
  private final ForeignFiles files;
  private final Map<Integer, ProcessRef> known;
  private final Map<Integer, ProcessRef> parents = new HashMap<>();

  /** Takes processes identified before, by PID: as long as one executes the same, it is that. */
  ProcessIdentifier(ProcessReader processes, ForeignFiles files, Map<Integer, ProcessRef> known) {
    this.processes = processes;
    this.files = files;
    this.known = known;
  }

  /**
   * Identifies processes; returns them by PID, without those that have ended. The owner is {@link
   * Owner#UNKNOWN} if the file of the program had to be read, and did not answer.
   */
  Map<Integer, ProcessRef> identify(Collection<RunningProcess> running) {
    Map<Integer, ProcessRef> identified = new HashMap<>();
    Map<RunningProcess, List<String>> names = new LinkedHashMap<>();
    for (RunningProcess process : ofUsersWithNamesFirst(running)) {
      ProcessRef before = known.get(process.pid());
      // Without its start on the stack, a second execution could pass for the first.
      if (before != null && process.startStack() != 0 && process.continues(before)) {
        identified.put(process.pid(), before);
      } else {
        names.put(process, List.of(process.link().toString(), process.target()));
      }
    }
    Map<String, Attributes> attributes = names.isEmpty() ? Map.of() : files.attributes(names);
    for (RunningProcess process : names.keySet()) {
      try {
        Owner owner = owner(process, attributes);
        Attributes file = attributes.get(process.link().toString());
        ProgramFile program = file == null ? ProgramFile.UNKNOWN : file.file();
        identified.put(process.pid(), processes.reference(process, owner, program));
      } catch (IOException e) {
        // it has ended, and its PID may belong to another process
      }
    }
    return identified;
  }

  /** Anybody can have processes of thousands of users that passwd(5) does not name (subuid(5)). */
  private static List<RunningProcess> ofUsersWithNamesFirst(Collection<RunningProcess> running) {
    List<RunningProcess> ordered = new ArrayList<>(running);
    ordered.sort(Comparator.comparing(it -> Character.isDigit(it.user().charAt(0))));
    return ordered;
  }

  private Owner owner(RunningProcess process, Map<String, Attributes> attributes)
      throws IOException {
    boolean isInOwnMounts = processes.isInOwnMounts(process);
    Attributes running = attributes.get(process.link().toString());
    Attributes atPath = attributes.get(process.target());
    boolean same = running != null && atPath != null && isSame(running.file(), atPath.file());
    if (files.isUnread(process) && !isInOwnMounts) {
      return Owner.UNKNOWN;
    }
    if (same && process.isMarkedDeleted()) {
      return owner(process, process.target()); // its name only looks as if it were deleted
    }
    // Where lsm sees the same file systems, only root can put another file over such a path.
    boolean isAnother = running != null && atPath != null;
    return owner(process, process.program(same || (isInOwnMounts && !isAnother)));
  }

  private static boolean isSame(ProgramFile a, ProgramFile b) {
    return a.device() == b.device() && a.inode() == b.inode();
  }

  private Owner owner(RunningProcess process, String program) {
    String script = "";
    if (Interpreter.isInterpreter(program)) {
      String directory = processes.workingDirectory(process.pid());
      script = Interpreter.script(program, files.commandLine(process), directory);
      if (files.isUnread(process)) {
        return Owner.UNKNOWN;
      }
    }
    return new Owner(process.user(), program, script);
  }

  /** The parents of a process up to PID 1, or as far as they still run. */
  List<ProcessRef> parents(int pid, int max) {
    Map<Integer, RunningProcess> running = new LinkedHashMap<>();
    List<Integer> chain = new ArrayList<>();
    try {
      for (int it = processes.parent(pid); it > 0 && chain.size() < max; ) {
        chain.add(it);
        if (!parents.containsKey(it)) {
          addRunning(it, running);
        }
        it = processes.parent(it);
      }
    } catch (IOException | RuntimeException e) {
      // One of them has ended; the chain stops there.
    }
    parents.putAll(identify(running.values()));
    List<ProcessRef> found = new ArrayList<>();
    for (int parent : chain) {
      try {
        ProcessRef process = parents.get(parent);
        found.add(process == null ? processes.named(parent) : process);
      } catch (IOException e) {
        break;
      }
    }
    return found;
  }

  private void addRunning(int pid, Map<Integer, RunningProcess> running) {
    try {
      running.put(pid, processes.running(pid));
    } catch (IOException e) {
      // a thread of the kernel, or hidden
    }
  }
}
