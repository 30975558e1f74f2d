package org.lsm.proc;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.File;
import java.io.IOException;
import java.lang.ProcessBuilder.Redirect;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import org.lsm.model.OwnerCache.StuckReader;
import org.lsm.model.ProgramFile;

/**
 * Reads files of other users through stat(1), head(1) and grep(1). A file system (FUSE, NFS) may
 * never answer, and a process that waits for it cannot always be killed. lsm therefore stops
 * waiting after 2 s, and starts no further process for that user until that one has ended.
 */
final class ForeignFiles {
  private static final Duration TIMEOUT = Duration.ofSeconds(2);
  private static final Duration TIMEOUT_IN_ALL = Duration.ofSeconds(6);
  private static final Duration START_TIME = Duration.ofMillis(100); // of a program; is no waiting
  private static final int MAX_NAMES = 32_000; // bytes in a command; a pipe holds 64 KiB of output
  private static final int MAX_COMMAND_LINE = 4096;
  static final int MAX_FDINFO = 60_000;
  private static final int MAX_READERS = 100; // at the same time
  private static final int MAX_REASONS = 5;
  private static final List<String> STAT =
      List.of("-L", "--printf=%d %i %s %.9Z %u %a %n\\0", "--"); // stat(1)
  private static final List<String> WITHOUT_MARK = List.of("-sL", "scm_fds:", "--"); // grep(1)
  private static final int OTHERS_WRITE = 02;

  /** What stat(2) says of a file. */
  record Attributes(ProgramFile file, long uid, boolean worldWritable) {}

  /** A program that reads files of one user. */
  private record Reader(long uid, Process process) {}

  private final ProcessReader processes;
  private final Path programs;
  private final Map<Long, StuckReader> stuck = new HashMap<>(); // by user ID
  private final Map<Long, Set<RunningProcess>> unanswered = new TreeMap<>();
  private final Set<RunningProcess> unread = new HashSet<>();
  private String failure = "";
  private final Map<String, Optional<Attributes>> known = new HashMap<>(); // by name
  private final Map<RunningProcess, String> commandLines = new HashMap<>();
  private long left = TIMEOUT_IN_ALL.toNanos();

  /** Takes the readers that earlier scans left behind. */
  ForeignFiles(ProcessReader processes, Set<StuckReader> leftBehind) {
    this(
        processes,
        leftBehind,
        Path.of(Files.isExecutable(Path.of("/usr/bin/stat")) ? "/usr/bin" : "/bin"));
  }

  /** Takes the directory of these programs as well. */
  ForeignFiles(ProcessReader processes, Set<StuckReader> leftBehind, Path programs) {
    this.processes = processes;
    this.programs = programs;
    for (StuckReader reader : leftBehind) {
      if (isRunning(reader)) {
        stuck.put(reader.uid(), reader);
      }
    }
  }

  private boolean isRunning(StuckReader reader) {
    try {
      return processes.startTicks(reader.pid()) == reader.startTicks();
    } catch (IOException e) {
      return false; // it has ended
    }
  }

  /** The readers that this scan or an earlier one left behind. */
  Set<StuckReader> stuck() {
    return Set.copyOf(stuck.values());
  }

  /** Whether a file of this process was not read in time. */
  boolean isUnread(RunningProcess process) {
    return unread.contains(process)
        || unanswered.getOrDefault(process.uid(), Set.of()).contains(process);
  }

  /**
   * Reads the attributes of files that processes need; returns them by name, without those that do
   * not exist or cannot be read.
   */
  Map<String, Attributes> attributes(Map<RunningProcess, List<String>> names) {
    Map<Long, Map<RunningProcess, List<String>>> byUser = new LinkedHashMap<>();
    for (var ofProcess : names.entrySet()) {
      List<String> unknown = new ArrayList<>(ofProcess.getValue());
      unknown.removeAll(known.keySet());
      if (!unknown.isEmpty()) {
        RunningProcess process = ofProcess.getKey();
        byUser.computeIfAbsent(process.uid(), none -> new LinkedHashMap<>()).put(process, unknown);
      }
    }
    Map<Reader, Set<RunningProcess>> readers = new LinkedHashMap<>();
    long end = end();
    for (var ofUser : byUser.entrySet()) {
      startAll(ofUser.getKey(), "stat", STAT, ofUser.getValue(), end, readers);
    }
    for (var reader : readers.entrySet()) {
      for (String line : output(reader.getKey(), reader.getValue(), end).split("\0", -1)) {
        String[] fields = line.split(" ", 7);
        if (fields.length == 7) {
          known.put(ProcFile.decode(fields[6]), parse(fields));
        }
      }
    }
    Map<String, Attributes> attributes = new HashMap<>();
    for (var ofProcess : names.entrySet()) {
      for (String name : ofProcess.getValue()) {
        if (!isUnread(ofProcess.getKey())) {
          known.putIfAbsent(name, Optional.empty());
        }
        known.getOrDefault(name, Optional.empty()).ifPresent(it -> attributes.put(name, it));
      }
    }
    return attributes;
  }

  /** Starts as many programs as the names of one user need. */
  private void startAll(
      long uid,
      String program,
      List<String> options,
      Map<RunningProcess, List<String>> names,
      long end,
      Map<Reader, Set<RunningProcess>> readers) {
    List<String> arguments = new ArrayList<>(options);
    Set<RunningProcess> asking = new HashSet<>();
    int length = 0;
    for (var ofProcess : names.entrySet()) {
      int more = ofProcess.getValue().stream().mapToInt(it -> it.getBytes(UTF_8).length + 80).sum();
      if (length > 0 && length + more > MAX_NAMES) {
        start(uid, program, arguments, asking, end, readers);
        arguments = new ArrayList<>(options);
        asking = new HashSet<>();
        length = 0;
      }
      arguments.addAll(ofProcess.getValue());
      asking.add(ofProcess.getKey());
      length += more;
    }
    start(uid, program, arguments, asking, end, readers);
  }

  /** Returns nothing if a number is out of range: a file system of a user may report any. */
  private static Optional<Attributes> parse(String[] fields) {
    try {
      String ctime = fields[3].replace(".", "");
      ProgramFile file =
          ProgramFile.parse(String.join(" ", fields[0], fields[1], fields[2], ctime));
      boolean worldWritable = (Integer.parseInt(fields[5], 8) & OTHERS_WRITE) != 0;
      return Optional.of(new Attributes(file, Long.parseLong(fields[4]), worldWritable));
    } catch (NumberFormatException e) {
      return Optional.empty();
    }
  }

  /**
   * The bytes of the arguments of a process, up to 4096, as {@link ProcFile#read} reads them; empty
   * if it has ended or is not read in time: a thread that maps files can stop the reader.
   */
  String commandLine(RunningProcess process) {
    return commandLines.computeIfAbsent(
        process, it -> head(it, MAX_COMMAND_LINE, it.link().resolveSibling("cmdline")));
  }

  /**
   * What fdinfo (proc(5)) says of a descriptor, up to {@link #MAX_FDINFO} bytes; empty if it is
   * closed or not read in time: a thread that waits for epoll(7) events can stop the reader.
   */
  String fdinfo(RunningProcess process, Path descriptor) {
    return head(process, MAX_FDINFO, fdinfo(descriptor));
  }

  /**
   * Those of the descriptors whose fdinfo lacks the mark of a unix socket. One that is closed, or
   * not read in time, is not among them.
   */
  Set<String> notUnixSockets(Map<RunningProcess, List<Path>> descriptors) {
    Map<Long, Map<RunningProcess, List<String>>> byUser = new LinkedHashMap<>();
    descriptors.forEach(
        (process, paths) ->
            byUser
                .computeIfAbsent(process.uid(), none -> new LinkedHashMap<>())
                .put(process, paths.stream().map(it -> fdinfo(it).toString()).toList()));
    Map<Reader, Set<RunningProcess>> readers = new LinkedHashMap<>();
    long end = end();
    byUser.forEach((uid, names) -> startAll(uid, "grep", WITHOUT_MARK, names, end, readers));
    Set<String> found = new HashSet<>();
    readers.forEach((reader, asking) -> output(reader, asking, end).lines().forEach(found::add));
    return found;
  }

  /** The file in fdinfo of a descriptor (proc(5)). */
  static Path fdinfo(Path descriptor) {
    Path directory = descriptor.getParent().resolveSibling("fdinfo");
    return directory.resolve(descriptor.getFileName());
  }

  /**
   * What grep(1) finds, up to five times, in the variables of the environment that a process was
   * started with, NUL behind each; empty if it is not read in time.
   */
  String environment(RunningProcess process, String pattern, Duration timeout) {
    long end = Math.min(end(), System.nanoTime() + timeout.toNanos());
    String file = process.link().resolveSibling("environ").toString();
    return output(process, "grep", List.of("-zaoE", "-m", "5", "-e", pattern, file), end);
  }

  private String head(RunningProcess process, int max, Path file) {
    return output(process, "head", List.of("-c", "" + max, file.toString()), end());
  }

  private String output(RunningProcess process, String program, List<String> arguments, long end) {
    Map<Reader, Set<RunningProcess>> readers = new HashMap<>();
    start(process.uid(), program, arguments, Set.of(process), end, readers);
    for (var reader : readers.entrySet()) {
      return output(reader.getKey(), reader.getValue(), end);
    }
    return "";
  }

  private void start(
      long uid,
      String program,
      List<String> arguments,
      Set<RunningProcess> asking,
      long end,
      Map<Reader, Set<RunningProcess>> readers) {
    if (stuck.containsKey(uid) || unanswered.containsKey(uid)) {
      addUnanswered(uid, asking);
      return;
    }
    if (readers.size() >= MAX_READERS || System.nanoTime() >= end) {
      failure = "there was no time to identify all processes; 'lsm list' shows unknown owners";
      unread.addAll(asking);
      return;
    }
    List<String> command = new ArrayList<>(List.of(programs.resolve(program).toString()));
    command.addAll(arguments);
    ProcessBuilder builder = new ProcessBuilder(command).directory(new File("/"));
    builder.environment().clear();
    builder.redirectInput(new File("/dev/null")).redirectError(Redirect.DISCARD);
    try {
      readers.put(new Reader(uid, builder.start()), asking);
    } catch (IOException e) {
      // There are no descriptors or no memory left, or there is no such program.
      failure = "not all processes can be identified, as " + command.get(0) + " cannot be run";
      unread.addAll(asking);
    }
  }

  private void addUnanswered(long uid, Set<RunningProcess> asking) {
    unanswered.computeIfAbsent(uid, none -> new HashSet<>()).addAll(asking);
  }

  private long end() {
    return System.nanoTime() + (left > 0 ? TIMEOUT.toNanos() : 0);
  }

  /** The output of a program; empty, after the end, if it has not ended or been killed by then. */
  private String output(Reader reader, Set<RunningProcess> asking, long end) {
    Process process = reader.process();
    long start = System.nanoTime();
    try {
      if (process.waitFor(Math.max(0, end - System.nanoTime()), TimeUnit.NANOSECONDS)) {
        left -= Math.max(0, System.nanoTime() - start - START_TIME.toNanos());
        byte[] bytes = process.getInputStream().readAllBytes();
        return new String(bytes, StandardCharsets.ISO_8859_1);
      }
      left -= System.nanoTime() - start;
      addUnanswered(reader.uid(), asking);
      int pid = (int) process.pid();
      long startTicks = processes.startTicks(pid);
      process.destroyForcibly();
      long grace = end + START_TIME.toNanos() - System.nanoTime();
      if (!process.waitFor(Math.max(0, grace), TimeUnit.NANOSECONDS)) {
        stuck.put(reader.uid(), new StuckReader(reader.uid(), pid, startTicks));
      }
    } catch (IOException e) {
      // it has just ended
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    return "";
  }

  /** What was not read in time, a sentence for each user; not escaped. */
  List<String> reasons() {
    List<String> reasons = new ArrayList<>();
    if (!failure.isEmpty()) {
      reasons.add(failure);
    }
    for (Set<RunningProcess> ofUser : unanswered.values()) {
      RunningProcess first = ofUser.iterator().next();
      List<Integer> pids = ofUser.stream().map(RunningProcess::pid).sorted().toList();
      int more = pids.size() - 2;
      String others = more > 0 ? ", " + pids.get(1) + " and " + more + " more" : "";
      others = more == 0 ? " and " + pids.get(1) : others;
      String whose = more < 0 ? ": its file system does" : ": a file system of theirs does";
      String who = "PID " + pids.get(0) + others + " of user " + first.user();
      reasons.add(who + whose + " not answer; see /proc/" + pids.get(0) + "/mounts");
    }
    int moreUsers = reasons.size() - MAX_REASONS;
    if (moreUsers > 0) {
      reasons.subList(MAX_REASONS, reasons.size()).clear();
      reasons.add(moreUsers + " more users have such processes");
    }
    return reasons;
  }
}
