package org.lsm.proc;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.ByteOrder;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.function.Consumer;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.lsm.FakeProc;
import org.lsm.model.Endpoint;
import org.lsm.model.Flag;
import org.lsm.model.HostInfo;
import org.lsm.model.Owner;
import org.lsm.model.OwnerCache;
import org.lsm.model.ProcessRef;
import org.lsm.model.ProgramFile;
import org.lsm.model.Protocol;
import org.lsm.model.SocketDetails;
import org.lsm.model.SocketEntry;
import org.lsm.model.SocketIdentity;
import org.lsm.monitor.RepeatedScan;
import org.lsm.proc.SocketScanner.DetailsSelector;
import org.lsm.proc.SocketScanner.ScanResult;

/** Scans of fake hosts: who holds what, and what cannot be said. */
class SocketScannerTest {

  /** The fixtures' btime, 2026-01-01T00:00:00Z, and 100.5 s. */
  private static final Instant START = Instant.parse("2026-01-01T00:01:40.500Z");

  private static final Instant NOW = Instant.parse("2026-01-02T03:04:05.678Z");

  private static final Owner SSHD = new Owner("root", "/fake/sshd");
  private static final String HIDDEN =
      "the owners of 9 of 9 sockets are hidden from this user; run lsm as root, in a container with CAP_SYS_PTRACE";

  @TempDir private Path folder;

  @BeforeAll
  static void fixturesHaveNativeByteOrder() {
    assumeTrue(
        ByteOrder.nativeOrder() == ByteOrder.LITTLE_ENDIAN,
        "the fixtures hold addresses as a little-endian kernel prints them");
  }

  @Test
  void readsAllTables() throws Exception {
    ScanResult scan = scan(FakeProc.of("host", folder));
    assertEquals(
        List.of(
            "tcp/0.0.0.0:22",
            "tcp/127.0.0.1:25",
            "udp/0.0.0.0:68",
            "sctp/192.0.2.7:9899",
            "sctp/[2001:db8::1]:9899",
            "raw/0.0.0.0:1",
            "packet/eth0:0x0003",
            "packet/if7:0x88cc",
            "unix//run/x.sock"),
        scan.snapshot().sockets().keySet().stream().map(Endpoint::toString).toList());
    assertEquals(
        new HostInfo("web1", "6.1.0-18-amd64", Instant.parse("2026-01-02T03:04:05Z"), "1.0.0"),
        scan.snapshot().hostInfo());
    assertEquals(List.of(), scan.notes());
  }

  @Test
  void socketWithoutProcess() throws Exception {
    SocketEntry ssh = ssh(FakeProc.of("host", folder));
    assertEquals(new TreeSet<>(), ssh.owners());
    assertEquals(List.of(), ssh.processes());
  }

  @Test
  void socketOfOneProcess() throws Exception {
    SocketEntry ssh = ssh(FakeProc.of("host", folder).process(22, "sshd", 0, "/fake/sshd", 101));
    assertEquals(owners(SSHD), ssh.owners());
    assertEquals(List.of(process(22, SSHD)), ssh.processes());
  }

  @Test
  void socketOfTwoProcesses() throws Exception {
    SocketEntry ssh =
        ssh(
            FakeProc.of("host", folder)
                .process(5, "systemd", 0, "/fake/systemd", 101)
                .process(22, "sshd", 33, "/fake/sshd", 101));
    Owner systemd = new Owner("root", "/fake/systemd");
    Owner worker = new Owner("www", "/fake/sshd");
    assertEquals(owners(systemd, worker), ssh.owners());
    assertEquals(Set.of(process(5, systemd), process(22, worker)), Set.copyOf(ssh.processes()));
  }

  @Test
  void processOfTwoSockets() throws Exception {
    FakeProc proc = FakeProc.of("host", folder).process(22, "both", 0, "/fake/sshd", 101, 102);
    assertEquals(owners(SSHD), ssh(proc).owners());
    assertEquals(owners(SSHD), entry(proc, Protocol.TCP, "127.0.0.1:25").owners());
    assertEquals(owners(), entry(proc, Protocol.UDP, "0.0.0.0:68").owners());
  }

  @Test
  void twoDescriptorsAreOneProcess() throws Exception {
    SocketEntry ssh =
        ssh(FakeProc.of("host", folder).process(22, "sshd", 0, "/fake/sshd", 101, 101));
    assertEquals(List.of(process(22, SSHD)), ssh.processes());
  }

  @Test
  void sctpAddressesShareOwner() throws Exception {
    FakeProc proc = FakeProc.of("host", folder).process(22, "s", 0, "/fake/sshd", 501);
    assertEquals(owners(SSHD), entry(proc, Protocol.SCTP, "192.0.2.7:9899").owners());
    assertEquals(owners(SSHD), entry(proc, Protocol.SCTP, "[2001:db8::1]:9899").owners());
  }

  @Test
  void sharedPortHasAllOwners() throws Exception {
    FakeProc proc =
        FakeProc.of("reuseport", folder)
            .process(80, "nginx", 33, "/fake/nginx", 111)
            .process(81, "other", 33, "/fake/other", 112);
    SocketEntry web = entry(proc, Protocol.TCP, "0.0.0.0:80");
    assertEquals(
        owners(new Owner("www", "/fake/other"), new Owner("www", "/fake/nginx")), web.owners());
    assertEquals(1, scan(proc).snapshot().sockets().size());
  }

  @Test
  void hiddenSocketMakesOwnersIncomplete() throws Exception {
    FakeProc proc =
        FakeProc.of("reuseport", folder)
            .process(80, "nginx", 33, "/fake/nginx", 111)
            .process(2, "lone", 0, "/fake/init");
    Files.move(proc.path().resolve("1"), folder.resolve("hidden"));
    assertEquals(
        owners(Owner.UNKNOWN, new Owner("www", "/fake/nginx")),
        entry(proc, Protocol.TCP, "0.0.0.0:80").owners());
    assertEquals(
        List.of("the owners of 1 of 1 socket are unknown: not all processes could be searched"),
        scan(proc).notes(),
        "of root, who is not told to run lsm as root");
    assertEquals(
        List.of(
            "the owners of 1 of 1 socket are hidden from this user; run lsm as root, in a container with CAP_SYS_PTRACE"),
        scan(proc.privileges("0")).notes());
  }

  @ParameterizedTest
  @ValueSource(strings = {") (", "a b", "\n", ") R 1 2 3 (", "\rUid:\t0\t0", "x) S 1\n22 (y", ""})
  void survivesHostileProcessName(String name) throws Exception {
    SocketEntry ssh = ssh(FakeProc.of("host", folder).process(22, name, 33, "/fake/sshd", 101));
    assertEquals(List.of(process(22, new Owner("www", "/fake/sshd"))), ssh.processes());
  }

  @ParameterizedTest
  @ValueSource(strings = {"22/exe", "22/stat", "22/status"})
  void skipsVanishedProcess(String missing) throws Exception {
    FakeProc proc =
        FakeProc.of("host", folder).process(22, "sshd", 0, "/fake/sshd", 101).delete(missing);
    assertEquals(owners(), ssh(proc).owners());
    assertEquals(List.of(), scan(proc).notes());
  }

  @ParameterizedTest
  @CsvSource({
    "22/status, 'Name:\tsshd\n'",
    "22/status, 'Name:\tsshd\nUid:\tx\tx\tx\tx\n'",
    "22/status, ''",
    "22/stat, 22 (sshd) S 1 1",
    "22/stat, 22 (sshd) S 1 1 1 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 soon 1000 2000",
    "22/stat, ''"
  })
  void skipsUnidentifiableProcess(String file, String text) throws Exception {
    FakeProc proc =
        FakeProc.of("host", folder)
            .process(22, "sshd", 0, "/fake/sshd", 101)
            .process(25, "master", 0, "/fake/master", 102)
            .write(file, text);
    assertEquals(owners(), ssh(proc).owners());
    assertEquals(
        owners(new Owner("root", "/fake/master")),
        entry(proc, Protocol.TCP, "127.0.0.1:25").owners());
  }

  @ParameterizedTest
  @CsvSource({"0, root", "33, www", "1234, 1234", "4294967294, 4294967294"})
  void userWithoutNameIsNumber(long uid, String user) throws Exception {
    FakeProc proc = FakeProc.of("host", folder).process(22, "sshd", 7, "/fake/sshd", 101);
    proc.write("22/status", "Name:\tsshd\nUid:\t7\t" + uid + "\t7\t7\n");
    assertEquals(owners(new Owner(user, "/fake/sshd")), ssh(proc).owners());
  }

  @Test
  void usersWithoutPasswdAreNumbers() throws Exception {
    FakeProc proc = FakeProc.of("host", folder).process(22, "sshd", 0, "/fake/sshd", 101);
    Files.delete(folder.resolve("passwd"));
    assertEquals(owners(new Owner("0", "/fake/sshd")), ssh(proc).owners());
  }

  @Test
  void inodeZeroHasNoOwner() throws Exception {
    FakeProc proc =
        FakeProc.of("host", folder).process(22, "zero", 0, "/fake/sshd", 0).delete("1/stat");
    assertEquals(owners(), entry(proc, Protocol.RAW, "0.0.0.0:1").owners());
  }

  @ParameterizedTest
  @CsvSource({
    "/fake/sshd (deleted), /fake/sshd",
    "/fake/sshd (deleted) (deleted), /fake/sshd (deleted)",
    "/tmp/a b+c%20d, /tmp/a b+c%20d",
    "'/tmp/a\nb', '/tmp/a\nb'",
    "/memfd:x (deleted), /memfd:x"
  })
  void readsProgramPath(String target, String program) throws Exception {
    FakeProc proc = FakeProc.of("host", folder).process(22, "x", 0, target, 101);
    assertEquals(owners(new Owner("root", program)), ssh(proc).owners());
  }

  /** A shell makes the link: what java.nio can name depends on the locale. */
  @ParameterizedTest
  @CsvSource({
    "/tmp/\\377\\303, '/tmp/\udcff\udcc3'",
    "/tmp/+\\377%%20 (deleted), '/tmp/+\udcff%20'",
    "/tmp/\\303\\251, /tmp/\u00e9",
    "/tmp/\\303\\251\\377, '/tmp/\u00e9\udcff'"
  })
  void keepsBytesOfProgramPath(String octal, String program) throws Exception {
    FakeProc proc = FakeProc.of("host", folder).process(22, "x", 0, "/gone", 101).delete("22/exe");
    String script = "ln -s \"$(printf '" + octal + "')\" exe";
    Process shell =
        new ProcessBuilder("sh", "-c", script)
            .directory(proc.path().resolve("22").toFile())
            .start();
    assertEquals(0, shell.waitFor());
    assertEquals(owners(new Owner("root", program)), ssh(proc).owners());
  }

  @Test
  void hiddenOwnersAreNoted() throws Exception {
    FakeProc proc = FakeProc.of("host", folder);
    Files.move(proc.privileges("0").path().resolve("1"), folder.resolve("hidden"));
    assertEquals(owners(Owner.UNKNOWN), ssh(proc).owners());
    // The raw socket has inode 0, which no process can hold.
    assertEquals(List.of(HIDDEN.replace("9 of 9", "8 of 9")), scan(proc).notes());
  }

  @Test
  void failsIfNoTableHasAHeader() throws Exception {
    FakeProc proc = FakeProc.of("empty", folder).headerless();
    for (String table : List.of("packet", "raw")) {
      proc.write("net/" + table, "");
    }
    IOException e = assertThrows(IOException.class, () -> scan(proc));
    assertEquals(
        "all socket tables under "
            + proc.path().resolve("net")
            + " are empty, so the sockets of this host are unknown; is this a sandbox without"
            + " them?",
        e.getMessage());
  }

  @Test
  void acceptsTablesWithoutSockets() throws Exception {
    FakeProc proc = FakeProc.of("empty", folder);
    assertEquals(List.of(), List.copyOf(scan(proc).snapshot().sockets().keySet()));
  }

  @Test
  void failsWithoutNetDirectory() throws Exception {
    FakeProc proc = FakeProc.of("empty", folder);
    Path net = proc.path().resolve("net");
    Files.move(net, folder.resolve("elsewhere"));
    IOException e = assertThrows(IOException.class, () -> scan(proc));
    assertEquals("cannot read " + net + ": no such directory; is /proc mounted?", e.getMessage());
  }

  @Test
  void failsOnUnreadableTable() throws Exception {
    FakeProc proc = FakeProc.of("host", folder).delete("net/udp");
    Path udp = Files.createDirectory(proc.path().resolve("net/udp"));
    IOException e = assertThrows(IOException.class, () -> scan(proc));
    assertEquals("cannot read " + udp + ": Is a directory", e.getMessage());
  }

  @Test
  void failsOnTableThatCannotBeOpened() throws Exception {
    FakeProc proc = FakeProc.of("host", folder);
    Path udp = proc.path().resolve("net/udp");
    Files.delete(udp);
    Files.createSymbolicLink(udp, Path.of("udp"));
    FileSystemException e = assertThrows(FileSystemException.class, () -> scan(proc));
    assertEquals(udp.toString(), e.getFile());
  }

  @Test
  void skippedRowsAreNoted() throws Exception {
    FakeProc proc = FakeProc.of("host", folder);
    proc.write("net/udp", Files.readString(proc.path().resolve("net/udp")) + "  67: zz\n 68: y:0");
    assertEquals(
        List.of(
            "skipped 2 malformed of 3 rows in "
                + proc.path().resolve("net/udp")
                + "; line 3: not an address: 'zz'"),
        scan(proc).notes());
    assertEquals(owners(), entry(proc, Protocol.UDP, "0.0.0.0:68").owners());
  }

  // ---- what the last scan remembers

  @Test
  void cacheAvoidsSearch() throws Exception {
    FakeProc proc = FakeProc.of("host", folder).process(22, "sshd", 0, "/fake/sshd", 101, 201, 401);
    ScanResult first = scan(proc);
    proc.delete("22/fd").delete("1/fd").process(23, "other", 0, "/fake/other", 101);

    ScanResult second = scan(proc, first.ownerCache());

    assertSame(first, second);
    assertSame(second, scan(proc, second.ownerCache()));
    Owner other = new Owner("root", "/fake/other");
    assertEquals(owners(other), ssh(proc).owners(), "a search would have found another owner");
  }

  /** What changes between two scans in which socket 101 is handed on to another program. */
  private enum Change {
    NOTHING(proc -> {}, false),
    START(proc -> proc.stat(22, "sshd", 1, 10051), true),
    PROGRAM(proc -> proc.link("22/exe", "/fake/evil"), true),
    USER(proc -> proc.write("22/status", "Name:\tsshd\nUid:\t0\t33\t0\t0\n"), true),
    END(proc -> proc.end(22), true),
    BOOT(proc -> proc.write("sys/kernel/random/boot_id", "another\n"), true),
    PRIVILEGES(proc -> proc.privileges("0000000000000000"), true),
    NAME(proc -> proc.stat(22, "renamed", 1, 10050), false),
    PARENT(proc -> proc.stat(22, "sshd", 7, 10050), false);

    @SuppressWarnings("ImmutableEnumChecker") // the functions have no state
    final Consumer<FakeProc> change;

    final boolean lookedAgain;

    Change(Consumer<FakeProc> change, boolean lookedAgain) {
      this.change = change;
      this.lookedAgain = lookedAgain;
    }
  }

  @ParameterizedTest
  @EnumSource
  void changedProcessIsSearchedAgain(Change change) throws Exception {
    FakeProc proc = FakeProc.of("host", folder).process(22, "sshd", 0, "/fake/sshd", 101);
    ScanResult first = scan(proc);
    proc.delete("22/fd/3").process(23, "other", 0, "/fake/other", 101);
    change.change.accept(proc);

    ScanResult second = scan(proc, first.ownerCache());

    Owner expected = change.lookedAgain ? new Owner("root", "/fake/other") : SSHD;
    assertEquals(owners(expected), entry(second, "tcp", "0.0.0.0:22").owners());
  }

  @Test
  void reusedInodeIsSearched() throws Exception {
    FakeProc proc = FakeProc.of("host", folder).process(22, "sshd", 0, "/fake/sshd", 101);
    ScanResult first = scan(proc);
    String table = Files.readString(proc.path().resolve("net/tcp"));
    proc.delete("22/fd/3").process(23, "other", 0, "/fake/other", 101);
    Owner other = new Owner("root", "/fake/other");

    proc.write("net/tcp", table.replace(":0016 00000000:0000 0A", ":0017 00000000:0000 0A"));
    assertEquals(
        owners(other), entry(scan(proc, first.ownerCache()), "tcp", "0.0.0.0:23").owners());

    proc.write("net/tcp", table.replace("     0        0 101", "    33        0 101"));
    assertEquals(
        owners(other, Owner.maker("www")),
        entry(scan(proc, first.ownerCache()), "tcp", "0.0.0.0:22").owners());

    proc.write("net/tcp", table);
    assertEquals(owners(SSHD), entry(scan(proc, first.ownerCache()), "tcp", "0.0.0.0:22").owners());
  }

  /** As many sockets as in the cache, but another one, which has no owner to search for. */
  @Test
  void findsSocketOfKernelInPlaceOfCachedOne() throws Exception {
    FakeProc proc = FakeProc.of("host", folder);
    ScanResult first = scan(proc);
    String table = Files.readString(proc.path().resolve("net/tcp"));
    proc.write(
        "net/tcp", table.replace(":0016 ", ":0017 ").replace("        0 101", "        0 0"));

    ScanResult second = scan(proc, first.ownerCache());

    assertNull(entry(second, "tcp", "0.0.0.0:22"));
    assertEquals(owners(), entry(second, "tcp", "0.0.0.0:23").owners());
    assertEquals(first.snapshot().sockets().size(), second.snapshot().sockets().size());
  }

  /** Who made a socket counts if no process of that user holds it, and if it was not root. */
  @ParameterizedTest
  @CsvSource({
    "0, 33, ''",
    "33, 33, ''",
    "33, 0, www",
    "4711, 33, 4711",
    "33, , www",
    "0, , ''",
    "0, 0, ''"
  })
  void readsMaker(int maker, Integer holder, String foreign) throws Exception {
    FakeProc proc = FakeProc.of("host", folder);
    String uid = String.format("%5d        0 101", maker);
    proc.write(
        "net/tcp",
        Files.readString(proc.path().resolve("net/tcp")).replace("    0        0 101", uid));
    if (holder != null) {
      proc.process(22, "sshd", holder, "/fake/sshd", 101);
    }
    SortedSet<Owner> expected = foreign.isEmpty() ? owners() : owners(Owner.maker(foreign));
    if (holder != null) {
      expected.add(new Owner(holder == 0 ? "root" : "www", "/fake/sshd"));
    }

    ScanResult first = scan(proc);
    assertEquals(expected, entry(first, "tcp", "0.0.0.0:22").owners());
    assertEquals(
        expected, entry(scan(proc, first.ownerCache()), "tcp", "0.0.0.0:22").owners(), "cached");
  }

  /** The maker has handed his socket over, and ended. */
  @Test
  void readsMakerThatEnded() throws Exception {
    FakeProc proc = FakeProc.of("host", folder);
    String table = Files.readString(proc.path().resolve("net/tcp"));
    proc.write("net/tcp", table.replace("    0        0 101", "   33        0 101"));
    proc.process(22, "maker", 33, "/fake/maker", 101).process(23, "b", 0, "/fake/b", 101);
    ScanResult first = scan(proc);
    Owner root = new Owner("root", "/fake/b");
    assertEquals(
        owners(root, new Owner("www", "/fake/maker")), entry(first, "tcp", "0.0.0.0:22").owners());

    proc.end(22);
    ScanResult second = scan(proc, first.ownerCache());
    assertEquals(owners(root, Owner.maker("www")), entry(second, "tcp", "0.0.0.0:22").owners());
  }

  @Test
  void newSocketKeepsCacheOfOthers() throws Exception {
    FakeProc proc =
        FakeProc.of("host", folder)
            .process(22, "sshd", 0, "/fake/sshd", 101)
            .delete("net/tcp")
            .write("net/tcp", "header\n")
            .tcp("0.0.0.0", 22, 101);
    ScanResult first = scan(proc);
    proc.delete("22/fd/3").tcp("0.0.0.0", 80, 777).process(23, "other", 0, "/fake/other", 777, 101);

    ScanResult second = scan(proc, first.ownerCache());

    assertEquals(owners(SSHD), entry(second, "tcp", "0.0.0.0:22").owners());
    assertEquals(
        owners(new Owner("root", "/fake/other")), entry(second, "tcp", "0.0.0.0:80").owners());
    assertEquals(
        first.ownerCache().owners().size() + 1, second.ownerCache().owners().size(), "one more");
  }

  @Test
  void cacheDropsClosedSockets() throws Exception {
    FakeProc proc = FakeProc.of("host", folder).process(22, "sshd", 0, "/fake/sshd", 101);
    ScanResult first = scan(proc);
    proc.write("net/tcp", "header\n");
    assertEquals(
        first.ownerCache().owners().size() - 2,
        scan(proc, first.ownerCache()).ownerCache().owners().size());
  }

  @Test
  void cachesMissingAndHiddenOwners() throws Exception {
    FakeProc proc = FakeProc.of("reuseport", folder).process(2, "lone", 0, "/fake/init");
    Files.move(proc.path().resolve("1"), folder.resolve("hidden"));
    ScanResult first = scan(proc);
    proc.link("2/fd/3", "socket:[111]");
    ScanResult second = scan(proc, first.ownerCache());
    assertEquals(owners(Owner.UNKNOWN), entry(second, "tcp", "0.0.0.0:80").owners());
    assertSame(first, second);
  }

  private static void assertSame(ScanResult expected, ScanResult scan) {
    assertEquals(expected.snapshot(), scan.snapshot());
    assertEquals(expected.ownerCache(), scan.ownerCache());
    assertEquals(expected.notes(), scan.notes());
  }

  // ---- the time for the search of owners

  @Test
  void ownersAreUnknownWhenTheTimeIsOver() throws Exception {
    FakeProc proc = FakeProc.of("host", folder).process(22, "sshd", 0, "/fake/sshd", 101, 201, 401);
    ScanResult late =
        scanner(proc, false).scan(OwnerCache.EMPTY, DetailsSelector.NONE, Duration.ZERO);
    assertEquals(owners(Owner.UNKNOWN), entry(late, "tcp", "0.0.0.0:22").owners());
    assertEquals(List.of(SocketScanner.OWNERS_MISSED), late.incomplete());
    assertEquals(2, late.notes().size(), "both is in reports");
    String note = "are unknown: there was no time to search all processes";
    assertTrue(late.notes().get(0).contains(note), late.notes().get(0));

    ScanResult next = scan(proc, late.ownerCache());
    assertEquals(List.of(), next.incomplete());
    assertEquals(owners(SSHD), entry(next, "tcp", "0.0.0.0:22").owners());
  }

  /** Processes with many descriptors are searched last, but as completely as others. */
  @Test
  void findsOwnerAmongThousandsOfDescriptors() throws Exception {
    FakeProc proc = FakeProc.of("host", folder).process(22, "sshd", 0, "/fake/sshd");
    for (int i = 0; i < 3000; i++) {
      proc.link("22/fd/" + i, i % 1000 == 999 ? "socket:[101]" : "pipe:[9]");
    }
    assertEquals(owners(SSHD), ssh(proc).owners());
  }

  private static ProcessRef process(int pid, Owner owner) {
    return new ProcessRef(pid, 10050, START, owner, 0, ProgramFile.UNKNOWN, 1);
  }

  // ---- what the kernel chooses

  @ParameterizedTest
  @CsvSource({"'32768\t60999\n', 32768, 60999", "'1024 65535', 1024, 65535", "'1\t1\n', 1, 1"})
  void readsEphemeralPortRange(String text, int first, int last) throws Exception {
    FakeProc proc = FakeProc.of("host", folder).write("sys/net/ipv4/ip_local_port_range", text);
    assertEquals(
        new SocketIdentity(SocketIdentity.Scope.UDP, first, last),
        new KernelInfo(proc.sources().proc()).socketIdentity(SocketIdentity.Scope.UDP));
  }

  /** The kernel accepts port 0, and prints it. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {"0-1023|1-1023", "0,40000|1,40000", "0|1", "''|''"})
  void readsReservedPortsFromZero(String kernel, String ports) throws Exception {
    FakeProc proc =
        FakeProc.of("host", folder)
            .write("sys/net/ipv4/ip_local_reserved_ports", kernel + "\n")
            .write("net/if_inet6", "");
    SocketIdentity identity =
        new KernelInfo(proc.sources().proc()).socketIdentity(SocketIdentity.Scope.ALL);
    assertEquals(ports, identity.reserved().toString());
  }

  @Test
  void readsReservedPortsAndDynamicAddresses() throws Exception {
    FakeProc proc =
        FakeProc.of("host", folder)
            .write("sys/net/ipv4/ip_local_reserved_ports", "40000,41000-41001\n")
            .write(
                "net/if_inet6",
                """
                00000000000000000000000000000001 01 80 10 80       lo
                fe80000000000000021122fffe334455 02 40 20 80     eth0
                20010db8000000000000000000000001 02 40 00 80     eth0
                20010db80000000000000000000000aa 02 40 00 01     eth0
                20010db80000000000000000000000bb 02 40 00 00     eth0
                20010db80000000000000000000000cc 02 40 00 81     eth0
                20010db80000000000000000000000dd 02 40
                x 02 40 00 01     eth0
                """);
    SocketIdentity identity =
        new KernelInfo(proc.sources().proc()).socketIdentity(SocketIdentity.Scope.ALL);
    assertEquals("40000,41000-41001", identity.reserved().toString());
    assertEquals(Set.of("2001:db8::aa", "2001:db8::bb", "2001:db8::cc"), identity.dynamic());
  }

  @Test
  void failsOnMalformedReservedPorts() throws Exception {
    FakeProc proc =
        FakeProc.of("host", folder).write("sys/net/ipv4/ip_local_reserved_ports", "x\n");
    IOException e =
        assertThrows(
            IOException.class,
            () -> new KernelInfo(proc.sources().proc()).socketIdentity(SocketIdentity.Scope.UDP));
    assertEquals(
        proc.path().resolve("sys/net/ipv4/ip_local_reserved_ports")
            + ": it has 'x', which is not a port or range of ports from 1 to 65535",
        e.getMessage());
  }

  @ParameterizedTest
  @CsvSource({
    "'', ''",
    "'32768\n', 32768",
    "'1\t2\t3\n', 1 2 3",
    "'a\tb\n', a b",
    "'-1\t5\n', -1 5",
    "'123456\t123456\n', 123456 123456"
  })
  void failsOnMalformedPortRange(String text, String raw) throws Exception {
    FakeProc proc = FakeProc.of("host", folder).write("sys/net/ipv4/ip_local_port_range", text);
    IOException e =
        assertThrows(
            IOException.class,
            () -> new KernelInfo(proc.sources().proc()).socketIdentity(SocketIdentity.Scope.UDP));
    assertEquals(
        proc.path().resolve("sys/net/ipv4/ip_local_port_range")
            + ": not a range of ports: '"
            + raw
            + "'",
        e.getMessage());
  }

  // ---- network namespaces

  @Test
  void scansOwnNamespaceByDefault() throws Exception {
    FakeProc proc = namespaces().tcpOf(50, "0.0.0.0", 22, 901);
    assertEquals(List.of("tcp/0.0.0.0:22"), endpoints(proc, false));
    assertEquals(List.of("tcp/0.0.0.0:22", "(prog):tcp/0.0.0.0:22"), endpoints(proc, true));
  }

  @Test
  void separatesNamespaces() throws Exception {
    FakeProc proc = namespaces().process(22, "sshd", 0, "/fake/sshd", 101).namespace(22, 1);
    proc.tcpOf(50, "0.0.0.0", 22, 901).link("50/fd/3", "socket:[901]");
    ScanResult scan = scanner(proc, true).scan(OwnerCache.EMPTY, DetailsSelector.NONE);
    assertEquals(owners(SSHD), entry(scan, "tcp", "0.0.0.0:22").owners());
    assertEquals(
        owners(new Owner("root", "/fake/prog")), entry(scan, "(prog):tcp", "0.0.0.0:22").owners());
  }

  @Test
  void readsEachNamespaceOnce() throws Exception {
    FakeProc proc = namespaces().tcpOf(50, "0.0.0.0", 80, 901);
    for (int pid : List.of(40, 51, 52, 53, 54)) {
      // These have other tables, but the oldest process stands for all.
      proc.process(pid, 0, "/fake/child", 3600).namespace(pid, 2).tcpOf(pid, "0.0.0.0", pid, 902);
    }
    assertEquals(List.of("tcp/0.0.0.0:22", "(prog):tcp/0.0.0.0:80"), endpoints(proc, true));
  }

  @Test
  void readsNamespaceOfProcessWhoseFirstThreadHasEnded() throws Exception {
    FakeProc proc = namespaces().tcpOf(50, "0.0.0.0", 80, 901).delete("50/exe").delete("50/ns");
    proc.namespace("50/task/52", 2).link("50/task/52/exe", "/fake/prog");
    Files.move(proc.path().resolve("50/net"), proc.path().resolve("50/task/52/net"));
    assertEquals(List.of("tcp/0.0.0.0:22", "(prog):tcp/0.0.0.0:80"), endpoints(proc, true));
  }

  @Test
  void labelsNamespaceByName() throws Exception {
    Path name = Files.createDirectories(folder.resolve("netns")).resolve("web");
    long inode = (Long) Files.getAttribute(Files.createFile(name), "unix:ino");
    FakeProc proc =
        namespaces()
            .namespace(50, inode)
            .write("50/cgroup", "0::/machine.slice/machine-box.scope\n")
            .tcpOf(50, "0.0.0.0", 80, 901);
    assertEquals(List.of("tcp/0.0.0.0:22", "web:tcp/0.0.0.0:80"), endpoints(proc, true));
    for (String random : List.of("cni-", "netns-")) {
      Path other = name.resolveSibling(random + "0b7d3a2e-1f0c-4a53-9d6e-5a3c1b2d4e6f");
      Files.move(name, other);
      assertEquals(
          List.of("tcp/0.0.0.0:22", "(box):tcp/0.0.0.0:80"), endpoints(proc, true), random);
      Files.move(other, name);
    }
    Files.move(name, name.resolveSibling("cni-mine"));
    assertEquals(List.of("tcp/0.0.0.0:22", "cni-mine:tcp/0.0.0.0:80"), endpoints(proc, true));
  }

  @Test
  void labelsNamespaceByContainer() throws Exception {
    FakeProc proc = namespaces().write("50/cgroup", "0::/lxc/web\n").tcpOf(50, "0.0.0.0", 80, 901);
    assertEquals(List.of("tcp/0.0.0.0:22", "(web):tcp/0.0.0.0:80"), endpoints(proc, true));
  }

  /** Where everybody may be root, and make network namespaces. */
  @Test
  void labelsUserNamespaceByUser() throws Exception {
    FakeProc proc =
        namespaces()
            .process(50, 33, "/fake/prog", 10)
            .userNamespace(50, 7)
            .tcpOf(50, "0.0.0.0", 80, 901);
    assertEquals(List.of("tcp/0.0.0.0:22", "(prog of www):tcp/0.0.0.0:80"), endpoints(proc, true));
  }

  @Test
  void replicasShareLabel() throws Exception {
    FakeProc proc = namespaces().tcpOf(50, "0.0.0.0", 80, 901).link("50/fd/3", "socket:[901]");
    proc.process(60, 33, "/fake/prog", 20, 902)
        .namespace(60, 3)
        .write("60/cgroup", "0::/\n")
        .tcpOf(60, "0.0.0.0", 80, 902)
        .tcpOf(60, "0.0.0.0", 81, 903);
    ScanResult scan = scanner(proc, true).scan(OwnerCache.EMPTY, DetailsSelector.NONE);
    assertEquals(
        List.of("tcp/0.0.0.0:22", "(prog):tcp/0.0.0.0:80", "(prog):tcp/0.0.0.0:81"),
        scan.snapshot().sockets().keySet().stream().map(Endpoint::toString).toList());
    assertEquals(
        owners(new Owner("root", "/fake/prog"), new Owner("www", "/fake/prog")),
        entry(scan, "(prog):tcp", "0.0.0.0:80").owners());
  }

  @Test
  void recreatedContainerKeepsLabel() throws Exception {
    FakeProc proc = namespaces().tcpOf(50, "0.0.0.0", 80, 901);
    List<String> before = endpoints(proc, true);
    proc.end(50)
        .process(77, 0, "/fake/prog", 5000, 905)
        .namespace(77, 99)
        .write("77/cgroup", "0::/\n")
        .tcpOf(77, "0.0.0.0", 80, 905);
    assertEquals(before, endpoints(proc, true));
  }

  @Test
  void readsDetailsInNamespace() throws Exception {
    FakeProc proc = namespaces().tcpOf(50, "0.0.0.0", 80, 901).link("50/fd/3", "socket:[901]");
    proc.append(
        "50/net/tcp",
        Files.readString(FakeProc.of("host", folder.resolve("other")).path().resolve("net/tcp"))
            .lines()
            .toList()
            .get(3)
            .replace(":0016", ":0050"));
    proc.connection("127.0.0.1", 80, "192.0.2.1", 1);
    assertEquals(
        List.of("127.0.0.1:54321"),
        detailed(scanner(proc, true))
            .details()
            .get(Endpoint.of("(prog):tcp", "0.0.0.0:80"))
            .peers());
  }

  /** The own namespace is 1; a program runs in 2. */
  private FakeProc namespaces() throws IOException {
    Files.writeString(folder.resolve("passwd"), "root:x:0:0::/root:/bin/sh\nwww:x:33:33::/:\n");
    return FakeProc.bare(folder.resolve("proc"))
        .tcp("0.0.0.0", 22, 101)
        .namespace("self", 1)
        .namespace(1, 1)
        .process(50, 0, "/fake/prog", 10)
        .namespace(50, 2)
        .write("50/cgroup", "0::/\n");
  }

  /** It may have descriptors of its own, unshare(2) with CLONE_FILES. */
  @Test
  void findsSocketOfThread() throws Exception {
    FakeProc proc = namespaces().link("50/task/52/fd/7", "socket:[101]");
    assertEquals(owners(new Owner("root", "/fake/prog")), ssh(proc).owners());
  }

  // ---- forged rows of the unix table

  /**
   * A socket of mallory's named {@code @evil}, and behind it a row that says {@code /run/x}, with
   * an inode without a process, or that of another socket.
   */
  @ParameterizedTest(name = "{0}")
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          an inode without a process                 | 999 | 1000 | forged
          the inode of mallory's own socket          | 201 | 1000 | forged
          the inode of a tcp listener                | 101 | 1000 | forged
          the inode of an unwatched unix socket      | 301 | 1000 | forged
          a socket of its own                        | 203 | 1000 | /fake/app
          the same behind what a setuid program has  | 101 | 0    | forged
          an unwatched one behind such a program's   | 301 | 0    | forged
          """)
  void suspectedRowCountsIfHeld(String why, long inode, int uid, String expected) throws Exception {
    FakeProc proc = forging(inode, uid);
    SocketScanner scanner = scanner(proc, false);
    ScanResult scan = detailed(scanner);
    Endpoint row = Endpoint.of("unix", "/run/x");
    SocketEntry entry = scan.snapshot().sockets().get(row);
    boolean forged = expected.equals("forged");
    assertEquals(
        forged ? List.of() : List.of(expected),
        entry.owners().stream().map(Owner::program).toList());
    assertEquals(forged ? Set.of(row) : Set.of(), scan.forged());
    assertEquals(
        forged
            ? List.of(
                "1 row of the unix table may be forged, since no process holds such a socket; the"
                    + " first, unix//run/x, may be part of the name of unix/@evil")
            : List.of(),
        scan.notes());
    SocketDetails details = scan.details().get(row);
    assertEquals(forged, details.flags().contains(Flag.FORGED));
    assertEquals(
        forged ? Optional.of(Endpoint.of("unix", "@evil")) : Optional.empty(),
        details.suspectedParent());
    // and what was remembered of it is no better
    assertEquals(scan.forged(), scan(proc, scan.ownerCache()).forged());
  }

  /**
   * Of two rows with one inode that one is real which was there before, for longer than an hour.
   */
  @Test
  void copiedRowKeepsFirstOwner() throws Exception {
    FakeProc proc = forging(999, 1000).process(60, 0, "/fake/real", 10, 401).unix("/run/a", 401);
    OwnerCache before = scan(proc).ownerCache();
    assertEquals(
        owners(new Owner("root", "/fake/real")), entry(scan(proc), "unix", "/run/a").owners());
    proc.unix("@z\n" + unixRow("0001", "401 ") + "/run/b", 201);
    Clock later = Clock.offset(Clock.fixed(NOW, ZoneOffset.UTC), Duration.ofHours(5));
    ScanResult scan =
        new SocketScanner(proc.sources(), false, later, "1.0.0").scan(before, DetailsSelector.NONE);
    assertEquals(owners(new Owner("root", "/fake/real")), entry(scan, "unix", "/run/a").owners());
    assertEquals(owners(), entry(scan, "unix", "/run/b").owners());
  }

  /** The inodes of sockets in other namespaces are no secret either. */
  @Test
  void rejectsInodeOfOtherNamespace() throws Exception {
    FakeProc proc = forging(203, 1000).namespace("self", 1).namespace(51, 1).namespace(52, 2);
    assertEquals(owners(), entry(scan(proc), "unix", "/run/x").owners());
    proc.namespace(52, 1);
    assertEquals(
        owners(new Owner("1001", "/fake/app")), entry(scan(proc), "unix", "/run/x").owners());
  }

  @Test
  void forgedRowIsNotOpen() throws Exception {
    RepeatedScan scans = new RepeatedScan(scanner(forging(999, 1000), false), OwnerCache.EMPTY);
    scans.scanUntilStable(DetailsSelector.NONE);
    Endpoint row = Endpoint.of("unix", "/run/x");
    assertTrue(scans.found().sockets().containsKey(row));
    assertFalse(scans.open().sockets().containsKey(row));
    assertTrue(scans.open().sockets().containsKey(Endpoint.of("unix", "@evil")));
  }

  /** A real one with the same name is not to suffer. */
  @Test
  void forgedCopyKeepsRealSocket() throws Exception {
    FakeProc proc = forging(999, 1000).process(60, 0, "/fake/real", 10, 401);
    proc.write(
        "net/unix",
        Files.readString(proc.path().resolve("net/unix"))
            .replace("Path\n", "Path\n" + unixRow("0001", "401 ") + "/run/x\n"));
    ScanResult scan = scan(proc);
    assertEquals(owners(new Owner("root", "/fake/real")), entry(scan, "unix", "/run/x").owners());
    assertEquals(Set.of(), scan.forged());
  }

  @Test
  void suspectedRowIsUnverifiedWithoutRoot() throws Exception {
    FakeProc proc = forging(999, 1000).end(1);
    SocketScanner scanner = scanner(proc, false);
    ScanResult scan = detailed(scanner);
    assertEquals(Set.of(), scan.forged());
    assertEquals(
        Set.of(Flag.UNVERIFIED), scan.details().get(Endpoint.of("unix", "/run/x")).flags());
  }

  /** Before Linux 5.6 the type of the socket behind a descriptor is unknown. */
  @Test
  void acceptsHeldRowOnOldKernel() throws Exception {
    FakeProc proc = forging(101, 1000).write("sys/kernel/osrelease", "5.5.19\n");
    assertEquals(
        owners(new Owner("root", "/fake/sshd")), entry(scan(proc), "unix", "/run/x").owners());
  }

  /** The name of a process of this user goes on with a row of this inode. */
  private FakeProc forging(long inode, int uid) throws IOException {
    Files.writeString(folder.resolve("passwd"), "root:x:0:0::/root:/bin/sh\n");
    return FakeProc.bare(folder.resolve("proc"))
        .tcp("0.0.0.0", 22, 101)
        .process(50, 0, "/fake/sshd", 10, 101)
        .write("50/fdinfo/3", "pos:\t0\nflags:\t02\n")
        .process(51, uid, "/fake/mallory", 10, 201)
        .process(52, 1001, "/fake/app", 10, 203, 301)
        .write("51/fdinfo/3", "pos:\t0\nscm_fds: 0\n")
        .write("52/fdinfo/3", "pos:\t0\nscm_fds: 0\n")
        .write("52/fdinfo/4", "pos:\t0\nscm_fds: 0\n")
        .append("net/unix", unixRow("0000", "301"))
        .unix("@evil\n" + unixRow("0001", inode + " ") + "/run/x", 201);
  }

  /** A row, in which 0001 listens and 0000 is a connection. */
  private static String unixRow(String flags, String inode) {
    return "0000000000000000: 00000002 00000000 " + flags + "0000 0001 01   " + inode;
  }

  private static List<String> endpoints(FakeProc proc, boolean all) throws IOException {
    return scanner(proc, all)
        .scan(OwnerCache.EMPTY, DetailsSelector.NONE)
        .snapshot()
        .sockets()
        .keySet()
        .stream()
        .map(Endpoint::toString)
        .toList();
  }

  private static SocketEntry entry(ScanResult scan, String table, String local) {
    return scan.snapshot().sockets().get(Endpoint.of(table, local));
  }

  private static SocketScanner scanner(FakeProc proc, boolean all) throws IOException {
    return new SocketScanner(proc.sources(), all, Clock.fixed(NOW, ZoneOffset.UTC), "1.0.0");
  }

  private static ScanResult scan(FakeProc proc) throws IOException {
    return scan(proc, OwnerCache.EMPTY);
  }

  private static ScanResult scan(FakeProc proc, OwnerCache cache) throws IOException {
    return scanner(proc, false).scan(cache, DetailsSelector.NONE);
  }

  /** A scan that reads the details of all sockets. */
  private static ScanResult detailed(SocketScanner scanner) throws IOException {
    return scanner.scan(OwnerCache.EMPTY, scanned -> scanned.sockets().values());
  }

  private static SocketEntry ssh(FakeProc proc) throws IOException {
    return entry(proc, Protocol.TCP, "0.0.0.0:22");
  }

  private static SocketEntry entry(FakeProc proc, Protocol protocol, String local)
      throws IOException {
    return scan(proc).snapshot().sockets().get(Endpoint.of(protocol.label(), local));
  }

  private static SortedSet<Owner> owners(Owner... owners) {
    return new TreeSet<>(List.of(owners));
  }
}
