package org.lsm.model;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class EndpointTest {

  @ParameterizedTest
  @CsvSource(
      textBlock =
          """
          TCP,     0.0.0.0,          22,    0.0.0.0:22,               tcp/0.0.0.0:22
          TCP6,    ::,               22,    '[::]:22',                tcp6/[::]:22
          TCP6,    ::ffff:127.0.0.1, 8080,  '[::ffff:127.0.0.1]:8080', tcp6/[::ffff:127.0.0.1]:8080
          UDP,     127.0.0.53,       53,    127.0.0.53:53,            udp/127.0.0.53:53
          UDP6,    fe80::1,          65535, '[fe80::1]:65535',        udp6/[fe80::1]:65535
          UDPLITE, 0.0.0.0,          0,     0.0.0.0:0,                udplite/0.0.0.0:0
          SCTP,    192.0.2.7,        9899,  192.0.2.7:9899,           sctp/192.0.2.7:9899
          SCTP,    2001:db8::1,      9899,  '[2001:db8::1]:9899',     sctp/[2001:db8::1]:9899
          RAW,     0.0.0.0,          1,     0.0.0.0:1,                raw/0.0.0.0:1
          ICMP6,   ::,               58,    '[::]:58',                icmp6/[::]:58
          PACKET,  eth0,             3,     eth0:0x0003,              packet/eth0:0x0003
          PACKET,  *,                35020, *:0x88cc,                 packet/*:0x88cc
          PACKET,  [x],              3,     [x]:0x0003,               packet/[x]:0x0003
          UDP,     0.0.0.0,          -1,    0.0.0.0:ephemeral,        udp/0.0.0.0:ephemeral
          UDP6,    ::,               -1,    '[::]:ephemeral',         udp6/[::]:ephemeral
          UNIX,    /run/a.sock,      0,     /run/a.sock,              unix//run/a.sock
          UNIX,    @abstract,        0,     @abstract,                unix/@abstract
          UNIX,    /run/a b:22,      0,     /run/a b:22,              unix//run/a b:22
          UNIX,    '',               0,     '',                       unix/
          """)
  void formatsAndParses(Protocol protocol, String address, int port, String local, String text) {
    Endpoint endpoint = new Endpoint("", protocol, address, port);
    assertEquals(local, endpoint.local());
    assertEquals(text, endpoint.toString());
    assertEquals(endpoint, Endpoint.of(protocol.label(), local));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          ''             | TCP  | 0.0.0.0 | 22 | tcp            | tcp/0.0.0.0:22
          web            | TCP  | 0.0.0.0 | 22 | web:tcp        | web:tcp/0.0.0.0:22
          web            | TCP6 | ::      | 22 | web:tcp6       | web:tcp6/[::]:22
          web            | UNIX | /run/x  | 0  | web:unix       | web:unix//run/x
          tcp            | UDP  | 0.0.0.0 | 22 | tcp:udp        | tcp:udp/0.0.0.0:22
          a:b            | UDP  | 0.0.0.0 | 22 | a:b:udp        | a:b:udp/0.0.0.0:22
          a:             | UDP  | 0.0.0.0 | 22 | a::udp         | a::udp/0.0.0.0:22
          a b/c          | UDP  | 0.0.0.0 | -1 | a b/c:udp      | a b/c:udp/0.0.0.0:ephemeral
          """)
  void parsesNamespace(
      String netns, Protocol protocol, String address, int port, String table, String text) {
    Endpoint endpoint = new Endpoint(netns, protocol, address, port);
    assertEquals(table, endpoint.table());
    assertEquals(text, endpoint.toString());
    assertEquals(endpoint, Endpoint.of(table, endpoint.local()));
  }

  @ParameterizedTest
  @CsvSource({"'', ''", "dccp, dccp", "web:, ''", "tcp:web, web", "TCP, TCP", "web:tcp:, ''"})
  void namesUnknownProtocol(String table, String unknown) {
    IllegalArgumentException e =
        assertThrows(IllegalArgumentException.class, () -> Endpoint.of(table, "0.0.0.0:22"));
    assertEquals("unknown protocol '" + unknown + "'", e.getMessage());
  }

  @Test
  void sortsOwnNamespaceFirst() {
    Endpoint own = new Endpoint("", Protocol.UNIX, "/z", 0);
    Endpoint db = new Endpoint("db", Protocol.TCP, "0.0.0.0", 1);
    Endpoint web = new Endpoint("web", Protocol.TCP, "0.0.0.0", 1);
    assertEquals(List.of(own, db, web), Stream.of(web, db, own).sorted().toList());
  }

  @ParameterizedTest
  @CsvSource({
    "TCP, 0.0.0.0",
    "TCP, ''",
    "TCP, :22",
    "TCP, 0.0.0.0:",
    "TCP, 0.0.0.0:ssh",
    "TCP, 0.0.0.0:-1",
    "TCP, 0.0.0.0:65536",
    "TCP, 0.0.0.0:99999999999",
    "TCP, 0.0.0.0:Ephemeral",
    "TCP6, [::]",
    "PACKET, eth0",
    "PACKET, eth0:0x",
    "PACKET, eth0:0x10000",
    "PACKET, eth0:0xyz",
    "PACKET, eth0:ephemeral"
  })
  void refusesInvalidEndpoints(Protocol protocol, String local) {
    assertThrows(IllegalArgumentException.class, () -> Endpoint.of(protocol.label(), local));
  }

  @Test
  void sortsByProtocolPortAddress() {
    List<Endpoint> ordered =
        List.of(
            new Endpoint("", Protocol.TCP, "127.0.0.1", 9),
            new Endpoint("", Protocol.TCP, "0.0.0.0", 22),
            new Endpoint("", Protocol.TCP, "127.0.0.1", 22),
            new Endpoint("", Protocol.TCP, "0.0.0.0", 100),
            new Endpoint("", Protocol.TCP6, "::", 22),
            new Endpoint("", Protocol.UDP, "0.0.0.0", 1),
            new Endpoint("", Protocol.UNIX, "/a", 0),
            new Endpoint("", Protocol.UNIX, "/b", 0));
    assertEquals(ordered, Stream.of(7, 3, 0, 5, 2, 6, 1, 4).map(ordered::get).sorted().toList());
  }
}
