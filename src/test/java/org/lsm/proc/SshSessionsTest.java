package org.lsm.proc;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.lsm.FakeProc;

/** The hosts of users who are logged in, and what others may try to be taken for one. */
class SshSessionsTest {

  private static final String ROW =
      "   1: %s:0016 %s:D431 %s 00000000:00000000 02:000A7D8B 00000000     0        0 %d 2"
          + " 0000000000000000 20 4 30 10 -1";

  @TempDir private Path folder;

  @ParameterizedTest
  @CsvSource({
    "/usr/sbin/sshd,                         0,    1000,       01, true",
    "/usr/sbin/sshd,                         0,    0,          01, true",
    "/usr/lib/openssh/sshd-session,          0,    1000,       01, true",
    "/usr/sbin/sshd (deleted),               0,    1000,       01, true",
    "/usr/sbin/sshd,                         0,    4294967295, 01, false",
    "/usr/sbin/sshd,                         1000, 1000,       01, false",
    "/usr/sbin/nginx,                        0,    1000,       01, false",
    "/tmp/sshd/x,                            0,    1000,       01, false",
    "/usr/sbin/sshd,                         0,    1000,       08, false",
  })
  void findsSessions(String program, int uid, String loginUid, String state, boolean isFound)
      throws IOException {
    FakeProc proc = FakeProc.bare(folder.resolve("proc")).process(700, uid, program, 10, 101, 102);
    proc.write("700/loginuid", loginUid);
    proc.append("net/tcp", String.format(ROW, "0100007F", "090200C0", state, 101));
    proc.append("net/tcp", String.format(ROW, "0100007F", "0A0200C0", "01", 103));
    proc.write("net/tcp6", "  sl  local_address ...\n");
    String v6 = "B80D0120000000000000000009000000";
    proc.append("net/tcp6", String.format(ROW, "0".repeat(32), v6, state, 102));

    assertEquals(
        isFound ? Set.of("192.0.2.9", "2001:db8::9") : Set.of(), SshSessions.clients(proc.path()));
  }

  @Test
  void hasNoneWithoutProcesses() throws IOException {
    assertEquals(Set.of(), SshSessions.clients(FakeProc.bare(folder.resolve("proc")).path()));
  }
}
