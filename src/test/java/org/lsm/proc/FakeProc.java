package org.lsm.proc;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.List;
import org.lsm.proc.HostScanner.Scan;

/** A /proc in a temporary folder: the text of a fixture, and the links that git cannot hold. */
record FakeProc(Path root) {

  static final Instant NOW = Instant.parse("2026-01-02T03:04:05.678Z");

  /** Copies the tables of {@code src/test/resources/org/lsm/proc/CASE}; init holds nothing. */
  static FakeProc of(String fixture, Path folder) throws Exception {
    Path from = Path.of(FakeProc.class.getResource(fixture).toURI());
    Path root = folder.resolve("proc");
    List<Path> files;
    try (var paths = Files.walk(from)) {
      files = paths.toList();
    }
    for (Path file : files) {
      Files.copy(file, root.resolve(from.relativize(file).toString()));
    }
    Files.writeString(folder.resolve("passwd"), "root:x:0:0::/root:/bin/sh\nwww:x:33:33::/:\n");
    return new FakeProc(root).process(1, "init", 0, "/fake/init");
  }

  FakeProc write(String file, String text) throws IOException {
    Files.createDirectories(root.resolve(file).getParent());
    Files.writeString(root.resolve(file), text);
    return this;
  }

  /** A process that was started 100.5 s after boot and holds these sockets, from descriptor 3. */
  FakeProc process(int pid, String name, int uid, String program, long... inodes)
      throws IOException {
    String ticks = "S 1 1 1 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 10050 1000 2000";
    write(pid + "/stat", pid + " (" + name + ") " + ticks + "\n");
    String escaped = name.replace("\\", "\\\\").replace("\n", "\\n"); // and nothing else
    write(
        pid + "/status", "Name:\t" + escaped + "\nUid:\t1000\t" + uid + "\t1000\t1000\nGid:\t0\n");
    Files.createSymbolicLink(root.resolve(pid + "/exe"), Path.of(program));
    Files.createDirectory(root.resolve(pid + "/fd"));
    descriptor(pid, 0, "/fake/null").descriptor(pid, 1, "pipe:[7]");
    for (int i = 0; i < inodes.length; i++) {
      descriptor(pid, 3 + i, "socket:[" + inodes[i] + "]");
    }
    return this;
  }

  FakeProc descriptor(int pid, int number, String target) throws IOException {
    Files.createSymbolicLink(root.resolve(pid + "/fd/" + number), Path.of(target));
    return this;
  }

  FakeProc delete(String file) throws IOException {
    Files.delete(root.resolve(file));
    return this;
  }

  Scan scan() throws IOException {
    return new HostScanner(
            root, root.resolveSibling("passwd"), Clock.fixed(NOW, ZoneOffset.UTC), "1.0.0")
        .scan();
  }
}
