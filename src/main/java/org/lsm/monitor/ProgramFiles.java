package org.lsm.monitor;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.lsm.model.Plural;
import org.lsm.model.ProcessRef;
import org.lsm.model.ProgramDigest;
import org.lsm.model.ProgramFile;

/**
 * The SHA-256 of the files that processes execute. External programs read the files, because lsm
 * can kill them if a file system does not answer. All reads of a run take at most 10 s, all queries
 * of dpkg and rpm another 10 s. A file whose read had to be killed is not read again.
 */
final class ProgramFiles {
  /** Runs a command and returns its output; an IOException if it fails or takes longer. */
  interface Runner {
    String run(List<String> command, Duration timeout) throws IOException;
  }

  /** What is left of a time-out for several commands. */
  private static final class TimeLeft {
    private Duration left = Duration.ofSeconds(10);
  }

  private static final int FILE_TIMEOUT = 3; // seconds
  private static final int MAX_FILES = 1000;

  /**
   * Its arguments are a tool, the seconds after which it begins no further file, the time-out for
   * one, and the files. It opens each once: the numbers are those of the file that it reads. Of a
   * read that it had to kill, which may still wait, it prints the name.
   */
  private static final String SCRIPT =
      """
      tool=$1 end=$(($(date +%s) + $2)) timeout=$3
      shift 3
      for file do
        [ "$(date +%s)" -lt "$end" ] || break
        timeout -s KILL "$timeout" sh -c \\
          '{ stat -L -c "%d %i %s 0" /dev/stdin && "$0" /dev/stdin; } <"$1"' "$tool" "$file"
        [ $? -ne 137 ] || echo "killed $file"
      done
      exit 0
      """;

  private final Path proc;
  private final Runner runner;
  private final TimeLeft readTime = new TimeLeft();
  private final TimeLeft packageTime = new TimeLeft();
  private final Map<ProgramDigest, ProgramDigest> digests = new HashMap<>(); // by key
  private final Map<ProgramFile, String> paths = new HashMap<>(); // by file without time
  private final Set<ProgramDigest> inUse = new HashSet<>(); // keys
  private final Set<ProgramDigest> hanging = new HashSet<>(); // keys
  private final Map<ProgramDigest, String> packages =
      new HashMap<>(); // by digest; empty if there is none
  private final List<String> upgrades = new ArrayList<>();
  private boolean isChanged;
  private boolean timedOut;

  /** Takes the digests of earlier runs. */
  ProgramFiles(Collection<ProgramDigest> known, Path proc, Runner runner) {
    this.proc = proc;
    this.runner = runner;
    for (ProgramDigest it : known) {
      ProgramDigest key = key(it.path(), it.file());
      digests.put(key, it);
      if (it.sha256().isEmpty()) {
        hanging.add(key);
      }
      paths.put(it.file().withoutTime(), it.path());
    }
  }

  private static ProgramDigest key(String path, ProgramFile file) {
    return new ProgramDigest(path, file, "", false);
  }

  private static ProgramDigest key(ProcessRef process) {
    return key(process.owner().program(), process.file());
  }

  /** Returns the path at which a file is known, whatever its time of change; else null. */
  String pathOf(ProgramFile file) {
    return paths.get(file.withoutTime());
  }

  /** Returns the digest of the file of a process; null if {@link #read} has not got it. */
  ProgramDigest digest(ProcessRef process) {
    return digests.get(key(process));
  }

  /**
   * Reads the files of processes, those of root first, and returns one process of each file. A file
   * that cannot be read in time has a digest without content.
   */
  List<ProcessRef> read(Collection<ProcessRef> processes) {
    Map<ProgramDigest, ProcessRef> byFile = new LinkedHashMap<>();
    processes.stream()
        .sorted(Comparator.comparing(it -> !it.owner().user().equals("root")))
        .forEach(it -> byFile.putIfAbsent(key(it), it));
    Map<ProgramDigest, ProcessRef> unknown = new LinkedHashMap<>(byFile);
    unknown.keySet().removeAll(digests.keySet());
    if (!unknown.isEmpty()) {
      List<ProcessRef> some = unknown.values().stream().limit(MAX_FILES).toList();
      Set<Integer> killed = new HashSet<>();
      Map<ProgramFile, String> sums = sums("sha256sum", some, readTime, killed);
      unknown.forEach(
          (key, process) -> {
            String sum = sums.getOrDefault(key.file().withoutTime(), "");
            // One that has ended proves nothing: its file may still be executed, or be gone.
            if (!sum.isEmpty() || Files.exists(proc.resolve(process.pid() + "/stat"))) {
              digests.put(key, new ProgramDigest(key.path(), key.file(), sum, false));
              isChanged = true;
            }
            if (killed.contains(process.pid())) {
              hanging.add(key);
            }
          });
    }
    byFile.keySet().retainAll(digests.keySet());
    inUse.addAll(byFile.keySet());
    return List.copyOf(byFile.values());
  }

  /**
   * Returns the checksums by file without time, except for files that cannot be read in time; adds
   * the PIDs of processes whose file hangs.
   */
  private Map<ProgramFile, String> sums(
      String tool, List<ProcessRef> processes, TimeLeft time, Set<Integer> killed) {
    long seconds = time.left.toSeconds() - FILE_TIMEOUT;
    List<String> command = new ArrayList<>(List.of("/bin/sh", "-c", SCRIPT, "sh", tool));
    command.addAll(List.of(Long.toString(seconds), Integer.toString(FILE_TIMEOUT)));
    processes.forEach(it -> command.add(proc.resolve(it.pid() + "/exe").toString()));
    Pattern pattern =
        Pattern.compile("(\\d+ \\d+ \\d+ 0)\n([0-9a-f]{32,64}) |killed \\S*/(\\d+)/exe\n");
    Matcher file = pattern.matcher(output(command, time));
    Map<ProgramFile, String> sums = new HashMap<>();
    while (file.find()) {
      if (file.group(3) != null) {
        killed.add(Integer.valueOf(file.group(3)));
      } else {
        sums.put(ProgramFile.parse(file.group(1)), file.group(2));
      }
    }
    return sums;
  }

  private String output(List<String> command, TimeLeft time) {
    long start = System.nanoTime();
    try {
      return time.left.isNegative() ? "" : runner.run(command, time.left);
    } catch (IOException e) {
      return ""; // a program that is not installed, or knows no such file
    } finally {
      time.left = time.left.minusNanos(System.nanoTime() - start);
      timedOut |= time.left.isNegative();
    }
  }

  /** Whether a package has this content at this path, or had it before it was upgraded. */
  boolean isVouched(ProcessRef process) {
    ProgramDigest digest = digest(process);
    if (digest == null || digest.sha256().isEmpty()) {
      return false;
    }
    if (isVouched(digest)) {
      return true;
    }
    String packageName = packages.computeIfAbsent(digest, it -> packageOf(it, process));
    if (packageName.isEmpty()) {
      return false;
    }
    digests.put(key(process), digest.with(true));
    upgrades.add(digest.path() + " is a new file of package " + packageName);
    isChanged = true;
    return true;
  }

  private String packageOf(ProgramDigest digest, ProcessRef process) {
    var installed = new InstalledPackages(command -> output(command, packageTime));
    return installed.packageOf(
        digest.path(),
        digest.sha256(),
        () ->
            sums("md5sum", List.of(process), packageTime, new HashSet<>())
                .getOrDefault(digest.file().withoutTime(), ""));
  }

  private boolean isVouched(ProgramDigest digest) {
    return digests.values().stream().anyMatch(it -> it.vouched() && it.hasContentOf(digest));
  }

  /** The files that packages upgraded, in words; not escaped. */
  List<String> upgrades() {
    return upgrades;
  }

  /** What could not be found out, in words. */
  List<String> notes() {
    List<String> notes = new ArrayList<>();
    long unread = inUse.stream().filter(it -> digests.get(it).sha256().isEmpty()).count();
    if (unread > 0) {
      notes.add(Plural.count(unread, "program file") + " could not be read");
    }
    if (timedOut) {
      notes.add("there was no time to read all program files and to ask dpkg and rpm about them");
    }
    return notes;
  }

  /** Whether this run has read a file, or found its package. */
  boolean isChanged() {
    return isChanged;
  }

  /** What later runs need: of each program the files in use, or the last ones if none is. */
  List<ProgramDigest> toKeep() {
    Set<String> programs = new HashSet<>();
    inUse.forEach(it -> programs.add(it.path()));
    return digests.entrySet().stream()
        .filter(it -> inUse.contains(it.getKey()) || !programs.contains(it.getKey().path()))
        .map(it -> it.getValue().with(isVouched(it.getValue())))
        .filter(it -> !it.sha256().isEmpty() || hanging.contains(key(it.path(), it.file())))
        .limit(MAX_FILES)
        .toList();
  }
}
