package org.lsm;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.lang.ProcessBuilder.Redirect;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.lsm.InstalledLsm.Result;

/** Sockets of an ordinary user whose names contain whole rows of /proc/net/unix. */
@SuppressWarnings("try") // the sockets only have to be open
class ForgedRowsIT {

  private static final String QUIET = "MAILER=\"none\"\nSYSLOG=\"no\"\n";
  private static final String UNUSED_INODE = "4294967295";

  @TempDir static Path directory;
  // They all run in a PID namespace of their own.
  private static final String NO_PROCESS =
      "program    its process may be outside this PID namespace";

  private static InstalledLsm lsm;
  private static Process namespace;
  private static long init;

  @BeforeAll
  static void install() throws Exception {
    assumeTrue(
        "root".equals(System.getProperty("user.name")), "only root sees the owners of all sockets");
    assumeTrue(Files.isExecutable(OpenSockets.PERL), "needs perl to open sockets");
    Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString("rwxr-xr-x"));
    lsm = InstalledLsm.install(directory.resolve("local"), QUIET);
    namespace =
        new ProcessBuilder(
                List.of(
                    "/usr/bin/unshare",
                    "--pid",
                    "--fork",
                    "--mount-proc",
                    "--kill-child",
                    "/bin/cat"))
            .redirectOutput(Redirect.DISCARD)
            .start();
    do {
      Thread.sleep(10);
    } while (namespace.children().findFirst().isEmpty());
    init = namespace.children().findFirst().get().pid();
  }

  @AfterAll
  static void uninstall() throws Exception {
    if (namespace != null) {
      namespace.destroy();
    }
    if (lsm != null) {
      lsm.purge();
    }
  }

  private static OpenSockets open(String user, String... endpoints) throws Exception {
    List<String> command = new ArrayList<>(List.of("/usr/bin/setpriv", "--reuid", user));
    command.addAll(List.of("--regid", "nogroup", "--clear-groups"));
    command.addAll(OpenSockets.command(OpenSockets.PERL, endpoints));
    return OpenSockets.start(inside(command));
  }

  private static Result run(String command) throws Exception {
    return InstalledLsm.run(inside(lsm.command(command)));
  }

  /** Runs in a PID namespace of its own: even root may not see all processes of the host. */
  private static List<String> inside(List<String> command) {
    List<String> all =
        new ArrayList<>(
            List.of("/usr/bin/nsenter", "--target", Long.toString(init), "--pid", "--mount", "--"));
    all.addAll(command);
    return all;
  }

  private static String row(String inode, String name) {
    return "0000000000000000: 00000002 00000000 00010000 0001 01 "
        + String.format("%5s", inode)
        + " "
        + name;
  }

  private static void generate() throws Exception {
    assertEquals(0, run("generate").exitCode());
  }

  /** Returns the inode of the socket that the child of nsenter opened. */
  private static String inode(OpenSockets sockets) throws Exception {
    long pid = ProcessHandle.of(sockets.pid()).orElseThrow().children().findFirst().get().pid();
    try (var descriptors = Files.list(Path.of("/proc/" + pid + "/fd"))) {
      return descriptors
          .map(ForgedRowsIT::target)
          .filter(target -> target.startsWith("socket:["))
          .map(target -> target.substring("socket:[".length(), target.length() - 1))
          .findFirst()
          .orElseThrow();
    }
  }

  private static String target(Path link) {
    try {
      return Files.readSymbolicLink(link).toString();
    } catch (IOException e) {
      return "";
    }
  }

  @Test
  void reportsForgedRowWithSuspectedParent() throws Exception {
    generate();
    try (OpenSockets mallory =
        open("nobody", "unix-stream/@lsm-evil\n" + row(UNUSED_INODE, "/run/lsm-x"))) {
      Result result = run("compare");

      assertEquals(1, result.exitCode(), result.toString());
      String details = result.details("unix//run/lsm-x");
      assertTrue(details.contains(NO_PROCESS), result.out());
      assertTrue(details.contains("perhaps a forged row, not a socket"), details);
      assertTrue(details.contains("part of    perhaps the name of unix/@lsm-evil"), details);
      assertTrue(result.details("unix/@lsm-evil").contains("user       nobody\n         started "));
      assertTrue(result.out().contains("1 row of the unix table may be forged"), result.out());
    }
  }

  @Test
  void keepsForgedRowOutOfBaseline() throws Exception {
    try (OpenSockets mallory =
        open("nobody", "unix-stream/@lsm-evil\n" + row(UNUSED_INODE, "/run/lsm-x"))) {
      Result result = run("generate");

      assertEquals(0, result.exitCode());
      assertTrue(result.err().contains("unix//run/lsm-x"), result.err());
      List<String> baseline = Files.readAllLines(lsm.state().resolve("baseline"));
      assertTrue(baseline.stream().anyMatch(line -> line.contains("@lsm-evil")));
      assertTrue(baseline.stream().noneMatch(line -> line.contains("/run/lsm-x")));
    }
  }

  /** Every user can read the inodes of all sockets in /proc/net. */
  @ParameterizedTest
  @ValueSource(strings = {"tcp/127.0.0.1:0", "udp/127.0.0.1:0", "unix-stream/@lsm-victim"})
  void doesNotBlameOwnerOfForgedInode(String endpoint) throws Exception {
    try (OpenSockets victim = open("root", endpoint)) {
      generate();
      try (OpenSockets mallory =
          open("nobody", "unix-stream/@lsm-evil\n" + row(inode(victim), "/run/lsm-x"))) {
        Result result = run("compare");

        String details = result.details("unix//run/lsm-x");
        assertTrue(details.contains(NO_PROCESS), result.out());
        assertTrue(details.contains("part of    perhaps the name of unix/@lsm-evil"), details);
        assertEquals("", result.details(victim.endpoints().get(0)));
        assertTrue(
            result.details("unix/@lsm-evil").contains("user       nobody\n         started "));
      }
    }
  }

  /** The forged row has the name of the closed socket and the inode of another one. */
  @Test
  void reportsClosedSocketDespiteForgedRow() throws Exception {
    try (OpenSockets other = open("root", "tcp/127.0.0.1:0")) {
      try (OpenSockets gone = open("root", "unix-stream/@lsm-gone")) {
        generate();
      }
      try (OpenSockets mallory =
          open("nobody", "unix-dgram/@lsm-evil\n" + row(inode(other), "@lsm-gone"))) {
        Result result = run("compare");

        String details = result.details("unix/@lsm-gone");
        assertTrue(details.startsWith("CHANGED") && details.contains(NO_PROCESS), result.out());
      }
    }
  }

  /** Rows behind short names are all suspicious. */
  @Test
  void trustsRealSocketsBehindShortNames() throws Exception {
    generate();
    String[] names =
        IntStream.range(0, 50).mapToObj(i -> "unix-stream/@lsm-" + i).toArray(String[]::new);
    try (OpenSockets many = open("nobody", names)) {
      Result result = run("compare");

      assertTrue(result.out().contains(": 50 NEW\n"), result.out());
      assertEquals(-1, result.out().indexOf("forged"), result.out());
    }
  }
}
