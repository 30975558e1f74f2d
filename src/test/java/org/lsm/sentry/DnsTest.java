package org.lsm.sentry;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

class DnsTest {

  /** Of hosts(5), documentation addresses (RFC 5737, RFC 3849), a network, and an invalid one. */
  @Test
  @Timeout(60)
  void findsNamesOfAddresses() {
    List<String> without =
        List.of("192.0.2.1", "2001:db8::1", "198.51.100.255", "2001:db8::/64", "::1%nowhere");
    for (var it : Dns.names(without).entrySet()) {
      assertEquals("", it.getValue(), it.getKey());
    }
    assertEquals(Map.of("127.0.0.1", "localhost"), Dns.names(List.of("127.0.0.1")));
    assertEquals(Map.of(), Dns.names(List.of()));
  }

  /** Of hosts(5), and one that no name server can have (RFC 6761). */
  @Test
  @Timeout(60)
  void findsAddressesOfNames() {
    Map<String, String> found = Dns.addresses(List.of("localhost", "web1.invalid"));

    assertEquals(Set.of("localhost", "web1.invalid"), found.keySet());
    assertTrue((" " + found.get("localhost") + " ").contains(" 127.0.0.1 "), found.toString());
    assertEquals("", found.get("web1.invalid"));
    assertEquals(Map.of(), Dns.addresses(List.of()));
  }
}
