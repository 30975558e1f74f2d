package org.lsm.proc;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.lsm.FakeProc;
import org.lsm.model.SocketKey;
import org.lsm.proc.TableParser.ParsedTable;

class WatchedRowsTest {
  private static final String NOT_READ = "(not read)";
  private static final String TCP =
      "   0: 0100007F:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 101 1\n";
  private static final String UNIX =
      "0000000000000000: 00000002 00000000 00010000 0001 01 20101 /run/a\n";
  private static final String PACKET =
      "0000000000000000 3      3    0003   2     1 0      0      7101\n";
  private static final String SCTP = "0 0 2 10 29 9899 0 9101 192.0.2.7 192.0.2.8\n";

  @TempDir Path directory;

  /** What WatchedRows reads. */
  private static String read(Path proc) {
    ByteArrayOutputStream rows = new ByteArrayOutputStream();
    try {
      WatchedRows.append(proc, rows);
    } catch (IOException e) {
      return NOT_READ;
    }
    return rows.toString(ISO_8859_1);
  }

  /** A scan, and the rows that it has collected. */
  private static ParsedTable scan(Path proc, StringBuilder rows) throws IOException {
    boolean listenersFirst = new KernelInfo(proc).listsListenersFirst();
    return new NetworkNamespace("", proc.resolve("net")).read(listenersFirst, rows);
  }

  private Path proc(String table, String text) throws IOException {
    FakeProc proc = FakeProc.bare(directory.resolve("proc")).empty();
    proc.write("net/" + table, "header\n");
    Files.write(proc.path().resolve("net/" + table), ("header\n" + text).getBytes(ISO_8859_1));
    proc.write("net/dev_snmp6/eth0", "ifIndex                         \t2\n");
    return proc.path();
  }

  @ParameterizedTest
  @ValueSource(strings = {"host", "reuseport", "empty"})
  void readsWhatScanCollects(String fixture) throws Exception {
    Path proc = FakeProc.of(fixture, directory).path();
    StringBuilder rows = new StringBuilder();
    scan(proc, rows);
    assertEquals(rows.toString(), read(proc));
  }

  @Test
  void readsWhatScanOfThisHostCollects() throws IOException {
    Path proc = Path.of("/proc");
    String collected = "";
    String read = NOT_READ;
    for (int i = 0; i < 100 && !collected.equals(read); i++) { // sockets come and go
      StringBuilder rows = new StringBuilder();
      scan(proc, rows);
      collected = rows.toString();
      read = read(proc);
    }
    assertEquals(collected, read);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "tcp      | 0016 | 0017", // port
        "tcp      | 0100007F | 0200007F",
        "tcp      | '    0        0 101' | '   33        0 101'", // user
        "tcp      | 101 1 | 102 1", // inode
        "unix     | 20101 | 20102",
        "unix     | /run/a | /run/b",
        "unix     | /run/a | '/run/a '",
        "packet   | 0003 | 0800",
        "packet   | '2     1' | '3     1'", // interface
        "packet   | '0      7101' | '1      7101'",
        "packet   | 7101 | 7102",
        "sctp/eps | 9899 | 9898",
        "sctp/eps | ' 0 9101' | ' 1 9101'",
        "sctp/eps | 9101 | 9102",
        "sctp/eps | 192.0.2.8 | 192.0.2.9",
        "sctp/eps | ' 192.0.2.8' | ''",
      })
  void tellsSocketsApart(String table, String old, String changed) throws IOException {
    String row = row(table);
    String before = read(proc(table, row));
    assertTrue(row.contains(old));
    assertNotEquals(before, read(proc(table, row.replace(old, changed))));
    assertNotEquals(before, read(proc(table, "")));
    assertNotEquals(before, read(proc(table, row + row)));
  }

  private static String row(String table) {
    return switch (table) {
      case "tcp", "udp" -> TCP;
      case "unix" -> UNIX;
      case "packet" -> PACKET;
      default -> SCTP;
    };
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "tcp  | '00:00000000 00000000' | '02:000000AF 00000001'", // timers
        "tcp  | '00000000:00000000' | '00000000:00000007'", // queue
        "unix | 00000002 | 0000000A", // references
        "packet | '2     1 0' | '2     1 704'",
      })
  void ignoresWhatChangesAllTheTime(String table, String old, String changed) throws IOException {
    String row = row(table);
    assertTrue(row.contains(old));
    assertEquals(read(proc(table, row)), read(proc(table, row.replace(old, changed))));
  }

  @Test
  void ignoresUnwatchedRows() throws IOException {
    String before = read(proc("unix", UNIX));
    String stream = "0000000000000000: 00000003 00000000 00000000 0001 03 20301 /run/a\n";
    String unnamed = "0000000000000000: 00000003 00000000 00000000 0002 01 20302\n";
    assertEquals(before, read(proc("unix", stream + UNIX + unnamed)));
    assertEquals(
        read(proc("tcp", TCP)), read(proc("tcp", TCP + TCP.replace("0A", "01") + TCP + "junk")));
  }

  /**
   * A record of the kernel is a bucket there, and a read returns less than a page before a large
   * one.
   */
  @Test
  void readsTablesOfSctpToTheirEnd() throws Exception {
    Path proc = proc("sctp/eps", "");
    Path table = proc.resolve("net/sctp/eps");
    Files.delete(table);
    new ProcessBuilder("mkfifo", table.toString()).start().waitFor();
    String script = "exec >\"$1\"; echo header; sleep 0.5; printf '%s' \"$2\"";
    Process writer = new ProcessBuilder("sh", "-c", script, "sh", table.toString(), SCTP).start();
    try {
      assertTrue(read(proc).contains("9899 0 9101 192.0.2.7 192.0.2.8"));
    } finally {
      writer.destroyForcibly().waitFor();
    }
  }

  @Test
  void namesInterfaces() throws IOException {
    Path proc = proc("packet", PACKET);
    String before = read(proc);
    Files.move(proc.resolve("net/dev_snmp6/eth0"), proc.resolve("net/dev_snmp6/eth1"));
    assertNotEquals(before, read(proc));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "unix | rest of a name",
        "unix | 0000000000000000: 00000002 0000000g 00010000 0001 01 20101 /run/a",
        "unix | 00000000: 00000002 00000000 00010000 0001 01 20101 /run/a",
        "tcp  | 0: 0100007F:0016",
        "udp  | 0: 0100007F:0016 0: 7",
        "packet | 1 2 3",
        "sctp/eps | 1 2 3 4 5 6 7",
      })
  void readsNoOtherLines(String table, String line) throws IOException {
    assertEquals(NOT_READ, read(proc(table, row(table) + line + "\n")));
  }

  @ParameterizedTest
  @ValueSource(strings = {"tcp", "unix", "packet", "sctp/eps"})
  void readsNoRowThatIsCutShort(String table) throws IOException {
    assertEquals(NOT_READ, read(proc(table, row(table).stripTrailing())));
  }

  /** A name with a newline is in no row that is read, so it never equals what a scan collects. */
  @Test
  void doesNotAgreeAboutNamesWithNewlines() throws IOException {
    Path proc = proc("unix", UNIX.replace("/run/a", "/run/a \n20102 /run/b "));
    StringBuilder rows = new StringBuilder();
    scan(proc, rows);
    assertNotEquals(
        rows.toString(), read(proc("unix", UNIX + UNIX.replace("20101 /run/a", "20102 /run/b"))));
  }

  /** The rule on which a quiet run relies: where the rows are the same, so are the sockets. */
  @Test
  void sameRowsAreSameSockets() throws IOException {
    Random random = new Random(20);
    int same = 0;
    for (int i = 0; i < 1000; i++) {
      String before = table(random);
      StringBuilder rows = new StringBuilder();
      Set<SocketKey> sockets = new HashSet<>(scan(proc("unix", before), rows).sockets());
      Path proc = proc("unix", random.nextBoolean() ? mutate(before, random) : table(random));
      if (read(proc).contentEquals(rows)) {
        assertEquals(sockets, new HashSet<>(scan(proc, new StringBuilder()).sockets()));
        same++;
      }
    }
    assertTrue(same > 30, same + " of the tables had the same rows");
  }

  /** Rows of few sockets, and parts of rows, as a user may write them into names. */
  private static String table(Random random) {
    List<String> lines = new ArrayList<>();
    for (int i = random.nextInt(4); i >= 0; i--) {
      String flags = random.nextInt(3) == 0 ? "00000000" : "00010000";
      String name = random.nextInt(3) == 0 ? "/a \n20102 /b " : "/a" + random.nextInt(2);
      String row = UNIX.replace("00010000", flags).replace("/run/a", name);
      lines.add(row.replace("20101", "2010" + random.nextInt(2)));
    }
    return String.join("", lines);
  }

  private static String mutate(String table, Random random) {
    StringBuilder mutated = new StringBuilder(table);
    int at = random.nextInt(table.length());
    switch (random.nextInt(3)) {
      case 0 -> mutated.insert(at, "\n 0:/a12".charAt(random.nextInt(8)));
      case 1 -> mutated.deleteCharAt(at);
      default -> mutated.setCharAt(at, "\n 0:/a12".charAt(random.nextInt(8)));
    }
    return mutated.toString();
  }
}
