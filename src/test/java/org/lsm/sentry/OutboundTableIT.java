package org.lsm.sentry;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.lsm.sentry.OutboundTable.Counted;

/** Loads the rules into the kernel, in a network namespace of the test, and connects from there. */
class OutboundTableIT {
  private static final Path PERL = Path.of("/usr/bin/perl");

  /**
   * As a user, tries to connect to a port, or sends a datagram; whether it arrives is no matter.
   */
  private static final String CONNECT =
      "use IO::Socket::IP; $> = $ARGV[0]; my $s = IO::Socket::IP->new(Proto => $ARGV[1],"
          + " PeerHost => $ARGV[2], PeerPort => $ARGV[3], Timeout => 0.1);"
          + " send($s, 'x', 0) if $s && $ARGV[1] eq 'udp'";

  private static TestNetns namespace;
  private final OutboundTable table = new OutboundTable(namespace::nft, this::list);

  private String list(List<String> sets) throws IOException {
    StringBuilder all = new StringBuilder();
    for (String set : sets) {
      List<String> command = List.of("-j", "list", "set", "inet", "lsm_outbound", set);
      all.append(namespace.nft(command, ""));
    }
    return all.toString();
  }

  @BeforeAll
  static void createNamespace() throws IOException {
    assumeTrue(Files.isExecutable(PERL), "needs perl to connect");
    namespace = TestNetns.create();
    namespace.shell(
        "ip link set lo up; ip link add d0 type veth peer name d1; ip link set d1 up;"
            + " ip address add 10.9.0.1/24 dev d0; ip address add 2001:db8::1/64 dev d0 nodad;"
            + " ip link set d0 up; ip route add default dev d0; ip -6 route add default dev d0");
  }

  @AfterAll
  static void endNamespace() {
    if (namespace != null) {
      namespace.close();
    }
  }

  @BeforeEach
  void createTable() throws IOException {
    table.create(true);
  }

  private static void connect(int uid, String protocol, String address, int port)
      throws IOException {
    String user = String.valueOf(uid);
    String number = String.valueOf(port);
    namespace.run(List.of(PERL.toString(), "-e", CONNECT, user, protocol, address, number), "");
  }

  /** What is new: user, protocol, port and address. */
  private String recorded() throws IOException {
    return table.read(Instant.now()).orElseThrow().flows().stream()
        .map(it -> it.uid() + " " + it.protocol() + " " + it.port() + " " + it.address())
        .sorted()
        .collect(Collectors.joining(", "));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          33 tcp 198.51.100.7 443   | 33 OUT_TCP 443 198.51.100.7    | public
          0 tcp 198.51.100.7 443    | 0 OUT_TCP 443 198.51.100.7     | public
          33 udp 198.51.100.7 53    | 33 OUT_UDP 53 198.51.100.7     | public
          33 tcp 10.1.2.3 443       | 33 OUT_TCP 443 10.1.2.3        | private
          33 tcp 100.64.0.1 443     | 33 OUT_TCP 443 100.64.0.1      | private
          33 udp 169.254.1.1 53     | 33 OUT_UDP 53 169.254.1.1      | link-local
          33 tcp 2001:db8:1::7 443  | 33 OUT_TCP 443 2001:db8:1::7   | public
          33 udp fd00::7 53         | 33 OUT_UDP 53 fd00::7          | private
          33 tcp 127.0.0.1 443      |                                |
          33 udp ::1 53             |                                |
          """)
  void recordsOnce(String connection, String flow, String network) throws IOException {
    String[] it = connection.split(" ", -1);
    for (int i = 0; i < 3; i++) {
      connect(Integer.parseInt(it[0]), it[1], it[2], Integer.parseInt(it[3]));
    }
    assertEquals(flow == null ? "" : flow, recorded());
    for (String kind : OutboundTable.NETWORKS) {
      List<Counted> counted = table.count(kind, Map.of(), Instant.now());
      assertEquals(kind.equals(network) ? 1 : 0, counted.size(), kind);
    }
    table.flush();
    connect(Integer.parseInt(it[0]), it[1], it[2], Integer.parseInt(it[3]));
    assertEquals("", recorded(), "the kernel still knows it");
  }

  @Test
  void countsPacketsAndTime() throws IOException {
    Instant before = Instant.now().minusSeconds(2);
    for (int i = 0; i < 4; i++) {
      connect(33, "udp", "198.51.100.7", 53);
    }
    List<Counted> counted = table.count("public", Map.of(), Instant.now());
    assertEquals(1, counted.size());
    assertTrue(counted.get(0).packets() >= 3, "packets: " + counted.get(0).packets());
    OutboundFlow flow = table.read(Instant.now()).orElseThrow().flows().get(0);
    assertFalse(flow.time().isBefore(before), flow.time() + " is before " + before);
    assertFalse(flow.time().isAfter(Instant.now()));
  }

  /** Other addresses are not new; another user, port or protocol is. */
  @Test
  void recordsWhatDiffers() throws IOException {
    connect(33, "tcp", "198.51.100.7", 443);
    connect(33, "tcp", "203.0.113.9", 443);
    connect(34, "tcp", "203.0.113.9", 443);
    connect(33, "tcp", "203.0.113.9", 80);
    connect(33, "udp", "203.0.113.9", 443);
    assertEquals(
        "33 OUT_TCP 443 198.51.100.7, 33 OUT_TCP 80 203.0.113.9, 33 OUT_UDP 443 203.0.113.9,"
            + " 34 OUT_TCP 443 203.0.113.9",
        recorded());
  }

  @Test
  void removesTable() throws IOException {
    table.create(true);
    table.remove();
    assertEquals(Optional.empty(), table.read(Instant.now()));
    assertEquals(List.of(), table.count("public", Map.of(), Instant.now()));
    table.remove();
  }
}
