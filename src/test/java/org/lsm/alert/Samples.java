package org.lsm.alert;

import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.stream.IntStream;
import org.lsm.snapshot.Diff;
import org.lsm.snapshot.Endpoint;
import org.lsm.snapshot.EphemeralPorts;
import org.lsm.snapshot.Holder;
import org.lsm.snapshot.Owner;
import org.lsm.snapshot.Ports;
import org.lsm.snapshot.Prober;
import org.lsm.snapshot.Prober.Kind;
import org.lsm.snapshot.Protocol;
import org.lsm.snapshot.Snapshot;
import org.lsm.snapshot.Snapshot.Origin;
import org.lsm.snapshot.SocketEntry;

/** Reports and alerts to try channels with: sshd was there before, and something is new. */
final class Samples {

  static final Instant TIME = Instant.parse("2026-01-02T03:04:05Z");
  static final Instant STARTED = Instant.parse("2026-01-02T03:00:00Z");

  private Samples() {}

  /** A report of a unix socket that is new, and is held by a program of this user. */
  static Report report(String path, String user, String program) {
    Endpoint endpoint = new Endpoint(Protocol.UNIX, path, 0);
    Holder holder = new Holder(800, 1, STARTED, new Owner(user, program));
    return report(SocketEntry.heldBy(endpoint, List.of(holder), true));
  }

  /** A report of sockets that are new. */
  static Report report(SocketEntry... added) {
    SocketEntry ssh =
        new SocketEntry(
            Endpoint.of("tcp", "0.0.0.0:22"),
            new TreeSet<>(List.of(new Owner("root", "/usr/sbin/sshd"))),
            List.of());
    List<SocketEntry> now = new ArrayList<>(List.of(added));
    now.add(ssh);
    Snapshot before = Snapshot.of(origin("2026-01-01T00:00:00Z"), List.of(ssh));
    Snapshot after = Snapshot.of(origin(TIME.toString()), now);
    Diff diff = Diff.between(before, after, EphemeralPorts.NONE);
    return new Report(before, after, diff, Map.of(), List.of(), () -> ZoneOffset.UTC);
  }

  /** An alert of a new socket like that. */
  static Alert alert(String path, String user, String program) {
    return Alert.of(Occasion.DIFFERENCES, report(path, user, program), "Alert on $HOSTNAME");
  }

  /** A host that has knocked at these ports, and is blocked if it is one of those. */
  static Prober prober(String address, String name, String tcp, String udp, boolean blocked) {
    TreeSet<Kind> kinds = new TreeSet<>();
    if (!tcp.isEmpty()) {
      kinds.addAll(List.of(Kind.SYN, Kind.XMAS));
    }
    if (!udp.isEmpty()) {
      kinds.add(Kind.UDP);
    }
    Optional<Instant> until = blocked ? Optional.of(TIME.plusSeconds(80_000)) : Optional.empty();
    return new Prober(
        address, name, numbers(tcp), numbers(udp), kinds, 77, STARTED, TIME.minusSeconds(5), until);
  }

  private static SortedSet<Integer> numbers(String ports) {
    TreeSet<Integer> numbers = new TreeSet<>();
    for (String range : Ports.parse(ports).ranges()) {
      String[] ends = range.split("-", -1);
      IntStream.rangeClosed(Integer.parseInt(ends[0]), Integer.parseInt(ends[ends.length - 1]))
          .forEach(numbers::add);
    }
    return numbers;
  }

  /** A report of hosts that knock. */
  static ScanReport scans(Prober... hosts) {
    return new ScanReport(origin(TIME.toString()), List.of(hosts), List.of(), () -> ZoneOffset.UTC);
  }

  /** A report of so many hosts that knock. */
  static ScanReport crowd(int size) {
    return scans(
        IntStream.range(0, size)
            .mapToObj(i -> prober("10.0." + i / 256 + "." + i % 256, "", "21-23", "", false))
            .toArray(Prober[]::new));
  }

  static Origin origin(String time) {
    return new Origin("web1", "6.1.0", Instant.parse(time), "1.0.0");
  }
}
