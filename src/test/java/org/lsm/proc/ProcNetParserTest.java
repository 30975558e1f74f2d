package org.lsm.proc;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.SequenceInputStream;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.lsm.model.Endpoint;
import org.lsm.model.Plural;
import org.lsm.model.Protocol;
import org.lsm.model.SocketKey;
import org.lsm.proc.TableParser.ParsedTable;

/** Parses rows of all layouts as a little-endian machine prints them. */
class ProcNetParserTest {

  static final Path FILE = Path.of("/proc/net/table");

  private static final String HEADER =
      "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout"
          + " inode";
  private static final String SSH =
      "   0: 00000000:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0"
          + " 4711 1 0000000063def9c2 100 0 0 10 0";
  private static final String MAIL =
      "   1: 0100007F:0019 00000000:0000 0A 00000000:00000000 00:00000000 00000000   101        0"
          + " 4712 1 0000000063def9c3 100 0 0 10 0";
  private static final String ESTABLISHED =
      "   2: 0100007F:0016 0100007F:D431 01 00000000:00000000 02:000A7B3C 00000000     0        0"
          + " 4713 2 0000000063def9c4 20 4 30 10 -1";
  private static final String TIME_WAIT =
      "   3: 0100007F:B5AC 0100007F:0CEA 06 00000000:00000000 03:00000F60 00000000     0        0"
          + " 0 3 0000000063def9c5";

  private static final String HALF_OPEN =
      "   4: 0100007F:0016 0100007F:D432 03 00000000:00000000 01:00000064 00000000     0        0"
          + " 0 1 0000000063def9c6";

  private static final SocketKey SSH_ROW = row(Protocol.TCP, "0.0.0.0", 22, 4711);
  private static final SocketKey MAIL_ROW = row(Protocol.TCP, "127.0.0.1", 25, 4712, 101);

  @TempDir static Path tables;

  @BeforeAll
  static void nameInterfaces() throws IOException {
    Files.writeString(tables.resolve("igmp"), "2\teth0  :     1      V3\n");
  }

  @Test
  void readsPaddedListeners() throws IOException {
    assertEquals(
        parsed(List.of(SSH_ROW, MAIL_ROW), 2, 0, ""),
        parse(Protocol.TCP, HEADER, padded(SSH), padded(MAIL)));
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "sl local_address rem_address st", HEADER, HEADER + "   new_column"})
  void ignoresHeader(String header) throws IOException {
    assertEquals(parsed(List.of(SSH_ROW), 1, 0, ""), parse(Protocol.TCP, header, SSH));
  }

  @Test
  void ignoresFurtherColumns() throws IOException {
    assertEquals(
        parsed(List.of(SSH_ROW), 1, 0, ""), parse(Protocol.TCP, HEADER, SSH + " 1 new words"));
  }

  @ParameterizedTest
  @ValueSource(strings = {ESTABLISHED, TIME_WAIT})
  void stopsAtFirstTcpConnection(String connection) throws IOException {
    assertEquals(
        parsed(List.of(SSH_ROW), 2, 0, ""),
        parse(Protocol.TCP, HEADER, padded(SSH), padded(connection), padded(MAIL)));
  }

  @Test
  void readsOnAfterHalfOpenConnection() throws IOException {
    assertEquals(
        parsed(List.of(SSH_ROW, MAIL_ROW), 4, 0, ""),
        parse(Protocol.TCP, HEADER, SSH, HALF_OPEN, MAIL, ESTABLISHED, SSH));
  }

  @Test
  void readsAllOfTableInAnotherOrder() throws IOException {
    String table = String.join("\n", HEADER, TIME_WAIT, SSH, ESTABLISHED, HALF_OPEN, MAIL, "");
    ProcNetParser parser =
        new ProcNetParser(
            "", Protocol.TCP, ByteOrder.LITTLE_ENDIAN, new InterfaceNames(tables), false);
    assertEquals(
        parsed(List.of(SSH_ROW, MAIL_ROW), 5, 0, ""), rows(parser.parse(stream(table), FILE)));
  }

  @Test
  void readsNothingBehindListeners() throws IOException {
    InputStream listeners = stream(String.join("\n", HEADER, SSH, ESTABLISHED) + "\n");
    InputStream connections = stream(TIME_WAIT + "\n" + MAIL + "\n");
    int size = connections.available();
    assertEquals(
        parsed(List.of(SSH_ROW), 2, 0, ""),
        parser(Protocol.TCP).parse(new SequenceInputStream(listeners, connections), FILE));
    assertEquals(size, connections.available());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          garbage                           | row is cut short: 'garbage'
          ''                                | row is cut short: ''
          1: 0100007F:0019 00000000:0000 0A | row is cut short: '1: 0100007F:0019 00000000:0000 0A'
          1: 0100007F 00000000:0000 0A      | not a number: '0100007F'
          1: 0100007F:0019:1 00000000:0000  | not a number: '0019:1'
          1: 0100007F:10000 00000000:0000   | not a number: '10000'
          1: 0100007F: 00000000:0000        | not a number: ''
          1: 0100007F:-019 00000000:0000    | not a number: '-019'
          1: 0100007X:0019 00000000:0000    | not a number: '0100007X'
          1: 100007F:0019 00000000:0000     | not an address: '100007F'
          1: 0100007F:0019 00000000:0000 0X | not a number: '0X'
          1: 0100007F:0019 00000000:0000 0A a b c 0 0 x1 | not a number: 'x1'
          1: 0100007F:0019 00000000:0000 0A a b c 0 0 -1 | not a number: '-1'
          1: 0100007F:0019 00000000:0000 0A a b c 0 0 9999999999999999999 | not a number: '9999999999999999999'
          """)
  void skipsAndCountsMalformedRow(String bad, String reason) throws IOException {
    assertEquals(
        parsed(List.of(SSH_ROW, MAIL_ROW), 3, 1, "line 3: " + reason),
        parse(Protocol.TCP, HEADER, SSH, bad, MAIL));
  }

  @Test
  void reportsFirstMalformedRow() throws IOException {
    assertEquals(
        parsed(List.of(SSH_ROW), 3, 2, "line 2: row is cut short: 'one'"),
        parse(Protocol.TCP, HEADER, "one", SSH, "three"));
  }

  @Test
  void skipsLastRowWithoutNewline() throws IOException {
    assertEquals(
        parsed(List.of(SSH_ROW), 2, 1, "line 3: row is cut short: '" + MAIL.strip() + "'"),
        rows(parser(Protocol.TCP).parse(stream(String.join("\n", HEADER, SSH, MAIL)), FILE)));
  }

  @ParameterizedTest
  @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "UNIX")
  void readsTablesWithoutRows(Protocol protocol) throws IOException {
    Set<String> damaged = Set.of();
    List<String> notes = List.of();
    assertEquals(
        new ParsedTable(List.of(), Map.of(), false, damaged, notes),
        parser(protocol).parse(stream(""), FILE));
    assertEquals(
        new ParsedTable(List.of(), Map.of(), true, damaged, notes),
        parser(protocol).parse(stream(HEADER + "\n"), FILE));
  }

  @Test
  void readsTcp6() throws IOException {
    assertEquals(
        parsed(
            List.of(
                row(Protocol.TCP6, "::", 80, 5001),
                row(Protocol.TCP6, "::ffff:127.0.0.1", 8080, 5002, 1000)),
            3,
            0,
            ""),
        parse(
            Protocol.TCP6,
            "  sl  local_address                         remote_address                        st",
            "   0: 00000000000000000000000000000000:0050 00000000000000000000000000000000:0000 0A"
                + " 00000000:00000000 00:00000000 00000000     0        0 5001 1 0 100 0 0 10 0",
            "   1: 0000000000000000FFFF00000100007F:1F90 00000000000000000000000000000000:0000 0A"
                + " 00000000:00000000 00:00000000 00000000  1000        0 5002 1 0 100 0 0 10 0",
            "   2: 00000000000000000000000001000000:0050 00000000000000000000000001000000:9C40 06"
                + " 00000000:00000000 03:00000F60 00000000     0        0 0 3 0"));
  }

  @Test
  void readsBigEndianAddresses() throws IOException {
    ProcNetParser parser =
        new ProcNetParser("", Protocol.TCP, ByteOrder.BIG_ENDIAN, new InterfaceNames(tables), true);
    assertEquals(
        List.of(row(Protocol.TCP, "127.0.0.1", 22, 7)),
        parser
            .parse(stream(HEADER + "\n 0: 7F000001:0016 00000000:0000 0A 0 0 0 0 0 7 1\n"), FILE)
            .sockets());
  }

  @ParameterizedTest
  @EnumSource(names = {"UDP", "UDPLITE"})
  void watchesUnconnectedDatagramSocketsOnly(Protocol protocol) throws IOException {
    assertEquals(
        parsed(
            List.of(row(protocol, "0.0.0.0", 68, 21), row(protocol, "127.0.0.53", 53, 23, 101)),
            3,
            0,
            ""),
        parse(
            protocol,
            HEADER + " ref pointer drops",
            "   66: 00000000:0044 00000000:0000 07 00000000:00000000 00:00000000 00000000     0"
                + "        0 21 2 00000000f4c6b8cc 0           ",
            "   77: 0A01A8C0:A1B2 08080808:0035 01 00000000:00000000 00:00000000 00000000   100"
                + "        0 22 2 00000000f4c6b8cd 0           ",
            "   88: 3500007F:0035 00000000:0000 07 00000000:00000000 00:00000000 00000000   101"
                + "        0 23 2 00000000f4c6b8ce 0           "));
  }

  @ParameterizedTest
  @CsvSource({"RAW, 07", "RAW, 01", "ICMP, 07", "ICMP, 01"})
  void watchesRawSocketsInAnyState(Protocol protocol, String state) throws IOException {
    assertEquals(
        List.of(row(protocol, "0.0.0.0", 1, 31)),
        parse(protocol, HEADER, "    1: 00000000:0001 00000000:0000 " + state + " 0 0 0 0 0 31 2")
            .sockets());
  }

  @ParameterizedTest
  @CsvSource({
    "0, *, 3, 0003",
    "2, eth0, 3, 0003",
    "9, if9, 2048, 0800",
    "2, eth0, 35020, 88cc",
    "-1, (removed), 3, 0003"
  })
  void readsPacketSockets(int index, String address, int ethernetProtocol, String hex)
      throws IOException {
    assertEquals(
        parsed(List.of(row(Protocol.PACKET, address, ethernetProtocol, 41)), 1, 0, ""),
        parse(
            Protocol.PACKET,
            "sk               RefCnt Type Proto  Iface R Rmem   User   Inode",
            String.format(
                "0000000063def9c2 3      3    %s   %-5d 1 0      0      41", hex, index)));
  }

  /** Such a row may be a socket of the baseline, which is not gone then. */
  @ParameterizedTest
  @CsvSource({"TCP, web:tcp", "UDP6, web:udp6", "PACKET, web:packet", "SCTP, web:sctp"})
  void namesTableWithMalformedRow(Protocol protocol, String table) throws IOException {
    InterfaceNames names = new InterfaceNames(tables);
    ProcNetParser parser = new ProcNetParser("web", protocol, ByteOrder.LITTLE_ENDIAN, names, true);
    ParsedTable parsed = parser.parse(stream(HEADER + "\nnew layout\n"), FILE);
    assertEquals(Set.of(table), parsed.damaged());
  }

  @Test
  void readsAllAddressesOfSctpEndpoint() throws IOException {
    assertEquals(
        parsed(
            List.of(
                row(Protocol.SCTP, "192.0.2.7", 9899, 51),
                row(Protocol.SCTP, "2001:db8::1", 9899, 51),
                row(Protocol.SCTP, "0.0.0.0", 36412, 52)),
            2,
            0,
            ""),
        parse(
            Protocol.SCTP,
            " ENDPT     SOCK   STY SST HBKT LPORT   UID INODE LADDRS",
            "c0ffee00 c0ffee01 2   10  29   9899      0    51 192.0.2.7"
                + " 2001:0db8:0000:0000:0000:0000:0000:0001 ",
            "c0ffee02 c0ffee03 2   10  30   36412     0    52 0.0.0.0 "));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          c0ffee00 c0ffee01 2 10 29 9899 0 51               | row is cut short: 'c0ffee00 c0ffee01 2 10 29 9899 0 51'
          c0ffee00 c0ffee01 2 10 29 9899 0 51 0.0.0.0 *::1  | not an address: '*::1'
          c0ffee00 c0ffee01 2 10 29 99999 0 51 0.0.0.0      | not a number: '99999'
          """)
  void skipsSctpRowAsAWhole(String bad, String reason) throws IOException {
    assertEquals(parsed(List.of(), 1, 1, "line 2: " + reason), parse(Protocol.SCTP, HEADER, bad));
  }

  private static SocketKey row(Protocol protocol, String address, int port, long inode) {
    return row(protocol, address, port, inode, 0);
  }

  private static SocketKey row(Protocol protocol, String address, int port, long inode, long uid) {
    return new SocketKey(inode, uid, new Endpoint("", protocol, address, port));
  }

  /** As the kernel pads the rows of tcp. */
  private static String padded(String row) {
    return String.format("%-149s", row);
  }

  static ParsedTable parsed(
      List<SocketKey> sockets, int rowCount, int skipped, String firstSkipped) {
    String rows =
        "skipped "
            + skipped
            + " malformed of "
            + Plural.count(rowCount, "row")
            + " in "
            + FILE
            + "; ";
    List<String> notes = skipped == 0 ? List.of() : List.of(rows + firstSkipped);
    return new ParsedTable(sockets, Map.of(), true, Set.of(), notes);
  }

  /** All that {@link #parsed} compares. */
  static ParsedTable rows(ParsedTable table) {
    return new ParsedTable(table.sockets(), table.suspicions(), true, Set.of(), table.notes());
  }

  private static ParsedTable parse(Protocol protocol, String... lines) throws IOException {
    return rows(parser(protocol).parse(stream(String.join("\n", lines) + "\n"), FILE));
  }

  private static ProcNetParser parser(Protocol protocol) {
    return new ProcNetParser(
        "", protocol, ByteOrder.LITTLE_ENDIAN, new InterfaceNames(tables), true);
  }

  static InputStream stream(String bytes) {
    return new ByteArrayInputStream(bytes.getBytes(StandardCharsets.ISO_8859_1));
  }
}
