package org.lsm.proc;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** The file that a process executes (proc(5)). */
final class Executable {

  /** Stands for a path that is longer than the kernel can return. */
  static final String UNREADABLE = "(program with an unreadable path)";

  private static final String DELETED = " (deleted)";
  private static final String MEMFD = "/memfd:";
  private static final String ELSEWHERE = "(elsewhere)";

  private final Path link;
  private final Path target;

  /** Reads the link {@code /proc/PID/exe}. */
  Executable(Path link) throws IOException {
    this.link = link;
    this.target = Files.readSymbolicLink(link);
  }

  /**
   * Returns the path without the mark of a deleted file, because an upgrade does not change who
   * owns a socket. {@code (elsewhere)} precedes the path if this host has another file or no file
   * there: the process lives in a container or pretends to run another program.
   */
  String program() throws IOException {
    String text = ProcFile.text(target);
    boolean deleted = isDeleted();
    String path = deleted ? text.substring(0, text.length() - DELETED.length()) : text;
    return path.startsWith(MEMFD) || isOfThisHost(path, deleted) ? path : ELSEWHERE + path;
  }

  /** Whether the file was deleted, rather than having a name that looks so. */
  boolean isDeleted() throws IOException {
    return ProcFile.text(target).endsWith(DELETED) && !ProcFile.isSameFile(link, target);
  }

  /** Whether this host has the file at this path, or may have had it before it was deleted. */
  private boolean isOfThisHost(String path, boolean deleted) throws IOException {
    if (!Files.exists(link) || ProcFile.isSameFile(link, target)) {
      return true;
    }
    if (!deleted) {
      return false;
    }
    // It can have been there if its owner may put files there.
    int owner = owner(link);
    return owner == 0 || owner == owner(target.getParent()) || owner == owner(path);
  }

  private static int owner(String path) throws IOException {
    try {
      return owner(Path.of(path));
    } catch (InvalidPathException e) {
      return -1; // Java has no Path for every file name
    }
  }

  private static int owner(Path file) throws IOException {
    return file != null && Files.exists(file) ? (int) Files.getAttribute(file, "unix:uid") : -1;
  }

  /**
   * Returns the directories above the file, the nearest first and without the root, as the process
   * sees them.
   */
  List<Path> directories() {
    List<Path> directories = new ArrayList<>();
    Path root = link.resolveSibling("root");
    for (Path above = target.getParent();
        above != null && above.isAbsolute() && above.getParent() != null;
        above = above.getParent()) {
      directories.add(root.resolve(above.getRoot().relativize(above)));
    }
    return directories;
  }
}
