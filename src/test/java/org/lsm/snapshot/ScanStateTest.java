package org.lsm.snapshot;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.lsm.snapshot.ScanState.Holding;
import org.lsm.snapshot.ScanState.Socket;

/** What is remembered is read back whole, or not at all. */
class ScanStateTest {

  private static final Instant START = Instant.parse("2026-01-01T00:01:40.500Z");
  private static final Holder SSHD =
      new Holder(22, 10050, START, new Owner("root", "/usr/sbin/sshd"));
  private static final Holder HOSTILE =
      new Holder(
          4194304, Long.MAX_VALUE, Instant.EPOCH, new Owner("a\tb", "/tmp/\n\r\\x\udcff\u202e"));

  private static final ScanState STATE =
      new ScanState(
          "2b7e1516-28ae 000001ffffffffff",
          Map.of(
              new Socket(101, 0, Endpoint.of("tcp", "0.0.0.0:22")),
              new Holding(List.of(SSHD, HOSTILE), true),
              new Socket(102, 4294967294L, Endpoint.of("web\t\n:udp6", "[::]:53")),
              new Holding(List.of(), false),
              new Socket(Long.MAX_VALUE, 0, Endpoint.of("packet", "eth0:0x0003")),
              new Holding(List.of(), true),
              new Socket(104, 0, Endpoint.of("unix", "/run/\t\n\\\udcff\u202e é")),
              new Holding(List.of(HOSTILE), false),
              new Socket(105, 0, Endpoint.of("unix", "")),
              new Holding(List.of(SSHD), true)));

  @TempDir private Path folder;
  private Path file;

  @BeforeEach
  void name() {
    file = folder.resolve("scan");
  }

  @Test
  void whatIsWrittenIsReadBack() throws Exception {
    STATE.write(file);
    assertEquals(STATE, ScanState.read(file));
    assertEquals("rw-------", PosixFilePermissions.toString(Files.getPosixFilePermissions(file)));
  }

  @Test
  void nothingIsReadBackAsNothing() throws Exception {
    ScanState.empty().write(file);
    assertEquals(ScanState.empty(), ScanState.read(file));
    assertEquals(new ScanState("", Map.of()), ScanState.empty());
  }

  @Test
  void theTextIsALineForEachSocket() {
    String text =
        new ScanState(
                "boot caps",
                Map.of(
                    new Socket(101, 33, Endpoint.of("web:tcp", "0.0.0.0:22")),
                    new Holding(List.of(SSHD), true)))
            .format();
    assertEquals(
        """
        lsm-scan\t2
        boot caps
        101\t33\tweb:tcp\t0.0.0.0:22\ttrue\t22\t10050\t1767225700500\troot\t/usr/sbin/sshd
        """,
        text.substring(0, text.indexOf("sha256\t")));
  }

  /** A user with thousands of forks fills no disk, but hides no other owner either. */
  @Test
  void ofAnOwnerTwentyProcessesAreRemembered() {
    Owner crowd = new Owner("joe", "/tmp/fork");
    List<Holder> holders =
        IntStream.rangeClosed(1, 1000)
            .mapToObj(pid -> new Holder(pid, pid, Instant.EPOCH, crowd))
            .collect(Collectors.toCollection(ArrayList::new));
    holders.add(SSHD);
    Socket socket = new Socket(101, 0, Endpoint.of("tcp", "0.0.0.0:22"));
    ScanState state = new ScanState("boot", Map.of(socket, new Holding(holders, true)));

    List<Holder> read = ScanState.parse(state.format()).holdings().get(socket).holders();

    assertEquals(21, read.size());
    assertEquals(SSHD, read.get(20));
  }

  @Test
  void aMissingFileRemembersNothing() {
    assertEquals(ScanState.empty(), ScanState.read(file));
  }

  @Test
  void aDirectoryInItsPlaceRemembersNothing() throws Exception {
    Files.createDirectory(file);
    assertEquals(ScanState.empty(), ScanState.read(file));
  }

  @Test
  void damagedAtAnyByteItRemembersNothing() throws Exception {
    STATE.write(file);
    byte[] bytes = Files.readAllBytes(file);
    for (int i = 0; i < bytes.length; i++) {
      for (int bit : new int[] {0x01, 0x80}) {
        bytes[i] ^= (byte) bit;
        Files.write(file, bytes);
        assertEquals(ScanState.empty(), ScanState.read(file), "byte " + i);
        bytes[i] ^= (byte) bit;
      }
    }
  }

  @Test
  void cutAtAnyLengthItRemembersNothing() throws Exception {
    STATE.write(file);
    byte[] whole = Files.readAllBytes(file);
    for (int length = 0; length < whole.length; length++) {
      Files.write(file, Arrays.copyOf(whole, length));
      assertEquals(ScanState.empty(), ScanState.read(file), "length " + length);
    }
  }

  /** What another version wrote and sealed, perhaps. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "101",
        "x\t0\ttcp\t0.0.0.0:22\ttrue",
        "101\t0\tdccp\t0.0.0.0:22\ttrue",
        "101\t0\ttcp\t0.0.0.0\ttrue",
        "101\t0\ttcp\t0.0.0.0:22\ttrue\t22",
        "101\t0\ttcp\t0.0.0.0:22\ttrue\t22\tx\t0\troot\t/a",
        "101\t0\ttcp\t0.0.0.0:22\ttrue\t22\t1\tyesterday\troot\t/a"
      })
  void aSealedLineThatIsNoSocketRemembersNothing(String line) throws Exception {
    SealedText good = new SealedText("lsm-scan", "2").line("boot");
    Files.writeString(file, good.line("1", "0", "tcp", "0.0.0.0:22", "true").seal());
    assertEquals(1, ScanState.read(file).holdings().size());
    SealedText bad = new SealedText("lsm-scan", "2").line("boot");
    Files.writeString(file, bad.line(line.split("\t", -1)).seal());
    assertEquals(ScanState.empty(), ScanState.read(file));
  }

  @Test
  void anotherKindOrFormatRemembersNothing() throws Exception {
    for (String[] head : new String[][] {{"lsm-scan", "1"}, {"lsm-snapshot", "1"}}) {
      Files.writeString(file, new SealedText(head[0], head[1]).line("boot").seal());
      assertEquals(ScanState.empty(), ScanState.read(file));
    }
    Files.writeString(file, new SealedText("lsm-scan", "2").seal());
    assertEquals(ScanState.empty(), ScanState.read(file));
  }
}
