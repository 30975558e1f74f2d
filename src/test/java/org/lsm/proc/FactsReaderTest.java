package org.lsm.proc;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.lsm.FakeProc;
import org.lsm.model.Fact;
import org.lsm.model.Facts;
import org.lsm.model.OwnerCache;
import org.lsm.model.ProcessRef;
import org.lsm.proc.SocketScanner.DetailsSelector;
import org.lsm.proc.SocketScanner.ScanResult;

/** The facts about a process, each from the files that have it. */
class FactsReaderTest {

  @TempDir private Path folder;
  private FakeProc proc;

  @BeforeEach
  void makeHost() throws IOException {
    Files.writeString(
        folder.resolve("passwd"), "root:x:0:0::/root:/bin/sh\nalice:x:1000:1000::/:\n");
    proc =
        FakeProc.bare(folder.resolve("proc"))
            .tcp("0.0.0.0", 4444, 101)
            .process(800, 0, "/fake/prog", 90, 101);
  }

  private Facts facts() throws IOException {
    return facts(process(), Duration.ofMinutes(5)); // on a loaded machine, too
  }

  private Facts facts(ProcessRef process, Duration limit) throws IOException {
    return new FactsReader(proc.sources(), scan().snapshot(), Set.of(), limit).read(process);
  }

  private ProcessRef process() throws IOException {
    return scanner().process(800, scan()).orElseThrow().process();
  }

  private SocketScanner scanner() {
    return new SocketScanner(proc.sources(), false, Clock.systemUTC(), "1.0");
  }

  private ScanResult scan() throws IOException {
    OwnerCache none = new OwnerCache("", Map.of(), Set.of());
    return scanner().scan(none, DetailsSelector.NONE);
  }

  @Test
  void namesWhatThereWasNoTimeFor() throws IOException {
    List<String> all =
        EnumSet.range(Fact.LOGIN, Fact.DELETED_FILES).stream().map(Fact::label).toList();
    assertEquals(Map.of(Fact.UNKNOWN, all), facts(process(), Duration.ZERO).values());
  }

  /** Its PID belongs to another process, which began later. */
  @Test
  void readsNoOtherProcess() throws IOException {
    ProcessRef ended = process();
    proc.process(800, 0, "/fake/prog", 91, 101);
    assertEquals(Facts.NONE, facts(ended, Duration.ofMinutes(5)));
  }

  @Test
  void saysNothingOfWhatIsUsual() throws IOException {
    assertEquals(Map.of(Fact.SOCKETS, List.of("tcp/0.0.0.0:4444")), facts().values());
  }

  @Test
  void thereIsNoSuchProcess() throws IOException {
    assertEquals(Optional.empty(), scanner().process(4711, scan()));
  }

  @ParameterizedTest
  @CsvSource({"1000, alice", "0, root", "77, 77", "4294967295,", "'1000\n', alice"})
  void namesUserWhoLoggedIn(String loginuid, String user) throws IOException {
    proc.write("800/loginuid", loginuid);
    assertEquals(user == null ? List.of() : List.of(user), facts().of(Fact.LOGIN));
  }

  @ParameterizedTest
  @CsvSource({
    "34816, pts/0",
    "34821, pts/5",
    "35072, pts/256",
    "1025, tty1",
    "1088, 4:64",
    "0,",
    "1048576, 0:256"
  })
  void namesTerminal(int device, String terminal) throws IOException {
    proc.write(
        "800/stat", "800 (prog) S 1 1 1 " + device + " -1 0 1 2 3 4 5 6 7 8 20 0 1 0 9000 1");
    assertEquals(terminal == null ? List.of() : List.of(terminal), facts().of(Fact.TERMINAL));
  }

  @Test
  void readsTwoVariablesOnly() throws IOException {
    proc.write(
        "800/environ",
        "PASSWORD=LD_PRELOAD=x\0SSH_CONNECTION=203.0.113.9 52394 192.0.2.1 22\0SECRET=y\0"
            + "LD_PRELOAD=/dev/shm/x\n.so\0XLD_PRELOAD=z\0LD_PRELOAD=\0");
    assertEquals(
        List.of("SSH_CONNECTION=203.0.113.9 52394 192.0.2.1 22", "LD_PRELOAD=/dev/shm/x\n.so"),
        facts().of(Fact.ENVIRONMENT));
  }

  /** Many of one hide none of the other. */
  @Test
  void readsEachVariable() throws IOException {
    proc.write("800/environ", "SSH_CONNECTION=a 1 b 22\0".repeat(100) + "LD_PRELOAD=/dev/shm/x\0");
    assertEquals("LD_PRELOAD=/dev/shm/x", facts().of(Fact.ENVIRONMENT).get(5));
  }

  /** A long variable hides none behind it. */
  @Test
  void cutsLongVariable() throws IOException {
    proc.write("800/environ", "LD_PRELOAD=/" + "x".repeat(100_000) + "\0SSH_CONNECTION=a 1 b 22\0");
    List<String> variables = facts().of(Fact.ENVIRONMENT);
    assertEquals("SSH_CONNECTION=a 1 b 22", variables.get(0));
    assertEquals("LD_PRELOAD=/".length() + 399, variables.get(1).length());
  }

  @ParameterizedTest
  @CsvSource({
    "0, 1ffffffffff, ''",
    "1ffffffffff, 1ffffffffff, all",
    "3ffffffffff, 1ffffffffff, all",
    "2000, 1ffffffffff, cap_net_raw",
    "3400, 1ffffffffff, 'cap_net_bind_service,cap_net_admin,cap_net_raw'",
    "20000000000, 3ffffffffff, cap_41",
    "2000, 0, cap_net_raw" // the bounding set of PID 1 is hidden
  })
  void namesCapabilities(String effective, String bounding, String names) throws IOException {
    proc.write("800/status", "Name:\tprog\nUid:\t0\t0\t0\t0\nCapEff:\t" + effective + "\n");
    proc.write("1/status", "Name:\tinit\nUid:\t0\t0\t0\t0\nCapBnd:\t" + bounding + "\n");
    List<String> expected = names.isEmpty() ? List.of() : List.of(names.split(",", -1));
    assertEquals(expected, facts().of(Fact.CAPABILITIES));
  }

  @Test
  void readsSeccomp() throws IOException {
    proc.write("800/status", "Name:\ta\rSeccomp:\t1\nUid:\t0\t0\t0\t0\nSeccomp:\t2\n");
    assertEquals(List.of("filter"), facts().of(Fact.SECCOMP));
  }

  @Test
  void namesOtherNamespaces() throws IOException {
    for (String kind : List.of("mnt", "net", "pid", "pid_for_children")) {
      proc.link("1/ns/" + kind, kind + ":[1]").link("800/ns/" + kind, kind + ":[2]");
    }
    proc.link("800/ns/pid", "pid:[1]");
    assertEquals(List.of("mnt", "net"), facts().of(Fact.NAMESPACES));
  }

  @Test
  void readsConnectionsOfItsNamespace() throws IOException {
    proc.namespace(800, 7)
        .tcpOf(800, "0.0.0.0", 4444, 9)
        .append("800/net/tcp", row("0100007F:115C", "0200007F:C350", "01", 201))
        .append("800/net/tcp", row("0100007F:C351", "0200007F:2775", "02", 202))
        .append("800/net/tcp", row("0100007F:C352", "0200007F:2775", "01", 203))
        .write("800/net/udp", "header\n" + row("0100007F:C353", "0200007F:0035", "01", 204) + "\n");
    link(4, "socket:[201]").link("800/fd/5", "socket:[202]").link("800/fd/6", "socket:[204]");
    link(7, "socket:[201]").link("800/fd/8", "socket:[999]");
    assertEquals(
        List.of(
            "tcp 127.0.0.1:4444 from 127.0.0.2:50000",
            "tcp 127.0.0.1:50001 to 127.0.0.2:10101, SYN-SENT",
            "udp 127.0.0.1:50003 to 127.0.0.2:53"),
        facts().of(Fact.CONNECTIONS).stream().sorted().toList());
  }

  /** The tables of all namespaces together may have 100,000. */
  @ParameterizedTest
  @CsvSource({"99999, 1, ''", "99999, 2, connection"})
  void boundsConnections(int tcp, int udp, String unknown) throws IOException {
    proc.namespace(800, 7)
        .write("800/net/tcp", "header\n" + rows(tcp, 1000))
        .write("800/net/udp", "header\n" + rows(udp, 200_000));
    link(4, "socket:[200000]");
    Facts facts = facts();
    assertEquals(unknown, String.join(", ", facts.of(Fact.UNKNOWN)));
    assertEquals(unknown.isEmpty() ? 1 : 0, facts.of(Fact.CONNECTIONS).size());
  }

  private static String rows(int count, int firstInode) {
    return IntStream.range(firstInode, firstInode + count)
        .mapToObj(it -> row("0100007F:C353", "0200007F:0035", "01", it) + "\n")
        .collect(Collectors.joining());
  }

  /** By the rule of lsm connections: protocol, namespace, and the address of the listener. */
  @ParameterizedTest
  @CsvSource({
    "tcp, 0.0.0.0,   80, from",
    "tcp, 127.0.0.1, 80, from",
    "tcp, 127.0.0.2, 80, to",
    "tcp, 0.0.0.0,   81, to",
    "udp, 0.0.0.0,   80, to"
  })
  void saysWhichEndBegan(String protocol, String address, int port, String direction)
      throws IOException {
    proc.namespace(800, 7).tcp("0.0.0.0", 80, 300); // in another namespace
    FakeProc elsewhere = FakeProc.bare(folder.resolve("other/proc"));
    var listener =
        protocol.equals("tcp") ? elsewhere.tcp(address, port, 9) : elsewhere.udp(address, port, 9);
    for (String table : List.of("tcp", "udp")) {
      proc.write("800/net/" + table, Files.readString(listener.path().resolve("net/" + table)));
    }
    proc.append("800/net/tcp", row("0100007F:0050", "0200007F:C350", "01", 201));
    link(4, "socket:[201]");
    assertEquals(
        List.of("tcp 127.0.0.1:80 " + direction + " 127.0.0.2:50000"),
        facts().of(Fact.CONNECTIONS));
  }

  @Test
  void namesDeletedFiles() throws IOException {
    link(4, "/tmp/a b (deleted)").link("800/fd/5", "/tmp/kept").link("800/fd/6", "/x (deleted)");
    link(7, "/x (deleted)").link("800/fd/8", "socket:[1] (deleted)");
    assertEquals(
        List.of("/tmp/a b", "/x"), facts().of(Fact.DELETED_FILES).stream().sorted().toList());
  }

  @Test
  void countsFurtherValues() throws IOException {
    for (int i = 10; i < 35; i++) {
      link(i, "/tmp/" + i + " (deleted)");
    }
    List<String> deleted = facts().of(Fact.DELETED_FILES);
    assertEquals(21, deleted.size());
    assertEquals("and 5 more", deleted.get(20));
  }

  /** A file that is not what the kernel writes there stands for one that cannot be read. */
  @Test
  void namesWhatCannotBeRead() throws IOException {
    proc.write("800/loginuid", "x").write("800/ns", "");
    assertEquals(List.of("login", "namespaces", "connection"), facts().of(Fact.UNKNOWN));
  }

  private FakeProc link(int descriptor, String target) {
    return proc.link("800/fd/" + descriptor, target);
  }

  private static String row(String local, String remote, String state, int inode) {
    return "   0: "
        + local
        + " "
        + remote
        + " "
        + state
        + " 0:0 00:0 0     0        0 "
        + inode
        + " 1";
  }
}
