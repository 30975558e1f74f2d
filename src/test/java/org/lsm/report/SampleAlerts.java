package org.lsm.report;

import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.stream.IntStream;
import org.lsm.alert.Alert;
import org.lsm.alert.AlertType;
import org.lsm.model.Diff;
import org.lsm.model.Difference;
import org.lsm.model.DifferenceType;
import org.lsm.model.Endpoint;
import org.lsm.model.Flag;
import org.lsm.model.HostInfo;
import org.lsm.model.Owner;
import org.lsm.model.PortSet;
import org.lsm.model.ProbeType;
import org.lsm.model.ProcessDetails;
import org.lsm.model.ProcessRef;
import org.lsm.model.Protocol;
import org.lsm.model.ScanningHost;
import org.lsm.model.Snapshot;
import org.lsm.model.SocketDetails;
import org.lsm.model.SocketEntry;
import org.lsm.model.SocketIdentity;
import org.lsm.model.SocketOwners;

/** Reports and alerts to send: sshd is in the baseline, and another socket is new. */
public final class SampleAlerts {

  public static final Instant TIME = Instant.parse("2026-01-02T03:04:05Z");
  public static final Instant STARTED = Instant.parse("2026-01-02T03:00:00Z");

  private SampleAlerts() {}

  /** A report of a new unix socket, owned by a program of this user. */
  public static DiffReport report(String path, String user, String program) {
    Endpoint endpoint = new Endpoint("", Protocol.UNIX, path, 0);
    ProcessRef process = new ProcessRef(800, 1, STARTED, new Owner(user, program));
    return report(SocketEntry.heldBy(endpoint, new SocketOwners(List.of(process), true)));
  }

  /** A report of new sockets. */
  public static DiffReport report(SocketEntry... added) {
    SocketEntry ssh =
        new SocketEntry(
            Endpoint.of("tcp", "0.0.0.0:22"),
            new TreeSet<>(List.of(new Owner("root", "/usr/sbin/sshd"))),
            List.of());
    List<SocketEntry> now = new ArrayList<>(List.of(added));
    now.add(ssh);
    Snapshot before = Snapshot.of(hostInfo("2026-01-01T00:00:00Z"), List.of(ssh));
    Snapshot after = Snapshot.of(hostInfo(TIME.toString()), now);
    Diff diff = Diff.between(before, after, SocketIdentity.NONE);
    return new DiffReport(
        before, after, diff, Map.of(), List.of(), () -> ZoneOffset.UTC, user -> user);
  }

  /** A report of new outbound connections, with these details each. */
  static DiffReport outbound(SocketDetails details, SocketEntry... added) {
    DiffReport none = report();
    List<Difference> differences = new ArrayList<>();
    Map<Endpoint, SocketDetails> all = new HashMap<>();
    for (SocketEntry it : added) {
      differences.add(new Difference(DifferenceType.NEW, it, it));
      all.put(it.endpoint(), details);
    }
    return none.with(new Diff(differences), all, List.of());
  }

  /** Outbound connections of www-data and root to a port; of the latter, the unit is unknown. */
  static SocketEntry outbound(String table, String local) {
    List<Owner> owners = List.of(new Owner("www-data", "web.service"), new Owner("root", ""));
    return new SocketEntry(Endpoint.of(table, local), new TreeSet<>(owners), List.of());
  }

  /** What is known of outbound connections while one is there: bash, in memory, as www-data. */
  static SocketDetails liveOutbound() {
    ProcessRef shell = new ProcessRef(800, 1, STARTED, new Owner("www-data", "/usr/bin/bash"));
    ProcessRef parent = new ProcessRef(1, 1, STARTED, new Owner("root", "/sbin/init"));
    ProcessDetails process =
        new ProcessDetails(
            shell,
            "bash -i",
            "/srv",
            "web.service",
            List.of(parent),
            EnumSet.of(Flag.INTERPRETER, Flag.PROGRAM_DELETED));
    return new SocketDetails(
        "https",
        List.of("192.0.2.66 (host.example.org)", "2001:db8::66"),
        List.of(process),
        EnumSet.of(Flag.SYSTEM_USER, Flag.NEW_PORT),
        Optional.empty());
  }

  /** What is known of them when they are over. */
  static SocketDetails endedOutbound() {
    return new SocketDetails(
        "", List.of("192.0.2.66"), List.of(), EnumSet.noneOf(Flag.class), Optional.empty());
  }

  /** An alert of such a socket. */
  public static Alert alert(String path, String user, String program) {
    return Alert.of(AlertType.DIFFERENCES, report(path, user, program), "Alert on $HOSTNAME");
  }

  /** A host that probed these ports. */
  public static ScanningHost scanningHost(
      String address, String name, String tcp, String udp, boolean blocked) {
    TreeSet<ProbeType> probeTypes = new TreeSet<>();
    if (!tcp.isEmpty()) {
      probeTypes.addAll(List.of(ProbeType.SYN, ProbeType.XMAS));
    }
    if (!udp.isEmpty()) {
      probeTypes.add(ProbeType.UDP);
    }
    Optional<Instant> until = blocked ? Optional.of(TIME.plusSeconds(80_000)) : Optional.empty();
    return new ScanningHost(
        address,
        name,
        numbers(tcp),
        numbers(udp),
        probeTypes,
        77,
        STARTED,
        TIME.minusSeconds(5),
        until);
  }

  private static SortedSet<Integer> numbers(String ports) {
    TreeSet<Integer> numbers = new TreeSet<>();
    for (String range : PortSet.parse(ports).ranges()) {
      String[] ends = range.split("-", -1);
      IntStream.rangeClosed(Integer.parseInt(ends[0]), Integer.parseInt(ends[ends.length - 1]))
          .forEach(numbers::add);
    }
    return numbers;
  }

  /** A report of these scanning hosts. */
  public static PortScanReport scans(ScanningHost... hosts) {
    return new PortScanReport(
        hostInfo(TIME.toString()),
        List.of(hosts),
        List.of(),
        Optional.empty(),
        () -> ZoneOffset.UTC);
  }

  /** A report of so many scanning hosts. */
  public static PortScanReport crowd(int size) {
    return scans(
        IntStream.range(0, size)
            .mapToObj(i -> scanningHost("10.0." + i / 256 + "." + i % 256, "", "21-23", "", false))
            .toArray(ScanningHost[]::new));
  }

  public static HostInfo hostInfo(String time) {
    return new HostInfo("web1", "6.1.0", Instant.parse(time), "1.0.0");
  }
}
