package org.lsm.alert;

import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import org.lsm.snapshot.Diff;
import org.lsm.snapshot.Endpoint;
import org.lsm.snapshot.EphemeralPorts;
import org.lsm.snapshot.Holder;
import org.lsm.snapshot.Owner;
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

  static Origin origin(String time) {
    return new Origin("web1", "6.1.0", Instant.parse(time), "1.0.0");
  }
}
