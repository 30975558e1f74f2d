package org.lsm.proc;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.io.TempDir;
import org.lsm.FakeProc;
import org.lsm.FuzzTarget;
import org.lsm.model.Endpoint;
import org.lsm.model.Protocol;
import org.lsm.model.Protocol.Family;
import org.lsm.model.SocketKey;
import org.lsm.model.TextEscaper;

/** Reads files of /proc with arbitrary content. */
class FuzzTest {

  private static final int PID = 7;

  @FuzzTarget
  void inet(byte[] rows, @TempDir Path tables) throws IOException {
    tables(Family.INET, rows, tables);
  }

  @FuzzTarget
  void inet6(byte[] rows, @TempDir Path tables) throws IOException {
    tables(Family.INET6, rows, tables);
  }

  @FuzzTarget
  void sctp(byte[] rows, @TempDir Path tables) throws IOException {
    tables(Family.SCTP, rows, tables);
  }

  @FuzzTarget
  void packet(byte[] rows, @TempDir Path tables) throws IOException {
    tables(Family.PACKET, rows, tables);
  }

  @FuzzTarget
  void unix(byte[] rows, @TempDir Path tables) throws IOException {
    tables(Family.UNIX, rows, tables);
  }

  @FuzzTarget
  void interfaces(byte[] igmp, @TempDir Path tables) throws IOException {
    Files.write(tables.resolve("igmp"), igmp);
    tables(Family.PACKET, new byte[0], tables);
  }

  /** Finds the well-formed rows around arbitrary ones. */
  private static void tables(Family family, byte[] rows, Path tables) throws IOException {
    List<Protocol> protocols =
        Stream.of(Protocol.values()).filter(it -> it.family() == family).toList();
    Files.createDirectories(tables.resolve("sctp"));
    for (Protocol protocol : protocols) {
      ByteArrayOutputStream table = new ByteArrayOutputStream();
      table.writeBytes(("header\n" + wellFormed(protocol, 4711) + "\n").getBytes(ISO_8859_1));
      table.writeBytes(rows);
      table.writeBytes(("\n" + wellFormed(protocol, 4712) + "\n").getBytes(ISO_8859_1));
      String file = protocol == Protocol.SCTP ? "sctp/eps" : protocol.label();
      Files.write(tables.resolve(file), table.toByteArray());
    }
    List<SocketKey> sockets =
        new NetworkNamespace("", tables).read(true, new StringBuilder()).sockets();
    for (Protocol protocol : protocols) {
      List<Long> inodes =
          sockets.stream()
              .filter(it -> it.endpoint().protocol() == protocol)
              .map(SocketKey::inode)
              .toList();
      assertTrue(inodes.size() <= 2 + maxSockets(family, rows), () -> sockets.toString());
      assertTrue(inodes.contains(4711L));
      assertTrue(inodes.contains(4712L) || listenersLead(protocol));
    }
    sockets.stream().map(SocketKey::endpoint).forEach(FuzzTest::assertRestored);
  }

  /** The parser stops at the first connection of these. */
  private static boolean listenersLead(Protocol protocol) {
    return protocol == Protocol.TCP || protocol == Protocol.TCP6;
  }

  /** The baseline must restore the same endpoint. */
  private static void assertRestored(Endpoint endpoint) {
    if (!endpoint.address().isEmpty() || endpoint.protocol() == Protocol.UNIX) {
      assertEquals(endpoint, Endpoint.of(endpoint.table(), endpoint.local()));
    } // else an interface without a name, which no kernel prints
  }

  private static String wellFormed(Protocol protocol, int inode) {
    String state = listenersLead(protocol) ? "0A" : "07";
    String any = "0".repeat(protocol.family() == Family.INET ? 8 : 32);
    return switch (protocol.family()) {
      case INET, INET6 -> "0: " + any + ":16 " + any + ":0 " + state + " 0:0 0:0 0 0 0 " + inode;
      case SCTP -> "0 0 2 10 29 9899 0 " + inode + " 192.0.2.7";
      case PACKET -> "0 3 3 0003 2 1 0 0 " + inode;
      case UNIX ->
          "0000000000000000: 00000002 00000000 00010000 0001 01  " + inode + " /run/" + inode;
      case OUTBOUND -> throw new IllegalStateException("no table of the kernel");
    };
  }

  /** Each address of an sctp row is a socket. */
  private static long maxSockets(Family family, byte[] rows) {
    String ends = family == Family.SCTP ? "\n " : "\n";
    String text = new String(rows, ISO_8859_1);
    return 1 + text.chars().filter(it -> ends.indexOf(it) >= 0).count();
  }

  @FuzzTarget
  void peers(byte[] table, @TempDir Path tables) throws IOException {
    for (Protocol protocol : List.of(Protocol.TCP, Protocol.TCP6)) {
      Files.write(tables.resolve(protocol.label()), table);
      new NetworkNamespace("", tables)
          .peers(protocol, 5)
          .forEach(
              (port, peers) -> {
                assertTrue(port >= 0 && port <= 0xFFFF);
                assertTrue(peers.size() <= 5);
                assertEquals(peers.size(), new HashSet<>(peers).size());
              });
    }
  }

  /** Lines of another form hide no connection. */
  @FuzzTarget
  void ss(byte[] lines) {
    String first = "ESTAB 0 0 10.0.0.5:1 203.0.113.7:2 ino:4711 sk:1a <->\n";
    String text = first + TextEscaper.decode(lines) + "\n" + first.replace("4711", "4712");

    List<Long> inodes =
        SsTable.parse(text).connections().stream().map(it -> it.socket().inode()).toList();
    assertTrue(inodes.contains(4711L));
    assertTrue(inodes.contains(4712L));
    assertTrue(inodes.size() <= text.chars().filter(it -> it == '\n').count());
  }

  /** A process chooses its own name. */
  @FuzzTarget
  void stat(byte[] bytes, @TempDir Path folder) throws IOException {
    String name = new String(bytes, ISO_8859_1);
    ProcessReader processes =
        write("stat", "7 (" + name + ") S 3" + " 1".repeat(17) + " 99 1", folder);
    assertEquals(3, processes.parent(PID));
    assertEquals(99, processes.startTicks(PID));
    callAll(write("stat", name, folder));
  }

  @FuzzTarget
  void status(byte[] bytes, @TempDir Path folder) throws IOException {
    String text = new String(bytes, ISO_8859_1);
    String name = text.replace("\\", "\\\\").replace("\n", "\\n"); // and nothing else
    ProcessReader processes = write("status", "Name:\t" + name + "\nUid:\t0\t5\t0\t0\n", folder);
    assertEquals(5, processes.effectiveUid(PID));
    callAll(write("status", text, folder));
  }

  @FuzzTarget
  void cgroup(byte[] bytes, @TempDir Path folder) throws IOException {
    callAll(write("cgroup", new String(bytes, ISO_8859_1), folder));
  }

  @FuzzTarget
  void cmdline(byte[] bytes, @TempDir Path folder) throws IOException {
    String text = new String(bytes, ISO_8859_1);
    for (String program : List.of("python3", "perl", "bash", "java", "awk", "busybox")) {
      String script = Interpreter.script("/usr/bin/" + program, text, "/srv");
      assertFalse(script.isEmpty() || script.length() > 4096 || script.contains("\0"), script);
      assertFalse(script.startsWith("/") && script.contains("/../"), script);
    }
    callAll(write("cmdline", text, folder));
    callAll(write("comm", text, folder));
  }

  /** Creates a process and replaces one of its files. */
  private static ProcessReader write(String name, String content, Path folder) throws IOException {
    Path proc = folder.resolve("proc");
    if (Files.notExists(proc)) {
      FakeProc.bare(proc).process(PID, 0, "/fake/x", 1);
    }
    Files.writeString(proc.resolve(PID + "/" + name), content, ISO_8859_1);
    return new ProcessReader(proc, folder.resolve("passwd"));
  }

  private interface Call {
    Object of(int pid) throws IOException;
  }

  /** Callers catch an IOException and nothing else. */
  private static void callAll(ProcessReader processes) {
    List<Call> calls =
        List.of(
            processes::running,
            processes::named,
            processes::parent,
            pid -> processes.controlGroup(pid).unit(),
            pid -> processes.controlGroup(pid).containerName());
    for (Call call : calls) {
      try {
        call.of(PID);
      } catch (IOException e) {
        // allowed
      }
    }
  }
}
