package org.lsm.proc;

import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.lsm.model.Fact;
import org.lsm.model.Facts;
import org.lsm.model.OwnerCache.StuckReader;
import org.lsm.model.ProcessRef;
import org.lsm.model.Protocol;
import org.lsm.model.Snapshot;
import org.lsm.proc.SocketScanner.Sources;

/**
 * Reads facts about processes under /proc. After some time it reads no more: what is then missing,
 * or hidden from this user, is named. A file that does not answer is read as {@link ForeignFiles}
 * reads it.
 */
public final class FactsReader {
  private static final Set<Fact> READ = EnumSet.range(Fact.LOGIN, Fact.DELETED_FILES);
  private static final int MAX_DESCRIPTORS = 10_000; // of a process
  private static final int MAX_CONNECTIONS = 100_000; // of all tables
  private static final long NO_LOGIN = 0xFFFF_FFFFL; // (uid_t) -1, of processes of the system
  private static final String DELETED = " (deleted)";
  private static final Pattern SOCKET = Pattern.compile("socket:\\[(\\d{1,18})]");
  private static final List<String> VARIABLES =
      List.of("^SSH_CONNECTION=.{1,400}", "^LD_PRELOAD=.{1,400}"); // of grep(1)
  private static final int TTY = 4; // major numbers of devices, see tty_nr in proc(5)
  private static final int FIRST_PTS = 136;
  private static final int LAST_PTS = 143;
  private static final int FIRST_SERIAL = 64; // minor number

  private static final Set<Protocol> CONNECTED =
      EnumSet.of(Protocol.TCP, Protocol.TCP6, Protocol.UDP, Protocol.UDP6);

  /** By their bits, see linux/capability.h. */
  private static final List<String> CAPABILITIES =
      List.of(
          """
          chown dac_override dac_read_search fowner fsetid kill setgid setuid setpcap \
          linux_immutable net_bind_service net_broadcast net_admin net_raw ipc_lock ipc_owner \
          sys_module sys_rawio sys_chroot sys_ptrace sys_pacct sys_admin sys_boot sys_nice \
          sys_resource sys_time sys_tty_config mknod lease audit_write audit_control setfcap \
          mac_override mac_admin syslog wake_alarm block_suspend audit_read perfmon bpf \
          checkpoint_restore"""
              .split(" ", -1));

  private final ProcessReader processes;
  private final ForeignFiles files;
  private final Snapshot scanned;
  private final Map<String, Map<Long, String>> connections = new HashMap<>(); // by namespace
  private int connectionsLeft = MAX_CONNECTIONS;
  private long left;

  /**
   * Takes the sockets of a scan, the readers that it left behind, and the time for all processes.
   */
  public FactsReader(Sources sources, Snapshot scanned, Set<StuckReader> stuck, Duration limit)
      throws IOException {
    this.processes = new ProcessReader(sources.proc(), sources.passwd());
    this.files = new ForeignFiles(processes, stuck);
    this.scanned = scanned;
    this.left = limit.toNanos();
  }

  /** Reads the facts about a process; none if it has ended, or is one of the kernel. */
  public Facts read(ProcessRef process) {
    int pid = process.pid();
    try {
      long before = processes.startTicks(pid);
      requireProgram(pid);
      Facts facts = read(pid);
      // Its PID may belong to another one before or after that.
      boolean isSame =
          before == process.startTicks() && processes.startTicks(pid) == process.startTicks();
      return isSame ? facts : Facts.NONE;
    } catch (IOException | RuntimeException e) {
      return Facts.NONE;
    }
  }

  /** Throws an exception for a thread of the kernel; the program may be hidden from this user. */
  private void requireProgram(int pid) throws IOException {
    try {
      Files.readSymbolicLink(processes.file(pid, "exe"));
    } catch (AccessDeniedException e) {
      // what else is hidden is named
    }
  }

  private Facts read(int pid) {
    long start = System.nanoTime();
    Facts facts = Facts.NONE;
    for (Fact fact : READ) {
      try {
        if (System.nanoTime() - start >= left) {
          throw new IOException("out of time");
        }
        facts = facts.with(fact, values(fact, pid));
      } catch (NoSuchFileException e) {
        // the process has ended, or the kernel has no such file
      } catch (IOException e) {
        facts = facts.with(Fact.UNKNOWN, fact.label());
      }
    }
    left -= System.nanoTime() - start;
    return facts;
  }

  private List<String> values(Fact fact, int pid) throws IOException {
    return switch (fact) {
      case LOGIN -> login(pid);
      case TERMINAL -> terminal(processes.terminal(pid));
      case ENVIRONMENT -> environment(pid);
      case CAPABILITIES -> capabilities(pid);
      case SECCOMP -> seccomp(pid);
      case NAMESPACES -> namespaces(pid);
      case SOCKETS -> sockets(pid);
      case CONNECTIONS -> connections(pid);
      case DELETED_FILES -> deletedFiles(pid);
      default -> List.of();
    };
  }

  /** The user who logged in, whatever user the process has become: the audit user ID of proc(5). */
  private List<String> login(int pid) throws IOException {
    Path file = processes.file(pid, "loginuid");
    long uid = ProcFile.parseNumber(ProcFile.read(file).strip(), file);
    return uid == NO_LOGIN ? List.of() : List.of(processes.userName(uid));
  }

  private static List<String> terminal(int device) {
    int major = (device >>> 8) & 0xFFF;
    int minor = (device & 0xFF) | ((device >>> 12) & 0xFFF00);
    String name = major == TTY && minor < FIRST_SERIAL ? "tty" + minor : major + ":" + minor;
    if (major >= FIRST_PTS && major <= LAST_PTS) {
      name = "pts/" + ((major - FIRST_PTS) * 256 + minor);
    }
    return device == 0 ? List.of() : List.of(name);
  }

  /** Two variables of the environment that the process was started with, and no other. */
  private List<String> environment(int pid) throws IOException {
    Path file = processes.file(pid, "environ");
    requireReadable(file);
    RunningProcess process = processes.running(pid);
    List<String> values = new ArrayList<>();
    for (String variable : VARIABLES) { // apart, since thousands of one must not hide the other
      String found = files.environment(process, variable, Duration.ofNanos(left));
      if (files.isUnread(process)) {
        throw new IOException(file + ": no answer");
      }
      Stream.of(found.split("\0", -1))
          .filter(it -> !it.isEmpty())
          .map(ProcFile::decode)
          .forEach(values::add);
    }
    return values;
  }

  /** The effective capabilities (capabilities(7)). */
  private List<String> capabilities(int pid) throws IOException {
    long own = Long.parseUnsignedLong(status(pid, "CapEff"), 16);
    long all = Long.parseUnsignedLong(status(1, "CapBnd"), 16);
    return all != 0 && (all & ~own) == 0 ? List.of("all") : names(own);
  }

  private static List<String> names(long bits) {
    return IntStream.range(0, Long.SIZE)
        .filter(i -> (bits >>> i & 1) != 0)
        .mapToObj(i -> "cap_" + (i < CAPABILITIES.size() ? CAPABILITIES.get(i) : i))
        .toList();
  }

  private List<String> seccomp(int pid) throws IOException {
    String mode = status(pid, "Seccomp");
    return mode.equals("0") ? List.of() : List.of(mode.equals("1") ? "strict" : "filter");
  }

  /** A number of {@code /proc/PID/status}; 0 if this kernel does not have it. */
  private String status(int pid, String key) throws IOException {
    // Lines end at newlines only: a process name may contain a carriage return.
    Matcher line =
        Pattern.compile("(?dm)^" + key + ":\\s*(\\w{1,16})$")
            .matcher(ProcFile.read(processes.file(pid, "status")));
    return line.find() ? line.group(1) : "0";
  }

  /** The kinds of namespaces(7) in which the process does not share that of PID 1. */
  private List<String> namespaces(int pid) throws IOException {
    TreeSet<String> others = new TreeSet<>();
    for (Path own : ProcFile.list(processes.threadFile(pid, "ns"))) {
      String kind = own.getFileName().toString();
      Path ofInit = processes.file(1, "ns").resolve(kind);
      if (!kind.endsWith("_for_children")
          && !Files.readSymbolicLink(own).equals(Files.readSymbolicLink(ofInit))) {
        others.add(kind);
      }
    }
    return List.copyOf(others);
  }

  private static void requireReadable(Path file) throws IOException {
    if (Files.exists(file) && !Files.isReadable(file)) {
      throw new AccessDeniedException(file.toString());
    }
  }

  /** The watched sockets that the process holds. */
  private List<String> sockets(int pid) throws IOException {
    requireReadable(processes.threadFile(pid, "fd"));
    return scanned.sockets().values().stream()
        .filter(entry -> entry.processes().stream().anyMatch(it -> it.pid() == pid))
        .map(entry -> entry.endpoint().toString())
        .toList();
  }

  private List<String> connections(int pid) throws IOException {
    Map<Long, String> all = connectionsOfNamespace(pid);
    return links(pid).stream()
        .map(SOCKET::matcher)
        .filter(Matcher::matches)
        .map(it -> all.get(Long.valueOf(it.group(1))))
        .filter(Objects::nonNull)
        .distinct()
        .toList();
  }

  /** Reads the tables of a namespace once. */
  private Map<Long, String> connectionsOfNamespace(int pid) throws IOException {
    String link = processes.networkNamespace(pid);
    Map<Long, String> known = connections.get(link);
    if (known == null) {
      NetworkNamespace namespace = new NetworkNamespace("", processes.threadFile(pid, "net"));
      known = new HashMap<>();
      for (Protocol it : CONNECTED) {
        Map<Long, String> more = namespace.connections(it, connectionsLeft);
        known.putAll(more);
        connectionsLeft -= more.size();
      }
      connections.put(link, known);
    }
    return known;
  }

  private List<String> deletedFiles(int pid) throws IOException {
    Stream<String> deleted =
        links(pid).stream().filter(it -> it.startsWith("/") && it.endsWith(DELETED));
    return deleted.map(it -> it.substring(0, it.length() - DELETED.length())).distinct().toList();
  }

  /** What the open descriptors of a process refer to. */
  private List<String> links(int pid) throws IOException {
    List<Path> descriptors = ProcFile.list(processes.threadFile(pid, "fd"));
    if (descriptors.size() > MAX_DESCRIPTORS) {
      throw new IOException(descriptors.size() + " descriptors are too many");
    }
    List<String> links = new ArrayList<>();
    for (Path descriptor : descriptors) {
      try {
        links.add(ProcFile.text(Files.readSymbolicLink(descriptor)));
      } catch (IOException e) {
        // closed meanwhile, or its name is too long
      }
    }
    return links;
  }
}
