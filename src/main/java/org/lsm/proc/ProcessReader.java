package org.lsm.proc;

import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.DirectoryStream;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.lsm.model.Owner;
import org.lsm.model.ProcessRef;

/** Reads processes under /proc (proc(5)). Throws an IOException for a process that has ended. */
final class ProcessReader {

  /** USER_HZ: the kernel reports times to programs in 1/100 s wherever Java runs. */
  private static final long TICKS_PER_SECOND = 100;

  private static final int MAX_COMMAND_LINE = 4096;

  private final Path proc;
  private final PasswdFile users;

  /** Read once, because /proc/stat is long on large machines. */
  private Instant bootTime;

  ProcessReader(Path proc, PasswdFile users) {
    this.proc = proc;
    this.users = users;
  }

  List<Integer> pids() throws IOException {
    List<Integer> pids = new ArrayList<>();
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(proc, "[0-9]*")) {
      for (Path entry : entries) {
        pids.add(Integer.valueOf(entry.getFileName().toString()));
      }
    }
    return pids;
  }

  private Path file(int pid, String name) {
    return proc.resolve(Integer.toString(pid)).resolve(name);
  }

  /**
   * Returns a file of a thread that lives: of the first one, unless it ended before others
   * (pthread_exit(3)). The links of an ended thread cannot be read, and its cmdline is empty.
   */
  private Path threadFile(int pid, String name) throws IOException {
    if (!ProcFile.isReadableLink(file(pid, "exe"))) {
      for (Path thread : ProcFile.list(file(pid, "task"))) {
        if (ProcFile.isReadableLink(thread.resolve("exe"))) {
          return thread.resolve(name);
        }
      }
    }
    return file(pid, name);
  }

  /** Returns the open descriptors of a process, {@code /proc/PID/fd/*}. */
  List<Path> descriptors(int pid) throws IOException {
    List<Path> descriptors = ProcFile.list(file(pid, "fd"));
    return descriptors.isEmpty() ? ProcFile.list(threadFile(pid, "fd")) : descriptors;
  }

  /** Returns the descriptors of all threads, which differ after unshare(2) with CLONE_FILES. */
  List<Path> descriptorsOfThreads(int pid) throws IOException {
    List<Path> descriptors = new ArrayList<>(descriptors(pid));
    for (Path thread : ProcFile.list(file(pid, "task"))) {
      if (!thread.endsWith(Integer.toString(pid))) {
        descriptors.addAll(ProcFile.list(thread.resolve("fd")));
      }
    }
    return descriptors;
  }

  /** Returns the start of a process in clock ticks after boot: field 22 of {@code stat}. */
  long startTicks(int pid) throws IOException {
    return statField(pid, 22);
  }

  /** Returns the PID of the parent, 0 if there is none: field 4 of {@code stat}. */
  int parent(int pid) throws IOException {
    return (int) statField(pid, 4);
  }

  private long statField(int pid, int number) throws IOException {
    Path file = file(pid, "stat");
    String stat = ProcFile.read(file);
    // A process chooses the name in parentheses, which may contain parentheses and spaces.
    String[] fields = stat.substring(stat.lastIndexOf(')') + 1).trim().split(" ", -1);
    if (fields.length < number - 2) {
      throw new IOException(file + ": has no field " + number + " in '" + stat + "'");
    }
    return ProcFile.parseNumber(fields[number - 3], file);
  }

  /** Returns the effective user ID: the second number of {@code Uid:} in {@code status}. */
  long effectiveUid(int pid) throws IOException {
    Path status = file(pid, "status");
    String[] ids = ProcFile.readLine(status, "Uid:").split("\t", -1);
    return ProcFile.parseNumber(ids.length > 2 ? ids[2] : "", status);
  }

  ProcessRef identify(int pid) throws IOException {
    return identify(pid, false);
  }

  /**
   * Identifies a process whose program this user may not read: its name in brackets then stands for
   * the program, as in ps(1).
   */
  ProcessRef identifyByName(int pid) throws IOException {
    return identify(pid, true);
  }

  private ProcessRef identify(int pid, boolean allowName) throws IOException {
    long start = startTicks(pid);
    String program;
    try {
      program = program(pid);
    } catch (IOException e) {
      if (!allowName) {
        throw e;
      }
      program = "[" + ProcFile.decode(file(pid, "comm")).stripTrailing() + "]";
    }
    Owner owner = new Owner(users.name(effectiveUid(pid)), program);
    if (startTicks(pid) != start) {
      throw new IOException("PID " + pid + " now belongs to another process");
    }
    return new ProcessRef(pid, start, time(start), owner);
  }

  /**
   * Whether a process still runs with the same user and program: cheaper than {@link #identify}.
   */
  boolean isUnchanged(ProcessRef process) {
    try {
      Path exe = file(process.pid(), "exe");
      Path target = Files.readSymbolicLink(exe);
      return ProcFile.text(target).equals(process.owner().program())
          && ProcFile.isSameFile(exe, target)
          && users.name(effectiveUid(process.pid())).equals(process.owner().user())
          // last, so that all of the above belongs to this process
          && startTicks(process.pid()) == process.startTicks();
    } catch (IOException e) {
      return false;
    }
  }

  /** Whether a descriptor refers to a unix socket or has been closed. */
  boolean mayBeUnixSocket(Path descriptor) {
    Path directory = descriptor.getParent().resolveSibling("fdinfo");
    try {
      return ProcFile.read(directory.resolve(descriptor.getFileName())).contains("scm_fds:");
    } catch (IOException e) {
      return true;
    }
  }

  Executable executable(int pid) throws IOException {
    return new Executable(threadFile(pid, "exe"));
  }

  String program(int pid) throws IOException {
    try {
      return executable(pid).program();
    } catch (AccessDeniedException | NoSuchFileException e) {
      throw e;
    } catch (FileSystemException e) {
      return Executable.UNREADABLE; // longer than a page (ENAMETOOLONG)
    }
  }

  /** Returns the arguments, separated by spaces; their first 4096 bytes if they are longer. */
  String commandLine(int pid) throws IOException {
    String arguments = ProcFile.decode(threadFile(pid, "cmdline"), MAX_COMMAND_LINE);
    return arguments.replace('\0', ' ').stripTrailing();
  }

  String workingDirectory(int pid) throws IOException {
    return ProcFile.text(Files.readSymbolicLink(threadFile(pid, "cwd")));
  }

  ControlGroup controlGroup(int pid) throws IOException {
    return ControlGroup.read(file(pid, "cgroup"));
  }

  /** Returns the kernel's name of the network namespace of a process, net:[4026531840]. */
  String networkNamespace(int pid) throws IOException {
    return Files.readSymbolicLink(threadFile(pid, "ns/net")).toString();
  }

  /** As {@link #networkNamespace(int)}; empty if the process has ended. */
  Optional<String> networkNamespace(ProcessRef process) {
    try {
      return Optional.of(networkNamespace(process.pid()));
    } catch (IOException e) {
      return Optional.empty();
    }
  }

  /** Returns the directory with the socket tables of the network namespace of a process. */
  Path socketTables(int pid) throws IOException {
    return threadFile(pid, "net");
  }

  /** Returns the user of a process in another user namespace than lsm's; empty in lsm's own. */
  Optional<String> userOfOtherNamespace(int pid) throws IOException {
    Path own = proc.resolve("self/ns/user");
    if (!ProcFile.isReadableLink(own)) {
      return Optional.empty(); // a kernel without user namespaces
    }
    Path other = Files.readSymbolicLink(threadFile(pid, "ns/user"));
    return other.equals(Files.readSymbolicLink(own))
        ? Optional.empty()
        : Optional.of(users.name(effectiveUid(pid)));
  }

  /** Returns the effective capabilities of lsm itself in hexadecimal (capabilities(7)). */
  String capabilities() throws IOException {
    return ProcFile.readLine(proc.resolve("self/status"), "CapEff:").trim();
  }

  private Instant time(long ticksAfterBoot) throws IOException {
    if (bootTime == null) {
      Path stat = proc.resolve("stat");
      String seconds = ProcFile.readLine(stat, "btime").trim();
      bootTime = Instant.ofEpochSecond(ProcFile.parseNumber(seconds, stat));
    }
    return bootTime.plusMillis(ticksAfterBoot * 1000 / TICKS_PER_SECOND);
  }
}
