package org.lsm.sentry;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.lsm.model.ScanningHost;

/** Only hosts without a name: the others would need a name server. */
class DnsTest {

  /** Documentation addresses (RFC 5737, RFC 3849), and an invalid one. */
  @Test
  @Timeout(60)
  void keepsHostsWithoutName() {
    List<ScanningHost> hosts =
        Stream.of("192.0.2.1", "2001:db8::1", "198.51.100.255", "::1%nowhere")
            .map(DnsTest::host)
            .toList();

    assertEquals(hosts, Dns.reverse(hosts));
    assertEquals(List.of(), Dns.reverse(List.of()));
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

  private static ScanningHost host(String address) {
    return new ScanningHost(
        address,
        "",
        new TreeSet<>(List.of(22)),
        new TreeSet<>(),
        new TreeSet<>(),
        1,
        Instant.EPOCH,
        Instant.EPOCH,
        Optional.empty());
  }
}
