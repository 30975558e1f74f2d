package org.lsm.proc;

import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.DirectoryStream;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.lsm.model.Owner;
import org.lsm.model.ProcessRef;

/** Reads processes under /proc (proc(5)). Throws an IOException for a process that has ended. */
final class ProcessReader {
  private static final long TICKS_PER_SECOND = 100; // USER_HZ, wherever Java runs
  private static final String DELETED = " (deleted)"; // proc(5)
  private static final int MAX_COMMAND_LINE = 4096;

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

  private Path file(int pid, String name) {
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
    return statField(pid, 22);
  }

  /** Returns the PID of the parent, 0 if there is none. */
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

  long effectiveUid(int pid) throws IOException {
    Path status = file(pid, "status");
    String[] ids = ProcFile.readLine(status, "Uid:").split("\t", -1);
    return ProcFile.parseNumber(ids.length > 2 ? ids[2] : "", status);
  }

  /** Returns the name of the effective user, or the number of one without a name. */
  private String user(int pid) throws IOException {
    long uid = effectiveUid(pid);
    return users.getOrDefault(uid, Long.toString(uid));
  }

  /** Identifies a process, by its name in brackets as in ps(1) if its program is unreadable. */
  ProcessRef identify(int pid, boolean allowName) throws IOException {
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
    Owner owner = new Owner(user(pid), program);
    if (startTicks(pid) != start) {
      throw new IOException("PID " + pid + " now belongs to another process");
    }
    return new ProcessRef(pid, start, time(start), owner);
  }

  /** Whether a process still runs with the same user and program; cheaper than identify. */
  boolean isUnchanged(ProcessRef process) {
    try {
      Path exe = file(process.pid(), "exe");
      Path target = Files.readSymbolicLink(exe);
      return ProcFile.text(target).equals(process.owner().program())
          && ProcFile.isSameFile(exe, target)
          && user(process.pid()).equals(process.owner().user())
          // last, so that all of the above belongs to this process
          && startTicks(process.pid()) == process.startTicks();
    } catch (IOException e) {
      return false;
    }
  }

  /** Whether a descriptor refers to a unix socket, has been closed, or the kernel is too old. */
  boolean mayBeUnixSocket(Path descriptor) {
    Path directory = descriptor.getParent().resolveSibling("fdinfo");
    try {
      return !new KernelInfo(proc).marksUnixSockets()
          || ProcFile.read(directory.resolve(descriptor.getFileName())).contains("scm_fds:");
    } catch (IOException e) {
      return true;
    }
  }

  /** The file that a process executes; the link to it is {@code /proc/PID/exe} (proc(5)). */
  record Executable(Path link, Path target) {
    /**
     * Returns the path without the mark of a deleted file, because an upgrade does not change who
     * owns a socket. {@code (elsewhere)} precedes the path if this host has another file or no file
     * there: the process lives in a container or pretends to run another program.
     */
    String program() throws IOException {
      String text = ProcFile.text(target);
      boolean deleted = isDeleted();
      String path = deleted ? text.substring(0, text.length() - DELETED.length()) : text;
      boolean here = path.startsWith("/memfd:") || isOfThisHost(path, deleted);
      return here ? path : "(elsewhere)" + path;
    }

    /** Whether the file was deleted, rather than having a name that looks so. */
    boolean isDeleted() throws IOException {
      return ProcFile.text(target).endsWith(DELETED) && !ProcFile.isSameFile(link, target);
    }

    /** Whether this host has the file at this path, or may have had it before it was deleted. */
    private boolean isOfThisHost(String path, boolean deleted) throws IOException {
      boolean isSame = !Files.exists(link) || ProcFile.isSameFile(link, target);
      if (isSame || !deleted) {
        return isSame;
      }
      // It can have been there if its owner may put files there.
      int owner = owner(link);
      try {
        return owner == 0 || owner == owner(target.getParent()) || owner == owner(Path.of(path));
      } catch (InvalidPathException e) {
        return false; // Java has no Path for every file name
      }
    }

    private static int owner(Path file) throws IOException {
      return file != null && Files.exists(file) ? (int) Files.getAttribute(file, "unix:uid") : -1;
    }

    /** Returns the directories above the file, except for the root, as the process sees them. */
    List<Path> directories() {
      List<Path> directories = new ArrayList<>();
      Path root = link.resolveSibling("root");
      Path path = target.isAbsolute() ? target.getRoot().relativize(target) : target;
      for (Path above = path.getParent(); above != null; above = above.getParent()) {
        directories.add(root.resolve(above));
      }
      return directories;
    }
  }

  Executable executable(int pid) throws IOException {
    Path link = threadFile(pid, "exe");
    return new Executable(link, Files.readSymbolicLink(link));
  }

  String program(int pid) throws IOException {
    try {
      return executable(pid).program();
    } catch (AccessDeniedException | NoSuchFileException e) {
      throw e;
    } catch (FileSystemException e) {
      return "(program with an unreadable path)"; // longer than a page (ENAMETOOLONG)
    }
  }

  /** Returns the arguments, separated by spaces; their first 4096 bytes if they are longer. */
  String commandLine(int pid) throws IOException {
    String bytes = ProcFile.read(threadFile(pid, "cmdline"));
    String arguments = bytes.substring(0, Math.min(bytes.length(), MAX_COMMAND_LINE));
    return ProcFile.decode(arguments.replace('\0', ' ')).stripTrailing();
  }

  String workingDirectory(int pid) throws IOException {
    return ProcFile.text(Files.readSymbolicLink(threadFile(pid, "cwd")));
  }

  ControlGroup controlGroup(int pid) throws IOException {
    return new ControlGroup(ProcFile.decode(file(pid, "cgroup")));
  }

  /** Returns the kernel's name of the network namespace of a process, net:[4026531840]. */
  String networkNamespace(int pid) throws IOException {
    return Files.readSymbolicLink(threadFile(pid, "ns/net")).toString();
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
    Path own = proc.resolve("self/ns/user");
    if (!ProcFile.isReadableLink(own)) {
      return ""; // a kernel without user namespaces
    }
    Path other = Files.readSymbolicLink(threadFile(pid, "ns/user"));
    return other.equals(Files.readSymbolicLink(own)) ? "" : user(pid);
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
