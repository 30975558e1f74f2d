package org.lsm;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;
import org.lsm.proc.SocketScanner.Sources;

/** The /proc of a small host as a directory; the host was booted at 2026-01-01T00:00:00Z. */
public final class FakeProc {

  private static final String BOOT_TIME = "1767225600";
  private static final String INET_HEADER =
      "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout"
          + " inode";
  private static final String UNIX_HEADER =
      "Num       RefCount Protocol Flags    Type St Inode Path";
  private static final int TICKS_PER_SECOND = 100;

  /** The inode of {@link #connection}. */
  public static final long CONNECTION = 9999;

  private final Path root;

  private FakeProc(Path root) {
    this.root = root;
  }

  /** Creates a host with empty tables and init as its only process. */
  public static FakeProc bare(Path root) {
    FakeProc proc = new FakeProc(root).hostname("web1").empty();
    proc.write("sys/kernel/osrelease", "6.1.0-test\n");
    proc.write("stat", "cpu  1 2 3 4\nbtime " + BOOT_TIME + "\nprocesses 99\n");
    return proc.settings().process(1, 0, "/fake/init", 0);
  }

  /**
   * Creates a host in {@code proc} of this folder with the tables of {@code
   * src/test/resources/org/lsm/proc/FIXTURE}; init holds no socket.
   */
  public static FakeProc of(String fixture, Path folder) throws Exception {
    Path from = Path.of(FakeProc.class.getResource("proc/" + fixture).toURI());
    FakeProc proc = new FakeProc(folder.resolve("proc"));
    List<Path> files;
    try (var paths = Files.walk(from)) {
      files = paths.filter(Files::isRegularFile).toList();
    }
    for (Path file : files) {
      Path copy = proc.root.resolve(from.relativize(file).toString());
      Files.createDirectories(copy.getParent());
      Files.copy(file, copy);
    }
    Files.writeString(folder.resolve("passwd"), "root:x:0:0::/root:/bin/sh\nwww:x:33:33::/:\n");
    return proc.settings().process(1, "init", 0, "/fake/init");
  }

  /** Writes files that every Linux has, as root sees them. */
  private FakeProc settings() {
    write("sys/kernel/random/boot_id", "2b7e1516-28ae-d2a6-abf7-158809cf4f3c\n");
    write("sys/net/ipv4/ip_local_port_range", "32768\t60999\n");
    return privileges("000001ffffffffff");
  }

  public Path path() {
    return root;
  }

  /** Returns this tree and, beside it, passwd, services, netns and root, which need not exist. */
  public Sources sources() {
    return new Sources(
        root,
        root.resolveSibling("passwd"),
        root.resolveSibling("services"),
        root.resolveSibling("netns"),
        root.resolveSibling("root"));
  }

  public FakeProc hostname(String name) {
    return write("sys/kernel/hostname", name + "\n");
  }

  /** Sets the effective capabilities of the reading process, in hexadecimal. */
  public FakeProc privileges(String effective) {
    return write("self/status", "Name:\tjava\nCapInh:\t0\nCapEff:\t" + effective + "\n");
  }

  /** Removes all rows from the tables. */
  public FakeProc empty() {
    return empty("net");
  }

  /** Removes even the headers of the tables. */
  public FakeProc headerless() {
    return write("net/tcp", "").write("net/udp", "").write("net/unix", "");
  }

  private FakeProc empty(String tables) {
    write(tables + "/tcp", INET_HEADER + "\n");
    write(tables + "/udp", INET_HEADER + " ref pointer drops\n");
    return write(tables + "/unix", UNIX_HEADER + "\n");
  }

  public FakeProc tcp(String address, int port, long inode) {
    return append("net/tcp", inet(address, port, "0.0.0.0", 0, "0A", inode));
  }

  /** Adds a connection to a remote end. */
  public FakeProc connection(String address, int port, String remote, int remotePort) {
    return append("net/tcp", inet(address, port, remote, remotePort, "01", CONNECTION));
  }

  public FakeProc udp(String address, int port, long inode) {
    return append("net/udp", inet(address, port, "0.0.0.0", 0, "07", inode));
  }

  /** Adds a UDP socket that a user made. */
  public FakeProc udpOf(int uid, String address, int port, long inode) {
    String row = inet(address, port, "0.0.0.0", 0, "07", inode);
    return append("net/udp", row.replace("     0        0 ", "  " + uid + "        0 "));
  }

  /** Adds a listening stream socket; the path is written as it is, as the kernel does. */
  public FakeProc unix(String path, long inode) {
    return append(
        "net/unix",
        String.format(
            Locale.ROOT,
            "0000000000000000: 00000002 00000000 00010000 0001 01 %5d %s",
            inode,
            path));
  }

  /** Puts a process into the network namespace with this inode. */
  public FakeProc namespace(Object pid, long inode) {
    return userNamespace(pid, 1).link(pid + "/ns/net", "net:[" + inode + "]");
  }

  /** Puts a process into the user namespace with this inode. */
  public FakeProc userNamespace(Object pid, long inode) {
    return link(pid + "/ns/user", "user:[" + inode + "]");
  }

  /** Adds a listener in the network namespace of a process. */
  public FakeProc tcpOf(int pid, String address, int port, long inode) {
    if (!Files.exists(root.resolve(pid + "/net"))) {
      empty(pid + "/net");
    }
    return append(pid + "/net/tcp", inet(address, port, "0.0.0.0", 0, "0A", inode));
  }

  /** Adds a process that init started so many seconds after boot and that holds these sockets. */
  public FakeProc process(int pid, int uid, String exe, int startSeconds, long... inodes) {
    return process(pid, "a) b", uid, exe, startSeconds * TICKS_PER_SECOND, inodes);
  }

  /** Adds a process that init started 100.5 s after boot; its sockets begin at descriptor 3. */
  public FakeProc process(int pid, String name, int uid, String exe, long... inodes) {
    return process(pid, name, uid, exe, 10050, inodes);
  }

  private FakeProc process(int pid, String name, int uid, String exe, int ticks, long... inodes) {
    stat(pid, name, pid == 1 ? 0 : 1, ticks).write(pid + "/task/" + pid + "/comm", name);
    String escaped = name.replace("\\", "\\\\").replace("\n", "\\n"); // and nothing else
    write(
        pid + "/status", "Name:\t" + escaped + "\nUid:\t1000\t" + uid + "\t1000\t1000\nGid:\t0\n");
    link(pid + "/exe", exe).link(pid + "/fd/0", "/fake/null").link(pid + "/fd/1", "pipe:[7]");
    for (int i = 0; i < inodes.length; i++) {
      link(pid + "/fd/" + (3 + i), "socket:[" + inodes[i] + "]");
    }
    return this;
  }

  /** Writes {@code stat} of a process; ticks are clock ticks after boot. */
  public FakeProc stat(int pid, String name, int parent, long ticks) {
    return write(
        pid + "/stat",
        String.format(
            Locale.ROOT,
            "%d (%s) S %d 1 1 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 %d 1000 2000\n",
            pid,
            name,
            parent,
            ticks));
  }

  public FakeProc end(int pid) {
    return delete(Integer.toString(pid));
  }

  /** Deletes a file or a directory tree. */
  public FakeProc delete(String path) {
    try (Stream<Path> files = Files.walk(root.resolve(path))) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(file);
      }
      return this;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static String inet(
      String address, int port, String remote, int remotePort, String state, long inode) {
    String row =
        String.format(
            Locale.ROOT,
            "   0: %08X:%04X %08X:%04X %s 00000000:00000000 00:00000000 00000000     0        0"
                + " %d 1 0000000000000000 100 0 0 10 0",
            word(address),
            port,
            word(remote),
            remotePort,
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

  public FakeProc append(String table, String row) {
    try {
      return write(table, Files.readString(root.resolve(table)) + row + "\n");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Creates or replaces a file. */
  public FakeProc write(String path, String content) {
    try {
      Files.createDirectories(root.resolve(path).getParent());
      Files.writeString(root.resolve(path), content);
      return this;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Creates or replaces a symbolic link. */
  public FakeProc link(String path, String target) {
    try {
      Files.createDirectories(root.resolve(path).getParent());
      Files.deleteIfExists(root.resolve(path));
      Files.createSymbolicLink(root.resolve(path), Path.of(target));
      return this;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
