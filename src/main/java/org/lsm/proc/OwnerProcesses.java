package org.lsm.proc;

import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashSet;
import java.util.Set;
import org.lsm.model.OwnerCache;
import org.lsm.model.ProcessRef;
import org.lsm.model.SocketOwners;

/**
 * The processes that own sockets, one on a line: its PID, when it started, the start of its stack,
 * which is another one after execve(2), its effective user, and the path of its program. As long as
 * the line is the same, it executes the same program as the same user.
 */
public final class OwnerProcesses {
  private static final String END = "end\n"; // a file that was cut short lacks it
  // How many spaces precede them in stat: the name in parentheses, then those of fields between.
  private static final int BEFORE_START = 20;
  private static final int BEFORE_STACK = 5;

  private final String proc;
  private final byte[] buffer = new byte[4096]; // the beginning of a file
  private int length;
  private byte[] known; // the lines
  private int at; // the index of what is to be compared next

  private OwnerProcesses(Path proc) {
    this.proc = proc.toString();
  }

  /** The lines of cached owners; throws IOException if one is not the same any more. */
  public static byte[] lines(Path proc, Path passwd, OwnerCache owners) throws IOException {
    ProcessReader processes = new ProcessReader(proc, passwd);
    StringBuilder lines = new StringBuilder();
    Set<Integer> pids = new HashSet<>();
    for (SocketOwners held : owners.owners().values()) {
      for (ProcessRef process : held.processes()) {
        if (pids.add(process.pid())) {
          RunningProcess now = processes.running(process.pid());
          if (!now.continues(process) || now.target().indexOf('\n') >= 0) {
            throw new IOException("PID " + process.pid() + " has changed");
          }
          lines.append(now.pid()).append(' ').append(now.startTicks()).append(' ');
          lines.append(now.startStack()).append(' ').append(now.uid()).append(' ');
          lines.append(now.target()).append('\n');
        }
      }
    }
    return lines.append(END).toString().getBytes(StandardCharsets.UTF_8);
  }

  /** Whether the lines that begin at an index are those of processes that still run. */
  public static boolean areSame(Path proc, byte[] lines, int from) throws IOException {
    OwnerProcesses now = new OwnerProcesses(proc);
    int start = from;
    for (int i = from; i < lines.length; i++) {
      if (lines[i] == '\n') {
        if (i + 1 == lines.length) {
          return new String(lines, start, i + 1 - start, StandardCharsets.US_ASCII).equals(END);
        }
        if (!now.isSame(lines, start, i)) {
          return false;
        }
        start = i + 1;
      }
    }
    return false;
  }

  private boolean isSame(byte[] lines, int from, int to) throws IOException {
    int end = from;
    while (end < to && lines[end] != ' ') {
      end++;
    }
    String directory =
        proc + "/" + new String(lines, from, end - from, StandardCharsets.US_ASCII) + "/";
    known = lines;
    at = end + 1;
    if (!hasStarts(directory + "stat") || !hasUser(directory + "status")) {
      return false;
    }
    String target = Files.readSymbolicLink(Path.of(directory + "exe")).toString();
    byte[] bytes = target.getBytes(StandardCharsets.UTF_8);
    return Arrays.equals(bytes, 0, bytes.length, known, at, to);
  }

  /** Whether starttime and startstack are as known, which proc(5) numbers 22 and 28. */
  private boolean hasStarts(String stat) throws IOException {
    read(stat);
    int name = length - 1;
    while (name > 0 && buffer[name] != ')') { // the last one: the name before it may have more
      name--;
    }
    int start = behind(' ', BEFORE_START, name);
    return isKnown(start, ' ') && isKnown(behind(' ', BEFORE_STACK + 1, start), ' ');
  }

  /** Whether the second number of the line Uid is as known, the effective one. */
  private boolean hasUser(String status) throws IOException {
    read(status);
    int line = 0;
    while (line < length && (buffer[line] != 'U' || buffer[line + 1] != 'i')) {
      line = behind('\n', 1, line);
    }
    return isKnown(behind('\t', 2, line), '\t');
  }

  private void read(String file) throws IOException {
    try (InputStream in = new FileInputStream(file)) {
      length = Math.max(in.read(buffer, 0, buffer.length - 1), 0);
    }
  }

  /** The index behind so many of these bytes. */
  private int behind(char separator, int count, int from) {
    int index = from;
    for (int left = count; left > 0 && index < length; index++) {
      if (buffer[index] == separator) {
        left--;
      }
    }
    return index;
  }

  /** Whether what precedes the next of these bytes is known, and a space follows there. */
  private boolean isKnown(int from, char separator) {
    int index = from;
    while (index < length && buffer[index] != separator) {
      if (at == known.length || known[at++] != buffer[index++]) {
        return false;
      }
    }
    return index < length && at < known.length && known[at++] == ' ';
  }
}
