package org.lsm.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonArray;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.lsm.storage.SnapshotFile;

/** {@code lsm list}, as a whole. */
class ListCommandTest extends CommandTestBase {

  @Test
  void printsSocketsWithOwners() {
    proc.tcp("127.0.0.1", 8080, 103)
        .udp("0.0.0.0", 51820, 0)
        .unix("@/tmp/abstract name", 104)
        .process(800, 33, "/usr/bin/python3 (deleted)", 90, 103, 104)
        .process(801, 33, "/usr/bin/python3", 91, 103);
    String expected =
        """
        SOCKET                    USER      PID      PROGRAM
        tcp/0.0.0.0:22            root      700      /usr/sbin/sshd
        tcp/127.0.0.1:8080        www-data  800,801  /usr/bin/python3 (script unknown)
        udp/127.0.0.53:53         101       701      /usr/lib/systemd/systemd-resolved
        udp/0.0.0.0:51820         -         -        -
        unix/@/tmp/abstract name  www-data  800      /usr/bin/python3 (script unknown)
        """;

    assertEquals(done(expected), lsm("list"));
  }

  @Test
  void escapesNames() {
    proc.empty().unix("/tmp/\033]0;x\007\nforged", 104).process(800, 33, "/tmp/\033[1m", 90, 104);
    String expected =
        """
        SOCKET                            USER      PID  PROGRAM
        unix//tmp/\\x1b]0;x\\x07\\x0aforged  www-data  800  /tmp/\\x1b[1m
        """;

    assertEquals(done(expected), lsm("list"));
  }

  @Test
  void failsWithoutProc() {
    proc.delete("net");

    assertEquals(
        error(
            "cannot read " + proc.path().resolve("net") + ": no such directory; is /proc mounted?"),
        lsm("list"));
  }

  @Test
  void omitsIgnoredUnlessAll() throws IOException {
    ignore("# noise", "udp *:53", "tcp *:9");
    String open =
        """
        SOCKET          USER  PID  PROGRAM
        tcp/0.0.0.0:22  root  700  /usr/sbin/sshd
        """;
    String all =
        """
        SOCKET             USER  PID  PROGRAM
        tcp/0.0.0.0:22     root  700  /usr/sbin/sshd
        udp/127.0.0.53:53  101   701  /usr/lib/systemd/systemd-resolved  (ignored by ignore.lsm:2)
        """;

    assertEquals(done(open), lsm("list"));
    assertEquals(done(all), lsm("list", "--all"));
  }

  @Test
  void jsonNamesIgnoringRule() throws IOException {
    ignore("udp *:53");

    JsonArray open = sockets("list", "--format", "json");
    assertEquals(1, open.size());
    assertEquals("tcp/0.0.0.0:22", text(open, 0, "socket"));
    JsonArray all = sockets("list", "--all", "--format=json");
    assertEquals(2, all.size());
    assertFalse(all.get(0).getAsJsonObject().has("ignored_by"));
    assertEquals("udp/127.0.0.53:53", text(all, 1, "socket"));
    assertEquals("ignore.lsm:1", text(all, 1, "ignored_by"));
  }

  /** With the names that stand for sockets in a baseline, and without what rules ignore. */
  @Test
  void snapshotIsLikeBaseline() throws IOException {
    proc.udp("0.0.0.0", 40000, 103).process(800, 33, "/fake/web", 90, 103);
    lsm("generate");
    Path printed = directory.resolve("printed");

    Result result = lsm("list", "--format", "snapshot");

    assertEquals(new Result(0, result.out(), ""), result);
    Files.writeString(printed, result.out());
    assertEquals(SnapshotFile.read(baseline).with(List.of()), SnapshotFile.read(printed));
    assertTrue(result.out().contains("\t0.0.0.0:ephemeral\twww-data\t/fake/web\t\n"), result.out());
    assertEquals(0, lsm("compare", "--baseline", printed.toString()).exitCode());

    ignore("udp *:*");
    Files.writeString(printed, lsm("list", "--format", "snapshot").out());
    assertEquals(1, SnapshotFile.read(printed).sockets().size());
    Files.writeString(printed, lsm("list", "--all", "--format", "snapshot").out());
    assertEquals(3, SnapshotFile.read(printed).sockets().size());
  }

  /** A file that not even root may read: one that is only written to. */
  @Test
  void skipsUnreadableConfiguration() {
    Path denied = Path.of("/proc/sys/net/ipv4/route/flush");

    Result result = run("list", "--config", denied.toString());

    assertEquals(0, result.exitCode());
    assertEquals(
        "lsm: " + denied + ": only root can read it; going on with the defaults\n", result.err());
    assertEquals(3, result.out().lines().count());
  }

  private JsonArray sockets(String... arguments) {
    Result result = lsm(arguments);
    assertEquals(0, result.exitCode(), result.err());
    return JsonParser.parseString(result.out()).getAsJsonObject().getAsJsonArray("sockets");
  }

  private static String text(JsonArray array, int index, String field) {
    return array.get(index).getAsJsonObject().get(field).getAsString();
  }
}
