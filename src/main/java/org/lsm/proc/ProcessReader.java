package org.lsm.proc;

import java.io.IOException;
import java.io.InputStream;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.lsm.model.Owner;
import org.lsm.model.ProcessRef;
import org.lsm.model.TextEscaper;

/** The processes under a /proc: what proc(5) tells of each, as long as it lives. */
final class ProcessReader {

  /** Clock ticks a second in what the kernel tells programs (USER_HZ): 100 on all that run Java. */
  private static final long TICKS_PER_SECOND = 100;

  private static final int PAGE = 4096;
  private static final int MEGABYTE = 1 << 20;

  private static final String DELETED = " (deleted)";

  private static final String MEMFD = "/memfd:";

  private static final String ELSEWHERE = "(elsewhere)";

  private static final String UNREADABLE = "(program with an unreadable path)";

  private static final Pattern CONTAINER =
      Pattern.compile("(?:[a-z-]+-)?([0-9a-f]{64})(?:\\.scope)?");
  private static final Pattern UNIT =
      Pattern.compile(".+\\.(service|scope|socket)", Pattern.DOTALL);
  private static final Pattern NAMED_CONTAINER =
      Pattern.compile("/(?:machine-|lxc\\.payload\\.|lxc/)([^/]+?)(?:\\.scope)?(?:/|$)");

  private final Path proc;
  private final PasswdFile users;

  /** Read once: /proc/stat is long on large machines. */
  private Instant bootTime;

  ProcessReader(Path proc, PasswdFile users) {
    this.proc = proc;
    this.users = users;
  }

  /** The process IDs there are. */
  List<Integer> pids() throws IOException {
    List<Integer> pids = new ArrayList<>();
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(proc, "[0-9]*")) {
      for (Path entry : entries) {
        pids.add(Integer.valueOf(entry.getFileName().toString()));
      }
    }
    return pids;
  }

  Path directory(int pid) {
    return proc.resolve(Integer.toString(pid));
  }

  /** The descriptors that a process has open, {@code /proc/PID/fd/*}. */
  List<Path> descriptors(int pid) throws IOException {
    List<Path> descriptors = list(directory(pid).resolve("fd"));
    // Where the first thread has ended, pthread_exit(3), only another one still shows them.
    return descriptors.isEmpty() ? list(survivor(pid).resolve("fd")) : descriptors;
  }

  /** The descriptors of all its threads: one may have its own, unshare(2) with CLONE_FILES. */
  List<Path> descriptorsOfThreads(int pid) throws IOException {
    List<Path> descriptors = new ArrayList<>(descriptors(pid));
    for (Path thread : list(directory(pid).resolve("task"))) {
      if (!thread.endsWith(Integer.toString(pid))) {
        descriptors.addAll(list(thread.resolve("fd")));
      }
    }
    return descriptors;
  }

  private static List<Path> list(Path directory) throws IOException {
    List<Path> entries = new ArrayList<>();
    try (DirectoryStream<Path> stream = Files.newDirectoryStream(directory)) {
      stream.forEach(entries::add);
    } catch (DirectoryIteratorException e) {
      // It has ended while it was read; an ended thread has nothing open.
    }
    return entries;
  }

  /** A thread that still lives: the first one, unless that has left others behind. */
  private Path survivor(int pid) throws IOException {
    for (Path thread : list(directory(pid).resolve("task"))) {
      if (isReadableLink(thread.resolve("exe"))) {
        return thread;
      }
    }
    return directory(pid);
  }

  /** Start of the process, in clock ticks after boot: field 22 of {@code stat}. */
  long startTicks(int pid) throws IOException {
    return statField(pid, 22);
  }

  /** Process ID of the parent, 0 if it has none: field 4 of {@code stat}. */
  int parent(int pid) throws IOException {
    return (int) statField(pid, 4);
  }

  private long statField(int pid, int number) throws IOException {
    Path file = directory(pid).resolve("stat");
    String stat = read(file);
    // The name in parentheses is the process's own choice and may hold parentheses and spaces.
    String[] fields = stat.substring(stat.lastIndexOf(')') + 1).trim().split(" ", -1);
    if (fields.length < number - 2) {
      throw new IOException(file + ": has no field " + number + " in '" + stat + "'");
    }
    return parse(fields[number - 3], file);
  }

  /** Who this process is, made sure not to be two: a PID may be given to another meanwhile. */
  ProcessRef identify(int pid) throws IOException {
    return identify(pid, this::program);
  }

  /**
   * Whether a process is the one that was found before, of the same user and program still: cheaper
   * than to {@link #identify} it again, which is for all that are not recognised.
   */
  boolean isStill(ProcessRef process) {
    try {
      Path exe = directory(process.pid()).resolve("exe");
      Path target = Files.readSymbolicLink(exe);
      return text(target).equals(process.owner().program())
          && isSame(exe, target)
          && users.name(effectiveUid(process.pid())).equals(process.owner().user())
          && startTicks(process.pid()) == process.startTicks(); // last: so all of it is of this one
    } catch (IOException e) {
      return false;
    }
  }

  /** As {@link #identify}; a program that may not be seen is named by its process, in brackets. */
  ProcessRef identifyLoosely(int pid) throws IOException {
    return identify(
        pid,
        process -> {
          try {
            return program(process);
          } catch (IOException e) {
            return "[" + decoded(directory(process).resolve("comm")).stripTrailing() + "]";
          }
        });
  }

  private interface ProgramOf {
    String program(int pid) throws IOException;
  }

  private ProcessRef identify(int pid, ProgramOf program) throws IOException {
    long start = startTicks(pid);
    Owner owner = new Owner(users.name(effectiveUid(pid)), program.program(pid));
    if (startTicks(pid) != start) {
      throw new IOException("PID " + pid + " was taken by another process");
    }
    return new ProcessRef(pid, start, time(start), owner);
  }

  /** Effective user ID of the process: second number of {@code Uid:} in {@code status}. */
  long effectiveUid(int pid) throws IOException {
    Path status = directory(pid).resolve("status");
    String[] ids = lineOf(status, "Uid:").split("\t", -1);
    return parse(ids.length > 2 ? ids[2] : "", status);
  }

  /** Whether a descriptor refers to a unix socket, or has been closed meanwhile. */
  boolean mayBeUnixSocket(Path descriptor) {
    Path directory = descriptor.getParent().resolveSibling("fdinfo");
    try {
      return read(directory.resolve(descriptor.getFileName())).contains("scm_fds:");
    } catch (IOException e) {
      return true;
    }
  }

  /**
   * Path of the executable, without the mark of one that was deleted since: to upgrade a program is
   * no change of hands. Where this host has another file of that name, or none, because the process
   * lives in a container or wants to be taken for what it is not, {@code (elsewhere)} stands before
   * the path.
   */
  String program(int pid) throws IOException {
    try {
      Path exe = executable(pid);
      String target = linkTarget(exe);
      String path =
          isDeleted(exe) ? target.substring(0, target.length() - DELETED.length()) : target;
      return path.startsWith(MEMFD) || isOfThisHost(exe, path) ? path : ELSEWHERE + path;
    } catch (AccessDeniedException | NoSuchFileException e) {
      throw e;
    } catch (FileSystemException e) {
      // Longer than a page (ENAMETOOLONG): it holds its sockets all the same.
      return UNREADABLE;
    }
  }

  /** Whether a running file is the one that this host has, or had until it was deleted, there. */
  private static boolean isOfThisHost(Path exe, String path) throws IOException {
    if (!Files.exists(exe) || isSame(exe, Files.readSymbolicLink(exe))) {
      return true;
    }
    if (!isDeleted(exe)) {
      return false;
    }
    // It was there if who owns it may put files there.
    int owner = owner(exe);
    return owner == 0
        || owner == owner(Files.readSymbolicLink(exe).getParent())
        || owner == ownerOfNamed(path);
  }

  /** Owner of the file of this name; nobody, -1, where the name is one that Java cannot make. */
  private static int ownerOfNamed(String path) throws IOException {
    try {
      return owner(Path.of(path));
    } catch (InvalidPathException e) {
      return -1;
    }
  }

  private static int owner(Path file) throws IOException {
    return file != null && Files.exists(file) ? (int) Files.getAttribute(file, "unix:uid") : -1;
  }

  private static boolean isSame(Path a, Path b) throws IOException {
    return Files.exists(b) && Files.isSameFile(a, b);
  }

  private Path executable(int pid) throws IOException {
    return living(pid).resolve("exe");
  }

  /** The directory of a process, or of a thread that still lives where its first one has ended. */
  private Path living(int pid) throws IOException {
    Path directory = directory(pid);
    // The links of a thread that has ended are there, but lead nowhere; its cmdline is empty.
    return isReadableLink(directory.resolve("exe")) ? directory : survivor(pid);
  }

  private static boolean isReadableLink(Path link) throws IOException {
    try {
      Files.readSymbolicLink(link);
      return true;
    } catch (NoSuchFileException e) {
      return false;
    }
  }

  private static boolean isDeleted(Path exe) throws IOException {
    return linkTarget(exe).endsWith(DELETED) && !isSame(exe, Files.readSymbolicLink(exe));
  }

  boolean programDeleted(int pid) throws IOException {
    return isDeleted(executable(pid));
  }

  /** The directories above the executable, from the nearest, as the process itself sees them. */
  List<Path> programDirectories(int pid) throws IOException {
    List<Path> directories = new ArrayList<>();
    Path root = living(pid).resolve("root");
    Path program = Files.readSymbolicLink(executable(pid));
    for (Path above = program.getParent();
        above != null && above.isAbsolute() && above.getParent() != null;
        above = above.getParent()) {
      directories.add(root.resolve(above.getRoot().relativize(above)));
    }
    return directories;
  }

  /** The arguments, or the first page of them, separated by spaces. */
  String commandLine(int pid) throws IOException {
    return TextEscaper.decode(bytesOf(living(pid).resolve("cmdline"), PAGE))
        .replace('\0', ' ')
        .stripTrailing();
  }

  String workingDirectory(int pid) throws IOException {
    return linkTarget(living(pid).resolve("cwd"));
  }

  /**
   * The systemd units and the container that a process belongs to, the outermost first: the parts
   * of its control group that are one (cgroups(7)); empty if there is none.
   */
  String unit(int pid) throws IOException {
    List<String> units = new ArrayList<>();
    for (String part : controlGroup(pid).split("/", -1)) {
      Matcher container = CONTAINER.matcher(part);
      if (container.matches()) {
        units.add("container " + container.group(1).substring(0, 12));
      } else if (UNIT.matcher(part).matches()) {
        units.add(part);
      }
    }
    return String.join("/", units);
  }

  /** The link to the network namespace that a process runs in, net:[4026531840]. */
  String networkNamespace(int pid) throws IOException {
    return Files.readSymbolicLink(living(pid).resolve("ns/net")).toString();
  }

  /** The same of a process that may have ended. */
  Optional<String> networkNamespace(ProcessRef process) {
    try {
      return Optional.of(networkNamespace(process.pid()));
    } catch (IOException e) {
      return Optional.empty();
    }
  }

  /** The socket tables of the network namespace that a process runs in. */
  Path socketTables(int pid) throws IOException {
    return living(pid).resolve("net");
  }

  /** The user, if a process runs in another user namespace than lsm, where all are root. */
  Optional<String> userOfOtherNamespace(int pid) throws IOException {
    Path own = proc.resolve("self/ns/user");
    if (!isReadableLink(own)) {
      return Optional.empty(); // a kernel without them
    }
    Path other = Files.readSymbolicLink(living(pid).resolve("ns/user"));
    return other.equals(Files.readSymbolicLink(own))
        ? Optional.empty()
        : Optional.of(users.name(effectiveUid(pid)));
  }

  /** The name of the container that a process belongs to, if its manager gave it a lasting one. */
  String containerName(int pid) throws IOException {
    Matcher named = NAMED_CONTAINER.matcher(controlGroup(pid));
    return named.find() ? named.group(1) : "";
  }

  /** The path of the unified hierarchy, or of systemd's own in version 1. */
  private String controlGroup(int pid) throws IOException {
    for (String line : decoded(directory(pid).resolve("cgroup")).split("\n", -1)) {
      if (line.startsWith("0::") || line.contains(":name=systemd:")) {
        return line.substring(line.indexOf(':', line.indexOf(':') + 1) + 1);
      }
    }
    return "";
  }

  /** What this process itself may do: its effective capabilities (capabilities(7)), in hex. */
  String privileges() throws IOException {
    return lineOf(proc.resolve("self/status"), "CapEff:").trim();
  }

  /** The moment that is so many ticks after boot. */
  private Instant time(long ticks) throws IOException {
    if (bootTime == null) {
      Path stat = proc.resolve("stat");
      bootTime = Instant.ofEpochSecond(parse(lineOf(stat, "btime").trim(), stat));
    }
    return bootTime.plusMillis(ticks * 1000 / TICKS_PER_SECOND);
  }

  /** What a symbolic link points to; java.nio alone would replace bytes that are no text. */
  private static String linkTarget(Path link) throws IOException {
    return text(Files.readSymbolicLink(link));
  }

  private static String text(Path target) {
    String text = target.toString();
    return text.indexOf('\uFFFD') < 0 ? text : TextEscaper.decode(bytes(target));
  }

  /** A URI of a path has its bytes, percent-encoded. */
  private static byte[] bytes(Path target) {
    return URLDecoder.decode(
            target.toUri().getRawPath().replace("+", "%2B"), StandardCharsets.ISO_8859_1)
        .getBytes(StandardCharsets.ISO_8859_1);
  }

  private static String lineOf(Path file, String key) throws IOException {
    // At newlines only: a process may have put a carriage return and a line into its name.
    String lines = "\n" + read(file) + "\n";
    int start = lines.indexOf("\n" + key);
    if (start < 0) {
      throw new IOException(file + ": has no line '" + key + "'");
    }
    return lines.substring(start + 1 + key.length(), lines.indexOf('\n', start + 1));
  }

  private static long parse(String number, Path file) throws IOException {
    try {
      return Long.parseLong(number);
    } catch (NumberFormatException e) {
      throw new IOException(file + ": no number: '" + number + "'", e);
    }
  }

  static String decoded(Path file) throws IOException {
    return TextEscaper.decode(bytesOf(file));
  }

  static String read(Path file) throws IOException {
    return new String(bytesOf(file), StandardCharsets.ISO_8859_1);
  }

  private static byte[] bytesOf(Path file) throws IOException {
    return bytesOf(file, MEGABYTE);
  }

  /**
   * The first bytes of a file. Asked for in large pieces: some files under /proc/sys answer the
   * first read(2) only, whatever its size, and java.nio begins with a single byte.
   */
  private static byte[] bytesOf(Path file, int limit) throws IOException {
    try (InputStream in = Files.newInputStream(file)) {
      return in.readNBytes(limit);
    }
  }
}
