package org.lsm.proc;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Clock;
import java.time.Instant;
import java.util.Collections;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.SortedSet;
import java.util.TreeSet;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.lsm.FakeProc;
import org.lsm.model.Endpoint;
import org.lsm.model.Flag;
import org.lsm.model.Owner;
import org.lsm.model.OwnerCache;
import org.lsm.model.ProcessDetails;
import org.lsm.model.ProcessRef;
import org.lsm.model.ProgramFile;
import org.lsm.model.SocketDetails;
import org.lsm.model.SocketEntry;

/** The details of a socket: every flag, and all details of its processes. */
class DetailsReaderTest {

  private static final Instant BOOT = Instant.parse("2026-01-01T00:00:00Z");
  private static final ProcessRef INIT = process(1, 0, 0, "/fake/init");
  private static final String ID =
      "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

  @TempDir private Path folder;
  private FakeProc proc;

  @BeforeEach
  void makeHost() throws IOException {
    Files.writeString(folder.resolve("passwd"), "root:x:0:0::/root:/bin/sh\n");
    proc =
        FakeProc.bare(folder.resolve("proc"))
            .tcp("0.0.0.0", 4444, 101)
            .process(800, 0, "/fake/prog", 90, 101);
  }

  // ---- flags of the socket

  @ParameterizedTest
  @CsvSource({
    "tcp,      0.0.0.0:22,             true",
    "tcp,      192.0.2.7:22,           true",
    "tcp,      127.0.0.1:22,           false",
    "tcp,      127.255.0.9:22,         false",
    "tcp,      128.0.0.1:22,           true",
    "tcp6,     [::]:22,                true",
    "tcp6,     [::1]:22,               false",
    "tcp6,     [::11]:22,              true",
    "tcp6,     [::ffff:127.0.0.1]:22,  false",
    "tcp6,     [::ffff:192.0.2.7]:22,  true",
    "tcp6,     [fe80::1]:22,           true",
    "udp,      127.0.0.53:53,          false",
    "udp6,     [::]:53,                true",
    "udplite,  0.0.0.0:53,             true",
    "sctp,     0.0.0.0:9899,           true",
    "sctp,     127.0.0.1:9899,         false",
    "raw,      0.0.0.0:1,              true",
    "icmp6,    [::]:58,                true",
    "packet,   eth0:0x0003,            false",
    "unix,     /run/x,                 false"
  })
  void flagsReachableSockets(String table, String local, boolean beyond) throws IOException {
    SocketEntry entry = new SocketEntry(Endpoint.of(table, local), processes(), List.of());
    Set<Flag> other = table.equals("packet") ? Set.of(Flag.SNIFFER) : Set.of();
    assertEquals(beyond ? Set.of(Flag.BEYOND_LOOPBACK) : other, details(entry).flags());
  }

  @Test
  void flagsSocketWithoutProcess() throws IOException {
    proc.unix("/run/x", 0);
    assertEquals(Set.of(Flag.NO_PROCESS), details("unix", "/run/x").flags());
    assertEquals(List.of(), details("unix", "/run/x").processes());
    proc.process(801, 0, "/fake/prog", 91, 104).unix("/run/y", 104);
    assertEquals(Set.of(), details("unix", "/run/y").flags());
  }

  @ParameterizedTest
  @CsvSource({
    "pid:[4026531836], NO_PROCESS",
    "pid:[4026532200], OUTSIDE_PID_NAMESPACE",
    "'',               NO_PROCESS"
  })
  void flagsSocketThatMayBelongToAnotherPidNamespace(String link, Flag flag) throws IOException {
    if (!link.isEmpty()) { // a kernel without PID namespaces has no such link
      proc.link("self/ns/pid", link);
    }
    proc.unix("/run/x", 0);
    assertEquals(Set.of(flag), details("unix", "/run/x").flags());
  }

  @Test
  void unknownOwnerIsNoFlag() throws IOException {
    proc.end(1).unix("/run/x", 104);
    assertEquals(Set.of(), details("unix", "/run/x").flags());
  }

  // ---- flags of a process

  @ParameterizedTest
  @CsvSource({
    "/fake/sh, INTERPRETER",
    "/fake/ash, INTERPRETER",
    "/fake/bash, INTERPRETER",
    "/fake/dash, INTERPRETER",
    "/fake/zsh, INTERPRETER",
    "/fake/ksh, INTERPRETER",
    "/fake/fish, INTERPRETER",
    "/fake/csh, INTERPRETER",
    "/fake/tcsh, INTERPRETER",
    "/fake/busybox, INTERPRETER",
    "/fake/toybox, INTERPRETER",
    "/fake/awk, INTERPRETER",
    "/fake/gawk, INTERPRETER",
    "/fake/mawk, INTERPRETER",
    "/fake/expect, INTERPRETER",
    "/fake/tclsh8.6, INTERPRETER",
    "/fake/perl, INTERPRETER",
    "/fake/perl5.36.0, INTERPRETER",
    "/fake/python3.11, INTERPRETER",
    "/fake/pypy3, INTERPRETER",
    "/fake/ruby3.1, INTERPRETER",
    "/fake/lua5.4, INTERPRETER",
    "/fake/php8.2, INTERPRETER",
    "/fake/node, INTERPRETER",
    "/fake/nodejs, INTERPRETER",
    "/fake/sshd,",
    "/fake/bashful,",
    "/fake/pythonic,",
    "/fake/node_exporter,",
    "/fake/sh/server,",
    "/fake/flush,",
    "/memfd:bash (deleted), MEMFD",
    "/memfd: (deleted), MEMFD",
    "/fake/prog (deleted), PROGRAM_DELETED",
    "/fake/bash (deleted), PROGRAM_DELETED INTERPRETER",
    "/open/prog, WORLD_WRITABLE",
    "/open/bash, WORLD_WRITABLE INTERPRETER",
    "/open/sticky/prog, WORLD_WRITABLE",
    "/closed/prog,",
    "/closed/sticky/prog, WORLD_WRITABLE",
    "/closed/sticky/deep/prog, WORLD_WRITABLE",
    "/closed/sticky/prog (deleted), PROGRAM_DELETED WORLD_WRITABLE",
    "/gone/prog,"
  })
  void flagsProgram(String program, String flags) throws IOException {
    directory("root/open", "rwxrwxrwx");
    directory("root/open/sticky", "rwxr-xr-x");
    directory("root/closed", "rwxrwxr-x");
    directory("root/closed/sticky", "rwxrwxrwx");
    directory("root/closed/sticky/deep", "rwxr-xr-x");
    proc.link("800/exe", program).link("800/root", folder.resolve("root").toString());
    Set<Flag> expected = EnumSet.noneOf(Flag.class);
    for (String flag : flags == null ? new String[0] : flags.split(" ", -1)) {
      expected.add(Flag.valueOf(flag));
    }
    assertEquals(expected, process().flags());
    assertEquals(Set.of(Flag.BEYOND_LOOPBACK), details("tcp", "0.0.0.0:4444").flags());
  }

  /** The process may live in another file system than lsm. */
  @Test
  void checksDirectoriesInRootOfProcess() throws IOException {
    directory("root/open", "rwxrwxrwx");
    proc.link("800/exe", folder.resolve("root/open/prog").toString());
    directory("container" + folder.resolve("root/open"), "rwxr-xr-x");
    proc.link("800/root", folder.resolve("container").toString());
    assertEquals(Set.of(), process().flags());
    proc.link("800/root", "/");
    assertEquals(true, process().flags().contains(Flag.WORLD_WRITABLE));
  }

  // ---- processes

  @ParameterizedTest
  @CsvSource({
    "nc^-l^-p^4444^,      nc -l -p 4444",
    "nc^-l -p^,           nc -l -p",
    "nc^^x^,              'nc  x'",
    "'a\nb^\033[1m^',     'a\nb \033[1m'",
    "rewritten title,     rewritten title",
    "nginx: worker^^^^,   nginx: worker",
    "'',                  ''"
  })
  void readsCommandLine(String bytes, String commandLine) throws IOException {
    proc.write("800/cmdline", bytes.replace('^', '\0'));
    assertEquals(commandLine, process().commandLine());
  }

  @ParameterizedTest
  @CsvSource({"/srv, /srv", "/tmp/a b, /tmp/a b", "'/tmp/\nx (deleted)', '/tmp/\nx (deleted)'"})
  void readsWorkingDirectory(String target, String text) throws IOException {
    proc.link("800/cwd", target);
    assertEquals(text, process().workingDirectory());
  }

  @Test
  void readsUnitAndContainer() throws IOException {
    proc.write("800/cgroup", "0::/system.slice/docker-" + ID + ".scope/init.scope\n");
    assertEquals("container 0123456789ab/init.scope", process().unit());
  }

  @Test
  void omitsWhatCannotBeRead() throws IOException {
    ProcessDetails expected =
        new ProcessDetails(
            process(800, 1, 9000, "/fake/prog"), "", "", "", List.of(INIT), Set.of());
    assertEquals(expected, process());
  }

  @Test
  void readsNoOtherProcess() throws IOException {
    ProcessRef ended = process(800, 1, 8000, "/fake/prog");
    proc.link("800/cwd", "/srv").write("800/cgroup", "0::/system.slice/other.service\n");
    assertEquals(
        new ProcessDetails(ended, "", "", "", List.of(), Set.of()),
        scanner().details(List.of(ended), Set.of()).get(800));
  }

  @Test
  void describesOldestProcessOfOwner() throws IOException {
    proc.process(700, 0, "/fake/prog", 91, 101)
        .process(701, 0, "/fake/prog", 89, 101)
        .process(702, 0, "/fake/other", 95, 101);
    assertEquals(
        List.of(process(702, 1, 9500, "/fake/other"), process(701, 1, 8900, "/fake/prog")),
        details("tcp", "0.0.0.0:4444").processes().stream().map(ProcessDetails::process).toList());
  }

  // ---- parents

  @Test
  void followsParentsToInit() throws IOException {
    family();
    assertEquals(
        List.of(process(700, 600, 8000, "/fake/sh"), process(600, 1, 7000, "/fake/sshd"), INIT),
        process().parents());
  }

  @Test
  void parentsEndAtEndedProcess() throws IOException {
    family().end(600);
    assertEquals(List.of(process(700, 600, 8000, "/fake/sh")), process().parents());
  }

  @Test
  void processWithoutParent() throws IOException {
    family().stat(800, "x", 0, 9000);
    assertEquals(List.of(), process().parents());
  }

  @Test
  void hiddenParentIsNamedByProcess() throws IOException {
    family().delete("600/exe").write("600/comm", "ssh)d\n");
    assertEquals(
        List.of(process(700, 600, 8000, "/fake/sh"), process(600, 0, 7000, "[ssh)d]"), INIT),
        process().parents());
  }

  /** PIDs that were taken by others meanwhile may make a circle. */
  @Test
  void circleOfParentsEnds() throws IOException {
    family().stat(600, "x", 700, 7000);
    assertEquals(16, process().parents().size());
  }

  private FakeProc family() {
    return proc.process(600, 0, "/fake/sshd", 70)
        .process(700, 0, "/fake/sh", 80)
        .stat(800, "prog) S 5", 700, 9000)
        .stat(700, "sh", 600, 8000);
  }

  // ---- service and peers

  @ParameterizedTest
  @CsvSource({
    "tcp,     0.0.0.0:22,        ssh",
    "tcp6,    [::]:22,           ssh",
    "udp,     0.0.0.0:22,        ''",
    "tcp,     0.0.0.0:2,         ''",
    "udp,     0.0.0.0:53,        domain",
    "udp6,    [::]:53,           domain",
    "tcp,     0.0.0.0:53,        ''",
    "tcp,     0.0.0.0:80,        http",
    "tcp,     0.0.0.0:79,        ''",
    "udp,     0.0.0.0:ephemeral, ''",
    "sctp,    0.0.0.0:9899,      ''",
    "unix,    /run/x,            ''"
  })
  void namesService(String table, String local, String service) throws IOException {
    Files.writeString(
        folder.resolve("services"),
        """
        # services
        ssh\t\t22/tcp\t# a comment
        #finger 79/tcp
        domain  53/udp  nameserver
        http 80/tcp www
        www 80/tcp
        broken
        """);
    Endpoint endpoint = Endpoint.of(table, local);
    SocketEntry entry = new SocketEntry(endpoint, processes(), List.of());
    assertEquals(service, details(entry).service());
  }

  @Test
  void namesNoServiceWithoutFile() throws IOException {
    assertEquals("", details("tcp", "0.0.0.0:4444").service());
  }

  @Test
  void reportsFivePeers() throws IOException {
    proc.connection("192.0.2.1", 22, "198.51.100.1", 1000);
    assertEquals(List.of(), details("tcp", "0.0.0.0:4444").peers());
    for (int i = 1; i <= 3; i++) {
      proc.connection("192.0.2.1", 4444, "198.51.100.1", 1000);
      proc.connection("192.0.2.1", 4444, "198.51.100.1", 1000 + i);
    }
    assertEquals(
        List.of("198.51.100.1:1000", "198.51.100.1:1001", "198.51.100.1:1002", "198.51.100.1:1003"),
        details("tcp", "0.0.0.0:4444").peers());
    for (int i = 1; i <= 3; i++) {
      proc.connection("192.0.2.1", 4444, "203.0.113.9", i);
    }
    assertEquals(
        List.of(
            "198.51.100.1:1000",
            "198.51.100.1:1001",
            "198.51.100.1:1002",
            "198.51.100.1:1003",
            "203.0.113.9:1"),
        details("tcp", "0.0.0.0:4444").peers());
  }

  @Test
  void malformedRowIsNoPeer() throws IOException {
    proc.append("net/tcp", "   9: rubbish")
        .append("net/tcp", "   9: 010200C0:115C 0100007F:03E8 06 0 0 0 0 0 0 3")
        .connection("192.0.2.1", 4444, "198.51.100.1", 1000);
    assertEquals(List.of("198.51.100.1:1000"), details("tcp", "0.0.0.0:4444").peers());
  }

  private ProcessDetails process() throws IOException {
    List<ProcessDetails> processes = details("tcp", "0.0.0.0:4444").processes();
    assertEquals(1, processes.size());
    return processes.get(0);
  }

  private SocketDetails details(String table, String local) throws IOException {
    Endpoint endpoint = Endpoint.of(table, local);
    return scanner()
        .scan(OwnerCache.EMPTY, scanned -> List.of(scanned.sockets().get(endpoint)))
        .details()
        .get(endpoint);
  }

  private SocketDetails details(SocketEntry entry) throws IOException {
    return scanner()
        .scan(OwnerCache.EMPTY, scanned -> List.of(entry))
        .details()
        .get(entry.endpoint());
  }

  private SocketScanner scanner() throws IOException {
    return new SocketScanner(proc.sources(), false, Clock.systemUTC(), "1.0.0");
  }

  private void directory(String path, String mode) throws IOException {
    Path directory = Files.createDirectories(folder.resolve(path));
    Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString(mode));
  }

  private static SortedSet<Owner> processes() {
    return new TreeSet<>(Collections.singleton(new Owner("root", "/fake/prog")));
  }

  private static ProcessRef process(int pid, int parent, long ticks, String program) {
    String script = Interpreter.isInterpreter(program) ? Owner.UNKNOWN_SCRIPT : "";
    Owner owner = new Owner("root", program, script);
    Instant start = BOOT.plusMillis(ticks * 10);
    return new ProcessRef(pid, ticks, start, owner, 0, ProgramFile.UNKNOWN, parent);
  }
}
