package org.lsm.storage;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.lsm.Checksum;
import org.lsm.model.Endpoint;
import org.lsm.model.HostInfo;
import org.lsm.model.Owner;
import org.lsm.model.ProcessRef;
import org.lsm.model.ProgramDigest;
import org.lsm.model.ProgramFile;
import org.lsm.model.Protocol;
import org.lsm.model.Snapshot;
import org.lsm.model.SocketEntry;
import org.lsm.model.SocketOwners;
import org.lsm.storage.SnapshotFile.DamagedException;

class SnapshotFileTest {

  private static final Owner SSHD = new Owner("root", "/usr/sbin/sshd");
  private static final Owner SYSTEMD = new Owner("root", "/usr/lib/systemd/systemd");

  private static final Snapshot SNAPSHOT =
      Snapshot.of(
          new HostInfo("web1", "6.1.0", Instant.parse("2026-01-01T00:00:00Z"), "1.0.0"),
          List.of(
              entry(Protocol.UNIX, "/run/\t\n\\x\udcff\u202e\ufffd é", SSHD),
              entry(Protocol.UNIX, ""),
              entry(Protocol.UDP, "0.0.0.0:51820"),
              entry(Protocol.TCP6, "[::]:22", SYSTEMD, SSHD),
              entry(Protocol.PACKET, "eth0:0x0003", Owner.UNKNOWN),
              entry(Protocol.TCP, "0.0.0.0:22", SSHD, new Owner("1000", "/tmp/a b"))));

  private static final String BODY =
      """
      lsm-snapshot\t1
      host\tweb1
      kernel\t6.1.0
      time\t2026-01-01T00:00:00Z
      lsm\t1.0.0
      tcp\t0.0.0.0:22\t1000\t/tmp/a b\t\troot\t/usr/sbin/sshd\t
      tcp6\t[::]:22\troot\t/usr/lib/systemd/systemd\t\troot\t/usr/sbin/sshd\t
      udp\t0.0.0.0:51820
      packet\teth0:0x0003\t?\t?\t
      unix\t
      unix\t/run/\\x09\\x0a\\\\x\\xff\\u{202e}\ufffd é\troot\t/usr/sbin/sshd\t
      """;

  @TempDir private Path folder;
  private Path file;

  @BeforeEach
  void setFile() {
    file = folder.resolve("baseline");
  }

  @Test
  void writesExactText() throws Exception {
    SnapshotFile.format(SNAPSHOT).write(file);
    assertEquals(BODY + "crc32c\te3dd0d29\n", Files.readString(file));
  }

  @Test
  void readsWhatItWrote() throws Exception {
    SnapshotFile.format(SNAPSHOT).write(file);
    assertEquals(SNAPSHOT, SnapshotFile.read(file));
  }

  @Test
  void readsPrograms() throws Exception {
    ProgramFile numbers = new ProgramFile(2049, 131, 1067, 1767225600);
    Snapshot snapshot =
        SNAPSHOT.with(List.of(new ProgramDigest("/opt/a b", numbers, "0f".repeat(32), false)));
    SnapshotFile.format(snapshot).write(file);
    String line = "program\t/opt/a b\t2049 131 1067 1767225600\t" + "0f".repeat(32) + "\n";
    assertTrue(Files.readString(file).contains("sshd\t\n" + line + "crc32c\t"));
    assertEquals(snapshot, SnapshotFile.read(file));
    String wrong = BODY + "program\t/opt/a b\t2049 131 1067 x\t\n";
    Files.writeString(file, Checksum.on(wrong));
    assertThrows(DamagedException.class, () -> SnapshotFile.read(file));
  }

  @Test
  void readsOptionalSockets() throws Exception {
    Snapshot optional =
        SNAPSHOT.withOptional(
            Set.of(Endpoint.of("tcp", "0.0.0.0:22"), Endpoint.of("udp", "0.0.0.0:51820")));
    SnapshotFile.format(optional).write(file);
    String text = Files.readString(file);
    assertTrue(text.contains("\ntcp\t0.0.0.0:22\toptional\t1000\t/tmp/a b\t\troot\t"), text);
    assertTrue(text.contains("\nudp\t0.0.0.0:51820\toptional\n"), text);
    assertEquals(optional, SnapshotFile.read(file));
  }

  @Test
  void readsEmptySnapshot() throws Exception {
    Snapshot none = Snapshot.of(SNAPSHOT.hostInfo(), List.of());
    SnapshotFile.format(none).write(file);
    assertEquals(none, SnapshotFile.read(file));
  }

  @Test
  void readsHostileHostNames() throws Exception {
    Snapshot odd =
        Snapshot.of(
            new HostInfo("a\tb\n", "\\", Instant.parse("2026-01-01T00:00:00.5Z"), ""), List.of());
    SnapshotFile.format(odd).write(file);
    assertEquals(odd, SnapshotFile.read(file));
  }

  @Test
  void omitsProcesses() throws Exception {
    ProcessRef process = new ProcessRef(22, 0, Instant.EPOCH, SSHD);
    Endpoint endpoint = Endpoint.of("tcp", "0.0.0.0:22");
    SocketEntry entry = SocketEntry.heldBy(endpoint, new SocketOwners(List.of(process), true));
    SnapshotFile.format(Snapshot.of(SNAPSHOT.hostInfo(), List.of(entry))).write(file);
    assertEquals(
        Snapshot.of(SNAPSHOT.hostInfo(), List.of(entry(Protocol.TCP, "0.0.0.0:22", SSHD))),
        SnapshotFile.read(file));
  }

  @Test
  void missingFileIsNotDamaged() {
    NoSuchFileException e = assertThrows(NoSuchFileException.class, () -> SnapshotFile.read(file));
    assertEquals(file.toString(), e.getFile());
  }

  @Test
  void refusesTruncatedFile() throws Exception {
    byte[] whole = Checksum.on(BODY).getBytes(StandardCharsets.UTF_8);
    for (int length = 0; length < whole.length; length++) {
      Files.write(file, Arrays.copyOf(whole, length));
      assertThrows(DamagedException.class, () -> SnapshotFile.read(file));
    }
  }

  @Test
  void refusesAnyFlippedBit() throws Exception {
    byte[] bytes = Checksum.on(BODY).getBytes(StandardCharsets.UTF_8);
    for (int bit = 0; bit < bytes.length * 8; bit++) {
      bytes[bit / 8] ^= (byte) (1 << bit % 8);
      Files.write(file, bytes);
      assertThrows(DamagedException.class, () -> SnapshotFile.read(file), "bit " + bit);
      bytes[bit / 8] ^= (byte) (1 << bit % 8);
    }
  }

  @Test
  void refusesEditedFile() throws Exception {
    assertDamaged(
        "damaged or edited, its checksum is wrong",
        Checksum.on(BODY).replace("/usr/sbin/sshd", "/usr/sbin/evil"));
  }

  @Test
  void refusesTextAfterChecksum() throws Exception {
    assertDamaged(
        "truncated, its last line is not a checksum", Checksum.on(BODY) + "udp\t0.0.0.0:9\n");
    assertDamaged("unknown protocol 'crc32c'", Checksum.append(Checksum.on(BODY)));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '"',
      textBlock =
          """
          ""                                | not an lsm-snapshot file
          "\n"                              | not an lsm-snapshot file
          "#!/bin/sh\n"                     | not an lsm-snapshot file
          "lsm-snapshot"                    | not an lsm-snapshot file
          "lsm-snapshot\t1\t2\n"            | not an lsm-snapshot file
          "lsm-snapshot\t2\nall is new\n"   | written in format 2, this lsm reads 1
          "lsm-snapshot\t\\x1b\n"           | written in format \033, this lsm reads 1
          "\\lsm-snapshot\t1\n"             | a backslash that escapes nothing
          "lsm-snapshot\t1\nhost\tweb1\n"   | truncated, its last line is not a checksum
          "lsm-snapshot\t1\ncrc32c\t0\n"    | damaged or edited, its checksum is wrong
          """)
  void refusesOtherFiles(String text, String reason) throws Exception {
    assertDamaged(reason, text);
  }

  @Test
  void refusesInvalidUtf8() throws Exception {
    Files.write(file, new byte[] {'l', 's', 'm', (byte) 0xFF, '\n'});
    DamagedException e = assertThrows(DamagedException.class, () -> SnapshotFile.read(file));
    assertEquals(message("damaged, it is not UTF-8 text"), e.getMessage());
  }

  /** With a valid checksum. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '"',
      textBlock =
          """
          "udp\t0.0.0.0:51820\n"               | two entries for udp/0.0.0.0:51820
          "dccp\t0.0.0.0:1\n"                  | unknown protocol 'dccp'
          "dc\\x1bcp\t0.0.0.0:1\n"             | unknown protocol 'dc\033cp'
          "tcp\n"                              | not a socket: 'tcp'
          "tcp\t0.0.0.0:1\troot\n"             | not a socket: 'tcp 0.0.0.0:1 root'
          "tcp\t0.0.0.0:1\troot\t/x\n"         | not a socket: 'tcp 0.0.0.0:1 root /x'
          "\n"                                 | not a socket: ''
          "tcp\t0.0.0.0\n"                     | no port in '0.0.0.0'
          "tcp\t0.0.0.0:65536\n"               | port out of range in '65536'
          "unix\t/a\\q\n"                      | a backslash that escapes nothing
          """)
  void refusesInvalidLine(String line, String reason) throws Exception {
    assertDamaged(reason, Checksum.on(BODY + line));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '"',
      textBlock =
          """
          "host\t"                 | "hast\t"       | its header has no 'host'
          "kernel\t6.1.0"          | "kernel"       | its header has no 'kernel'
          "kernel\t6.1.0"          | "kernel\t6\t1" | its header has no 'kernel'
          "time\t2026"             | "Time\t2026"   | its header has no 'time'
          "lsm\t1.0.0\n"           | ""             | its header has no 'lsm'
          2026-01-01T00:00:00Z     | yesterday      | not a time: 'yesterday'
          """)
  void refusesInvalidHeader(String right, String wrong, String reason) throws Exception {
    assertDamaged(reason, Checksum.on(BODY.replace(right, wrong)));
  }

  @ParameterizedTest
  @CsvSource({"1, host", "2, kernel", "3, time", "4, lsm"})
  void refusesIncompleteHeader(int lines, String missing) throws Exception {
    String head = String.join("\n", BODY.lines().limit(lines).toList()) + "\n";
    assertDamaged("its header has no '" + missing + "'", Checksum.on(head));
  }

  private void assertDamaged(String reason, String text) throws Exception {
    Files.writeString(file, text);
    DamagedException e = assertThrows(DamagedException.class, () -> SnapshotFile.read(file));
    assertEquals(message(reason), e.getMessage());
  }

  private String message(String reason) {
    return file
        + ": "
        + reason
        + "; restore it from a backup or a predecessor, or run 'lsm generate' to replace it";
  }

  private static SocketEntry entry(Protocol protocol, String local, Owner... owners) {
    return new SocketEntry(
        Endpoint.of(protocol.label(), local), new TreeSet<>(List.of(owners)), List.of());
  }
}
