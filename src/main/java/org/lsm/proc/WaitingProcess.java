package org.lsm.proc;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

/** What keeps a process from going on, as far as proc(5) shows it. */
public final class WaitingProcess {
  private static final int MAX_THREADS = 1000;

  private WaitingProcess() {}

  /**
   * Returns the state of a process, the kernel function that it waits in and its system call: of
   * the first thread that does not wait for another thread.
   */
  public static String describe(Path proc, String pid) {
    String first = "";
    try {
      List<Path> threads = ProcFile.list(proc.resolve(pid).resolve("task"));
      for (Path thread : threads.subList(0, Math.min(threads.size(), MAX_THREADS))) {
        String state = ProcFile.readLine(thread.resolve("status"), "State:").strip();
        String function = read(thread.resolve("wchan"));
        String call = read(thread.resolve("syscall")).replaceFirst(" .*", "");
        String text = "state " + state + ", wchan " + function + ", system call " + call;
        if (!function.startsWith("futex")) {
          return text;
        }
        first = first.isEmpty() ? text : first;
      }
    } catch (IOException e) {
      // It has ended, or this is not its PID namespace.
    }
    return first.isEmpty() ? "not in this PID namespace" : first;
  }

  /** Not every kernel has these files. */
  private static String read(Path file) {
    try {
      return ProcFile.read(file).strip();
    } catch (IOException e) {
      return "unknown";
    }
  }
}
