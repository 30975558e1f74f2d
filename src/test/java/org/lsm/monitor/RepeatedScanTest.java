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

/** Several looks at a host that changes between them. */
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
            new SocketScanner(proc.sources(), false, Clock.systemUTC(), "1.0.0"),
            OwnerCache.empty());
  }

  @Test
  void whatOneLookMissesAnotherFinds() throws IOException {
    look(22);
    look(80);
    assertEquals(Set.of(SSH, WEB), found());
    look(22);
    assertEquals(Set.of(SSH, WEB), found());
  }

  @Test
  void whatWasSeenOnceAndNotAgainIsClosedAgain() throws IOException {
    look(22, 80);
    assertEquals(Set.of(), closedAgain(), "only one look was taken");
    look(22);
    assertEquals(Set.of(WEB), closedAgain());
    look(22);
    assertEquals(Set.of(WEB), closedAgain());
    look(22, 80);
    assertEquals(Set.of(), closedAgain(), "a look had missed it");
    look(22);
    assertEquals(Set.of(), closedAgain());
  }

  @Test
  void whatAppearsInTheLastLookIsNotClosed() throws IOException {
    look(22);
    look(22, 80);
    assertEquals(Set.of(), closedAgain());
    look(22);
    assertEquals(Set.of(WEB), closedAgain());
  }

  @Test
  void twoLooksSettleWhatEachWasSeenTwice() throws IOException {
    look(22);
    assertEquals(false, scans.isSettled());
    look(22);
    assertEquals(true, scans.isSettled());
    assertEquals(false, scans.isExhausted());
  }

  @Test
  void afterFiveLooksNothingIsWaitedForAnyMore() throws IOException {
    look(22, 80);
    for (int looks = 2; looks <= 4; looks++) {
      look(22);
      assertEquals(false, scans.isSettled());
      assertEquals(false, scans.isExhausted());
    }
    look(22);
    assertEquals(true, scans.isSettled());
    assertEquals(true, scans.isExhausted());
    assertEquals(Set.of(WEB), closedAgain());
  }

  @Test
  void aSocketIsFoundAsItWasSeenLast() throws IOException {
    look(80);
    proc.end(80).process(81, 0, "/fake/other", 10, 102);
    look(80);
    assertEquals(
        Set.of(new Owner("0", "/fake/other")),
        scans.found().sockets().get(Endpoint.of("tcp", "0.0.0.0:80")).owners());
    look(22);
    assertEquals(Set.of(SSH, WEB), found());
  }

  @Test
  void theNotesAreThoseOfTheLastLook() throws IOException {
    proc.append("net/unix", "rubbish");
    look(22);
    look(22);
    proc.append("net/unix", "more");
    look(22);
    Path file = proc.path().resolve("net/unix");
    String told = " of " + file + " were not understood and skipped; line 2: no row: 'rubbish'";
    assertEquals(List.of("2 of 2 rows" + told), scans.notes());
  }

  @Test
  void theLastLookIsWhatIsRemembered() throws IOException {
    look(22, 80);
    look(22);
    assertEquals(
        Set.of(SSH),
        scans.state().owners().keySet().stream()
            .map(socket -> socket.endpoint().toString())
            .collect(Collectors.toSet()));
  }

  /** Takes a look while these ports listen. */
  private void look(int... ports) throws IOException {
    proc.write("net/tcp", "header\n");
    for (int port : ports) {
      proc.tcp("0.0.0.0", port, port == 80 ? 102 : 101);
    }
    scans.look();
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
