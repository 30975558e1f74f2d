package org.lsm.sentry;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.lsm.model.Endpoint;

/** Which sockets seem to be out of reach by rules that nft 1.0.6 has printed. */
class PacketFilterTest {

  @ParameterizedTest
  @CsvSource({
    "filter-drop,   tcp,  0.0.0.0:4444, true",
    "filter-drop,   tcp6, [::]:4444,    true",
    "filter-drop,   tcp,  0.0.0.0:22,   false",
    "filter-drop,   tcp,  0.0.0.0:79,   true",
    "filter-drop,   tcp,  0.0.0.0:80,   false",
    "filter-drop,   tcp,  0.0.0.0:90,   false",
    "filter-drop,   tcp,  0.0.0.0:91,   true",
    "filter-drop,   tcp,  0.0.0.0:3306, false", // some addresses may
    "filter-drop,   tcp,  0.0.0.0:53,   true",
    "filter-drop,   udp,  0.0.0.0:53,   false",
    "filter-drop,   udp,  0.0.0.0:22,   true",
    "filter-drop,   tcp,  0.0.0.0:99,   false", // by a chain of its own
    "filter-accept, tcp,  0.0.0.0:4444, false",
    "filter-accept, tcp,  0.0.0.0:23,   true",
    "filter-accept, udp,  0.0.0.0:23,   true",
    "filter-accept, udp,  0.0.0.0:101,  false",
    "filter-accept, tcp,  0.0.0.0:25,   false", // for some addresses only
    "filter-ip,     tcp,  0.0.0.0:4444, true",
    "filter-ip,     tcp,  0.0.0.0:22,   false",
    "filter-ip,     tcp6, [fd00::1]:9,  false",
    "filter-ip,     tcp6, [::]:9,       false", // IPv6 passes
  })
  void estimatesReach(String ruleset, String table, String local, boolean dropped)
      throws IOException {
    try (var rules = PacketFilter.class.getResourceAsStream(ruleset + ".nft")) {
      String text = new String(rules.readAllBytes(), StandardCharsets.UTF_8);
      PacketFilter filter = new PacketFilter(text);
      assertEquals(dropped, filter.seemsToDrop(Endpoint.of(table, local)));
    }
  }

  /** What nft prints without privileges; and rules of another form. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "Operation not permitted",
        "tcp dport ssh accept",
        "tcp dport { 22, https } accept",
        "tcp dport @open accept",
        "tcp dport vmap { 4444 : accept }",
        "tcp dport vmap @verdicts",
        "iifname != \"eth1\" accept",
        "th dport 4444 accept",
        "meta l4proto { tcp, udp } th dport 4444 accept",
        "ip protocol { tcp, udp } accept",
        "meta mark 0x1 accept",
        "xt match \"addrtype\" counter packets 1 bytes 2 accept",
        "xt target \"TPROXY\"",
        "queue to 0",
      })
  void saysNothingWithoutKnowing(String rule) {
    assertFalse(seemsToDrop(rule));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "tcp dport != 4444 accept",
        "udp sport 53 accept",
        "meta l4proto { icmp, ipv6-icmp } accept",
        "ip protocol { udp, icmp } accept",
        "counter packets 1 bytes 2 reject with icmpx admin-prohibited",
        "iif \"lo\" accept",
        "log prefix \"udp accept: \" level debug",
        "update @seen4 { ip saddr . tcp dport counter }",
        "meta mark set 0x00000001",
        "jump f2b-sshd",
        "tcp dport 23 counter packets 1 bytes 2 accept comment \"telnet\"",
      })
  void knowsWhatAcceptsNothing(String rule) {
    assertTrue(seemsToDrop(rule));
  }

  /** The chain may be for some hosts only, as lsm's own that cuts blocked hosts off. */
  @ParameterizedTest
  @ValueSource(strings = {"ip saddr @bad jump banned", "goto banned", "ip saddr 192.0.2.1 drop"})
  void knowsThatSomeMayPass(String rule) {
    String banned = "table ip f {\nchain banned {\ndrop\n}\n";
    String chain = "chain i {\ntype filter hook input priority filter; policy accept;\n";
    PacketFilter filter = new PacketFilter(banned + chain + rule + "\n}\n}\n");
    assertFalse(filter.seemsToDrop(Endpoint.of("tcp", "0.0.0.0:4444")));
  }

  private static boolean seemsToDrop(String rule) {
    String chain = "chain i {\ntype filter hook input priority filter; policy drop;\n";
    String rules = "table inet f {\n" + chain + rule + "\n}\n}\n";
    return new PacketFilter(rules.contains("permitted") ? rule : rules)
        .seemsToDrop(Endpoint.of("tcp", "0.0.0.0:4444"));
  }
}
