package org.lsm.proc;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Clock;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.lsm.FakeProc;
import org.lsm.model.Owner;
import org.lsm.model.OwnerCache;
import org.lsm.model.SocketEntry;
import org.lsm.proc.SocketScanner.DetailsSelector;

/** Who may come to hold a known socket without being news, and which attacks are. */
class HelperProcessesTest {
  private static final boolean HELPER = true;
  private static final boolean CHANGED = false;

  private static final int LISTENER = 101;
  private static final String MASTER = "/usr/lib/fakefix/sbin/master";
  private static final String SMTPD = "/usr/lib/fakefix/sbin/smtpd";
  private static final String SYSTEMD = "/usr/lib/fake/systemd";
  private static final String CUPS = "/system.slice/cups.service";

  @TempDir private Path folder;
  private FakeProc proc;

  @BeforeEach
  void makeHost() throws IOException {
    assumeTrue(
        (int) Files.getAttribute(Path.of("/proc/self"), "unix:uid") == 0,
        "only root can own the programs");
    proc = FakeProc.bare(folder.resolve("proc")).tcp("0.0.0.0", 25, LISTENER);
    for (String program :
        List.of(MASTER, SMTPD, "/usr/lib/fakefix/sbin/sh", "/usr/lib/fakefix/smtpd")) {
      file(program, "");
    }
    for (String program : List.of("/usr/sbin/dovecot", "/usr/sbin/cupsd", "/usr/sbin/other")) {
      file(program, "");
    }
    file("/usr/lib/dovecot/imap", "");
    file("/usr/lib/fake/stranger", "");
    file("/usr/fake/dash", "");
    file("/usr/lib/systemd/system/cups.socket", "[Socket]\nListenStream=631\n");
    file("/usr/lib/systemd/system/cups.service", "[Service]\nExecStart=-/sbin/cupsd -l\n");
    file("/usr/lib/systemd/system/print-admin.socket", "[Socket]\nService=print@%i.service\n");
    file("/usr/lib/systemd/system/print@.service", "[Service]\nExecStart=/usr/sbin/other %i\n");
    file("/usr/lib/systemd/system/alone.service", "[Service]\nExecStart=/usr/sbin/other\n");
    proc.process(60, 0, "/usr/sbin/sshd", 1);
  }

  /** The known owners, what the host then has, and the verdict. */
  static Stream<Arguments> cases() {
    return Stream.of(
        row("a child", MASTER, HELPER, it -> it.holds(800, 700, SMTPD)),
        row("of another user", MASTER, HELPER, it -> it.holds(800, 700, SMTPD, 33)),
        row("the same program", MASTER, HELPER, it -> it.holds(800, 700, MASTER, 33)),
        row(
            "a child of one without the socket",
            MASTER,
            HELPER,
            it -> {
              it.proc.process(750, 0, "/usr/fake/dash", 1).stat(750, "sh", 700, 100);
              it.holds(800, 750, SMTPD);
            }),
        row(
            "directory of its name",
            "/usr/sbin/dovecot",
            HELPER,
            it -> it.holds(800, 700, "/usr/lib/dovecot/imap", 33)),
        row("an orphan", MASTER, CHANGED, it -> it.holds(800, 1, SMTPD)),
        row("of the same directory, not a child", MASTER, CHANGED, it -> it.holds(800, 60, SMTPD)),
        row(
            "one of two is an orphan",
            MASTER,
            CHANGED,
            it -> {
              it.holds(800, 700, SMTPD);
              it.holds(801, 1, SMTPD);
            }),
        row(
            "one of two owners is a stranger",
            MASTER,
            CHANGED,
            it -> {
              it.holds(800, 700, SMTPD);
              it.holds(801, 700, "/usr/sbin/other");
            }),
        row("an inherited shell", MASTER, CHANGED, it -> it.holds(800, 700, "/usr/fake/dash")),
        row(
            "a shell of the directory",
            MASTER,
            CHANGED,
            it -> it.holds(800, 700, "/usr/lib/fakefix/sbin/sh")),
        row(
            "of a shell that inherited it",
            MASTER,
            CHANGED,
            it -> {
              it.holds(750, 700, "/usr/fake/dash");
              it.holds(800, 750, SMTPD);
            }),
        row("another program", MASTER, CHANGED, it -> it.holds(800, 700, "/usr/sbin/other")),
        row(
            "the directory above",
            MASTER,
            CHANGED,
            it -> it.holds(800, 700, "/usr/lib/fakefix/smtpd")),
        row(
            "directory of all services",
            "/usr/sbin/dovecot",
            CHANGED,
            it -> it.holds(800, 700, "/usr/sbin/other")),
        row("deleted", MASTER, CHANGED, it -> it.holds(800, 700, SMTPD + " (deleted)")),
        row("in memory", MASTER, CHANGED, it -> it.holds(800, 700, "/memfd:smtpd (deleted)")),
        row(
            "a program that is not there",
            MASTER,
            CHANGED,
            it -> it.holds(800, 700, "/usr/lib/fakefix/sbin/x")),
        row("program of a user", MASTER, CHANGED, it -> it.child().set(SMTPD, "unix:uid", 33)),
        row(
            "program that a group can write",
            MASTER,
            CHANGED,
            it -> it.child().set(SMTPD, "unix:mode", 0775)),
        row(
            "directory that a group can write",
            MASTER,
            CHANGED,
            it -> it.child().set("/usr/lib/fakefix/sbin", "unix:mode", 0775)),
        row(
            "directory of a user above",
            MASTER,
            CHANGED,
            it -> it.child().set("/usr/lib/fakefix", "unix:uid", 33)),
        row(
            "mounts of its own at the same path",
            MASTER,
            CHANGED,
            it ->
                it.child()
                    .proc
                    .link("self/ns/mnt", "mnt:[1]")
                    .link("700/ns/mnt", "mnt:[1]")
                    .link("800/ns/mnt", "mnt:[2]")),
        row("the master let go of it", MASTER, CHANGED, it -> it.child().proc.delete("700/fd/3")),
        row("a child of PID 1", SYSTEMD, CHANGED, it -> it.holds(800, 1, "/usr/lib/fake/stranger")),
        row("activated", SYSTEMD, HELPER, it -> it.service("/usr/sbin/cupsd", CUPS)),
        row(
            "worker of an activated one",
            SYSTEMD,
            HELPER,
            it -> {
              it.service("/usr/sbin/cupsd", CUPS);
              it.holds(801, 800, "/usr/sbin/cupsd", 33);
            }),
        row(
            "activated by Service=, an instance",
            SYSTEMD,
            HELPER,
            it ->
                it.service("/usr/sbin/other", "/system.slice/system-print.slice/print@a.service")),
        row("orphan in the service", SYSTEMD, CHANGED, it -> it.service("/usr/sbin/other", CUPS)),
        row("shell in the service", SYSTEMD, CHANGED, it -> it.service("/usr/fake/dash", CUPS)),
        row(
            "service without a .socket",
            SYSTEMD,
            CHANGED,
            it -> it.service("/usr/sbin/other", "/system.slice/alone.service")),
        row(
            "service of a user",
            SYSTEMD,
            CHANGED,
            it ->
                it.service(
                    "/usr/sbin/cupsd", "/user.slice/user@33.service/app.slice/cups.service")),
        row(
            "service, not started by PID 1",
            SYSTEMD,
            CHANGED,
            it -> it.service("/usr/sbin/cupsd", CUPS).stat(800, "cupsd", 60, 100)),
        row(
            "PID 1 let go of it",
            SYSTEMD,
            CHANGED,
            it -> it.service("/usr/sbin/cupsd", CUPS).delete("1/fd/3")),
        row(
            "PID 1 is as new as the service",
            MASTER,
            CHANGED,
            it -> {
              it.holds(1, 0, SYSTEMD);
              it.service("/usr/sbin/cupsd", CUPS);
            }));
  }

  private static Arguments row(
      String name, String known, boolean verdict, Consumer<HelperProcessesTest> change) {
    return Arguments.of(name, known, verdict, change);
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("cases")
  void judges(String name, String known, boolean verdict, Consumer<HelperProcessesTest> change)
      throws IOException {
    holds(known.equals(SYSTEMD) ? 1 : 700, known.equals(SYSTEMD) ? 0 : 1, known);
    SocketEntry was = scan();
    assertEquals(List.of(new Owner("0", known)), List.copyOf(was.owners()));
    change.accept(this);
    assertEquals(verdict, new HelperProcesses(proc.sources()).areHelpers(was, scan()));
  }

  /** Not all processes of a socket are kept: a stranger may be among the others. */
  @Test
  void manyProcessesAreChanged() throws IOException {
    holds(700, 1, MASTER);
    SocketEntry was = scan();
    for (int pid = 800; pid < 998; pid++) {
      holds(pid, 700, SMTPD);
    }
    assertEquals(HELPER, new HelperProcesses(proc.sources()).areHelpers(was, scan()));
    holds(998, 700, SMTPD);
    assertEquals(CHANGED, new HelperProcesses(proc.sources()).areHelpers(was, scan()));
  }

  /** A helper may end between the scan and its report. */
  @Test
  void keepsYes() throws IOException {
    holds(700, 1, MASTER);
    SocketEntry was = scan();
    child();
    HelperProcesses helpers = new HelperProcesses(proc.sources());
    SocketEntry now = scan();
    assertEquals(HELPER, helpers.areHelpers(was, now));
    proc.end(800);
    assertEquals(HELPER, helpers.areHelpers(was, now));
    assertEquals(CHANGED, new HelperProcesses(proc.sources()).areHelpers(was, now));
    assertEquals(CHANGED, helpers.areHelpers(was, was), "no owner is new");
  }

  private SocketEntry scan() throws IOException {
    SocketScanner scanner = new SocketScanner(proc.sources(), false, Clock.systemUTC(), "1.0.0");
    var sockets = scanner.scan(OwnerCache.EMPTY, DetailsSelector.NONE).snapshot().sockets();
    return sockets.values().iterator().next();
  }

  private FakeProc service(String program, String controlGroup) {
    holds(800, 1, program);
    return proc.write("800/cgroup", "0::" + controlGroup + "\n");
  }

  private HelperProcessesTest child() {
    holds(800, 700, SMTPD);
    return this;
  }

  private void holds(int pid, int parent, String program) {
    holds(pid, parent, program, 0);
  }

  private void holds(int pid, int parent, String program, int uid) {
    proc.process(pid, uid, program, 1, LISTENER).stat(pid, "x", parent, 100);
  }

  private void file(String path, String content) throws IOException {
    Path file = folder.resolve("root" + path);
    var mode = PosixFilePermissions.fromString("rwxr-xr-x");
    Files.createDirectories(file.getParent(), PosixFilePermissions.asFileAttribute(mode));
    Files.setPosixFilePermissions(Files.writeString(file, content), mode);
  }

  private void set(String path, String attribute, int value) {
    try {
      Files.setAttribute(folder.resolve("root" + path), attribute, value);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
