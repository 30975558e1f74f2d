package org.lsm.cli;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.Locale;
import java.util.stream.Stream;

/** A /proc of a small host, made of files; it boots at 2026-01-01T00:00:00Z. */
public final class FakeProc {

  private static final String BOOT_TIME = "1767225600";
  private static final String INET_HEADER =
      "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout"
          + " inode";
  private static final String UNIX_HEADER =
      "Num       RefCount Protocol Flags    Type St Inode Path";

  private final Path proc;

  /** Writes a /proc with init alone and empty tables. */
  public FakeProc(Path proc) {
    this.proc = proc;
    hostname("web1");
    write("sys/kernel/osrelease", "6.1.0-test\n");
    write("stat", "cpu  1 2 3 4\nbtime " + BOOT_TIME + "\nprocesses 99\n");
    empty();
    process(1, 0, "/sbin/init", 0);
  }

  public Path path() {
    return proc;
  }

  public FakeProc hostname(String name) {
    return write("sys/kernel/hostname", name + "\n");
  }

  /** Leaves nothing but headers in all tables. */
  public FakeProc empty() {
    write("net/tcp", INET_HEADER + "\n");
    write("net/udp", INET_HEADER + " ref pointer drops\n");
    return write("net/unix", UNIX_HEADER + "\n");
  }

  public FakeProc tcp(String address, int port, long inode) {
    return append("net/tcp", inet(address, port, "0A", inode));
  }

  public FakeProc udp(String address, int port, long inode) {
    return append("net/udp", inet(address, port, "07", inode));
  }

  /** A stream socket that listens; its path is printed raw, as the kernel does. */
  public FakeProc unix(String path, long inode) {
    return append(
        "net/unix",
        String.format(
            Locale.ROOT,
            "0000000000000000: 00000002 00000000 00010000 0001 01 %5d %s",
            inode,
            path));
  }

  /** A process that holds these sockets, started so many seconds after boot. */
  public FakeProc process(int pid, int uid, String exe, int startSeconds, long... inodes) {
    String ids = String.format(Locale.ROOT, "Uid:\t%d\t%d\t%d\t%d", uid, uid, uid, uid);
    write(pid + "/status", "Name:\ttest\n" + ids + "\nGid:\t0\t0\t0\t0\n");
    write(
        pid + "/stat",
        pid + " (a) b) S 1 1 1 0 -1 4194560 0 0 0 0 0 0 0 0 20 0 1 0 " + startSeconds + "00 0 0\n");
    link(pid + "/exe", exe);
    link(pid + "/fd/0", "/dev/null");
    for (int i = 0; i < inodes.length; i++) {
      link(pid + "/fd/" + (3 + i), "socket:[" + inodes[i] + "]");
    }
    return this;
  }

  public FakeProc end(int pid) {
    delete(Integer.toString(pid));
    return this;
  }

  /** Deletes a file or a directory with all that is in it. */
  public void delete(String path) {
    try (Stream<Path> files = Files.walk(proc.resolve(path))) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(file);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static String inet(String address, int port, String state, long inode) {
    String row =
        String.format(
            Locale.ROOT,
            "   0: %08X:%04X 00000000:0000 %s 00000000:00000000 00:00000000 00000000     0        0"
                + " %d 1 0000000000000000 100 0 0 10 0",
            word(address),
            port,
            state,
            inode);
    return String.format("%-149s", row);
  }

  private static int word(String address) {
    try {
      byte[] bytes = InetAddress.getByName(address).getAddress();
      return ByteBuffer.wrap(bytes).order(ByteOrder.nativeOrder()).getInt();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private FakeProc append(String table, String row) {
    try {
      return write(table, Files.readString(proc.resolve(table)) + row + "\n");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private FakeProc write(String path, String content) {
    try {
      Files.createDirectories(proc.resolve(path).getParent());
      Files.writeString(proc.resolve(path), content);
      return this;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private void link(String path, String target) {
    try {
      Files.createDirectories(proc.resolve(path).getParent());
      Files.createSymbolicLink(proc.resolve(path), Path.of(target));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
