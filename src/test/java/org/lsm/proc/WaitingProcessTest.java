package org.lsm.proc;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Real processes, of which some wait. */
@Timeout(60)
class WaitingProcessTest {
  private static final Path PROC = Path.of("/proc");
  private static final Pattern SLEEPING =
      Pattern.compile("state S \\(sleeping\\), wchan [a-z0-9_]+, system call \\d+");

  @Test
  void namesWhatAStoppedProcessWaitsFor() throws Exception {
    Process process = new ProcessBuilder("sleep", "60").start();
    String pid = "" + process.pid();
    try {
      await(pid, "state S (sleeping)");
      String text = WaitingProcess.describe(PROC, pid);
      assertTrue(SLEEPING.matcher(text).matches(), text);
      new ProcessBuilder("kill", "-STOP", pid).start().waitFor();
      await(pid, "state T (stopped)");
    } finally {
      process.destroyForcibly().waitFor();
    }
    assertEquals("not in this PID namespace", WaitingProcess.describe(PROC, pid));
  }

  @Test
  void findsTheThreadThatWaitsForNoOther() {
    // This one reads its own state in read(2), system call 0 on x86-64; the others wait for it.
    String text = WaitingProcess.describe(PROC, "self");
    assertTrue(text.startsWith("state R (running)") || !text.contains("wchan futex"), text);
  }

  @Test
  void takesAnyTextForAPid() {
    assertEquals("not in this PID namespace", WaitingProcess.describe(PROC, "no process"));
  }

  private static void await(String pid, String state) throws IOException, InterruptedException {
    while (!WaitingProcess.describe(PROC, pid).startsWith(state)) {
      Thread.sleep(20);
    }
  }
}
