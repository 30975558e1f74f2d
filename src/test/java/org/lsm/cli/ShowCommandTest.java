package org.lsm.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.lsm.report.JsonTest;

/** {@code lsm show}, as a whole: a web server with two sockets, and a shell that has none. */
class ShowCommandTest extends CommandTestBase {

  @BeforeEach
  void makeProcesses() {
    proc.empty()
        .tcp("127.0.0.1", 8080, 103)
        .tcp("0.0.0.0", 81, 104)
        .process(800, 33, "/fake/web", 90, 103, 104)
        .process(900, 33, "/fake/bash", 95)
        .write("900/cmdline", "bash\0-i\0")
        .write("900/environ", "SSH_CONNECTION=203.0.113.9 1 192.0.2.1 22\0")
        .stat(900, "bash", 800, 9500)
        .namespace(900, 7)
        .write("900/net/tcp", "")
        .link("900/fd/3", "socket:[201]")
        .write(
            "900/net/tcp",
            "header\n   0: 0100007F:C350 097100CB:2775 01 0:0 00:0 0  33  0 201 1\n");
  }

  @Test
  void showsSocketWithItsProcess() {
    String expected =
        """
        web1: 1 socket

        SOCKET   tcp/127.0.0.1:8080
                 program    /fake/web
                 PID        800
                 user       www-data
                 started    2026-01-01 00:01:30 +00:00 (1 d 3 h ago)
                 parents    /fake/init (root), PID 1
                 sockets    tcp/0.0.0.0:81
                 unknown    file, package

        To go on:
            kill -STOP 800
            cp /proc/800/exe /root/program-800
            ls -l /proc/800/fd

        Host      web1, Linux 6.1.0-test
        Scanned   2026-01-02 03:04:05 +00:00
        """;

    assertEquals(done(expected), lsm("show", "tcp/127.0.0.1:8080"));
    assertEquals(done(expected), lsm("show", "8080"));
    assertEquals(done(expected), lsm("show", "port=8080"));
    assertEquals(done(expected), lsm("show", "*/*:808?"));
  }

  @Test
  void showsProcessWithoutSocket() {
    String expected =
        """
        web1: a process without a watched socket

        PROCESS  900
                 ! shell or interpreter
                 program    /fake/bash (script unknown)
                 user       www-data
                 started    2026-01-01 00:01:35 +00:00 (1 d 3 h ago)
                 command    bash -i
                 parents    /fake/web (www-data), PID 800
                            /fake/init (root), PID 1
                 environ    SSH_CONNECTION=203.0.113.9 1 192.0.2.1 22
                 connection tcp 127.0.0.1:50000 to 203.0.113.9:10101
                 unknown    file, package

        To go on:
            kill -STOP 900
            cp /proc/900/exe /root/program-900
            ls -l /proc/900/fd
            whois 203.0.113.9
            lsm sentry block 203.0.113.9

        Host      web1, Linux 6.1.0-test
        Scanned   2026-01-02 03:04:05 +00:00
        """;

    assertEquals(done(expected), lsm("show", "900"));
    assertEquals(done(expected), lsm("show", "pid=900"));
  }

  /** A low number is the PID of some process of the kernel on every host. */
  @Test
  void namesProcessWithTheNumberOfThePort() {
    proc.process(81, 33, "/fake/other", 90);

    assertTrue(
        lsm("show", "81")
            .out()
            .contains("  81 is a PID, too; 'lsm show pid=81' shows that process\n"));
    assertFalse(lsm("show", "port=81").out().contains("too;"));
    assertTrue(lsm("show", "pid=81").out().contains("\nPROCESS  81\n"));
  }

  /** It has no program, no file and no environment. */
  @Test
  void showsThreadOfTheKernel() {
    proc.stat(2, "kthreadd", 0, 1)
        .write("2/comm", "kthreadd\n")
        .write("2/status", "Name:\tkthreadd\nUid:\t0\t0\t0\t0\n");

    String out = lsm("show", "2").out();

    assertTrue(out.contains("PROCESS  2\n         program    [kthreadd]\n"), out);
    assertFalse(out.contains("unknown"), out);
  }

  @Test
  void printsJson() {
    Result socket = lsm("show", "8080", "--format", "json");
    JsonTest.assertValid("show", socket.out());
    JsonObject first = JsonParser.parseString(socket.out()).getAsJsonObject();
    assertEquals(1, first.getAsJsonArray("sockets").size());
    assertEquals(0, first.getAsJsonArray("processes").size());
    Result process = lsm("show", "900", "--format", "json");
    JsonTest.assertValid("show", process.out());
    JsonObject json = JsonParser.parseString(process.out()).getAsJsonObject();
    assertEquals(
        "{\"environment\":[\"SSH_CONNECTION=203.0.113.9 1 192.0.2.1 22\"],"
            + "\"connections\":[\"tcp 127.0.0.1:50000 to 203.0.113.9:10101\"],\"unknown\":[\"file\",\"package\"]}",
        json.getAsJsonArray("processes").get(0).getAsJsonObject().get("facts").toString());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "4711 | there is no socket or process '4711'; 'lsm list --all' shows all sockets",
        "port=900 | there is no socket or process 'port=900'; 'lsm list --all' shows all sockets",
        "tcp/x | there is no socket or process 'tcp/x'; 'lsm list --all' shows all sockets",
        "0 | there is no socket or process '0'; 'lsm list --all' shows all sockets",
        "tcp/*:22 | there is no socket or process 'tcp/*:22'; 'lsm list --all' shows all sockets",
        "'' | there is no socket or process ''; 'lsm list --all' shows all sockets",
        "81 | 81 is the port of tcp/0.0.0.0:81 and the PID of tcp/0.0.0.0:90; write port=81 or pid=81",
      })
  void explainsUnknownName(String name, String problem) {
    proc.tcp("0.0.0.0", 90, 106).process(81, 33, "/fake/other", 90, 106);

    Result result = lsm("show", name);

    assertEquals(
        new Result(2, "", "lsm: " + problem + "\nTry 'lsm show --help' for help.\n"), result);
  }

  @Test
  void showsNoMoreThanAReport() {
    for (int i = 1; i <= 201; i++) {
      proc.udp("0.0.0.0", 1000 + i, 2000 + i);
    }

    Result result = lsm("show", "udp/**");

    assertEquals(2, result.exitCode());
    assertTrue(
        result.err().startsWith("lsm: 'udp/**' stands for 201 sockets; 'lsm list' prints them\n"),
        result.err());
  }

  /** What a process chooses reaches the terminal escaped, and never a command. */
  @Test
  void escapesWhatTheProcessChose() {
    proc.write("900/environ", "LD_PRELOAD=/x\033[2J\nkill -STOP 1\0");
    proc.link("900/fd/4", "/tmp/\033]0;x\007 (deleted)").link("900/cwd", "/tmp/'; rm -rf");

    String out = lsm("show", "900").out();

    assertTrue(out.contains("environ    LD_PRELOAD=/x\\x1b[2J\\x0akill -STOP 1\n"), out);
    assertTrue(out.contains("deleted    /tmp/\\x1b]0;x\\x07\n"), out);
    assertEquals(-1, out.indexOf('\033'));
  }

  /** A file that not even root may read: one that is only written to. */
  @Test
  void needsNoConfiguration() {
    String denied = "/proc/sys/net/ipv4/route/flush";

    Result result = run("show", "8080", "--config", denied);

    assertEquals(0, result.exitCode(), result.err());
    assertEquals(
        "lsm: " + denied + ": only root can read it; going on with the defaults\n", result.err());
    assertEquals(2, run("show", "8080", "--config", "/nonexistent/conf.lsm").exitCode());
  }

  @Test
  void completionOffersAllSockets() {
    assertEquals(done("tcp/0.0.0.0:81\ntcp/127.0.0.1:8080\n"), lsm("list", "--names"));
  }
}
