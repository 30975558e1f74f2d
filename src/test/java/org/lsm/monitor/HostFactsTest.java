package org.lsm.monitor;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.lsm.channel.ExternalCommand;
import org.lsm.model.Diff;
import org.lsm.model.Difference;
import org.lsm.model.DifferenceType;
import org.lsm.model.Endpoint;
import org.lsm.model.Fact;
import org.lsm.model.Facts;
import org.lsm.model.HostInfo;
import org.lsm.model.Owner;
import org.lsm.model.ProcessDetails;
import org.lsm.model.ProcessRef;
import org.lsm.model.ProgramFile;
import org.lsm.model.Snapshot;
import org.lsm.model.SocketDetails;
import org.lsm.model.SocketEntry;
import org.lsm.proc.SocketScanner.Sources;
import org.lsm.report.DiffReport;
import org.lsm.sentry.PacketFilter;

/** What other programs know: files are read by real ones, the rest printed as these print it. */
class HostFactsTest {

  private static final HostInfo HOST = new HostInfo("web1", "6.1", Instant.EPOCH, "1.0");
  private static final String SHA256 =
      "ed7002b439e9ac845f22357d822bac1444730fbdb6016d3ec9432297b9ec9f73";
  private static final String MD5 = "9a0364b9e99bb480dd25e1f0284c8555"; // of "content"
  private static final Owner CUPS = new Owner("root", "/usr/sbin/cupsd");

  @TempDir private Path folder;
  private final Map<String, String> outputs = new HashMap<>();
  private final List<String> asked = new ArrayList<>();
  private Duration delay = Duration.ZERO;
  private Duration limit = Duration.ofMinutes(5); // on a loaded machine, too
  private Facts ofProc = Facts.NONE;

  @BeforeEach
  void bootSystemd() throws IOException {
    Files.createDirectories(folder.resolve("root/run/systemd/system"));
  }

  private HostFacts facts() {
    Sources sources =
        new Sources(folder.resolve("proc"), folder, folder, folder, folder.resolve("root"));
    return new HostFacts(sources, Path.of("/usr/sbin/nft"), this::run, it -> ofProc, limit);
  }

  /** Runs the shell, and prints what the other programs print. */
  private String run(List<String> command, Duration timeout) throws IOException {
    assertTrue(timeout.compareTo(limit.multipliedBy(2).dividedBy(3)) <= 0, timeout.toString());
    if (List.of("/bin/sh", "/usr/bin/stat").contains(command.get(0))) {
      return new ExternalCommand(Path.of(command.get(0)), Duration.ofSeconds(10), 4096)
          .run(command.subList(1, command.size()), new byte[0], Map.of());
    }
    asked.add(command.get(0));
    try {
      Thread.sleep(delay.toMillis());
    } catch (InterruptedException e) {
      throw new IOException(e);
    }
    String line = String.join(" ", command);
    for (var output : outputs.entrySet()) {
      if (line.startsWith(output.getKey())) {
        return output.getValue();
      }
    }
    throw new IOException("it ended with 1");
  }

  private static ProcessDetails process(String program, String command, String unit)
      throws IOException {
    ProgramFile file = ProgramFile.UNKNOWN;
    Path path = Path.of(program);
    if (Files.exists(path)) {
      Map<String, Object> stat = Files.readAttributes(path, "unix:dev,ino");
      file = new ProgramFile((long) stat.get("dev"), (long) stat.get("ino"), 0, 0);
    }
    Owner owner = new Owner("root", program);
    ProcessRef process = new ProcessRef(800, 9000, Instant.EPOCH, owner, 0, file, 1);
    return new ProcessDetails(process, command, "/", unit, List.of(), Set.of());
  }

  private Path program(String content) throws IOException {
    Path file = Files.writeString(folder.resolve("server"), content);
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwxr-x--x"));
    Files.setLastModifiedTime(file, FileTime.from(Instant.parse("2026-01-02T03:04:05Z")));
    Files.createDirectories(folder.resolve("proc/800"));
    Files.createSymbolicLink(folder.resolve("proc/800/exe"), file);
    return file;
  }

  // ---- program file

  @Test
  void readsFileOfProgram() throws IOException {
    Path file = program("content");
    Facts facts = facts().addTo(process(file.toString(), "", "")).facts();
    String text = facts.of(Fact.FILE).get(0);
    assertTrue(
        text.matches("\\S+:\\S+, mode 751, 7 bytes, modified 2026-01-0\\d \\d\\d:04:05 [+-]\\d{4}"),
        text);
    assertEquals(List.of(SHA256), facts.of(Fact.SHA256));
    assertEquals(List.of("none of dpkg or rpm has this file"), facts.of(Fact.PACKAGE));
    assertEquals(List.of(), facts.of(Fact.UNKNOWN));
  }

  @Test
  void namesPackage() throws IOException {
    Path file = program("content");
    outputs.put("/usr/bin/dpkg-query --search " + file, "serverd: " + file + "\n");
    String md5sums = "/usr/bin/dpkg-query --control-show serverd md5sums";
    outputs.put(md5sums, MD5 + "  opt/server\n");
    ProcessDetails process = process(file.toString(), "", "");
    assertEquals(List.of("serverd, unmodified"), facts().addTo(process).facts().of(Fact.PACKAGE));
    outputs.put(md5sums, "0123456789abcdef0123456789abcdef  opt/server\n");
    assertEquals(
        List.of("serverd, but it did not install this content"),
        facts().addTo(process).facts().of(Fact.PACKAGE));
  }

  /** Padding hides neither who owns the file, nor what the other programs know. */
  @Test
  void readsNoHugeFile() throws IOException {
    Path file = program("content");
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
      channel.write(ByteBuffer.wrap(new byte[1]), 3_000_000_000L);
    }
    Facts facts = facts().addTo(process(file.toString(), "", "session-4.scope")).facts();
    assertEquals(1, facts.of(Fact.FILE).size());
    assertEquals(List.of("SHA-256", "package"), facts.of(Fact.UNKNOWN));
  }

  /** Another process may have its PID by now. */
  @Test
  void readsNoOtherFile() throws IOException {
    Path other = program("content");
    Path file = Files.copy(other, folder.resolve("copy"));
    Facts facts = facts().addTo(process(file.toString(), "", "")).facts();
    assertEquals(Map.of(Fact.UNKNOWN, List.of("file", "package")), facts.values());
    assertEquals(List.of(), asked);
  }

  @Test
  void unreadableFileIsUnknown() throws IOException {
    program("content");
    assertEquals(
        List.of("file", "package"),
        facts().addTo(process("/opt/x", "", "")).facts().of(Fact.UNKNOWN));
    assertEquals(List.of(), asked); // its file system may hang
  }

  @Test
  void endedProcessHasNoFile() throws IOException {
    assertEquals(Facts.NONE, facts().addTo(process("/opt/x", "", "")).facts());
  }

  /** The first program has two thirds of the time, and what it takes longer is all that is left. */
  @Test
  void namesWhatThereWasNoTimeFor() throws IOException {
    Path file = program("content");
    limit = Duration.ofMillis(1500);
    delay = Duration.ofMillis(1600);
    Facts facts = facts().addTo(process(file.toString(), "", "session-4.scope")).facts();
    assertEquals(List.of("session", "file", "package"), facts.of(Fact.UNKNOWN));
    assertEquals(List.of("/usr/bin/loginctl"), asked);
  }

  /** What was cut off is no answer. */
  @Test
  void leavesTimeForOthers() throws IOException {
    Path file = program("content");
    limit = Duration.ofSeconds(6);
    delay = Duration.ofMillis(4010);
    Facts facts = facts().addTo(process(file.toString(), "", "session-4.scope")).facts();
    assertEquals(List.of("session", "package"), facts.of(Fact.UNKNOWN));
    assertEquals(1, facts.of(Fact.SHA256).size());
  }

  // ---- session and container

  @Test
  void describesSession() throws IOException {
    outputs.put(
        "/usr/bin/loginctl show-session --value --property=Name,Timestamp,TTY,RemoteHost,Service 4",
        "alice\nFri 2026-11-27 01:00:00 UTC\npts/0\n203.0.113.9\nsshd\n");
    assertEquals(
        List.of("alice, Fri 2026-11-27 01:00:00 UTC, pts/0, 203.0.113.9, sshd"),
        facts().addTo(process("[x]", "", "session-4.scope")).facts().of(Fact.SESSION));
  }

  /** Users may make control groups of any name below their own service. */
  @Test
  void believesNoSessionWithinAService() throws IOException {
    String unit = "user@1000.service/session-4.scope";
    assertEquals(List.of(), facts().addTo(process("[x]", "", unit)).facts().of(Fact.SESSION));
    assertEquals(List.of(), asked);
  }

  @Test
  void findsLoginAtTerminal() throws IOException {
    outputs.put(
        "/usr/bin/who",
        """
        root     tty1         2026-11-26 09:00
        alice    pts/0        2026-11-27 01:00 (203.0.113.9)
        bob      pts/01       2026-11-27 02:00 (203.0.113.8)
        """);
    ProcessDetails process = process("[x]", "", "");
    ofProc = Facts.NONE.with(Fact.TERMINAL, "pts/0");
    assertEquals(
        List.of("alice pts/0 2026-11-27 01:00 (203.0.113.9)"),
        facts().addTo(process).facts().of(Fact.SESSION));
  }

  @ParameterizedTest
  @CsvSource({
    "/usr/bin/docker-proxy, -proto tcp -host-port 8080 -container-port 80, '', publish=8080",
    "/usr/bin/app, -host-port 8080, container 0123456789ab, id=0123456789ab",
    "/usr/bin/app, -host-port 8080, '', ''"
  })
  void namesContainer(String program, String arguments, String unit, String filter)
      throws IOException {
    outputs.put("/usr/bin/docker ps --filter " + filter + " --format ", "web (nginx:1.27)\n");
    assertEquals(
        filter.isEmpty() ? List.of() : List.of("web (nginx:1.27)"),
        facts().addTo(process(program, "x " + arguments, unit)).facts().of(Fact.CONTAINER));
  }

  // ---- packet filter and units

  @ParameterizedTest
  @CsvSource({
    "tcp,  0.0.0.0:4444,   1",
    "tcp,  127.0.0.1:4444, 0",
    "udp6, [::]:4444,      1",
    "raw,  0.0.0.0:1,      0",
    "unix, /run/x,         0"
  })
  void asksPacketFilterAboutPorts(String table, String local, int times) throws IOException {
    try (var rules = PacketFilter.class.getResourceAsStream("filter-drop.nft")) {
      outputs.put(
          "/usr/sbin/nft -t list ruleset",
          new String(rules.readAllBytes(), StandardCharsets.UTF_8));
    }
    Difference it = difference(DifferenceType.NEW, table, local, CUPS);
    Facts facts = facts().addTo(report(it, it)).details(it).facts();
    assertEquals(times, asked.size());
    assertEquals(
        times == 0 ? List.of() : List.of("the packet filter seems to drop it"),
        facts.of(Fact.PACKET_FILTER));
  }

  private static final String UNITS =
      """
      Id=cups.service
      ExecStart={ path=/usr/sbin/cupsd ; argv[]=/usr/sbin/cupsd -l ; ignore_errors=no ; pid=0 }
      ActiveState=failed
      SubState=failed
      Result=signal
      ExecMainCode=2
      ExecMainStatus=9
      StateChangeTimestamp=Fri 2026-11-27 01:00:00 UTC

      Id=app.service
      ExecStart={ path=/usr/bin/python3 ; argv[]=/usr/bin/python3 /opt/app.py ; ignore_errors=no }
      ActiveState=inactive
      SubState=dead
      Result=success
      ExecMainCode=1
      ExecMainStatus=0
      StateChangeTimestamp=Fri 2026-11-27 02:00:00 UTC

      Id=broken.service
      ExecStart={ path=/sbin/broken ; argv[]=/sbin/broken ; ignore_errors=no }
      ActiveState=failed
      SubState=failed
      Result=exit-code
      ExecMainCode=1
      ExecMainStatus=255
      StateChangeTimestamp=

      Id=web.socket
      Listen=[::]:8080 (Stream)
      Listen=/run/web.sock (Stream)
      ActiveState=inactive
      SubState=dead
      Result=success
      StateChangeTimestamp=Fri 2026-11-27 03:00:00 UTC
      """;

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      nullValues = "-",
      value = {
        "/usr/sbin/cupsd | | cups.service: failed (signal), killed by signal 9, since Fri 2026-11-27 01:00:00 UTC",
        "/usr/bin/python3 | /opt/app.py | app.service: inactive (dead), since Fri 2026-11-27 02:00:00 UTC",
        "/usr/bin/python3 | /opt/other.py | -",
        "/usr/sbin/broken | | broken.service: failed (exit-code), exit status 255",
        "/usr/sbin/other | | -",
        "(elsewhere)/usr/sbin/cupsd | | -"
      })
  void explainsWhatIsGone(String program, String script, String cause) {
    outputs.put("/usr/bin/systemctl show ", UNITS);
    Owner owner = new Owner("root", program, script == null ? "" : script);
    Difference gone = difference(DifferenceType.GONE, "tcp", "0.0.0.0:631", owner);
    List<String> expected = cause == null ? List.of() : List.of(cause);
    assertEquals(expected, facts().addTo(report(gone)).details(gone).facts().of(Fact.CAUSE));
  }

  @ParameterizedTest
  @CsvSource({"tcp6, [::]:8080, 1", "unix, /run/web.sock, 1", "tcp6, [::]:808, 0"})
  void findsUnitThatListened(String table, String local, int causes) {
    outputs.put("/usr/bin/systemctl show ", UNITS);
    Owner systemd = new Owner("root", "/usr/lib/systemd/systemd");
    Difference gone = difference(DifferenceType.GONE, table, local, systemd);
    assertEquals(causes, facts().addTo(report(gone)).details(gone).facts().of(Fact.CAUSE).size());
  }

  @Test
  void asksSystemdOnceAndOnlyWhereItRuns() throws IOException {
    Difference one = difference(DifferenceType.GONE, "tcp", "0.0.0.0:1", CUPS);
    Difference two = difference(DifferenceType.GONE, "tcp", "0.0.0.0:2", CUPS);
    facts().addTo(report(one, two));
    assertEquals(List.of("/usr/bin/systemctl"), asked);
    Files.delete(folder.resolve("root/run/systemd/system"));
    facts().addTo(report(one, two));
    assertEquals(List.of("/usr/bin/systemctl"), asked);
  }

  /** The one about the packet filter is asked last, and only if others are read. */
  @ParameterizedTest
  @CsvSource({"true, '/usr/bin/systemctl,/usr/sbin/nft'", "false, /usr/bin/systemctl"})
  void asksAboutAlertedDifferenceFirst(boolean withOthers, String programs) {
    Difference standing = difference(DifferenceType.NEW, "tcp", "0.0.0.0:1", CUPS);
    Difference alerted = difference(DifferenceType.GONE, "tcp", "0.0.0.0:2", CUPS);
    facts().addTo(report(standing, alerted), List.of(alerted), withOthers);
    assertEquals(programs, String.join(",", asked));
  }

  @Test
  void failureDoesNotPreventTheAlert() {
    Difference one = difference(DifferenceType.GONE, "tcp", "0.0.0.0:1", CUPS);
    DiffReport report = report(one);
    HostFacts failing =
        new HostFacts(
            null, Path.of("/usr/sbin/nft"), this::run, it -> ofProc, limit); // without sources
    DiffReport found = failing.addTo(report, List.of(one), true);
    assertEquals(report.diff(), found.diff());
    assertEquals(1, found.notes().size());
    assertTrue(found.notes().get(0).startsWith("facts about the processes are missing: "));
  }

  /** A process that holds several sockets is read once. */
  @Test
  void readsProcessOnce() throws IOException {
    HostFacts facts = facts();
    ProcessDetails process = process("[x]", "", "");
    ofProc = Facts.NONE.with(Fact.LOGIN, "alice");
    assertEquals(ofProc, facts.addTo(process).facts());
    ofProc = Facts.NONE;
    assertEquals(List.of("alice"), facts.addTo(process).facts().of(Fact.LOGIN));
  }

  private static Difference difference(
      DifferenceType type, String table, String local, Owner owner) {
    Endpoint endpoint = Endpoint.of(table, local);
    SocketEntry entry = new SocketEntry(endpoint, new TreeSet<>(Set.of(owner)), List.of());
    return new Difference(type, entry, entry);
  }

  private static DiffReport report(Difference... differences) {
    Snapshot none = new Snapshot(HOST, new TreeMap<>());
    Map<Endpoint, SocketDetails> details = new HashMap<>();
    details.put(
        Endpoint.of("tcp", "0.0.0.0:4444"),
        new SocketDetails("", List.of(), List.of(), Set.of(), Optional.empty()));
    List<Difference> distinct = List.of(differences).stream().distinct().toList();
    return new DiffReport(
        none, none, new Diff(distinct), details, List.of(), () -> ZoneOffset.UTC, user -> user);
  }
}
