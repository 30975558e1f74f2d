package org.lsm;

import static org.junit.jupiter.api.Assertions.assertAll;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.google.gson.JsonParser;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.Isolated;
import org.lsm.InstalledLsm.Result;
import org.lsm.report.JsonTest;

/**
 * A compromise: the user of a web server starts a Python listener from /dev/shm through a shell.
 * One command, and the alert, answer what an investigation asks, in bounded time.
 */
@Isolated
class ShowIT {

  private static final String CONFIG = "MAILER=\"none\"\nSYSLOG=\"no\"\nEPHEMERAL=\"udp\"\n";
  private static final Path PYTHON = Path.of("/usr/bin/python3");

  @TempDir static Path directory;
  private static InstalledLsm lsm;
  private static Path hidden;

  @BeforeAll
  static void install() throws Exception {
    assumeTrue("root".equals(System.getProperty("user.name")), "only root may become www-data");
    assumeTrue(Files.isExecutable(PYTHON), "needs python3");
    Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString("rwxr-xr-x"));
    lsm = InstalledLsm.install(directory.resolve("local"), CONFIG);
    assertEquals(0, lsm.run("-g").exitCode());
    hidden = Files.createTempDirectory(Path.of("/dev/shm"), ".lsm-it");
    Files.copy(Path.of("src/test/resources/org/lsm/backdoor.py"), hidden.resolve("x.py"));
    Files.setPosixFilePermissions(hidden, PosixFilePermissions.fromString("rwxrwxrwx"));
    Files.setPosixFilePermissions(
        hidden.resolve("x.py"), PosixFilePermissions.fromString("rw-r--r--"));
  }

  @AfterAll
  static void uninstall() throws Exception {
    if (lsm != null) {
      lsm.purge();
    }
    if (hidden != null) {
      Files.delete(hidden.resolve("x.py"));
      Files.delete(hidden);
    }
  }

  private static OpenSockets startBackdoor(ServerSocket master) throws IOException {
    return OpenSockets.start(
        List.of(
            "/usr/bin/setpriv",
            "--reuid=www-data",
            "--regid=www-data",
            "--clear-groups",
            "/bin/sh",
            "-c",
            "SSH_CONNECTION='203.0.113.9 52394 192.0.2.1 22' LD_PRELOAD=/dev/shm/none.so "
                + PYTHON
                + " \"$0\" \"$1\" 2>&-; exit 0",
            hidden.resolve("x.py").toString(),
            String.valueOf(master.getLocalPort())));
  }

  @Test
  void oneCommandAnswersWhatAnInvestigationAsks() throws Exception {
    try (ServerSocket master = new ServerSocket(0, 1, InetAddress.getLoopbackAddress());
        OpenSockets backdoor = startBackdoor(master)) {
      String socket = backdoor.endpoints().get(0);
      String port = socket.substring(socket.lastIndexOf(':') + 1);
      try (Socket client = new Socket(InetAddress.getLoopbackAddress(), Integer.parseInt(port))) {
        Result shown = runWithAllFacts("show", "port=" + port);
        assertEquals(0, shown.exitCode(), shown.toString());
        assertAnswers(shown.out(), backdoor, master, client);
        assertContains(shown.out(), "SOCKET   " + socket, "To go on:");
        Result alert = runWithAllFacts("-c");
        assertEquals(1, alert.exitCode(), alert.toString());
        assertAnswers(alert.out(), backdoor, master, client);

        ProcessHandle shell = ProcessHandle.of(backdoor.pid()).orElseThrow();
        long pid = shell.children().findFirst().orElseThrow().pid();
        Result json = lsm.run("show", "pid=" + pid, "--format", "json");
        JsonTest.assertValid("show", json.out());
        assertEquals(
            1,
            JsonParser.parseString(json.out()).getAsJsonObject().getAsJsonArray("sockets").size());
        Result ofShell = lsm.run("show", "" + shell.pid());
        assertContains(ofShell.out(), "PROCESS  " + shell.pid(), "SHA-256  ", "file  ");
      }
    }
  }

  /** Runs lsm; again if programs did not answer within the two seconds that they have. */
  private static Result runWithAllFacts(String... arguments) throws Exception {
    Result result = lsm.run(arguments);
    for (int again = 0; again < 10 && result.out().contains("\n         unknown "); again++) {
      result = lsm.run(arguments);
    }
    return result;
  }

  private static void assertAnswers(
      String report, OpenSockets backdoor, ServerSocket master, Socket client) throws IOException {
    String text = report.replaceAll("\n {20}", " ");
    assertContains(
        text,
        "program +" + PYTHON.toRealPath() + " " + hidden + "/x.py",
        "user +www-data",
        "parents .*/.*sh .*PID " + backdoor.pid(),
        "connected +127\\.0\\.0\\.1:" + client.getLocalPort(),
        "connection .*tcp 127\\.0\\.0\\.1:\\d+ to 127\\.0\\.0\\.1:" + master.getLocalPort(),
        "file +root:root, mode 755, \\d+ bytes, modified \\d{4}-",
        "SHA-256 +[0-9a-f]{64}",
        "package +python3\\S*, unmodified",
        "seccomp +filter",
        "SSH_CONNECTION=203\\.0\\.113\\.9 52394 192\\.0\\.2\\.1 22",
        "LD_PRELOAD=/dev/shm/none\\.so",
        "deleted +" + hidden + "/loot");
  }

  private static void assertContains(String text, String... patterns) {
    assertAll(
        Stream.of(patterns)
            .map(
                it ->
                    () ->
                        assertTrue(Pattern.compile(it).matcher(text).find(), it + " in " + text)));
  }

  /** In its namespace, the packet filter drops all but port 22. */
  @Test
  void asksPacketFilter() throws Exception {
    assumeTrue(Files.isExecutable(Path.of("/usr/sbin/nft")), "needs nft of nftables");
    try (TestNamespace namespace = TestNamespace.create("show");
        OpenSockets sockets = namespace.open("tcp/0.0.0.0:0", "tcp/0.0.0.0:22")) {
      String rules =
          "table inet f { chain i { type filter hook input priority 0; policy drop;"
              + " ct state established,related accept; iif lo accept; tcp dport 22 accept; }; }";
      Result loaded = namespace.run(List.of("/usr/sbin/nft", rules));
      assertEquals(0, loaded.exitCode(), loaded.toString());
      String words = "filter     the packet filter seems to drop it\n";
      String name = sockets.endpoints().get(0);
      assertContains(namespace.run(lsm.command("show", name)).out(), words);
      String ssh = namespace.run(lsm.command("show", "tcp/0.0.0.0:22")).out();
      assertTrue(ssh.contains("SOCKET   tcp/0.0.0.0:22") && !ssh.contains(words), ssh);
    }
  }
}
