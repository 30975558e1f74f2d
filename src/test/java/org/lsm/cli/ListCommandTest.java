package org.lsm.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;

/** {@code lsm list}, as a whole. */
class ListCommandTest extends CommandTestBase {

  @Test
  void printsSocketsWithTheirOwners() {
    proc.tcp("127.0.0.1", 8080, 103)
        .udp("0.0.0.0", 51820, 0)
        .unix("@/tmp/abstract name", 104)
        .process(800, 33, "/usr/bin/python3 (deleted)", 90, 103, 104)
        .process(801, 33, "/usr/bin/python3", 91, 103);
    String expected =
        """
        PROTOCOL  LOCAL ADDRESS        USER      PID      PROGRAM
        tcp       0.0.0.0:22           root      700      /usr/sbin/sshd
        tcp       127.0.0.1:8080       www-data  800,801  /usr/bin/python3
        udp       127.0.0.53:53        101       701      /usr/lib/systemd/systemd-resolved
        udp       0.0.0.0:51820        -         -        -
        unix      @/tmp/abstract name  www-data  800      /usr/bin/python3
        """;

    assertEquals(done(expected), lsm("list"));
  }

  @Test
  void hostileNamesComeOutEscaped() {
    proc.empty().unix("/tmp/\033]0;x\007\nforged", 104).process(800, 33, "/tmp/\033[1m", 90, 104);
    String expected =
        """
        PROTOCOL  LOCAL ADDRESS      USER      PID  PROGRAM
        unix      /tmp/\\x1b]0;x\\x07  www-data  800  /tmp/\\x1b[1m
        """;

    assertEquals(
        new Result(
            0,
            expected,
            "lsm: 1 of 2 rows of "
                + proc.path().resolve("net/unix")
                + " were not understood and skipped; line 3: row is cut short\n"),
        lsm("list"));
  }

  @Test
  void missingProcIsNamed() {
    proc.delete("net");

    assertEquals(
        trouble(
            "cannot read " + proc.path().resolve("net") + ": no such directory; is /proc mounted?"),
        lsm("list"));
  }
}
