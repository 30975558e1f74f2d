package org.lsm.storage;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.lsm.model.Endpoint;
import org.lsm.model.Owner;
import org.lsm.model.OwnerCache;
import org.lsm.model.ProcessRef;
import org.lsm.model.ProgramFile;
import org.lsm.model.Protocol;
import org.lsm.model.SocketKey;
import org.lsm.model.SocketOwners;

class OwnerCacheFileTest {

  private static final Instant START = Instant.parse("2026-01-01T00:01:40.500Z");
  private static final ProcessRef SSHD =
      new ProcessRef(
          22,
          10050,
          START,
          new Owner("root", "/usr/sbin/sshd"),
          7,
          new ProgramFile(1, 2, 3, 4),
          21);
  private static final ProcessRef HOSTILE =
      new ProcessRef(
          4194304, Long.MAX_VALUE, Instant.EPOCH, new Owner("a\tb", "/tmp/\n\r\\x\udcff\u202e"));

  private static final OwnerCache CACHE =
      new OwnerCache(
          "2b7e1516-28ae 000001ffffffffff",
          Map.of(
              new SocketKey(101, 0, Endpoint.of("tcp", "0.0.0.0:22")),
              new SocketOwners(List.of(SSHD, HOSTILE), true),
              new SocketKey(102, 4294967294L, Endpoint.of("web\t\n:udp6", "[::]:53")),
              new SocketOwners(List.of(), false),
              new SocketKey(Long.MAX_VALUE, 0, Endpoint.of("packet", "eth0:0x0003")),
              new SocketOwners(List.of(), true),
              new SocketKey(104, 0, Endpoint.of("unix", "/run/\t\n\\\udcff\u202e é")),
              new SocketOwners(List.of(HOSTILE), List.of(new Owner("", "7 more")), false),
              new SocketKey(105, 0, Endpoint.of("unix", "")),
              new SocketOwners(List.of(SSHD), true)),
          Set.of());

  @TempDir private Path folder;
  private Path file;

  @BeforeEach
  void setFile() {
    file = folder.resolve("owner-cache");
  }

  @Test
  void readsWhatItWrote() throws Exception {
    OwnerCacheFile.format(CACHE).write(file);
    assertEquals(CACHE, OwnerCacheFile.read(file));
    assertEquals("rw-------", PosixFilePermissions.toString(Files.getPosixFilePermissions(file)));
  }

  @Test
  void readsEmptyCache() throws Exception {
    OwnerCacheFile.format(OwnerCache.EMPTY).write(file);
    assertEquals(OwnerCache.EMPTY, OwnerCacheFile.read(file));
    assertEquals(new OwnerCache("", Map.of(), Set.of()), OwnerCache.EMPTY);
  }

  @Test
  void writesLinePerProcessAndSocket() {
    String text =
        OwnerCacheFile.format(
                new OwnerCache(
                    "boot caps",
                    Map.of(
                        new SocketKey(101, 33, Endpoint.of("web:tcp", "0.0.0.0:22")),
                        new SocketOwners(List.of(SSHD), true)),
                    Set.of()))
            .seal();
    assertEquals(
        """
        lsm-owner-cache\t1
        boot caps\t1
        22\t10050\t1767225700500\t7\t1 2 3 4\t21\troot\t/usr/sbin/sshd\t
        101\t33\tweb:tcp\t0.0.0.0:22\ttrue\t1\t0
        """,
        text.substring(0, text.indexOf("crc32c\t")));
  }

  /** The next scan finds its sockets in this order, which spares sorting them. */
  @Test
  void keepsSocketsInOrderOfEndpoints() throws Exception {
    Map<SocketKey, SocketOwners> owners = new HashMap<>();
    for (int port = 100; port > 0; port--) {
      owners.put(
          new SocketKey(7 * port % 100, 0, Endpoint.of("tcp", "0.0.0.0:" + port)),
          new SocketOwners(List.of(), true));
    }
    OwnerCacheFile.write(file, new OwnerCache("boot", owners, Set.of()));

    List<Integer> ports = new ArrayList<>();
    OwnerCacheFile.read(file).owners().keySet().forEach(it -> ports.add(it.endpoint().port()));

    assertEquals(IntStream.rangeClosed(1, 100).boxed().toList(), ports);
  }

  /** Hundreds of programs with long paths that share hundreds of sockets take little space. */
  @Test
  void writesEachProcessOnce() throws Exception {
    List<ProcessRef> processes =
        IntStream.rangeClosed(1, 200)
            .mapToObj(pid -> new ProcessRef(pid, pid, START, new Owner("joe", "/x".repeat(250))))
            .toList();
    Map<SocketKey, SocketOwners> owners = new HashMap<>();
    for (int inode = 1; inode <= 900; inode++) {
      Endpoint endpoint = new Endpoint("", Protocol.UNIX, "@" + inode, 0);
      owners.put(new SocketKey(inode, 0, endpoint), new SocketOwners(processes, true));
    }
    OwnerCache cache = new OwnerCache("boot", owners, Set.of());

    OwnerCacheFile.write(file, cache);

    assertEquals(cache, OwnerCacheFile.read(file));
    assertTrue(Files.size(file) < 1024 * 1024, "bytes: " + Files.size(file));
  }

  @Test
  void refusesCacheOfMoreThan8MiB() throws Exception {
    OwnerCacheFile.write(file, CACHE);
    List<ProcessRef> processes =
        IntStream.rangeClosed(1, 16_000)
            .mapToObj(pid -> new ProcessRef(pid, pid, START, new Owner("joe", "/x".repeat(250))))
            .toList();
    SocketKey socket = new SocketKey(101, 0, Endpoint.of("tcp", "0.0.0.0:22"));
    OwnerCache large =
        new OwnerCache("boot", Map.of(socket, new SocketOwners(processes, true)), Set.of());

    IOException e = assertThrows(IOException.class, () -> OwnerCacheFile.write(file, large));

    assertTrue(e.getMessage().startsWith(file + " would be larger than 8 MiB; "), e.getMessage());
    assertEquals(CACHE, OwnerCacheFile.read(file));
  }

  @Test
  void missingFileIsEmpty() {
    assertEquals(OwnerCache.EMPTY, OwnerCacheFile.read(file));
  }

  @Test
  void directoryIsEmpty() throws Exception {
    Files.createDirectory(file);
    assertEquals(OwnerCache.EMPTY, OwnerCacheFile.read(file));
  }

  @Test
  void damagedFileIsEmpty() throws Exception {
    OwnerCacheFile.format(CACHE).write(file);
    byte[] bytes = Files.readAllBytes(file);
    for (int i = 0; i < bytes.length; i++) {
      for (int bit : new int[] {0x01, 0x80}) {
        bytes[i] ^= (byte) bit;
        Files.write(file, bytes);
        assertEquals(OwnerCache.EMPTY, OwnerCacheFile.read(file), "byte " + i);
        bytes[i] ^= (byte) bit;
      }
    }
  }

  @Test
  void truncatedFileIsEmpty() throws Exception {
    OwnerCacheFile.format(CACHE).write(file);
    byte[] whole = Files.readAllBytes(file);
    for (int length = 0; length < whole.length; length++) {
      Files.write(file, Arrays.copyOf(whole, length));
      assertEquals(OwnerCache.EMPTY, OwnerCacheFile.read(file), "length " + length);
    }
  }

  /** With a valid checksum, as another version may have written it. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "101",
        "x\t0\ttcp\t0.0.0.0:22\ttrue\t0",
        "101\t0\tdccp\t0.0.0.0:22\ttrue\t0",
        "101\t0\ttcp\t0.0.0.0\ttrue\t0",
        "101\t0\ttcp\t0.0.0.0:22\ttrue",
        "101\t0\ttcp\t0.0.0.0:22\ttrue\t1",
        "101\t0\ttcp\t0.0.0.0:22\ttrue\t1\t0",
        "101\t0\ttcp\t0.0.0.0:22\ttrue\t0\troot"
      })
  void fileWithInvalidLineIsEmpty(String line) throws Exception {
    ChecksummedText good = new ChecksummedText("lsm-owner-cache", "1").line("boot", 0);
    Files.writeString(file, good.line("1", "0", "tcp", "0.0.0.0:22", "true", 0).seal());
    assertEquals(1, OwnerCacheFile.read(file).owners().size());
    ChecksummedText bad = new ChecksummedText("lsm-owner-cache", "1").line("boot", 0);
    Files.writeString(file, bad.line((Object[]) line.split("\t", -1)).seal());
    assertEquals(OwnerCache.EMPTY, OwnerCacheFile.read(file));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "22",
        "22\tx\t0\t0\t0\t0\t0\t0\troot\t/a\t",
        "22\t1\tyesterday\t0\t0\t0\t0\t0\troot\t/a\t"
      })
  void fileWithInvalidProcessIsEmpty(String line) throws Exception {
    ChecksummedText bad = new ChecksummedText("lsm-owner-cache", "1").line("boot", 1);
    Files.writeString(file, bad.line((Object[]) line.split("\t", -1)).seal());
    assertEquals(OwnerCache.EMPTY, OwnerCacheFile.read(file));
  }

  @Test
  void otherKindOrFormatIsEmpty() throws Exception {
    for (String[] head : new String[][] {{"lsm-owner-cache", "2"}, {"lsm-snapshot", "1"}}) {
      Files.writeString(file, new ChecksummedText(head[0], head[1]).line("boot").seal());
      assertEquals(OwnerCache.EMPTY, OwnerCacheFile.read(file));
    }
    Files.writeString(file, new ChecksummedText("lsm-owner-cache", "1").seal());
    assertEquals(OwnerCache.EMPTY, OwnerCacheFile.read(file));
  }
}
