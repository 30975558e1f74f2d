package org.lsm.report;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.lsm.report.Golden.assertGolden;

import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.lsm.model.Endpoint;
import org.lsm.model.HostInfo;
import org.lsm.model.Owner;
import org.lsm.model.ProcessRef;
import org.lsm.model.Protocol;
import org.lsm.model.Snapshot;
import org.lsm.model.SocketEntry;
import org.lsm.model.SocketOwners;

/** The table of sockets, to the character. */
class SocketListingTest {

  private static final Instant SCAN = Instant.parse("2026-01-02T03:04:05Z");
  private static final Owner SSHD = new Owner("root", "/usr/sbin/sshd");
  private static final Owner NGINX = new Owner("www-data", "/usr/sbin/nginx");

  @Test
  void linePerOwner() {
    SocketEntry shared =
        SocketEntry.heldBy(
            Endpoint.of("tcp", "0.0.0.0:80"),
            new SocketOwners(
                List.of(process(82, NGINX), process(81, NGINX), process(7, SSHD)), true));
    SocketEntry nobody =
        SocketEntry.heldBy(Endpoint.of("udp", "0.0.0.0:51820"), new SocketOwners(List.of(), true));
    SocketEntry unknown =
        SocketEntry.heldBy(
            Endpoint.of("packet", "eth0:0x0003"), new SocketOwners(List.of(), false));
    SocketEntry longName =
        held(Protocol.UNIX, "/run/a path with spaces/" + "x".repeat(40), process(1, SSHD));

    assertGolden("listing.txt", table(List.of(longName, unknown, nobody, shared)));
  }

  @Test
  void noSockets() {
    assertEquals("SOCKET  USER  PID  PROGRAM\n", table(List.of()));
  }

  @ParameterizedTest(name = "{1}")
  @MethodSource("org.lsm.report.DiffReportTest#hostileTexts")
  void escapesHostileText(String raw, String escaped) {
    ProcessRef process = process(7, new Owner(raw, "/bin/" + raw));
    SocketEntry entry =
        SocketEntry.heldBy(
            new Endpoint("", Protocol.UNIX, raw, 0), new SocketOwners(List.of(process), true));

    String row = table(List.of(entry)).split("\n", -1)[1];

    assertEquals(
        List.of("unix/" + escaped, escaped, "7", "/bin/" + escaped), List.of(row.split(" +", -1)));
  }

  private static String table(List<SocketEntry> entries) {
    Snapshot snapshot = Snapshot.of(new HostInfo("web1", "6.1.0", SCAN, "1.0.0"), entries);
    return new SocketListing(snapshot, Map.of(), Map.of(), List.of()).text();
  }

  private static ProcessRef process(int pid, Owner owner) {
    return new ProcessRef(pid, 0, SCAN, owner);
  }

  private static SocketEntry held(Protocol protocol, String local, ProcessRef... processes) {
    return SocketEntry.heldBy(
        Endpoint.of(protocol.label(), local), new SocketOwners(List.of(processes), true));
  }
}
