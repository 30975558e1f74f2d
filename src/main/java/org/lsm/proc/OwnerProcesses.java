package org.lsm.proc;

import java.io.ByteArrayOutputStream;
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
  private final byte[] buffer = new byte[4096]; // for the beginning of a file
  private final ByteArrayOutputStream line = new ByteArrayOutputStream();

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
    line.reset();
    line.write(lines, from, end + 1 - from);
    appendStarts(directory + "stat");
    appendUser(directory + "status");
    String target = Files.readSymbolicLink(Path.of(directory + "exe")).toString();
    line.writeBytes(target.getBytes(StandardCharsets.UTF_8));
    byte[] now = line.toByteArray();
    return Arrays.equals(now, 0, now.length, lines, from, to);
  }

  /** Appends the fields starttime and startstack, which proc(5) numbers 22 and 28. */
  private void appendStarts(String stat) throws IOException {
    int end = read(stat);
    int at = end - 1;
    while (at > 0 && buffer[at] != ')') { // the last one: the name before it may have more
      at--;
    }
    at = skip(' ', BEFORE_START, at, end);
    at = appendUpTo(' ', at, end);
    at = skip(' ', BEFORE_STACK, at, end);
    appendUpTo(' ', at, end);
  }

  /** Appends the second number of the line Uid, which is the effective one. */
  private void appendUser(String status) throws IOException {
    int end = read(status);
    for (int at = 0; at < end; at = skip('\n', 1, at, end)) {
      if (buffer[at] == 'U' && buffer[at + 1] == 'i') {
        appendUpTo('\t', skip('\t', 2, at, end), end);
        return;
      }
    }
  }

  private int read(String file) throws IOException {
    try (InputStream in = new FileInputStream(file)) {
      return Math.max(in.read(buffer), 0);
    }
  }

  /** The index behind so many of these bytes. */
  private int skip(char separator, int count, int from, int end) {
    int at = from;
    for (int left = count; left > 0 && at < end; at++) {
      left -= buffer[at] == separator ? 1 : 0;
    }
    return at;
  }

  /** Appends what precedes the next of these bytes, and a space; returns the index behind it. */
  private int appendUpTo(char separator, int from, int end) {
    int next = skip(separator, 1, from, end);
    line.write(buffer, from, Math.max(next - 1 - from, 0));
    line.write(' ');
    return next;
  }
}
