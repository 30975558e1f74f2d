package org.lsm.model;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.lsm.model.EphemeralPorts.Scope;

class EphemeralPortsTest {

  private static final HostInfo HOST = new HostInfo("web1", "6.1.0", Instant.EPOCH, "1.0.0");
  private static final Owner NAMED = new Owner("bind", "/usr/sbin/named");
  private static final Owner CHROME = new Owner("joe", "/opt/chrome");

  @ParameterizedTest
  @CsvSource({
    "UDP,  udp,      32768, true",
    "UDP,  udp,      60999, true",
    "UDP,  udp,      32767, false",
    "UDP,  udp,      61000, false",
    "UDP,  udp6,     40000, true",
    "UDP,  udplite,  40000, true",
    "UDP,  udplite6, 40000, true",
    "UDP,  web:udp,  40000, true",
    "UDP,  tcp,      40000, false",
    "UDP,  tcp6,     40000, false",
    "UDP,  sctp,     40000, false",
    "ALL,  udp,      40000, true",
    "ALL,  tcp,      40000, true",
    "ALL,  tcp6,     40000, true",
    "ALL,  sctp,     40000, true",
    "ALL,  tcp,      22,    false",
    "ALL,  raw,      40000, false",
    "ALL,  raw6,     40000, false",
    "ALL,  icmp,     40000, false",
    "ALL,  icmp6,    40000, false",
    "ALL,  packet,   40000, false",
    "NONE, udp,      40000, false",
    "NONE, tcp,      40000, false"
  })
  void coversPortsWithinScope(Scope scope, String table, int port, boolean covered) {
    EphemeralPorts ports = new EphemeralPorts(scope, 32768, 60999);
    Endpoint endpoint = Endpoint.of(table, "::1:" + port);
    assertEquals(covered, ports.covers(endpoint));
    assertEquals(covered, ports.covers(entry(endpoint, NAMED)));
  }

  @ParameterizedTest
  @EnumSource
  void coversNoUnknownOwner(Scope scope) {
    EphemeralPorts ports = new EphemeralPorts(scope, 1, 65535);
    Endpoint endpoint = Endpoint.of("udp", "0.0.0.0:40000");
    assertEquals(false, ports.covers(entry(endpoint)));
    assertEquals(false, ports.covers(entry(endpoint, Owner.UNKNOWN)));
    assertEquals(false, ports.covers(entry(endpoint, NAMED, Owner.UNKNOWN)));
    assertEquals(scope != Scope.NONE, ports.covers(entry(endpoint, NAMED, CHROME)));
  }

  /** Whoever runs an interpreter could open another port with another script. */
  @Test
  void coversKnownScripts() {
    EphemeralPorts ports = new EphemeralPorts(Scope.UDP, 1, 65535);
    Endpoint endpoint = Endpoint.of("udp", "0.0.0.0:40000");
    Owner known = new Owner("app", "/usr/bin/python3", "/opt/app/main.py");
    Owner unknown = new Owner("app", "/usr/bin/python3", Owner.UNKNOWN_SCRIPT);
    assertEquals(true, ports.covers(entry(endpoint, known)));
    assertEquals(false, ports.covers(entry(endpoint, unknown)));
    assertEquals(false, ports.covers(entry(endpoint, NAMED, unknown)));
  }

  @ParameterizedTest
  @EnumSource
  void coversEphemeralEntry(Scope scope) {
    EphemeralPorts ports = new EphemeralPorts(scope, 1, 2);
    assertEquals(
        scope != Scope.NONE, ports.covers(entry(Endpoint.of("tcp", "0.0.0.0:ephemeral"), NAMED)));
  }

  @Test
  void mergesEphemeralPorts() {
    EphemeralPorts ports = new EphemeralPorts(Scope.UDP, 32768, 60999);
    Snapshot generalized =
        ports.generalize(
            snapshot(
                entry(Endpoint.of("udp", "0.0.0.0:40001"), NAMED),
                entry(Endpoint.of("udp", "0.0.0.0:40002"), CHROME),
                entry(Endpoint.of("udp", "0.0.0.0:40003"), CHROME),
                entry(Endpoint.of("udp", "0.0.0.0:40004")),
                entry(Endpoint.of("udp", "0.0.0.0:53"), NAMED),
                entry(Endpoint.of("udp", "127.0.0.1:40001"), NAMED),
                entry(Endpoint.of("udp6", "[::]:40001"), NAMED),
                entry(Endpoint.of("web:udp", "0.0.0.0:40001"), NAMED),
                entry(Endpoint.of("tcp", "0.0.0.0:40001"), NAMED)));
    assertEquals(
        snapshot(
            entry(Endpoint.of("udp", "0.0.0.0:ephemeral"), NAMED, CHROME),
            entry(Endpoint.of("udp", "0.0.0.0:40004")),
            entry(Endpoint.of("udp", "0.0.0.0:53"), NAMED),
            entry(Endpoint.of("udp", "127.0.0.1:ephemeral"), NAMED),
            entry(Endpoint.of("udp6", "[::]:ephemeral"), NAMED),
            entry(Endpoint.of("web:udp", "0.0.0.0:ephemeral"), NAMED),
            entry(Endpoint.of("tcp", "0.0.0.0:40001"), NAMED)),
        generalized);
    assertEquals(generalized, ports.generalize(generalized));
  }

  private static SocketEntry entry(Endpoint endpoint, Owner... owners) {
    return new SocketEntry(endpoint, new TreeSet<>(List.of(owners)), List.of());
  }

  private static Snapshot snapshot(SocketEntry... entries) {
    return Snapshot.of(HOST, Arrays.asList(entries));
  }
}
