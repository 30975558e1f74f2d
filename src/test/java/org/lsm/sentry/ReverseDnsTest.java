package org.lsm.sentry;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.lsm.model.ScanningHost;

/** Only hosts without a name: the others would need a name server. */
class ReverseDnsTest {

  /** Documentation addresses (RFC 5737, RFC 3849), and an invalid one. */
  @Test
  @Timeout(60)
  void keepsHostsWithoutName() {
    List<ScanningHost> hosts =
        Stream.of("192.0.2.1", "2001:db8::1", "198.51.100.255", "::1%nowhere")
            .map(ReverseDnsTest::host)
            .toList();

    assertEquals(hosts, ReverseDns.resolve(hosts));
    assertEquals(List.of(), ReverseDns.resolve(List.of()));
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
