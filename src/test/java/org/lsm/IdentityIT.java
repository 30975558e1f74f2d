package org.lsm;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.lsm.InstalledLsm.Result;

/** What the kernel chooses of the names of real sockets, in a network namespace. */
@SuppressWarnings("try") // the sockets are only held
class IdentityIT {
  private static final String SERVICE = "tcp6/[2001:db8::%s]:5300";

  private static final String QUIET = "MAILER=\"none\"\nSYSLOG=\"no\"\n";

  @TempDir private static Path installed;
  @TempDir private Path directory;
  private static InstalledLsm lsm;
  private TestNamespace namespace;
  private Path stranger;

  @BeforeAll
  static void install() throws Exception {
    assumeTrue("root".equals(System.getProperty("user.name")), "only root may make namespaces");
    assumeTrue(Files.isExecutable(OpenSockets.PERL), "needs perl to open sockets");
    lsm = InstalledLsm.install(installed.resolve("local"), QUIET);
  }

  @AfterAll
  static void uninstall() throws Exception {
    if (lsm != null) {
      lsm.purge();
    }
  }

  @BeforeEach
  void makeNamespace() throws Exception {
    lsm.reset(QUIET);
    stranger = Files.copy(OpenSockets.PERL.toRealPath(), directory.resolve("stranger"));
    stranger.toFile().setExecutable(true);
    namespace = TestNamespace.create("identity");
    inside("ip link add v0 type veth peer name v1 && ip link set v0 up && ip link set v1 up");
    inside("echo 0 0 >/proc/sys/net/ipv4/ping_group_range");
  }

  @AfterEach
  void deleteNamespace() throws Exception {
    if (namespace != null) {
      namespace.close();
    }
  }

  @Test
  void addressWithLifetimeCountsByOwner() throws Exception {
    inside("ip addr add 2001:db8::aa/64 dev v0 nodad valid_lft 3600 preferred_lft 1800");
    try (OpenSockets service = namespace.open(SERVICE.formatted("aa"))) {
      generate("tcp6\t[temporary]:5300\troot\t");
    }
    inside("ip addr del 2001:db8::aa/64 dev v0");
    inside("ip addr add 2001:db8::bb/64 dev v0 nodad valid_lft 3600 preferred_lft 1800");
    try (OpenSockets service = namespace.open(SERVICE.formatted("bb"))) {
      assertEquals(0, compare().exitCode());
    }
    assertReported(SERVICE.formatted("bb"));
  }

  @Test
  void addressWithoutLifetimeCountsByName() throws Exception {
    inside("ip addr add 2001:db8::1/64 dev v0 nodad");
    try (OpenSockets service = namespace.open(SERVICE.formatted("1"))) {
      generate("tcp6\t[2001:db8::1]:5300\troot\t");
    }
    assertTrue(compare().out().contains("GONE     tcp6/[2001:db8::1]:5300"));
  }

  @Test
  void pingCountsByOwner() throws Exception {
    try (OpenSockets ping = namespace.open("icmp/127.0.0.1:7")) {
      generate("icmp\t127.0.0.1:ephemeral\troot\t");
    }
    try (OpenSockets ping = namespace.open("icmp/127.0.0.1:8")) {
      assertEquals(0, compare().exitCode());
    }
    assertReported("icmp/127.0.0.1:8");
  }

  @Test
  void reservedPortIsFixed() throws Exception {
    inside("echo 40000-40001 >/proc/sys/net/ipv4/ip_local_reserved_ports");
    try (OpenSockets service = namespace.open("tcp/127.0.0.1:40000", "tcp/127.0.0.1:40002")) {
      generate("tcp\t127.0.0.1:40000\troot\t");
    }
    Result result = compare();
    assertTrue(result.out().contains("GONE     tcp/127.0.0.1:40000"), result.out());
    assertTrue(!result.out().contains("40002") && !result.out().contains("ephemeral"));
  }

  /** Another program with that socket is NEW. */
  private void assertReported(String endpoint) throws Exception {
    List<String> command = namespace.command(OpenSockets.command(stranger, endpoint));
    try (OpenSockets other = OpenSockets.start(command)) {
      Result result = compare();
      assertEquals(1, result.exitCode(), result.toString());
      assertTrue(result.details(endpoint).startsWith("NEW "), result.toString());
      Result accepted = namespace.run(lsm.command("accept", endpoint));
      assertEquals(0, accepted.exitCode(), accepted.toString());
      assertEquals(0, compare().exitCode());
    }
  }

  private void generate(String line) throws Exception {
    Result result = namespace.run(lsm.command("generate"));
    assertEquals(0, result.exitCode(), result.toString());
    String baseline = Files.readString(lsm.state().resolve("baseline"));
    assertTrue(baseline.contains("\n" + line), baseline);
  }

  private Result compare() throws Exception {
    return namespace.run(lsm.command("compare"));
  }

  private void inside(String command) throws Exception {
    Result result = namespace.run(List.of("/bin/sh", "-c", command));
    assertEquals(0, result.exitCode(), result.toString());
  }
}
