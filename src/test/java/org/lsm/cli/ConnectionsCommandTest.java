package org.lsm.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonElement;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** {@code lsm connections}, as a whole, with an ss that prints what it is given. */
class ConnectionsCommandTest extends CommandTestBase {

  private static final String ARGUMENTS = "-tineaOH exclude time-wait exclude syn-recv\n";
  private static final String BLANK = " ".repeat(29);
  private static final String HEADING = "      RATE     SENT RECEIVED CONNECTION\n";
  private static final String SSH =
      "ESTAB 0 0 10.0.0.5:22 198.51.100.4:60222 timer:(keepalive,56min,0) ino:201 sk:1 cgroup:/ <->"
          + " cubic mss:1448 cwnd:10 bytes_sent:8100 bytes_received:%d\n";
  private static final String WEB =
      "ESTAB 0 0 10.0.0.5:52394 203.0.113.7:443 uid:33 ino:202 sk:2 cgroup:/ <->"
          + " cubic mss:1448 cwnd:10 bytes_sent:%d bytes_received:1300\n";
  private static final String LISTENER = "LISTEN 0 128 0.0.0.0:22 0.0.0.0:* ino:101 sk:3 <->\n";

  @BeforeEach
  void holdConnections() throws IOException {
    proc.process(702, 0, "/usr/sbin/sshd", 20, 201).process(703, 33, "/usr/bin/nc", 97440, 202);
    Files.writeString(directory.resolve("services"), "ssh 22/tcp\nhttps\t443/tcp # web\n");
  }

  /** Installs an ss that prints the first text in its first run, then the other. */
  private void ss(String first, String then) throws IOException {
    Files.writeString(directory.resolve("first"), first);
    Files.writeString(directory.resolve("then"), then);
    script(
        "echo \"$*\" >>" + directory.resolve("runs"),
        "cd " + directory,
        "echo 'Failed to find cgroup2 mount' >&2",
        "if [ -e first ]; then cat first; rm first; else cat then; fi");
  }

  private void script(String... lines) throws IOException {
    Path ss = directory.resolve("ss");
    Files.writeString(ss, "#!/bin/sh\n" + String.join("\n", lines) + "\n");
    Files.setPosixFilePermissions(ss, PosixFilePermissions.fromString("rwxr-xr-x"));
  }

  /** The first connection has sent all of its bytes between the two runs. */
  @Test
  void printsBusiestFirst() throws IOException {
    String ssh = LISTENER + String.format(SSH, 4400);
    ss(ssh + String.format(WEB, 0), ssh + String.format(WEB, 99_000_000));

    Result result = lsm("connections", "--seconds", "1");

    assertEquals(new Result(0, result.out(), ""), result);
    String rate = result.out().replaceFirst("(?s).*\n +(\\d\\d) MB/s .*", "$1");
    assertTrue(Integer.parseInt(rate) > 9 && Integer.parseInt(rate) <= 99, rate);
    assertEquals(
        HEADING
            + "   RR MB/s    99 MB   1.3 kB 10.0.0.5:52394 -> 203.0.113.7:443  (https) ESTAB\n"
            + BLANK
            + "/usr/bin/nc (www-data) PID 703, 5 s\n"
            + "     0 B/s   8.1 kB   4.4 kB 10.0.0.5:22  (ssh) <- 198.51.100.4:60222 ESTAB\n"
            + BLANK
            + "/usr/sbin/sshd (root) PID 702, 1 d 3 h\n",
        result.out().replace(rate + " MB/s", "RR MB/s"));
    assertEquals(ARGUMENTS + ARGUMENTS, Files.readString(directory.resolve("runs")));
  }

  @ParameterizedTest
  @CsvSource({
    "'',           702 703",
    "--outbound,   703",
    "--listen 22,  702",
    "--listen 443, ''",
  })
  void selects(String option, String pids) throws IOException {
    ss("", LISTENER + String.format(SSH, 4400) + String.format(WEB, 9000));
    Files.delete(directory.resolve("first"));
    List<String> arguments =
        new ArrayList<>(List.of("connections", "--seconds=0", "--format=json"));
    List.of(option.split(" ", -1)).stream().filter(it -> !it.isEmpty()).forEach(arguments::add);

    Result result = lsm(arguments.toArray(String[]::new));

    assertEquals(new Result(0, result.out(), ""), result);
    List<String> printed = new ArrayList<>();
    for (JsonElement it :
        JsonParser.parseString(result.out()).getAsJsonObject().getAsJsonArray("connections")) {
      assertFalse(it.getAsJsonObject().has("send_rate"));
      JsonElement process = it.getAsJsonObject().getAsJsonArray("processes").get(0);
      printed.add(process.getAsJsonObject().get("pid").getAsString());
    }
    assertEquals(pids, String.join(" ", printed));
    assertEquals(ARGUMENTS, Files.readString(directory.resolve("runs")));
  }

  /** As a user who may not see the processes of others. */
  @Test
  void namesUserOfHiddenProcess() throws IOException {
    ss("", String.format(WEB, 9000) + "RTNETLINK answers: Operation not permitted\n");
    Files.delete(directory.resolve("first"));
    proc.privileges("0").delete("703").delete("1");

    Result result = lsm("connections", "--seconds", "0");

    assertEquals(
        new Result(
            0,
            HEADING
                + "         -   9.0 kB   1.3 kB 10.0.0.5:52394 -> 203.0.113.7:443  (https) ESTAB\n"
                + BLANK
                + "? (www-data)\n",
            "lsm: skipped 1 line that ss printed; the first: 'RTNETLINK answers: Operation not"
                + " permitted'\n"
                + "lsm: the owners of 1 of 1 socket are hidden from this user; run lsm as root, in"
                + " a container with CAP_SYS_PTRACE\n"),
        result);
  }

  @Test
  void readsConfiguration() throws IOException {
    ss("", "");
    assertEquals(2, run("connections", "--config", "/nonexistent/conf.lsm").exitCode());
    String denied = "/proc/sys/net/ipv4/route/flush";
    Result result = run("connections", "--seconds", "0", "--config", denied);
    assertEquals(0, result.exitCode());
    assertEquals(
        "lsm: " + denied + ": only root can read it; going on with the defaults\n", result.err());
  }

  @Test
  void explainsFailureOfSs() throws IOException {
    Path ss = directory.resolve("ss");
    String advice = "; lsm needs ss of iproute2 5.1 or newer";
    Result missing = lsm("connections");
    script("echo \"ss: invalid option -- 'O'\" >&2", "exit 255");
    Result old = lsm("connections");

    assertEquals(error(ss + " failed: there is no program " + ss + advice), missing);
    assertEquals(error(ss + " failed: it ended with 255" + advice), old);
  }
}
