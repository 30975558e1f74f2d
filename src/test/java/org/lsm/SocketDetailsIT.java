package org.lsm;

import static org.junit.jupiter.api.Assertions.assertAll;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.Isolated;
import org.lsm.InstalledLsm.Result;

/** Details of sockets that real processes hold, in the reports of an installed lsm. */
@Isolated // sockets of one program are one block of a report
class SocketDetailsIT {

  private static final boolean ROOT = "root".equals(System.getProperty("user.name"));
  private static final String SELF = System.getProperty("user.name");

  // The ports of TCP that the kernel assigns here stand for fixed ones.
  private static final String WITHOUT_CHANNELS =
      "MAILER=\"none\"\nSYSLOG=\"no\"\nEPHEMERAL=\"udp\"\n";
  private static final Pattern FD_DIRECTORY = Pattern.compile("\"/proc/\\d+/(task/\\d+/)?fd\"");

  @TempDir static Path directory;
  private static String perl;
  private static InstalledLsm lsm;

  @BeforeAll
  static void install() throws Exception {
    assumeTrue(Files.isExecutable(OpenSockets.PERL), "needs perl to open sockets");
    perl = OpenSockets.PERL.toRealPath().toString();
    Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString("rwxr-xr-x"));
    lsm = InstalledLsm.install(directory.resolve("local"), WITHOUT_CHANNELS);
  }

  @AfterAll
  static void uninstall() throws Exception {
    if (lsm != null) {
      lsm.purge();
    }
  }

  @BeforeEach
  void reset() throws Exception {
    lsm.configure(WITHOUT_CHANNELS);
    Files.writeString(ignoreRules(), "");
    generate();
  }

  private static Path ignoreRules() {
    return lsm.prefix().resolve("lsm/ignore.lsm");
  }

  private static void generate() throws Exception {
    Result result = lsm.run("-g");
    assertEquals(0, result.exitCode(), result.toString());
  }

  private static OpenSockets open(String... endpoints) throws Exception {
    return OpenSockets.open("root", OpenSockets.PERL, endpoints);
  }

  /** Copies perl to a program of another name. */
  private static Path copyOfPerl(Path to) throws IOException {
    Files.deleteIfExists(to);
    return Files.copy(OpenSockets.PERL, to);
  }

  private static String compare(String endpoint) throws Exception {
    Result result = lsm.run("-c");
    assertTrue(result.exitCode() == 0 || result.exitCode() == 1, result.toString());
    return result.unwrapped(endpoint);
  }

  /** Returns the flags of a socket and of its processes, and what is only noted. */
  private static Set<String> flags(String details) {
    return details
        .lines()
        .map(String::strip)
        .filter(line -> line.matches("(!|note  ) .*"))
        .flatMap(line -> Stream.of(line.replaceFirst("^(!|note) +", "").split(", ", -1)))
        .collect(Collectors.toSet());
  }

  private static void assertContains(String details, String... texts) {
    assertAll(
        Stream.of(texts).map(it -> () -> assertTrue(details.contains(it), it + " in " + details)));
  }

  @Test
  void showsAncestorsOfListener() throws Exception {
    String user = ROOT ? "nobody" : SELF;
    String demote = ROOT ? "setpriv --reuid nobody --regid nogroup --clear-groups " : "";
    Path script = directory.resolve("backdoor.sh");
    Files.writeString(script, "cd " + directory + "\n" + demote + "\"$@\"\nexit 0\n");
    List<String> command = new ArrayList<>(List.of("/bin/sh", script.toString()));
    command.addAll(OpenSockets.command(OpenSockets.PERL, "tcp/0.0.0.0:0"));
    try (OpenSockets sockets = OpenSockets.start(command)) {
      String details = compare(sockets.endpoints().get(0));
      ProcessHandle shell = ProcessHandle.of(sockets.pid()).orElseThrow();
      long listener = shell.children().findFirst().orElseThrow().pid();
      assertContains(
          details,
          "NEW      [high] " + sockets.endpoints().get(0),
          InstalledLsm.process(OpenSockets.program(), user, listener),
          "command    " + String.join(" ", command.subList(2, command.size())) + "\n",
          "directory  " + directory.toRealPath() + "\n",
          "parents    "
              + Path.of("/bin/sh").toRealPath()
              + " "
              + script
              + " ("
              + SELF
              + "), PID "
              + shell.pid(),
          "(" + SELF + "), PID " + ProcessHandle.current().pid());
      assertEquals(ancestors(shell), pidsOfParents(details), details);
      assertEquals(Set.of("reachable beyond loopback", "shell or interpreter"), flags(details));
    }
  }

  /** Returns the PIDs of a process and its visible ancestors. */
  private static List<Long> ancestors(ProcessHandle process) {
    return Stream.iterate(process, it -> it != null, it -> it.parent().orElse(null))
        .map(ProcessHandle::pid)
        .toList();
  }

  private static List<Long> pidsOfParents(String details) {
    String parents = details.lines().filter(it -> it.contains(" parents ")).findFirst().get();
    return Pattern.compile(", PID (\\d+)")
        .matcher(parents)
        .results()
        .map(it -> Long.valueOf(it.group(1)))
        .toList();
  }

  @Test
  void flagsDeletedProgram() throws Exception {
    Path program = copyOfPerl(directory.resolve("listener"));
    try (OpenSockets sockets = OpenSockets.open("root", program, "tcp/127.0.0.1:0")) {
      Files.delete(program);
      String details = compare(sockets.endpoints().get(0));
      assertContains(details, InstalledLsm.process(program, SELF, sockets.pid()));
      assertEquals(
          Set.of("program file deleted", "program in a world-writable directory"), flags(details));
    }
  }

  @Test
  void flagsProgramInSharedMemory() throws Exception {
    Path shm = Path.of("/dev/shm");
    assumeTrue(Files.isWritable(shm), "needs a writable /dev/shm");
    boolean noexec =
        Files.readAllLines(Path.of("/proc/mounts")).stream()
            .anyMatch(line -> line.matches("\\S+ /dev/shm \\S+ \\S*\\bnoexec\\b.*"));
    assumeTrue(!noexec, "needs a /dev/shm that programs may run from");
    Path hidden = Files.createTempDirectory(shm, ".lsm-it");
    Path program = copyOfPerl(hidden.resolve("nc"));
    try (OpenSockets sockets = OpenSockets.open("root", program, "tcp/127.0.0.1:0")) {
      String details = compare(sockets.endpoints().get(0));
      assertContains(details, InstalledLsm.process(program, SELF, sockets.pid()));
      assertEquals(Set.of("program in a world-writable directory"), flags(details));
    } finally {
      Files.delete(program);
      Files.delete(hidden);
    }
  }

  @Test
  void marksProgramMountedOverAnother() throws Exception {
    assumeTrue("root".equals(SELF), "only root may mount");
    Path name = Path.of("/usr/sbin/nologin");
    assumeTrue(Files.exists(name), "needs /usr/sbin/nologin to mount over");
    List<String> command = new ArrayList<>(List.of("/usr/bin/unshare", "--mount", "/bin/sh", "-c"));
    command.add("mount --bind /usr/bin/perl " + name + " && exec " + name + " \"$@\"");
    command.add("sh");
    command.addAll(OpenSockets.command(OpenSockets.PERL, "tcp/127.0.0.1:0").subList(1, 3));
    try (OpenSockets sockets = OpenSockets.start(command)) {
      String details = compare(sockets.endpoints().get(0));
      assertContains(details, InstalledLsm.process("(elsewhere)" + name, "root", sockets.pid()));
    }
  }

  @Test
  void survivesDeletedProgramWithInvalidName() throws Exception {
    assumeTrue("root".equals(SELF), "only root may become another user");
    List<String> command =
        new ArrayList<>(List.of("/usr/bin/setpriv", "--reuid", "nobody", "--regid", "nogroup"));
    command.addAll(List.of("--clear-groups", "/bin/sh", "-c"));
    command.add(
        "p=$(mktemp -u)$(printf '\\377'); cp /usr/bin/perl \"$p\";"
            + " (sleep 1; rm \"$p\") & exec \"$p\" \"$@\"");
    command.add("sh");
    command.addAll(OpenSockets.command(OpenSockets.PERL, "tcp/127.0.0.1:0").subList(1, 3));
    try (OpenSockets sockets = OpenSockets.start(command)) {
      Path exe = Path.of("/proc/" + sockets.pid() + "/exe");
      while (!Files.readSymbolicLink(exe).toString().endsWith(" (deleted)")) {
        Thread.sleep(10);
      }
      String details = compare(sockets.endpoints().get(0));
      assertContains(
          details,
          InstalledLsm.process("\\xff", "nobody", sockets.pid()).substring("program    ".length()));
      assertTrue(flags(details).contains("program file deleted"), details);
    }
  }

  @Test
  void flagsProgramInMemory() throws Exception {
    List<String> command =
        new ArrayList<>(List.of(perl, OpenSockets.script("memfd.pl"), OpenSockets.PERL.toString()));
    command.addAll(OpenSockets.command(OpenSockets.PERL, "tcp/127.0.0.1:0").subList(1, 3));
    try (OpenSockets sockets = OpenSockets.start(command)) {
      String details = compare(sockets.endpoints().get(0));
      assertContains(details, InstalledLsm.process("/memfd:lsm-it", SELF, sockets.pid()));
      assertEquals(Set.of("program runs from memory (memfd)"), flags(details));
    }
  }

  @Test
  void showsAllOwnersOfSharedSocket() throws Exception {
    Path helper = copyOfPerl(directory.resolve("helper"));
    List<String> command = List.of(perl, OpenSockets.script("pass.pl"), helper.toString());
    String program = perl + " " + OpenSockets.script("pass.pl");
    try (OpenSockets sockets = OpenSockets.start(command)) {
      String endpoint = sockets.endpoints().get(0);
      String child = sockets.endpoints().get(1);
      assertContains(
          compare(endpoint),
          InstalledLsm.process(program, SELF, sockets.pid()),
          InstalledLsm.process(helper, SELF, child),
          "parents    " + program + " (" + SELF + "), PID " + sockets.pid());

      ProcessHandle left = ProcessHandle.of(Long.parseLong(child)).orElseThrow();
      try {
        ProcessHandle parent = ProcessHandle.of(sockets.pid()).orElseThrow();
        parent.destroyForcibly();
        parent.onExit().join();
        String details = compare(endpoint);
        assertContains(details, InstalledLsm.process(helper, SELF, child));
        assertFalse(details.contains("PID " + sockets.pid()), details);
      } finally {
        left.destroyForcibly();
      }
    }
  }

  @Test
  void findsOwnerWhoseFirstThreadEnded() throws Exception {
    boolean threads = InstalledLsm.run(List.of(perl, "-Mthreads", "-e", "1")).exitCode() == 0;
    assumeTrue(threads, "needs a perl with threads");
    String program = copyOfPerl(directory.resolve("threads")).toString();
    List<String> command = List.of(program, OpenSockets.script("threads.pl"));
    try (OpenSockets sockets = OpenSockets.start(command)) {
      String details = compare(sockets.endpoints().get(0));
      assertContains(
          details,
          InstalledLsm.process(program, SELF, sockets.pid()),
          "command    " + String.join(" ", command) + "\n",
          "directory  " + Path.of("").toRealPath() + "\n");
      assertEquals(Set.of("program in a world-writable directory"), flags(details));
    }
  }

  @Test
  void showsConnectedPeers() throws Exception {
    try (OpenSockets sockets = open("tcp/127.0.0.1:0");
        Socket one = connect(sockets.endpoints().get(0));
        Socket two = connect(sockets.endpoints().get(0))) {
      String details = compare(sockets.endpoints().get(0));
      assertContains(
          details,
          "connected  ",
          "127.0.0.1:" + one.getLocalPort(),
          "127.0.0.1:" + two.getLocalPort());
    }
    try (OpenSockets lonely = open("tcp/127.0.0.1:0")) {
      assertFalse(compare(lonely.endpoints().get(0)).contains("connected"));
    }
  }

  private static Socket connect(String endpoint) throws IOException {
    return new Socket(
        InetAddress.getLoopbackAddress(),
        Integer.parseInt(endpoint.substring(endpoint.lastIndexOf(':') + 1)));
  }

  @Test
  void flagsSocketsBeyondLoopback() throws Exception {
    try (OpenSockets any = open("tcp/0.0.0.0:0");
        OpenSockets local = open("tcp/127.0.0.1:0");
        OpenSockets unix = open("unix-stream/@lsm-details")) {
      Result result = lsm.run("-c");
      List<Set<String>> flags =
          Stream.of(any, local, unix)
              .map(it -> flags(result.details(it.endpoints().get(0))))
              .toList();
      assertEquals(
          List.of(
              Set.of("1 of them reachable beyond loopback", "shell or interpreter"),
              Set.of("1 of them reachable beyond loopback", "shell or interpreter"),
              Set.of("1 of them reachable beyond loopback", "shell or interpreter")),
          flags);
      assertContains(
          result.details(unix.endpoints().get(0)),
          "NEW      [high] " + any.endpoints().get(0),
          "NEW      " + local.endpoints().get(0),
          "NEW      " + unix.endpoints().get(0));
    }
  }

  @Test
  void flagsIpv6SocketsBeyondLoopback() throws Exception {
    assumeTrue(Files.exists(Path.of("/proc/net/if_inet6")), "this host has no IPv6");
    try (OpenSockets sockets = open("tcp6/[::]:0");
        OpenSockets local = open("tcp6/[::1]:0")) {
      Result result = lsm.run("-c");
      assertTrue(
          flags(result.details(sockets.endpoints().get(0)))
              .contains("1 of them reachable beyond loopback"));
      assertContains(
          result.details(local.endpoints().get(0)),
          "NEW      [high] " + sockets.endpoints().get(0),
          "NEW      " + local.endpoints().get(0));
    }
  }

  @Test
  void ignoresNewPid() throws Exception {
    String[] endpoints;
    try (OpenSockets first = open("tcp/127.0.0.1:0", "unix-dgram/@lsm-details-restarted")) {
      endpoints = new String[] {first.endpoints().get(0), "unix-dgram/@lsm-details-restarted"};
      generate();
    }
    try (OpenSockets second = open(endpoints)) {
      Result result = lsm.run("-c");
      assertEquals("", result.details(second.endpoints().get(0)));
      assertEquals("", result.details(second.endpoints().get(1)));
    }
  }

  @Test
  void reportsOtherProgramAsChanged() throws Exception {
    Path impostor = copyOfPerl(directory.resolve("impostor"));
    String endpoint;
    try (OpenSockets first = open("tcp/127.0.0.1:0")) {
      endpoint = first.endpoints().get(0);
      generate();
    }
    String user = ROOT ? "nobody" : "root"; // "root" for whoever runs the test
    try (OpenSockets second = OpenSockets.open(user, impostor, endpoint)) {
      String details = compare(endpoint);
      assertContains(
          details,
          "CHANGED  [high] " + endpoint,
          "before     " + OpenSockets.program() + " (" + SELF + ")\n",
          InstalledLsm.process(impostor, ROOT ? user : SELF, second.pid()));
      assertEquals(Set.of("program in a world-writable directory"), flags(details));
    }
  }

  @Test
  void reportsOtherUserAsChanged() throws Exception {
    assumeTrue(ROOT, "only root may start programs as another user");
    String endpoint;
    try (OpenSockets first = open("tcp/127.0.0.1:0")) {
      endpoint = first.endpoints().get(0);
      generate();
    }
    try (OpenSockets second = OpenSockets.open("nobody", OpenSockets.PERL, endpoint)) {
      assertContains(
          compare(endpoint),
          "CHANGED  " + endpoint,
          "before     " + OpenSockets.program() + " (root)\n",
          InstalledLsm.process(OpenSockets.program(), "nobody", second.pid()));
    }
  }

  @Test
  void comparesEphemeralPortByProgram() throws Exception {
    Path stranger = copyOfPerl(directory.resolve("stranger"));
    String before;
    try (OpenSockets first = open("udp/127.0.0.1:0")) {
      before = first.endpoints().get(0);
      generate();
    }
    Result closed = lsm.run("-c");
    assertEquals(
        "",
        closed.details(before),
        "an ephemeral port is not GONE while its program may open another");
    assertEquals("", closed.details("udp/127.0.0.1:ephemeral"));
    try (OpenSockets again = open(anotherPort(before));
        OpenSockets other = OpenSockets.open("root", stranger, "udp/127.0.0.1:0")) {
      Result result = lsm.run("-c");
      assertEquals("", result.details(again.endpoints().get(0)));
      assertEquals("", result.details(before));
      assertContains(
          result.details(other.endpoints().get(0)),
          "NEW      ",
          InstalledLsm.process(stranger, SELF, other.pid()));
    }
  }

  @Test
  void comparesEphemeralPortByNumber() throws Exception {
    lsm.configure(WITHOUT_CHANNELS.replace("udp", "none"));
    String before;
    try (OpenSockets first = open("udp/127.0.0.1:0")) {
      before = first.endpoints().get(0);
      generate();
    }
    try (OpenSockets again = open(anotherPort(before))) {
      Result result = lsm.run("-c");
      assertContains(
          result.details(again.endpoints().get(0)),
          "NEW      " + again.endpoints().get(0),
          "GONE     " + before,
          InstalledLsm.process(OpenSockets.program(), SELF, again.pid()));
    }
  }

  /** Returns another ephemeral port. */
  private static String anotherPort(String endpoint) {
    int port = Integer.parseInt(endpoint.substring(endpoint.lastIndexOf(':') + 1));
    return "udp/127.0.0.1:" + (port ^ 1);
  }

  @Test
  void acceptsOneDifference() throws Exception {
    try (OpenSockets sockets = open("tcp/127.0.0.1:0", "tcp/127.0.0.1:0")) {
      String taken = sockets.endpoints().get(0);
      String left = sockets.endpoints().get(1);
      Result accepted = lsm.run("accept", taken);
      assertEquals(0, accepted.exitCode(), accepted.toString());
      assertContains(accepted.details(taken), "NEW      ", "PID        " + sockets.pid());
      assertEquals("", accepted.details(left));
      Result result = lsm.run("-c");
      assertEquals("", result.details(taken));
      assertContains(result.details(left), "NEW      ");
      Result unknown = lsm.run("accept", taken);
      assertEquals(2, unknown.exitCode(), "there is no such difference any more");
      assertContains(unknown.err(), taken);
    }
  }

  @Test
  void ignoresSocketByRule() throws Exception {
    try (OpenSockets sockets = open("tcp/127.0.0.1:0", "tcp/127.0.0.1:0")) {
      String ignored = sockets.endpoints().get(0);
      String watched = sockets.endpoints().get(1);
      Files.writeString(
          ignoreRules(),
          """
          # of this test

          tcp  %s  program=%s  user=%s
          tcp  %s  program=/usr/sbin/nginx
          """
              .formatted(ignored.substring(4), perl, SELF, watched.substring(4)));
      Result result = lsm.run("-c");
      assertEquals("", result.details(ignored));
      assertContains(result.details(watched), "NEW      ");
      assertEquals("", row(lsm.run("list"), ignored));
      assertContains(row(lsm.run("list", "--all"), ignored), "(ignored by ignore.lsm:3)");
      assertFalse(row(lsm.run("list", "--all"), watched).contains("ignored"));
    }
  }

  private static String row(Result list, String endpoint) {
    assertEquals(0, list.exitCode(), list.toString());
    String name = endpoint + " ";
    return list.out().lines().filter(line -> line.startsWith(name)).findFirst().orElse("");
  }

  @Test
  void writesPidToJson() throws Exception {
    try (OpenSockets sockets = open("tcp/127.0.0.1:0")) {
      Result result = lsm.run("-c", "--format", "json");
      assertEquals(1, result.exitCode(), result.toString());
      JsonObject report = JsonParser.parseString(result.out()).getAsJsonObject();
      JsonObject difference = of(report.getAsJsonArray("differences"), sockets.endpoints().get(0));
      assertEquals("NEW", difference.get("kind").getAsString());
      assertEquals("[" + sockets.pid() + "]", difference.get("pids").toString());
      assertEquals("[]", difference.get("owners_before").toString());
      JsonObject process = difference.getAsJsonArray("processes").get(0).getAsJsonObject();
      assertEquals(sockets.pid(), process.get("pid").getAsLong());
      assertEquals(perl, process.get("program").getAsString());
      assertEquals("[\"interpreter\"]", process.get("flags").toString());
      assertTrue(Instant.parse(process.get("start_time").getAsString()).isBefore(Instant.now()));
      JsonObject list =
          JsonParser.parseString(lsm.run("list", "--format", "json").out()).getAsJsonObject();
      JsonObject socket = of(list.getAsJsonArray("sockets"), sockets.endpoints().get(0));
      assertEquals(
          sockets.pid(),
          socket.getAsJsonArray("processes").get(0).getAsJsonObject().get("pid").getAsLong());
    }
  }

  private static JsonObject of(JsonArray sockets, String endpoint) {
    for (JsonElement element : sockets) {
      if (element.getAsJsonObject().get("socket").getAsString().equals(endpoint)) {
        return element.getAsJsonObject();
      }
    }
    throw new AssertionError(endpoint + " is not among " + sockets);
  }

  @Test
  void comparesTwoBaselines() throws Exception {
    Path older = directory.resolve("older");
    Files.deleteIfExists(older);
    Files.copy(lsm.state().resolve("baseline"), older);
    String newer = lsm.state().resolve("baseline").toString();
    try (OpenSockets sockets = open("tcp/127.0.0.1:0")) {
      String endpoint = sockets.endpoints().get(0);
      generate();
      Result forward = lsm.run("diff", older.toString(), newer);
      assertEquals(1, forward.exitCode(), forward.toString());
      assertContains(
          forward.details(endpoint),
          "NEW      ",
          "program    " + OpenSockets.program() + "\n         user       " + SELF);
      Result backward = lsm.run("diff", newer, older.toString());
      assertContains(
          backward.details(endpoint),
          "GONE     ",
          "program    " + OpenSockets.program() + "\n         user       " + SELF);
      assertEquals(0, lsm.run("diff", newer, newer).exitCode());
      assertEquals("", compare(endpoint));
      assertContains(
          lsm.run("-c", "--baseline", older.toString()).details(endpoint),
          "NEW      ",
          "PID        " + sockets.pid());
    }
  }

  /** Waits until the hour lasts this long: the first run of an hour ignores the owner cache. */
  private static void awaitRestOfHour(Duration least) throws InterruptedException {
    Instant now = Instant.now();
    Instant next = now.truncatedTo(ChronoUnit.HOURS).plus(Duration.ofHours(1));
    Duration left = Duration.between(now, next);
    if (left.compareTo(least) < 0) {
      Thread.sleep(left.toMillis() + 1);
    }
  }

  @Test
  void readsNoDescriptorsIfUnchanged() throws Exception {
    assumeTrue(ROOT, "only root can create a network namespace for the test");
    assumeTrue(Files.isExecutable(Path.of("/usr/bin/strace")), "needs strace");
    awaitRestOfHour(Duration.ofMinutes(1));
    try (TestNamespace namespace = TestNamespace.create("cost");
        OpenSockets sockets =
            namespace.open("tcp/127.0.0.1:0", "udp/127.0.0.1:500", "unix-stream/@lsm-cost")) {
      assertEquals(0, namespace.run(lsm.command("-g")).exitCode(), sockets.endpoints().toString());
      assertEquals(0, descriptorDirectoriesRead(namespace, 0), "after generate");
      assertEquals(0, descriptorDirectoriesRead(namespace, 0), "after compare");
      try (OpenSockets more = namespace.open("tcp/127.0.0.1:0")) {
        long directories = descriptorDirectoriesRead(namespace, 1);
        assertTrue(
            directories > 1,
            directories + " descriptor directories read to find " + more.endpoints());
        assertEquals(0, descriptorDirectoriesRead(namespace, 1), "after an alert");
      }
      Files.delete(lsm.state().resolve("owner-cache"));
      assertTrue(
          descriptorDirectoriesRead(namespace, 0) > 1, "without a cache all sockets are new");
      assertEquals(0, descriptorDirectoriesRead(namespace, 0), "the cache was written");
    }
  }

  /** Returns how many directories /proc/PID/fd a quiet compare reads. */
  private static long descriptorDirectoriesRead(TestNamespace namespace, int exitCode)
      throws Exception {
    Path trace = directory.resolve("trace");
    List<String> command =
        new ArrayList<>(
            List.of("/usr/bin/strace", "-f", "--seccomp-bpf", "-e", "trace=openat,open"));
    command.addAll(List.of("-o", trace.toString()));
    command.addAll(lsm.command("-c", "--quiet"));
    Result result = namespace.run(command);
    assertEquals(exitCode, result.exitCode(), result.toString());
    List<String> calls = Files.readAllLines(trace);
    assertTrue(
        calls.stream().anyMatch(line -> line.contains("/proc/net/tcp\"")), "the trace is complete");
    return calls.stream().filter(line -> FD_DIRECTORY.matcher(line).find()).count();
  }
}
