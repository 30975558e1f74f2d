package org.lsm.proc;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.SocketException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.DatagramChannel;
import java.nio.channels.ServerSocketChannel;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.lsm.model.Endpoint;
import org.lsm.model.Owner;
import org.lsm.model.OwnerCache;
import org.lsm.model.ProcessRef;
import org.lsm.model.ProgramFile;
import org.lsm.model.Protocol;
import org.lsm.monitor.SystemEnvironment;
import org.lsm.proc.SocketScanner.DetailsSelector;

/** Finds sockets of this JVM in the real /proc. */
class RealProcTest {

  private static final byte[] IPV4 = {127, 0, 0, 1};
  private static final byte[] IPV6 = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};

  @Test
  void findsIpv4Sockets() throws Exception {
    try (ServerSocketChannel listener = ServerSocketChannel.open(StandardProtocolFamily.INET);
        DatagramChannel datagrams = DatagramChannel.open(StandardProtocolFamily.INET)) {
      ServerSocket tcp = listener.bind(anyPort(IPV4)).socket();
      DatagramSocket udp = datagrams.bind(anyPort(IPV4)).socket();
      assertOwned(new Endpoint("", Protocol.TCP, "127.0.0.1", tcp.getLocalPort()));
      assertOwned(new Endpoint("", Protocol.UDP, "127.0.0.1", udp.getLocalPort()));
    }
  }

  @Test
  void findsIpv6Sockets() throws Exception {
    assumeTrue(hasIpv6(), "this host has no address ::1");
    try (ServerSocket tcp = new ServerSocket(0, 1, InetAddress.getByAddress(IPV6));
        DatagramSocket udp = new DatagramSocket(anyPort(IPV6))) {
      assertOwned(new Endpoint("", Protocol.TCP6, "::1", tcp.getLocalPort()));
      assertOwned(new Endpoint("", Protocol.UDP6, "::1", udp.getLocalPort()));
    }
  }

  /** Java binds an IPv4 address through an IPv6 socket where it can. */
  @Test
  void findsV4MappedListener() throws Exception {
    assumeTrue(hasIpv6(), "this host has no address ::1");
    try (ServerSocket tcp = new ServerSocket(0, 1, InetAddress.getByAddress(IPV4))) {
      assertOwned(new Endpoint("", Protocol.TCP6, "::ffff:127.0.0.1", tcp.getLocalPort()));
    }
  }

  /** Another process of the same user and program may get the PID of one that has ended. */
  @Test
  void knowsReusedPid() throws IOException {
    ProcessReader processes = new ProcessReader(Path.of("/proc"), Path.of("/etc/passwd"));
    RunningProcess running = processes.running((int) ProcessHandle.current().pid());
    ForeignFiles files = new ForeignFiles(processes, Set.of());
    ProcessRef self =
        new ProcessIdentifier(processes, files, Map.of())
            .identify(List.of(running))
            .get(running.pid());
    assertTrue(running.continues(self));
    assertNotEquals(0, self.startStack(), "it changes with each execve(2)");
    assertNotEquals(ProgramFile.UNKNOWN, self.file());
    assertEquals(ProcessHandle.current().parent().orElseThrow().pid(), self.parent());
    long start = self.startTicks() - 1;
    ProcessRef before =
        new ProcessRef(
            self.pid(), start, self.startTime(), self.owner(), self.startStack(), self.file(), 0);
    assertFalse(running.continues(before));
  }

  @Test
  void findsUnixListener(@TempDir Path folder) throws Exception {
    Path path = folder.resolve(" a\rb .sock");
    try (ServerSocketChannel listener = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
      listener.bind(UnixDomainSocketAddress.of(path));
      assertOwned(new Endpoint("", Protocol.UNIX, path.toString(), 0));
    }
  }

  private static InetSocketAddress anyPort(byte[] address) throws IOException {
    return new InetSocketAddress(InetAddress.getByAddress(address), 0);
  }

  private static boolean hasIpv6() throws IOException {
    try (ServerSocket probe = new ServerSocket()) {
      probe.bind(anyPort(IPV6));
      return true;
    } catch (SocketException e) {
      return false;
    }
  }

  private static void assertOwned(Endpoint endpoint) throws IOException {
    ProcessHandle.Info self = ProcessHandle.current().info();
    Path program = Path.of(self.command().orElseThrow()).toRealPath();
    List<ProcessRef> processes =
        new SocketScanner(SystemEnvironment.real().sources(), false, Clock.systemUTC(), "1.0.0")
            .scan(OwnerCache.EMPTY, DetailsSelector.NONE)
            .snapshot()
            .sockets()
            .get(endpoint)
            .processes();
    assertEquals(
        List.of(program.toString()), processes.stream().map(it -> it.owner().program()).toList());
    Owner owner = processes.get(0).owner();
    assertEquals(System.getProperty("user.name"), owner.user());
    // How Maven starts Java: -jar FILE
    assertTrue(owner.script().endsWith(".jar"), owner.script());
    assertEquals(ProcessHandle.current().pid(), processes.get(0).pid());
    Instant started = self.startInstant().orElseThrow();
    Duration off = Duration.between(started, processes.get(0).startTime()).abs();
    assertTrue(off.compareTo(Duration.ofSeconds(2)) <= 0, "started " + off + " apart");
  }
}
