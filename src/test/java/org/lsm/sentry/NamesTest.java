package org.lsm.sentry;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.lsm.snapshot.Prober;

/** Names of hosts; those of hosts that have one take a server to answer. */
class NamesTest {

  /** Addresses for documentation (RFC 5737, RFC 3849), and what is none. */
  @Test
  @Timeout(60)
  void aHostWithoutANameStaysAsItIs() {
    List<Prober> hosts =
        Stream.of("192.0.2.1", "2001:db8::1", "198.51.100.255", "::1%nowhere")
            .map(NamesTest::host)
            .toList();

    assertEquals(hosts, Names.with(hosts));
    assertEquals(List.of(), Names.with(List.of()));
  }

  private static Prober host(String address) {
    return new Prober(
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
