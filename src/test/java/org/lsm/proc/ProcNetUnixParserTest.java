package org.lsm.proc;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.lsm.proc.ProcNetParserTest.FILE;
import static org.lsm.proc.ProcNetParserTest.parsed;
import static org.lsm.proc.ProcNetParserTest.rows;
import static org.lsm.proc.ProcNetParserTest.stream;

import java.io.IOException;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.lsm.model.Endpoint;
import org.lsm.model.Protocol;
import org.lsm.model.SocketKey;
import org.lsm.proc.TableParser.ForgerySuspicion;
import org.lsm.proc.TableParser.ParsedTable;

/** Parses the unix table with ordinary and with hostile names. */
class ProcNetUnixParserTest {

  private static final String HEADER = "Num       RefCount Protocol Flags    Type St Inode Path";
  private static final String LISTENS = "00000000ec1e45cd: 00000002 00000000 00010000 0001 01 ";
  private static final String CONNECTED = "00000000ec1e45cd: 00000003 00000000 00000000 0001 03 ";

  /** A name that has no room for a row. */
  private static final String LONG = "/run/" + "x".repeat(60);

  @ParameterizedTest
  @CsvSource({
    "00010000, 0001, listening stream",
    "00010000, 0005, listening seqpacket",
    "00000000, 0002, bound datagram",
    "00010004, 0001, listening with another flag"
  })
  void watchesListenersAndBoundDatagrams(String flags, String type, String why) throws IOException {
    assertEquals(List.of(socket("/run/a", 61)), parse(row(flags, type, " /run/a")).sockets(), why);
  }

  @ParameterizedTest
  @CsvSource({
    "00000000, 0001, ' /run/a', connected stream of a listener",
    "00000000, 0005, ' /run/a', connected seqpacket of a listener",
    "00000000, 0001, '', unbound stream",
    "00000000, 0002, '', unbound datagram"
  })
  void ignoresOtherSockets(String flags, String type, String path, String why) throws IOException {
    assertEquals(parsed(List.of(), 1, 0, ""), parse(row(flags, type, path)), why);
  }

  /** Takes the bytes of the path as ISO 8859-1. */
  @ParameterizedTest
  @CsvSource(
      ignoreLeadingAndTrailingWhitespace = false,
      value = {
        "/run/with some  spaces,/run/with some  spaces",
        " /leading,' /leading'",
        "/trailing ,'/trailing '",
        " ,' '",
        "/a\rb,'/a\rb'",
        "/a\tb,'/a\tb'",
        "/a\u001b[2Jb,'/a\u001b[2Jb'",
        "/\u00c3\u00a9,/\u00e9",
        "/\u00ff\u00fe,/\udcff\udcfe",
        "@/tmp/dbus-x@@,@/tmp/dbus-x@@",
        "@,@",
        "@00001,@00001",
        "'@a\nb','@a\nb'",
        "'@a\n\n\nb\n','@a\n\n\nb\n'",
        "'\n','\n'",
        "'\nthe rest of it','\nthe rest of it'",
        "'/a\n00000000ec1e45cd: 0 0','/a\n00000000ec1e45cd: 0 0'"
      })
  void takesRestOfRowAsName(String bytes, String name) throws IOException {
    assertEquals(
        parsed(List.of(socket(name, 61)), 1, 0, ""), parse(row("00010000", "0001", " " + bytes)));
  }

  @Test
  void limitsNameTo108Bytes() throws IOException {
    String name = "@" + "\n".repeat(106) + "x";
    assertEquals(parsed(List.of(socket(name, 61)), 1, 0, ""), parse(LISTENS + "   61 " + name));
    assertEquals(
        parsed(List.of(socket(name, 61)), 2, 1, "line 109: not a row: 'rubbish'"),
        parse(LISTENS + "   61 " + name, "rubbish"));
  }

  /** A line that differs from a row in any digit can only continue a name. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "garbage",
        "",
        "0: 2 0 10000 1 1 62 /b",
        "00000000ec1e45cd: 00000002 00000000 00010000 0001 01 62 /b",
        "00000000ec1e45cd: 00000002 00000000 00010000 0001 01  62 /b",
        "00000000ec1e45cd: 00000002 00000000 00010000 0001 01    -2 /b",
        "00000000ec1e45cd: 00000002 00000000 00010000 0001 01       /b",
        "00000000ec1e45cd: 00000002 00000000 00010000 0001 01    6x /b",
        "00000000ec1e45cd: 00000002 00000000 00010000 0001 01    62\t/b",
        "00000000ec1e45cd: 00000002 00000000 0001000X 0001 01    62 /b",
        "00000000ec1e45cd: 00000002 00000000 00010000 000X 01    62 /b",
        "00000000ec1e45cd: 00000002 00000001 00010000 0001 01    62 /b",
        "00000000ec1e45cd: 00000002 00000000 00010000 0001 01",
        "00000000ec1e45c: 00000002 00000000 00010000 0001 01    62 /b",
        "00000000ec1e45cd: 00000002 00000000 100010000 0001 01    62 /b",
        "00000000ec1e45cd: 00000002 00000000 00010000 0001 01 9999999999999999999 /b"
      })
  void continuesNameOrSkipsLine(String line) throws IOException {
    assertEquals(
        parsed(List.of(socket("@a\n" + line, 61)), 1, 0, ""), parse(LISTENS + "   61 @a", line));
    assertEquals(
        parsed(List.of(socket(LONG, 61)), 2, 1, "line 2: not a row: '" + line.strip() + "'"),
        parse(line, LISTENS + "   61 " + LONG));
    assertEquals(
        parsed(List.of(), 2, 1, "line 3: not a row: '" + line.strip() + "'"),
        parse(CONNECTED + "   61", line));
  }

  @Test
  void skipsLastRowWithoutNewline() throws IOException {
    assertEquals(
        parsed(List.of(), 1, 1, "line 2: row is cut short: '" + LISTENS + "   61 /run/a'"),
        rows(
            new ProcNetUnixParser("")
                .parse(stream(HEADER + "\n" + LISTENS + "   61 /run/a"), FILE)));
  }

  @ParameterizedTest
  @ValueSource(strings = {"", HEADER + "\n"})
  void readsTablesWithoutRows(String table) throws IOException {
    assertEquals(
        parsed(List.of(), 0, 0, ""), rows(new ProcNetUnixParser("").parse(stream(table), FILE)));
  }

  @Test
  void reads32BitAddresses() throws IOException {
    String short32 = "ec1e45cd: 00000002 00000000 00010000 0001 01    61 /run/a";
    assertEquals(parsed(List.of(socket("/run/a", 61)), 1, 0, ""), parse(short32));
    assertEquals(
        List.of(socket("@a\n" + short32, 61)), parse(LISTENS + "   61 @a", short32).sockets());
  }

  /** Lists suspicious rows as INODE&lt;PARENT, with ! if another row has the inode. */
  @ParameterizedTest(name = "{0}")
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          a row behind a short name          | 61 @e;62 /b            | 62<61
          a row behind a connection's name   | c61 @e;62 /b           | 62<61
          a row behind a row without a name  | c61;62 /b              |
          the first row                      | 61 /b                  |
          a row behind a long name           | 61 LONG;62 /b          |
          a long row behind a name           | 61 @e;62 LONG          |
          rows in a row                      | 61 @e;62 /b;63 /c      | 62<61 63<62
          behind a row that fills the name   | 61 @e;c62;63 /c        |
          the inode of another socket        | 61 LONG;62 @e;61 /b    | 61<62!
          the inode of an unwatched socket   | c61;62 @e;61 /b        | 61<62!
          the inode of a later socket        | 61 @e;63 /b;c62;63 /c  | 63<61!
          its own inode                      | 61 @e;61 /b            | 61<61!
          an exact copy of a row             | c60;61 /b;62 @e;61 /b  | 62<61
          """)
  void suspectsRowsThatMayBePartOfAName(String why, String rows, String suspicions)
      throws IOException {
    String[] lines =
        Stream.of(rows.split(";", -1)).map(ProcNetUnixParserTest::line).toArray(String[]::new);
    assertEquals(suspicions == null ? "" : suspicions, suspicions(parse(lines)), why);
  }

  /** Takes c for a connection, the inode, and the name if there is one. */
  private static String line(String words) {
    String[] parts = words.strip().replace("LONG", LONG).split(" ", 2);
    boolean connection = parts[0].startsWith("c");
    String inode = parts[0].replace("c", "");
    return (connection ? CONNECTED : LISTENS)
        + "   "
        + inode
        + (parts.length == 1 ? "" : " " + parts[1]);
  }

  private static String suspicions(ParsedTable table) {
    StringBuilder words = new StringBuilder();
    for (SocketKey socket : table.sockets()) {
      ForgerySuspicion suspicion = table.suspicions().get(socket);
      if (suspicion != null) {
        words.append(words.isEmpty() ? "" : " ");
        words.append(socket.inode()).append('<').append(suspicion.suspectedParent().inode());
        words.append(suspicion.contested() ? "!" : "");
      }
    }
    return words.toString();
  }

  private static String row(String flags, String type, String path) {
    return "00000000ec1e45cd: 00000002 00000000 " + flags + " " + type + " 01    61" + path;
  }

  private static SocketKey socket(String name, long inode) {
    return new SocketKey(inode, 0, new Endpoint("", Protocol.UNIX, name, 0));
  }

  private static ParsedTable parse(String... lines) throws IOException {
    return new ProcNetUnixParser("")
        .parse(stream(HEADER + "\n" + String.join("\n", lines) + "\n"), FILE);
  }
}
