package org.lsm;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.Isolated;
import org.lsm.InstalledLsm.Result;

/**
 * Sockets in several network namespaces, with and without a name; those of other tests would show.
 */
@Isolated
class NetnsIT {

  private static final String HOST_ONLY =
      "MAILER=\"none\"\nSYSLOG=\"no\"\nNETNS=\"host\"\nEPHEMERAL=\"none\"\n";
  private static final String ALL =
      "MAILER=\"none\"\nSYSLOG=\"no\"\nNETNS=\"all\"\nEPHEMERAL=\"none\"\n";

  @TempDir static Path installed;
  @TempDir Path directory;
  private static InstalledLsm lsm;

  @BeforeAll
  static void install() throws Exception {
    assumeTrue("root".equals(System.getProperty("user.name")), "only root may make namespaces");
    assumeTrue(Files.isExecutable(OpenSockets.PERL), "needs perl to open sockets");
    lsm = InstalledLsm.install(installed.resolve("local"), ALL);
  }

  @BeforeEach
  void reset() throws Exception {
    lsm.reset(ALL);
    Files.writeString(ignoreRules(), "");
    generate();
  }

  private static Path ignoreRules() {
    return lsm.prefix().resolve("lsm/ignore.lsm");
  }

  @AfterAll
  static void uninstall() throws Exception {
    if (lsm != null) {
      lsm.purge();
    }
  }

  private void generate() throws Exception {
    Result result = lsm.run("-g");
    assertEquals(0, result.exitCode(), result.toString());
  }

  private Result compare() throws Exception {
    Result result = lsm.run("-c");
    assertTrue(result.exitCode() == 0 || result.exitCode() == 1, result.toString());
    assertNotCut(result);
    return result;
  }

  /** A report lists 200 differences at most: one that is cut proves nothing. */
  private static void assertNotCut(Result result) {
    assertFalse(
        result.out().contains("\n… and "), "other namespaces here are too busy for this test");
  }

  private static void assertNewBy(OpenSockets sockets, String details) {
    assertTrue(details.startsWith("NEW "), details);
    // Sockets of one program and user are one block.
    String pid = "(?s).*\n {9}PID        [^\n]*\\b" + sockets.pid() + "\\b[^\n]*\n {9}user .*";
    assertTrue(details.matches(pid), details);
  }

  @Test
  void reportsSamePortInEachNamespace() throws Exception {
    try (TestNamespace blue = TestNamespace.create("blue");
        TestNamespace green = TestNamespace.create("green");
        OpenSockets ofHost = OpenSockets.open("root", OpenSockets.PERL, "tcp/127.0.0.1:0")) {
      String endpoint = ofHost.endpoints().get(0);
      String inBlue = blue.name() + ":" + endpoint;
      String inGreen = green.name() + ":" + endpoint;
      try (OpenSockets ofBlue = blue.open(endpoint);
          OpenSockets ofGreen = green.open(endpoint)) {
        Result all = compare();
        assertNewBy(ofHost, all.details(endpoint));
        assertNewBy(ofBlue, all.details(inBlue));
        assertNewBy(ofGreen, all.details(inGreen));

        lsm.configure(HOST_ONLY);
        Result host = compare();
        assertNewBy(ofHost, host.details(endpoint));
        assertEquals("", host.details(inBlue));
        assertEquals("", host.details(inGreen));

        lsm.configure(ALL);
        generate();
        Result accepted = compare();
        assertEquals("", accepted.details(endpoint));
        assertEquals("", accepted.details(inBlue));
        assertEquals("", accepted.details(inGreen));
      }
      Result closed = compare();
      assertEquals("", closed.details(endpoint), "still open on the host");
      assertTrue(closed.details(inBlue).startsWith("GONE "), closed.out());
      assertTrue(closed.details(inGreen).startsWith("GONE "), closed.out());
    }
  }

  @Test
  void ignoresNamespaceRecreatedUnderItsName() throws Exception {
    String endpoint = "tcp/127.0.0.1:4000";
    String inBlue;
    try (TestNamespace blue = TestNamespace.create("blue");
        OpenSockets first = blue.open(endpoint)) {
      inBlue = blue.name() + ":" + endpoint;
      assertNewBy(first, compare().details(inBlue));
      generate();
    }
    try (TestNamespace blue = TestNamespace.create("blue");
        OpenSockets second = blue.open(endpoint)) {
      assertEquals("", compare().details(inBlue), "of PID " + second.pid());
    }
    assertTrue(compare().details(inBlue).startsWith("GONE "));
  }

  @Test
  void labelsUnnamedNamespaceByProgram() throws Exception {
    Path program = Files.copy(OpenSockets.PERL, directory.resolve("lsm-it-web"));
    String endpoint = "(lsm-it-web):tcp/127.0.0.1:4000";
    try (OpenSockets one = unshared(program, "tcp/127.0.0.1:4000");
        OpenSockets two = unshared(program, "tcp/127.0.0.1:4000")) {
      String details = compare().details(endpoint);
      assertTrue(details.startsWith("NEW "), details);
      String pids = Math.min(one.pid(), two.pid()) + ", " + Math.max(one.pid(), two.pid());
      assertTrue(details.contains(InstalledLsm.process(program, "root", pids)), details);
      generate();
    }
    try (OpenSockets again = unshared(program, "tcp/127.0.0.1:4000")) {
      assertEquals("", compare().details(endpoint), "made anew with PID " + again.pid());
      try (OpenSockets replica = unshared(program, "tcp/127.0.0.1:4000")) {
        assertEquals("", compare().details(endpoint), "another replica, PID " + replica.pid());
      }
    }
    assertTrue(compare().details(endpoint).startsWith("GONE "));
  }

  /** Opens sockets in a new namespace without a name. */
  private static OpenSockets unshared(Path program, String... endpoints) throws Exception {
    List<String> command = new ArrayList<>(List.of("/usr/bin/unshare", "--net", "/bin/sh", "-c"));
    command.add("PATH=/usr/sbin:/usr/bin:/sbin:/bin; ip link set lo up && exec \"$0\" \"$@\"");
    command.addAll(OpenSockets.command(program, endpoints));
    return OpenSockets.start(command);
  }

  @Test
  void ignoresByNamespace() throws Exception {
    try (TestNamespace blue = TestNamespace.create("blue");
        TestNamespace green = TestNamespace.create("green");
        OpenSockets ofBlue = blue.open("tcp/127.0.0.1:4000");
        OpenSockets ofGreen = green.open("tcp/127.0.0.1:4000")) {
      Files.writeString(ignoreRules(), "tcp *:4000 netns=" + blue.name() + "\n");
      Result result = compare();
      assertEquals("", result.details(blue.name() + ":" + ofBlue.endpoints().get(0)));
      assertNewBy(ofGreen, result.details(green.name() + ":" + ofGreen.endpoints().get(0)));
    }
  }

  @Test
  void survivesNamespaceThatEndsDuringScan() throws Exception {
    assumeTrue(Files.isExecutable(Path.of("/usr/bin/strace")), "needs strace");
    try (TestNamespace blue = TestNamespace.create("blue");
        OpenSockets ofBlue = blue.open("tcp/127.0.0.1:4000");
        OpenSockets ofHost = OpenSockets.open("root", OpenSockets.PERL, "tcp/127.0.0.1:0")) {
      for (String table : List.of("tcp", "unix")) {
        // The first open of each scan, which is a thread, fails as if the process had ended.
        List<String> command =
            new ArrayList<>(List.of("/usr/bin/strace", "-f", "--seccomp-bpf", "-o"));
        command.add(directory.resolve("trace").toString());
        command.addAll(List.of("-P", "/proc/" + ofBlue.pid() + "/net/" + table));
        command.addAll(List.of("-e", "trace=openat", "-e", "inject=openat:error=ENOENT:when=1"));
        command.addAll(lsm.command("-c"));
        Result result = InstalledLsm.run(command);
        assertEquals(1, result.exitCode(), result.toString());
        assertNotCut(result);
        assertTrue(Files.readString(directory.resolve("trace")).contains("INJECTED"), table);
        assertNewBy(ofHost, result.details(ofHost.endpoints().get(0)));
      }
    }
  }

  @Test
  void survivesShortLivedNamespaces() throws Exception {
    try (TestNamespace blue = TestNamespace.create("blue");
        OpenSockets steady = blue.open("tcp/127.0.0.1:4000")) {
      generate();
      Process churn =
          new ProcessBuilder(
                  "/bin/sh",
                  "-c",
                  "while :; do /usr/bin/unshare --net /bin/sleep 0.03 & wait; done")
              .start();
      try {
        for (int i = 0; i < 8; i++) {
          Result result = compare();
          String details = result.details(blue.name() + ":" + steady.endpoints().get(0));
          assertEquals("", details, result.out());
        }
      } finally {
        churn.destroy();
        churn.waitFor();
      }
    }
  }
}
