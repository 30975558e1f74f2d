package org.lsm.proc;

import java.util.HashSet;
import java.util.Set;
import java.util.regex.Pattern;

/** Files that a process has registered with io_uring(7); they need no descriptor of their own. */
final class IoUring {
  private IoUring() {}

  /**
   * Returns the inodes of the registered sockets.
   *
   * @param fdinfo {@code /proc/PID/fdinfo/N} of a descriptor that refers to {@code
   *     anon_inode:[io_uring]}, with a line {@code INDEX: socket:[INODE]} for each
   *     (io_uring/fdinfo.c)
   */
  static Set<Long> inodes(String fdinfo) {
    Set<Long> inodes = new HashSet<>();
    var rows = Pattern.compile("(?m)^ *\\d+: socket:\\[(\\d{1,18})]$").matcher(fdinfo);
    while (rows.find()) {
      inodes.add(Long.valueOf(rows.group(1)));
    }
    return inodes;
  }
}
