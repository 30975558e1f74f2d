package org.lsm.monitor;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Clock;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.lsm.FakeProc;
import org.lsm.model.Endpoint;
import org.lsm.model.Owner;
import org.lsm.model.OwnerCache;
import org.lsm.proc.SocketScanner;
import org.lsm.proc.SocketScanner.DetailsSelector;

/** Several scans of a host that changes between them. */
class RepeatedScanTest {

  private static final String SSH = "tcp/0.0.0.0:22";
  private static final String WEB = "tcp/0.0.0.0:80";

  @TempDir private Path folder;
  private FakeProc proc;
  private RepeatedScan scans;

  @BeforeEach
  void makeHost() throws IOException {
    proc = FakeProc.bare(folder.resolve("proc")).process(80, 0, "/fake/web", 9, 102);
    scans =
        new RepeatedScan(
            new SocketScanner(proc.sources(), false, Clock.systemUTC(), "1.0.0"), OwnerCache.EMPTY);
  }

  @Test
  void unitesScans() throws IOException {
    scanOf(22);
    scanOf(80);
    assertEquals(Set.of(SSH, WEB), found());
    scanOf(22);
    assertEquals(Set.of(SSH, WEB), found());
  }

  @Test
  void closesWhatWasSeenOnce() throws IOException {
    scanOf(22, 80);
    assertEquals(Set.of(), closedAgain(), "there was one scan only");
    scanOf(22);
    assertEquals(Set.of(WEB), closedAgain());
    scanOf(22);
    assertEquals(Set.of(WEB), closedAgain());
    scanOf(22, 80);
    assertEquals(Set.of(), closedAgain(), "one scan had missed it");
    scanOf(22);
    assertEquals(Set.of(), closedAgain());
  }

  @Test
  void keepsWhatLastScanSaw() throws IOException {
    scanOf(22);
    scanOf(22, 80);
    assertEquals(Set.of(), closedAgain());
    scanOf(22);
    assertEquals(Set.of(WEB), closedAgain());
  }

  @Test
  void isStableAfterTwoEqualScans() throws IOException {
    scanOf(22);
    assertEquals(false, scans.isStable());
    scanOf(22);
    assertEquals(true, scans.isStable());
    assertEquals(false, scans.isExhausted());
  }

  @Test
  void isStableAfterFiveScans() throws IOException {
    scanOf(22, 80);
    for (int scan = 2; scan <= 4; scan++) {
      scanOf(22);
      assertEquals(false, scans.isStable());
      assertEquals(false, scans.isExhausted());
    }
    scanOf(22);
    assertEquals(true, scans.isStable());
    assertEquals(true, scans.isExhausted());
    assertEquals(Set.of(WEB), closedAgain());
  }

  @Test
  void keepsLatestEntry() throws IOException {
    scanOf(80);
    proc.end(80).process(81, 0, "/fake/other", 10, 102);
    scanOf(80);
    assertEquals(
        Set.of(new Owner("0", "/fake/other")),
        scans.found().sockets().get(Endpoint.of("tcp", "0.0.0.0:80")).owners());
    scanOf(22);
    assertEquals(Set.of(SSH, WEB), found());
  }

  @Test
  void keepsNotesOfLastScan() throws IOException {
    proc.append("net/unix", "rubbish");
    scanOf(22);
    scanOf(22);
    proc.append("net/unix", "more");
    scanOf(22);
    Path file = proc.path().resolve("net/unix");
    String note = file + "; line 2: not a row: 'rubbish'";
    assertEquals(List.of("skipped 2 malformed of 2 rows in " + note), scans.notes());
  }

  @Test
  void cachesOwnersOfLastScan() throws IOException {
    scanOf(22, 80);
    scanOf(22);
    assertEquals(
        Set.of(SSH),
        scans.ownerCache().owners().keySet().stream()
            .map(socket -> socket.endpoint().toString())
            .collect(Collectors.toSet()));
  }

  /** Scans while these ports listen. */
  private void scanOf(int... ports) throws IOException {
    proc.write("net/tcp", "header\n");
    for (int port : ports) {
      proc.tcp("0.0.0.0", port, port == 80 ? 102 : 101);
    }
    scans.scanOnce(DetailsSelector.NONE);
  }

  private Set<String> found() {
    return scans.found().sockets().keySet().stream()
        .map(Endpoint::toString)
        .collect(Collectors.toSet());
  }

  private Set<String> closedAgain() {
    return scans.closedAgain().stream().map(Endpoint::toString).collect(Collectors.toSet());
  }
}
