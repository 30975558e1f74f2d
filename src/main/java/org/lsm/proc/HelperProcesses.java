package org.lsm.proc;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.lsm.model.Owner;
import org.lsm.model.OwnerLimit;
import org.lsm.model.ProcessRef;
import org.lsm.model.SocketEntry;
import org.lsm.proc.SocketScanner.Sources;

/**
 * Decides whether the further owners of a known socket are helpers of its service. They are if each
 * of their processes fulfils one of these conditions:
 *
 * <pre>
 * it descends from a process that           and its program is
 * ----------------------------------------  ------------------------------------------------------
 * holds the socket, and is a known owner    the same, or in the same directory, or in one that has
 * or a service that systemd activated       the name of that program (/usr/lib/dovecot)
 *
 * is PID 1, systemd, holds the socket and   that of ExecStart= of the .service in which it runs,
 * is a known owner (its direct parent)      and a .socket of systemd activates that
 * </pre>
 *
 * <p>In both cases the program is a file of this host that was not deleted, and neither a shell nor
 * an interpreter; and only root can write it, its directory and all above. For the first one, PID 1
 * does not count, from which all processes descend, nor a directory like /usr/sbin, where the
 * programs of all services are.
 */
public final class HelperProcesses {
  private static final int MAX_PARENTS = 16;
  private static final int OTHERS_WRITE = 022; // the group, too

  /** Of units, systemd.unit(5). */
  private static final List<String> UNIT_DIRECTORIES =
      List.of(
          "etc/systemd/system",
          "run/systemd/system",
          "usr/local/lib/systemd/system",
          "usr/lib/systemd/system",
          "lib/systemd/system");

  private final Sources sources;
  private final Set<SocketEntry> known = new HashSet<>();
  private ProcessReader processes; // null until a socket has further owners

  public HelperProcesses(Sources sources) {
    this.sources = sources;
  }

  /**
   * Whether a socket has owners that it has not in a baseline, and all of these are helpers. An
   * answer of yes is kept: the processes may end.
   */
  public boolean areHelpers(SocketEntry was, SocketEntry now) {
    if (known.contains(now)) {
      return true;
    }
    List<Owner> further = now.ownersBeyond(was);
    if (further.isEmpty() || now.processes().size() >= OwnerLimit.MAX_PROCESSES) {
      return false; // of so many processes, not all are known
    }
    for (Owner owner : further) {
      if (now.processes().stream().noneMatch(it -> it.owner().equals(owner))) {
        return false;
      }
    }
    for (ProcessRef process : now.processes()) {
      if (further.contains(process.owner()) && !isHelper(process, was, now)) {
        return false;
      }
    }
    return known.add(now);
  }

  /** Whether processes were read to decide who is a helper. */
  public boolean hasReadProcesses() {
    return processes != null;
  }

  /** A socket with the owner of its oldest process alone, if all others are helpers of that. */
  public SocketEntry withoutHelpers(SocketEntry entry) {
    return entry.processes().stream()
        .min(Comparator.comparing(ProcessRef::startTicks).thenComparing(ProcessRef::pid))
        .map(it -> new TreeSet<>(Set.of(it.owner(), Owner.maker("root"))))
        .map(owners -> new SocketEntry(entry.endpoint(), owners, entry.processes()))
        .filter(ofOldest -> areHelpers(ofOldest, entry))
        .orElse(entry);
  }

  private boolean isHelper(ProcessRef process, SocketEntry was, SocketEntry now) {
    try {
      if (processes == null) {
        processes = new ProcessReader(sources.proc(), sources.passwd());
      }
      return isTrusted(process)
          && (isActivated(process, was, now) || descendsFromService(process, was, now));
    } catch (IOException | RuntimeException e) {
      return false; // it has ended, or cannot be read
    }
  }

  /** Whether a process executes a program that only root can have put there. */
  private boolean isTrusted(ProcessRef process) throws IOException {
    String program = process.owner().program();
    RunningProcess running = processes.running(process.pid());
    return program.startsWith("/")
        && !Interpreter.isInterpreter(program)
        && !running.isMarkedDeleted()
        && running.continues(process)
        && isWritableByRootOnly(program);
  }

  /** From the root on: below a directory of another user, a file system may not answer. */
  private boolean isWritableByRootOnly(String program) throws IOException {
    Path at = sources.root();
    for (Path name : Path.of(program)) {
      at = at.resolve(name);
      var stat = Files.readAttributes(at, "unix:uid,mode", LinkOption.NOFOLLOW_LINKS);
      if ((int) stat.get("uid") != 0 || ((int) stat.get("mode") & OTHERS_WRITE) != 0) {
        return false; // or a symbolic link, which the path of a running program does not have
      }
    }
    return true;
  }

  private boolean descendsFromService(ProcessRef process, SocketEntry was, SocketEntry now)
      throws IOException {
    int pid = processes.parent(process.pid());
    for (int i = 0; i < MAX_PARENTS && pid > 1; i++) {
      for (ProcessRef parent : now.processes()) {
        if (parent.pid() == pid
            && isOfSameService(process.owner().program(), parent.owner().program())
            && (was.includes(parent.owner()) || isActivated(parent, was, now))) {
          return true;
        }
      }
      pid = processes.parent(pid);
    }
    return false;
  }

  private static boolean isOfSameService(String program, String parent) {
    if (!parent.startsWith("/") || program.equals(parent)) {
      return program.equals(parent);
    }
    String directory = program.substring(0, program.lastIndexOf('/'));
    String ofParent = parent.substring(0, parent.lastIndexOf('/'));
    String name = parent.substring(ofParent.length()); // with its slash
    boolean isShared = directory.matches("(/usr(/local)?)?(/[^/]*)?"); // /bin, /usr/libexec
    return !isShared && (directory.equals(ofParent) || directory.endsWith(name));
  }

  /** Whether systemd has started a process as the service of a socket that it holds itself. */
  private boolean isActivated(ProcessRef process, SocketEntry was, SocketEntry now)
      throws IOException {
    boolean isOfSystemd = false;
    for (ProcessRef init : now.processes()) {
      isOfSystemd |=
          init.pid() == 1
              && init.owner().program().endsWith("/systemd")
              && was.includes(init.owner());
    }
    return isOfSystemd
        && processes.parent(process.pid()) == 1
        && isService(processes.controlGroup(process.pid()).unit(), process.owner().program());
  }

  /** Whether a unit is a service of the host that runs this program, and a .socket starts it. */
  private boolean isService(String unit, String program) throws IOException {
    String service = withoutInstance(unit); // that of a user has a slash
    boolean executes = false;
    boolean hasSocket = false;
    for (String directory : UNIT_DIRECTORIES) {
      Path units = sources.root().resolve(directory);
      for (Path file : Files.exists(units) ? ProcFile.list(units) : List.<Path>of()) {
        String name = file.getFileName().toString();
        if (name.equals(service)) {
          String command = value(file, "ExecStart=").replaceFirst("^[-@:+!|]*\"?", "");
          String path = command.split("[\\s\"]", 2)[0]; // /sbin may be a link to /usr/sbin
          executes |= program.equals(path) || program.equals("/usr" + path);
        } else if (name.endsWith(".socket")) {
          String activated = value(file, "Service=");
          String byName = name.replaceFirst("socket$", "service");
          hasSocket |= service.equals(withoutInstance(activated.isEmpty() ? byName : activated));
        }
      }
    }
    return executes && hasSocket;
  }

  private static String withoutInstance(String unit) {
    return unit.replaceFirst("@.*\\.", "@.");
  }

  /** What follows a key in the first line that begins with it; empty if there is none. */
  private static String value(Path unit, String key) {
    try {
      return ProcFile.readLine(unit, key).trim();
    } catch (IOException e) {
      return "";
    }
  }
}
