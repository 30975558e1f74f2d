package org.lsm.proc;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.lsm.model.Owner;
import org.lsm.model.ProcessRef;

/**
 * What the kernel alone says of a process: reading it waits for no file system.
 *
 * @param link {@code /proc/PID/exe}, or that of a thread that lives
 * @param target what the link names (proc(5)); that of a deleted file has a mark at its end
 */
record RunningProcess(
    int pid,
    long startTicks,
    long startStack,
    int parent,
    long uid,
    String user,
    Path link,
    String target) {

  private static final String DELETED = " (deleted)";
  private static final String ELSEWHERE = "(elsewhere)";
  private static final int MAX_DIRECTORIES = 8000; // characters
  private static final String MEMFD = "/memfd:"; // memfd_create(2)

  boolean isMarkedDeleted() {
    return target.endsWith(DELETED);
  }

  /** The target without the mark of a deleted file. */
  String path() {
    return isMarkedDeleted() ? target.substring(0, target.length() - DELETED.length()) : target;
  }

  /**
   * The directories above the program's file, as the process sees them: from the root, which is not
   * one of them, as far as {@link ForeignFiles} can read them at once.
   */
  List<String> directories() {
    List<String> directories = new ArrayList<>();
    Path root = link.resolveSibling("root");
    int length = 0;
    for (int end = path().indexOf('/', 1); end > 0; end = path().indexOf('/', end + 1)) {
      length += end;
      if (length > MAX_DIRECTORIES) {
        break;
      }
      directories.add(root + path().substring(0, end));
    }
    return directories;
  }

  /** Whether there is no path to its program, but only memory. */
  boolean isInMemory() {
    return target.startsWith(MEMFD);
  }

  /**
   * The name of its program. An upgrade deletes the file and does not change who owns a socket.
   * {@code (elsewhere)} precedes the path unless it is proved that this is a file of this host: the
   * process lives in a container, or pretends to run another program.
   */
  String program(boolean ofThisHost) {
    return ofThisHost || isInMemory() ? path() : ELSEWHERE + path();
  }

  /** Whether this process, known before, still executes the same program as the same user. */
  boolean continues(ProcessRef before) {
    return startTicks == before.startTicks()
        && startStack == before.startStack()
        && (isOwner(target, before) || isOwner(path(), before) || isOwner(program(false), before));
  }

  private boolean isOwner(String program, ProcessRef before) {
    return new Owner(user, program, before.owner().script()).equals(before.owner());
  }
}
