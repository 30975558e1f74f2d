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
import java.util.Map;
import org.lsm.model.Owner;
import org.lsm.model.ProcessRef;
import org.lsm.model.ProgramFile;

/** Reads processes under /proc (proc(5)). Throws an IOException for a process that has ended. */
final class ProcessReader {
  private static final long TICKS_PER_SECOND = 100; // USER_HZ, wherever Java runs
  // Fields of /proc/PID/stat (proc(5)).
  private static final int PARENT = 4;
  private static final int TTY_NR = 7;
  private static final int START_TICKS = 22;
  private static final int START_STACK = 28;

  private final Path proc;
  private final Map<Long, String> users;
  private Instant bootTime; // read once, because /proc/stat is long on large machines

  /** Takes the mount point of /proc and a passwd(5) file, which small containers lack. */
  ProcessReader(Path proc, Path passwd) throws IOException {
    this.proc = proc;
    this.users = PasswdFile.read(passwd).names();
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

  Path file(int pid, String name) {
    return proc.resolve(Integer.toString(pid)).resolve(name);
  }

  /** A file of a thread that lives: after pthread_exit(3) the links of the first are unreadable. */
  Path threadFile(int pid, String name) throws IOException {
    if (!ProcFile.isReadableLink(file(pid, "exe"))) {
      for (Path thread : ProcFile.list(file(pid, "task"))) {
        if (ProcFile.isReadableLink(thread.resolve("exe"))) {
          return thread.resolve(name);
        }
      }
    }
    return file(pid, name);
  }

  /** The directories of descriptors; those of threads differ after unshare(2) with CLONE_FILES. */
  List<Path> descriptorTables(int pid, boolean ofAllThreads) throws IOException {
    Path ofProcess = threadFile(pid, "fd");
    if (!ofAllThreads) {
      return List.of(ofProcess);
    }
    List<Path> tables = new ArrayList<>(List.of(ofProcess));
    for (Path thread : ProcFile.list(file(pid, "task"))) {
      if (!thread.endsWith(Integer.toString(pid))) {
        tables.add(thread.resolve("fd"));
      }
    }
    return tables;
  }

  /** Returns when a process started, in clock ticks after boot. */
  long startTicks(int pid) throws IOException {
    return number(stat(pid), START_TICKS, pid);
  }

  /** Returns the PID of the parent, 0 if there is none. */
  int parent(int pid) throws IOException {
    return (int) number(stat(pid), PARENT, pid);
  }

  /** Returns the number of the controlling terminal's device, 0 if there is none. */
  int terminal(int pid) throws IOException {
    return (int) number(stat(pid), TTY_NR, pid);
  }

  /** The fields of {@code /proc/PID/stat} (proc(5)) from the third on. */
  private String stat(int pid) throws IOException {
    String stat = ProcFile.read(file(pid, "stat"));
    // A process chooses the name in parentheses, which may contain parentheses and spaces.
    return stat.substring(stat.lastIndexOf(')') + 1).trim();
  }

  private long number(String stat, int field, int pid) throws IOException {
    Path file = file(pid, "stat");
    int start = start(stat, field);
    if (start < 0) {
      throw new IOException(file + ": has no field " + field + " in '" + stat + "'");
    }
    int end = stat.indexOf(' ', start);
    return ProcFile.parseNumber(stat.substring(start, end < 0 ? stat.length() : end), file);
  }

  /** Where a field begins in what {@link #stat} returns; -1 if it is missing. */
  private static int start(String stat, int field) {
    int start = 0;
    for (int before = field - 3; before > 0; before--) {
      int blank = stat.indexOf(' ', start);
      if (blank < 0) {
        return -1;
      }
      start = blank + 1;
    }
    return start;
  }

  long effectiveUid(int pid) throws IOException {
    Path status = file(pid, "status");
    String[] ids = ProcFile.readLine(status, "Uid:").split("\t", -1);
    return ProcFile.parseNumber(ids.length > 2 ? ids[2] : "", status);
  }

  /** The name of a user, or the number of one without a name. */
  String userName(long uid) {
    return users.getOrDefault(uid, Long.toString(uid));
  }

  /** Reads a process, or throws IOException if it is a thread of the kernel, hidden or ended. */
  RunningProcess running(int pid) throws IOException {
    String stat = stat(pid);
    long startTicks = number(stat, START_TICKS, pid);
    long startStack = start(stat, START_STACK) < 0 ? 0 : number(stat, START_STACK, pid);
    int parent = (int) number(stat, PARENT, pid);
    Path link = file(pid, "exe");
    String target;
    try {
      target = target(link);
    } catch (NoSuchFileException e) {
      link = threadFile(pid, "exe");
      target = target(link);
    }
    long uid = effectiveUid(pid);
    return new RunningProcess(
        pid, startTicks, startStack, parent, uid, userName(uid), link, target);
  }

  private static String target(Path link) throws IOException {
    try {
      return ProcFile.text(Files.readSymbolicLink(link));
    } catch (AccessDeniedException | NoSuchFileException e) {
      throw e;
    } catch (FileSystemException e) {
      return "(program with an unreadable path)"; // longer than a page (ENAMETOOLONG)
    }
  }

  /** Whether a process sees the same file systems as lsm (mount_namespaces(7)). */
  boolean isInOwnMounts(RunningProcess process) throws IOException {
    return isInOwnNamespace(process.link().resolveSibling("ns/mnt"), "mnt");
  }

  /** Whether a namespace is lsm's own; a kernel without such namespaces has one for all. */
  private boolean isInOwnNamespace(Path namespace, String kind) throws IOException {
    Path own = proc.resolve("self/ns").resolve(kind);
    return !ProcFile.isReadableLink(own)
        || Files.readSymbolicLink(own).equals(Files.readSymbolicLink(namespace));
  }

  /** A process that was read before, unless its PID now belongs to another one. */
  ProcessRef reference(RunningProcess process, Owner owner, ProgramFile file) throws IOException {
    int pid = process.pid();
    long start = process.startTicks();
    if (startTicks(pid) != start) {
      throw new IOException("PID " + pid + " now belongs to another process");
    }
    long stack = process.startStack();
    return new ProcessRef(pid, start, time(start), owner, stack, file, process.parent());
  }

  /** A process by its name in brackets, as in ps(1). */
  ProcessRef named(int pid) throws IOException {
    long start = startTicks(pid);
    String name = "[" + ProcFile.decode(file(pid, "comm")).stripTrailing() + "]";
    return new ProcessRef(pid, start, time(start), new Owner(userName(effectiveUid(pid)), name));
  }

  /** Whether fdinfo of unix sockets says that they are. */
  boolean marksUnixSockets() {
    try {
      return new KernelInfo(proc).marksUnixSockets();
    } catch (IOException e) {
      return false;
    }
  }

  /** Returns where a process runs; empty if that is unknown. */
  String workingDirectory(int pid) {
    try {
      return ProcFile.text(Files.readSymbolicLink(threadFile(pid, "cwd")));
    } catch (IOException e) {
      return "";
    }
  }

  ControlGroup controlGroup(int pid) throws IOException {
    return new ControlGroup(ProcFile.decode(file(pid, "cgroup")));
  }

  /** Returns the kernel's name of the network namespace of a process, net:[4026531840]. */
  String networkNamespace(int pid) throws IOException {
    try {
      return Files.readSymbolicLink(file(pid, "ns/net")).toString();
    } catch (NoSuchFileException e) { // after pthread_exit(3)
      return Files.readSymbolicLink(threadFile(pid, "ns/net")).toString();
    }
  }

  /**
   * Whether processes of this host may be hidden because lsm runs in another PID namespace than the
   * initial one (pid_namespaces(7)), whose inode is PROC_PID_INIT_INO of proc_ns.h.
   */
  boolean isInInnerPidNamespace() throws IOException {
    Path own = proc.resolve("self/ns/pid");
    return ProcFile.isReadableLink(own)
        && !Files.readSymbolicLink(own).toString().equals("pid:[4026531836]");
  }

  /** Returns the user of a process in another user namespace than lsm's; empty in lsm's own. */
  String userOfOtherNamespace(int pid) throws IOException {
    boolean isOwn = isInOwnNamespace(threadFile(pid, "ns/user"), "user");
    return isOwn ? "" : userName(effectiveUid(pid));
  }

  private Instant time(long ticksAfterBoot) throws IOException {
    if (bootTime == null) {
      bootTime = new KernelInfo(proc).bootTime();
    }
    return bootTime.plusMillis(ticksAfterBoot * 1000 / TICKS_PER_SECOND);
  }
}
