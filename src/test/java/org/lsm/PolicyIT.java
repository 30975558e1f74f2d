package org.lsm;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.lsm.InstalledLsm.Result;

/** The rules that lsm prints for real sockets, in a network namespace, as all that it accepts. */
@SuppressWarnings("try") // the sockets are only held
class PolicyIT {
  private static final String[] SOCKETS = {
    "tcp/0.0.0.0:2201",
    "tcp6/[::]:2202",
    "tcp6/[::1]:2203",
    "tcp/127.0.0.1:2204",
    "tcp/0.0.0.0:0",
    "udp/0.0.0.0:53",
    "udp/0.0.0.0:0",
    "udp6/[::1]:0",
    "raw/0.0.0.0:1",
    "packet/*:0x0003",
    "unix-dgram/@a b*?#",
    "unix-stream//tmp/lsm-policy/x/1\\2",
    "unix-stream//tmp/lsm-policy/x/one",
    "hex-unix-stream/2f746d702f6c736d2d706f6c6963792f792fc3a9ff"
  };

  private static final Path FOLDER = Path.of("/tmp/lsm-policy");

  @TempDir private Path directory;
  private InstalledLsm lsm;
  private TestNamespace namespace;
  private Path rules;

  @BeforeEach
  void install() throws Exception {
    assumeTrue("root".equals(System.getProperty("user.name")), "only root may make namespaces");
    assumeTrue(Files.isExecutable(OpenSockets.PERL), "needs perl to open sockets");
    String config = "MAILER=\"none\"\nSYSLOG=\"no\"\nBASELINE=\"declared\"\n";
    lsm = InstalledLsm.install(directory.resolve("local"), config);
    rules = Files.createDirectory(lsm.prefix().resolve("lsm/rules.d")).resolve("host.lsm");
    makeDirectories();
    namespace = TestNamespace.create("policy");
  }

  @AfterEach
  void uninstall() throws Exception {
    if (namespace != null) {
      namespace.close();
      lsm.purge();
    }
  }

  @Test
  void printedRulesAreQuietAfterARestartToo() throws Exception {
    String text;
    try (OpenSockets service = namespace.open(SOCKETS)) {
      Result printed = run("generate", "--rules");
      assertEquals(0, printed.exitCode(), printed.err());
      text = printed.out();
      assertEquals(1, run("compare", "--no-alert").exitCode());
      Files.writeString(rules, text);
      assertQuiet(text);
      assertTrue(run("check").out().endsWith(" are valid\n"));
    }
    makeDirectories();
    try (OpenSockets again = namespace.open(SOCKETS)) {
      assertQuiet(text);
    }
    Result ended = run("compare", "--no-alert");
    List<String> gone = ended.out().lines().filter(it -> it.startsWith("GONE")).toList();
    long required = text.lines().filter(it -> it.startsWith("require")).count();
    assertEquals(required, gone.size(), ended.out());
    assertEquals(5, required, text);
    assertTrue(ended.out().contains("required   by rules.d/host.lsm:"), ended.out());
  }

  private static void makeDirectories() throws Exception {
    for (String name : List.of("x", "y")) {
      Files.createDirectories(FOLDER.resolve(name));
      try (DirectoryStream<Path> files = Files.newDirectoryStream(FOLDER.resolve(name))) {
        for (Path file : files) {
          Files.delete(file);
        }
      }
    }
  }

  private void assertQuiet(String text) throws Exception {
    Result compare = run("compare", "--no-alert");
    assertEquals(0, compare.exitCode(), compare.out() + text);
  }

  private Result run(String... arguments) throws Exception {
    return namespace.run(lsm.command(arguments));
  }
}
