package org.lsm.proc;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.ByteArrayOutputStream;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.Set;
import org.lsm.model.OwnerCache;
import org.lsm.model.ProcessRef;
import org.lsm.model.SocketOwners;

/**
 * Reads the processes that own sockets, one on a line of bytes: its PID, when it started (clock
 * ticks after boot), where its code begins and ends and its stack begins, its effective user ID,
 * and the target of {@code /proc/PID/exe}. execve(2) chooses the addresses anew; but a process can
 * set them as it likes (prctl(2), PR_SET_MM_MAP), and address randomization may be off. As long as
 * the line is the same, it executes the same program as the same user.
 */
public final class OwnerProcesses {
  private static final byte[] END = "end\n".getBytes(US_ASCII); // lines that were cut short lack it

  // Spaces of stat (proc(5)) between the name and starttime, then from there to startcode.
  private static final int BEFORE_START = 20;
  private static final int BEFORE_CODE = 4;
  private static final int ADDRESSES = 3; // startcode, endcode, startstack

  private final String proc;
  private final ByteArrayOutputStream lines;
  private final byte[] buffer = new byte[4096]; // the beginning of a file
  private int length;

  private OwnerProcesses(Path proc, ByteArrayOutputStream lines) {
    this.proc = proc + "/";
    this.lines = lines;
  }

  /** Appends the lines of cached owners; throws IOException if one is not the same any more. */
  public static void append(Path proc, Path passwd, OwnerCache cache, ByteArrayOutputStream lines)
      throws IOException {
    ProcessReader processes = new ProcessReader(proc, passwd);
    OwnerProcesses reader = new OwnerProcesses(proc, lines);
    Set<Integer> pids = new HashSet<>();
    for (SocketOwners owners : cache.owners().values()) {
      for (ProcessRef process : owners.processes()) {
        int pid = process.pid();
        if (pids.add(pid)) {
          reader.append(Integer.toString(pid)); // first: what happens later is seen here or there
          if (!processes.running(pid).continues(process)) {
            throw new IOException("PID " + pid + " is not the same any more");
          }
        }
      }
    }
    lines.writeBytes(END);
  }

  /** Appends what these lines, which begin at an index, are now. */
  public static void append(Path proc, byte[] before, int from, ByteArrayOutputStream lines)
      throws IOException {
    OwnerProcesses reader = new OwnerProcesses(proc, lines);
    for (int line = from; line < before.length; ) {
      int end = line;
      while (end < before.length && before[end] >= '0' && before[end] <= '9') {
        end++;
      }
      if (end > line) {
        reader.append(new String(before, line, end - line, US_ASCII));
      }
      while (end < before.length && before[end] != '\n') {
        end++;
      }
      line = end + 1;
    }
    lines.writeBytes(END);
  }

  private void append(String pid) throws IOException {
    lines.writeBytes(pid.getBytes(US_ASCII));
    try (InputStream in = new FileInputStream(proc + pid + "/stat")) {
      length = Math.max(in.read(buffer, 0, buffer.length - 1), 0);
    }
    int name = length;
    while (name > 0 && buffer[name] != ')') { // the last one: the name before it may have more
      name--;
    }
    int start = behind(BEFORE_START, name);
    copy(start);
    int address = behind(BEFORE_CODE, start);
    for (int i = 0; i < ADDRESSES; i++) {
      copy(address);
      address = behind(1, address);
    }
    // This directory belongs to the effective user even if the process is not dumpable, unlike the
    // files in it (proc(5)). Asking for its owner takes an eighth of the time of reading status.
    Object user = Files.getAttribute(Path.of(proc + pid), "unix:uid");
    String target = Files.readSymbolicLink(Path.of(proc + pid + "/exe")).toString();
    lines.writeBytes((" " + user + " " + target + "\n").getBytes(UTF_8));
  }

  /** The index behind so many spaces. */
  private int behind(int count, int from) {
    int index = from;
    for (int left = count; left > 0 && index < length; index++) {
      if (buffer[index] == ' ') {
        left--;
      }
    }
    return index;
  }

  /** Appends a space, and what precedes the next space. */
  private void copy(int from) {
    lines.write(' ');
    int end = from;
    while (end < length && buffer[end] != ' ') {
      end++;
    }
    lines.write(buffer, from, end - from);
  }
}
