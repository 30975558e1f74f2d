package org.lsm.monitor;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.lsm.alert.History;
import org.lsm.model.Diff;
import org.lsm.model.Difference;
import org.lsm.model.HostInfo;
import org.lsm.model.ProcessRef;
import org.lsm.model.ProgramDigest;
import org.lsm.model.ProgramFile;
import org.lsm.model.Snapshot;
import org.lsm.model.SocketEntry;
import org.lsm.model.TextEscaper;
import org.lsm.storage.StateDirectory;

/**
 * Finds the programs whose file was replaced since the baseline: its device, inode, size or time of
 * change differs, so does its content, and no package installed that. What cannot be found out in
 * time counts as replaced.
 */
public final class ProgramCheck {
  private final Map<String, List<ProgramDigest>> byPath = new HashMap<>();
  private final Path stateDirectory;
  private final Path proc;
  private final ProgramFiles.Runner runner;
  private ProgramFiles files; // null until a file has to be read

  /** Takes the programs of a baseline, and the mount point of /proc. */
  ProgramCheck(
      List<ProgramDigest> baseline, Path stateDirectory, Path proc, ProgramFiles.Runner runner) {
    this.stateDirectory = stateDirectory;
    this.proc = proc;
    this.runner = runner;
    for (ProgramDigest program : baseline) {
      byPath.computeIfAbsent(program.path(), none -> new ArrayList<>()).add(program);
    }
  }

  private ProgramFiles files() {
    if (files == null) {
      List<ProgramDigest> known = new ArrayList<>(StateDirectory.readProgramCache(stateDirectory));
      byPath.values().forEach(known::addAll);
      files = new ProgramFiles(known, proc, runner);
    }
    return files;
  }

  /**
   * Returns what was found, with the old path of each program whose file was only renamed, or has
   * another path in the mount namespace of its process.
   */
  Snapshot withOldPaths(Snapshot found) {
    Map<ProcessRef, ProcessRef> renamed = new HashMap<>();
    for (ProcessRef process : processes(found)) {
      String path = hasUnknownPath(process) ? files().pathOf(process.file()) : null;
      if (byPath.containsKey(path)) {
        renamed.put(process, process.at(path));
      }
    }
    if (renamed.isEmpty()) {
      return found;
    }
    files().read(renamed.values());
    renamed.values().removeIf(it -> !hasKnownContent(it));
    List<SocketEntry> entries = new ArrayList<>();
    for (SocketEntry entry : found.sockets().values()) {
      Stream<ProcessRef> processes = entry.processes().stream();
      entries.add(entry.with(processes.map(it -> renamed.getOrDefault(it, it)).toList()));
    }
    return Snapshot.of(found.hostInfo(), entries);
  }

  private static Set<ProcessRef> processes(Snapshot found) {
    Set<ProcessRef> processes = new LinkedHashSet<>();
    for (SocketEntry entry : found.sockets().values()) {
      processes.addAll(entry.processes());
    }
    return processes;
  }

  private boolean hasUnknownPath(ProcessRef process) {
    return !byPath.isEmpty()
        && !byPath.containsKey(process.owner().program())
        && !process.file().equals(ProgramFile.UNKNOWN);
  }

  /** Returns the sockets of replaced programs. */
  List<SocketEntry> replaced(Snapshot found) {
    List<ProcessRef> differing = new ArrayList<>();
    for (ProcessRef process : processes(found)) {
      if (differs(process)) {
        differing.add(process);
      }
    }
    if (differing.isEmpty()) {
      return List.of(); // a quiet run ends here
    }
    // Those of root first: the packages are asked while there is time.
    files().read(differing).forEach(this::isReplaced);
    return found.sockets().values().stream().filter(it -> !replacedPrograms(it).isEmpty()).toList();
  }

  private boolean differs(ProcessRef process) {
    List<ProgramDigest> known = byPath.get(process.owner().program());
    if (known == null || process.file().equals(ProgramFile.UNKNOWN)) {
      return false;
    }
    for (ProgramDigest digest : known) {
      if (digest.file().equals(process.file())) {
        return false;
      }
    }
    return true;
  }

  private boolean isReplaced(ProcessRef process) {
    return differs(process) && files().digest(process) != null && !hasKnownContent(process);
  }

  /** Whether the file of a process has a content of the baseline, or of a package. */
  private boolean hasKnownContent(ProcessRef process) {
    ProgramDigest digest = files().digest(process);
    List<ProgramDigest> known = byPath.get(process.owner().program());
    return digest != null
        && (known.stream().anyMatch(it -> it.hasContentOf(digest)) || files().isVouched(process));
  }

  /** The paths of the programs of a socket that {@link #replaced} has found to be replaced. */
  Set<String> replacedPrograms(SocketEntry entry) {
    Set<String> programs = new TreeSet<>();
    for (ProcessRef process : entry.processes()) {
      if (isReplaced(process)) {
        programs.add(process.owner().program());
      }
    }
    return programs;
  }

  /** Returns the accepted differences, and those which only the files of the same programs make. */
  public Diff withSamePrograms(Diff accepted, Diff all) {
    Set<String> programs = accepted.programs();
    Stream<Difference> ofSamePrograms =
        all.differences().stream()
            .filter(it -> it.isReplaced() && programs.containsAll(replacedPrograms(it.after())));
    return new Diff(
        Stream.concat(accepted.differences().stream(), ofSamePrograms).distinct().toList());
  }

  /**
   * Adds to a baseline the files that processes execute now, except in containers.
   *
   * @param isTaken the paths of programs whose files are taken; the others keep theirs
   */
  public Snapshot addPrograms(Snapshot next, Snapshot now, Predicate<String> isTaken) {
    Set<ProcessRef> processes = processes(now);
    processes.removeIf(
        it ->
            it.file().equals(ProgramFile.UNKNOWN)
                || !it.owner().program().startsWith("/")
                || !isTaken.test(it.owner().program()));
    Set<String> owners = new TreeSet<>();
    next.sockets().values().forEach(it -> it.owners().forEach(at -> owners.add(at.program())));
    List<ProgramDigest> programs = new ArrayList<>();
    files().read(processes).forEach(it -> programs.add(files().digest(it).with(false)));
    Set<String> taken = new TreeSet<>();
    programs.forEach(it -> taken.add(it.path()));
    next.programs().stream()
        .filter(it -> owners.contains(it.path()) && !taken.contains(it.path()))
        .forEach(programs::add);
    Comparator<ProgramDigest> byName = Comparator.comparing(ProgramDigest::path);
    programs.sort(byName.thenComparing(it -> it.file().inode()));
    return next.with(programs);
  }

  /** Stores the digests that were read, and records in the history what packages upgraded. */
  void store(StateDirectory state, History history, HostInfo host) throws IOException {
    if (files != null && files.isChanged()) {
      Stream<String> upgrades = files.upgrades().stream().map(TextEscaper::escape);
      history.append("upgraded", upgrades.toArray(String[]::new));
      List<ProgramDigest> kept =
          files.toKeep().stream().filter(it -> byPath.containsKey(it.path())).toList();
      state.storeProgramCache(new Snapshot(host, new TreeMap<>(), kept));
    }
  }

  /** Whether files were needed to decide whether programs are the same. */
  boolean hasReadFiles() {
    return files != null;
  }

  /** What could not be found out, in words; not escaped. */
  public List<String> notes() {
    return files == null ? List.of() : files.notes();
  }
}
