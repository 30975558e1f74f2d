package org.lsm.monitor;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.lsm.FakeProc;
import org.lsm.ScriptedClock;
import org.lsm.config.Rules;
import org.lsm.model.Endpoint;
import org.lsm.model.Flag;
import org.lsm.model.HostInfo;
import org.lsm.model.Owner;
import org.lsm.model.OwnerCache;
import org.lsm.model.Snapshot;
import org.lsm.model.SocketEntry;
import org.lsm.model.SocketIdentity;
import org.lsm.model.SocketIdentity.Scope;
import org.lsm.proc.HelperProcesses;
import org.lsm.proc.SocketScanner;
import org.lsm.report.DiffReport;

/** Differences are looked at again before they are believed, on a host that changes meanwhile. */
class BaselineComparisonTest {

  private static final Instant NOW = Instant.parse("2026-01-02T03:04:05Z");
  private static final Owner PROG = new Owner("0", "/fake/prog");

  @TempDir private Path folder;
  private FakeProc proc;
  private ScriptedClock clock;
  private Rules rules = new Rules(List.of());
  private ProgramCheck programs;

  @BeforeEach
  void makeHost() {
    clock = new ScriptedClock(NOW);
    programs = new ProgramCheck(List.of(), folder, folder.resolve("proc"), (command, time) -> "");
    proc =
        FakeProc.bare(folder.resolve("proc"))
            .tcp("0.0.0.0", 22, 101)
            .process(700, 0, "/fake/prog", 10, 101, 102);
  }

  @Test
  void nothingDiffersAtOneLook() throws IOException {
    assertEquals(List.of(), differences(compare(ssh())));
    assertEquals(1, clock.asked());
  }

  @Test
  void oneMissingScanIsNotGone() throws IOException {
    proc.empty();
    proc.unix("/run/x", 9);
    clock.then(() -> proc.tcp("0.0.0.0", 22, 101));
    assertEquals(List.of(), differences(compare(ssh(), entry("unix", "/run/x"))));
    assertEquals(2, clock.asked());
  }

  @Test
  void fourMissingScansAreNotGone() throws IOException {
    proc.empty();
    proc.unix("/run/x", 9);
    clock.then(() -> {}).then(() -> {}).then(() -> {}).then(() -> proc.tcp("0.0.0.0", 22, 101));
    assertEquals(List.of(), differences(compare(ssh(), entry("unix", "/run/x"))));
    assertEquals(5, clock.asked());
  }

  @Test
  void fiveMissingScansAreGone() throws IOException {
    assertEquals(
        List.of("GONE tcp/0.0.0.0:80 []"),
        differences(compare(ssh(), entry("tcp", "0.0.0.0:80", PROG))));
    assertEquals(RepeatedScan.MAX_SCANS, clock.asked());
  }

  @Test
  void twoScansConfirmNew() throws IOException {
    proc.tcp("0.0.0.0", 80, 102);
    DiffReport report = compare(ssh());
    assertEquals(List.of("NEW tcp/0.0.0.0:80 [BEYOND_LOOPBACK]"), differences(report));
    assertEquals(2, clock.asked());
  }

  @Test
  void closedAgainIsNew() throws IOException {
    proc.tcp("127.0.0.1", 80, 102);
    clock.then(this::sshOnly);
    DiffReport report = compare(ssh());
    assertEquals(List.of("NEW tcp/127.0.0.1:80 [ALREADY_CLOSED]"), differences(report));
    assertEquals(
        List.of(PROG),
        report.detailsByEndpoint().get(Endpoint.of("tcp", "127.0.0.1:80")).processes().stream()
            .map(process -> process.process().owner())
            .toList());
  }

  @Test
  void knownSocketThatClosesBeforeItsOwnerIsFoundIsNotChanged() throws IOException {
    SocketEntry known = entry("tcp", "127.0.0.1:80", PROG);
    proc.tcp("127.0.0.1", 80, 150);
    assertEquals(List.of("CHANGED tcp/127.0.0.1:80"), kinds(compare(ssh(), known)));
    clock.then(this::sshOnly);
    assertEquals(List.of(), kinds(compare(ssh(), known)));
    assertEquals(List.of("GONE tcp/127.0.0.1:80"), kinds(compare(ssh(), known)));
  }

  private static List<String> kinds(DiffReport report) {
    return differences(report).stream().map(it -> it.replaceFirst(" \\[.*", "")).toList();
  }

  @Test
  void missedInTheMiddleIsNotClosed() throws IOException {
    proc.tcp("127.0.0.1", 80, 102);
    clock.then(this::sshOnly).then(() -> proc.tcp("127.0.0.1", 80, 102));
    assertEquals(List.of("NEW tcp/127.0.0.1:80 []"), differences(compare(ssh())));
    assertEquals(3, clock.asked());
  }

  @Test
  void openedAtSecondScanIsNew() throws IOException {
    proc.tcp("127.0.0.1", 80, 102);
    clock.then(() -> proc.tcp("127.0.0.1", 81, 102));
    assertEquals(
        List.of("NEW tcp/127.0.0.1:80 []", "NEW tcp/127.0.0.1:81 []"), differences(compare(ssh())));
  }

  @Test
  void reportsLatestOwner() throws IOException {
    proc.end(700).process(800, 0, "/fake/evil", 99, 101);
    DiffReport report = compare(ssh());
    assertEquals(List.of("CHANGED tcp/0.0.0.0:22 [BEYOND_LOOPBACK]"), differences(report));
    assertEquals(2, clock.asked());
  }

  // ---- helpers

  /** A worker of sshd that came to hold the port is no difference, a shell beside it is one. */
  @Test
  void ignoresHelpers() throws IOException {
    Path program = Files.createDirectories(folder.resolve("root/fake")).resolve("prog");
    Files.setPosixFilePermissions(
        Files.writeString(program, ""), PosixFilePermissions.fromString("rwxr-xr-x"));
    Files.setPosixFilePermissions(
        program.getParent(), PosixFilePermissions.fromString("rwxr-xr-x"));
    assumeTrue((int) Files.getAttribute(program, "unix:uid") == 0, "only root has programs");
    proc.process(800, 33, "/fake/prog", 99, 101).stat(800, "worker", 700, 9900);
    assertEquals(List.of(), differences(compare(ssh())));
    assertEquals(1, clock.asked());
    proc.process(801, 33, "/fake/sh", 99, 101).stat(801, "sh", 700, 9900);
    DiffReport report = compare(ssh());
    assertEquals(List.of("CHANGED tcp/0.0.0.0:22 [BEYOND_LOOPBACK]"), differences(report));
    assertEquals(3, report.diff().differences().get(0).after().owners().size());
  }

  // ---- ports of clients

  @Test
  void dropsShortLivedClientPort() throws IOException {
    proc.udp("127.0.0.1", 40000, 103);
    clock.then(this::sshAndNoUdp);
    assertEquals(List.of(), differences(compare(ssh())));
  }

  @Test
  void reportsLastingPortWithoutOwner() throws IOException {
    proc.udp("127.0.0.1", 40000, 103);
    assertEquals(List.of("NEW udp/127.0.0.1:40000 [NO_PROCESS]"), differences(compare(ssh())));
  }

  @Test
  void reportsClosedPortWithOwner() throws IOException {
    proc.udp("127.0.0.1", 40000, 102);
    clock.then(this::sshAndNoUdp);
    assertEquals(List.of("NEW udp/127.0.0.1:40000 [ALREADY_CLOSED]"), differences(compare(ssh())));
  }

  @Test
  void reportsClosedPortOfService() throws IOException {
    proc.udp("127.0.0.1", 400, 103);
    clock.then(this::sshAndNoUdp);
    assertEquals(
        List.of("NEW udp/127.0.0.1:400 [ALREADY_CLOSED, NO_PROCESS]"), differences(compare(ssh())));
  }

  /** A resolver may choose its ports itself. */
  @ParameterizedTest
  @ValueSource(ints = {4000, 40000})
  void dropsPortThatOnlyTheLastScanSaw(int port) throws IOException {
    clock.then(() -> {}).then(() -> {}).then(() -> {});
    clock.then(() -> proc.udpOf(1000, "127.0.0.1", port, 103));
    assertEquals(
        List.of("GONE tcp/0.0.0.0:80 []"),
        differences(compare(ssh(), entry("tcp", "0.0.0.0:80", PROG))));
    assertEquals(RepeatedScan.MAX_SCANS, clock.asked());
  }

  @Test
  void reportsUserWhoGoesFromPortToPort() throws IOException {
    hopFrom(40000, 1000);
    assertEquals(
        List.of(
            "NEW udp/127.0.0.1:40000 [ALREADY_CLOSED, NO_PROCESS]",
            "NEW udp/127.0.0.1:40001 [ALREADY_CLOSED, NO_PROCESS]",
            "NEW udp/127.0.0.1:40002 [ALREADY_CLOSED, NO_PROCESS]",
            "NEW udp/127.0.0.1:40003 [ALREADY_CLOSED, NO_PROCESS]",
            "NEW udp/127.0.0.1:40004 [NO_PROCESS]"),
        differences(compare(ssh())));
  }

  @ParameterizedTest
  @CsvSource({"1000, 0", "1001, 5"})
  void knowsTheUserOfResolver(int uid, int differences) throws IOException {
    hopFrom(4000, uid);
    SocketEntry known = entry("udp", "127.0.0.1:ephemeral", new Owner("1000", "/fake/dnsmasq"));
    assertEquals(differences, compare(ssh(), known).diff().differences().size());
  }

  /** Where not all processes can be searched, that is no hiding place. */
  @Test
  void reportsUnknownOwnerWhoGoesFromPortToPort() throws IOException {
    Files.move(proc.path().resolve("1"), folder.resolve("hidden"));
    hopFrom(40000, 1000);
    DiffReport report = compare(ssh());
    assertEquals(RepeatedScan.MAX_SCANS, report.diff().differences().size());
    assertTrue(report.diff().differences().get(0).after().ownerUnknown());
  }

  @Test
  void dropsPortsOfUserWhoHadNoneInOneScan() throws IOException {
    proc.udpOf(1000, "127.0.0.1", 4000, 200);
    clock.then(
        () -> {
          sshAndNoUdp();
          proc.udpOf(1000, "127.0.0.1", 4001, 201);
        });
    clock.then(this::sshAndNoUdp);
    assertEquals(List.of(), differences(compare(ssh())));
  }

  /** It is unix, so that no other host can reach it. */
  @ParameterizedTest
  @CsvSource({"@0ab12, 0", "@1f2e3d4c5b6a7988/bus/x, 0", "@evil, 1"})
  void dropsClientWithRandomNameThatHasClosed(String name, int differences) throws IOException {
    proc.unix(name, 300);
    clock.then(this::sshAndNoUdp);
    assertEquals(differences, compare(ssh()).diff().differences().size());
  }

  /** Each scan sees one UDP port of a user, always another one. */
  private void hopFrom(int port, int uid) {
    proc.udpOf(uid, "127.0.0.1", port, 200);
    for (int i = 1; i < RepeatedScan.MAX_SCANS; i++) {
      int next = port + i;
      clock.then(
          () -> {
            sshAndNoUdp();
            proc.udpOf(uid, "127.0.0.1", next, next);
          });
    }
  }

  // ---- ignore rules

  /** The owner that the rule requires may have been the one that was not found. */
  @ParameterizedTest
  @CsvSource({
    "/tmp/ssh-x/agent.1,  300, true,  0",
    "/tmp/ssh-x/agent.1,  300, false, 1", // it stays
    "/tmp/ssh-x/agent.1,  102, true,  1", // its owner is another one
    "/tmp/ssh-x/socket.1, 300, true,  1",
  })
  void ignoresByNameWhatClosedBeforeItsOwnerWasFound(
      String name, long inode, boolean closes, int differences) throws Exception {
    ignore("unix /tmp/ssh-*/agent.* program=/usr/bin/ssh-agent\n");
    proc.unix(name, inode);
    if (closes) {
      clock.then(this::sshAndNoUdp);
    }
    assertEquals(differences, compare(ssh()).diff().differences().size());
  }

  @Test
  void knownSocketThatARuleMayIgnoreIsNotGone() throws Exception {
    ignore("unix /tmp/* program=/usr/bin/ssh-agent\n");
    proc.unix("/tmp/socket", 300);
    clock.then(this::sshAndNoUdp);
    assertEquals(List.of(), kinds(compare(ssh(), entry("unix", "/tmp/socket", PROG))));
  }

  @Test
  void reportsClosedPortThatARuleMayIgnore() throws Exception {
    ignore("tcp *:* program=/fake/prog\n");
    proc.tcp("0.0.0.0", 80, 300);
    clock.then(this::sshAndNoUdp);
    assertEquals(List.of("NEW tcp/0.0.0.0:80"), kinds(compare(ssh())));
  }

  private void ignore(String text) throws Exception {
    Files.writeString(folder.resolve("ignore.lsm"), text);
    rules = Rules.read(folder.resolve("conf.lsm"), Set::of);
  }

  @Test
  void ignoresOnBothSides() throws Exception {
    ignore("tcp *:80-81 program=/fake/prog\n");
    proc.tcp("0.0.0.0", 80, 102).tcp("0.0.0.0", 90, 102);
    DiffReport report =
        compare(
            ssh(),
            entry("tcp", "0.0.0.0:81", PROG),
            entry("tcp", "127.0.0.1:81", new Owner("0", "/x")));
    assertEquals(
        List.of("NEW tcp/0.0.0.0:90 [BEYOND_LOOPBACK]", "GONE tcp/127.0.0.1:81 []"),
        differences(report));
    assertEquals(2, report.before().sockets().size());
    assertEquals(2, report.after().sockets().size());
  }

  private void sshOnly() {
    proc.write("net/tcp", "header\n").tcp("0.0.0.0", 22, 101);
  }

  private void sshAndNoUdp() {
    proc.empty();
    proc.tcp("0.0.0.0", 22, 101);
  }

  private DiffReport compare(SocketEntry... baseline) throws IOException {
    RepeatedScan scans =
        new RepeatedScan(
            new SocketScanner(proc.sources(), false, clock, "1.0.0"), OwnerCache.EMPTY);
    Snapshot before = Snapshot.of(new HostInfo("web1", "6.1.0", NOW, "1.0.0"), List.of(baseline));
    Path missing = Path.of("/");
    UserNames users =
        new UserNames(proc.sources().passwd(), missing, List.of(missing), Duration.ZERO);
    SocketIdentity ephemeral = new SocketIdentity(Scope.UDP, 32768, 60999);
    return new BaselineComparison(
            scans,
            before,
            ephemeral,
            rules,
            programs,
            new HelperProcesses(proc.sources()),
            () -> ZoneOffset.UTC,
            users)
        .compare();
  }

  private static List<String> differences(DiffReport report) {
    return report.diff().differences().stream()
        .map(
            it ->
                it.type()
                    + " "
                    + it.endpoint()
                    + " "
                    + (report.detailsByEndpoint().containsKey(it.endpoint())
                        ? new TreeSet<Flag>(report.detailsByEndpoint().get(it.endpoint()).flags())
                        : Set.of()))
        .toList();
  }

  private static SocketEntry ssh() {
    return entry("tcp", "0.0.0.0:22", PROG);
  }

  private static SocketEntry entry(String table, String local, Owner... owners) {
    return new SocketEntry(Endpoint.of(table, local), new TreeSet<>(List.of(owners)), List.of());
  }
}
