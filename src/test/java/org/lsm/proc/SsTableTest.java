package org.lsm.proc;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.lsm.model.Connection;
import org.lsm.model.Connection.Traffic;
import org.lsm.model.Endpoint;
import org.lsm.model.SocketKey;

/** Lines of ss(8) from several versions of iproute2. */
class SsTableTest {

  private static final Traffic UNKNOWN = new Traffic(null, null, null, null);

  /** tcp_info of iproute2 6.1; the numbers of bytes stand among other numbers. */
  private static final String INFO =
      " ts sack cubic wscale:7,7 rto:204 rtt:0.023/0.013 mss:1448 pmtu:1500 rcvmss:536 advmss:1448"
          + " cwnd:10 bytes_sent:1300 bytes_retrans:66 bytes_acked:1235 bytes_received:77 segs_out:3"
          + " segs_in:2 data_segs_out:1 send 146921739130bps lastsnd:332 lastrcv:332 lastack:332"
          + " pacing_rate 287904345936bps delivery_rate 43885714280bps delivered:2 app_limited"
          + " rcv_space:65495 minrtt:0.007 snd_wnd:76800";

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      nullValues = "-",
      value = {
        // iproute2 5.10 (Debian 11), 6.1 (Debian 12), 6.15 (Debian 13): the columns differ in width
        "ESTAB 0      0              10.0.0.5:52394        203.0.113.7:10101  uid:33 ino:4711 sk:1a cgroup:/system.slice/x.service <->INFO | tcp | 10.0.0.5:52394 | 203.0.113.7:10101 | 33 | 4711 | 1300 | 77",
        "ESTAB      0      36     10.0.0.5:52394 203.0.113.7:443 timer:(on,204ms,0) uid:33 ino:4711 sk:10cd cgroup:/ <->INFO | tcp | 10.0.0.5:52394 | 203.0.113.7:443 | 33 | 4711 | 1300 | 77",
        "ESTAB      0      0      10.0.0.5:52394 203.0.113.7:443 timer:(keepalive,56min,0) ino:4711 sk:10cd fwmark:0x1 cgroup:unreachable:1f <->INFO       | tcp | 10.0.0.5:52394 | 203.0.113.7:443 | 0 | 4711 | 1300 | 77",
        // before cgroups, iproute2 5.5
        "ESTAB 0 0 10.0.0.5:52394 203.0.113.7:443 uid:33 ino:4711 sk:1a <->INFO | tcp | 10.0.0.5:52394 | 203.0.113.7:443 | 33 | 4711 | 1300 | 77",
        "CLOSE-WAIT 1 0 [2001:db8::5]:52394 [2001:db8::7]:443 uid:33 ino:4711 sk:1a cgroup:/ v6only:0 -->INFO | tcp6 | [2001:db8::5]:52394 | [2001:db8::7]:443 | 33 | 4711 | 1300 | 77",
        "FIN-WAIT-1 0 9 [::ffff:10.0.0.5]:80 [::ffff:203.0.113.7]:999 timer:(on,1.5sec,3) ino:0 sk:1a cgroup:/ v6only:0 ---INFO | tcp6 | [::ffff:10.0.0.5]:80 | [::ffff:203.0.113.7]:999 | 0 | 0 | 1300 | 77",
        // a device, as all versions print it, and as RFC 4007 has it
        "ESTAB 0 0 [fe80::5]%eth0:52394 [fe80::7]:443 ino:7 sk:1a v6only:0 <--INFO | tcp6 | [fe80::5]:52394 | [fe80::7]:443 | 0 | 7 | 1300 | 77",
        "ESTAB 0 0 [fe80::5%eth0.7]:52394 [fe80::7]:443 ino:7 sk:1a v6only:0 <->INFO | tcp6 | [fe80::5]:52394 | [fe80::7]:443 | 0 | 7 | 1300 | 77",
        "ESTAB 0 0 127.0.0.53%lo:53 127.0.0.1:443 ino:7 sk:1a <->INFO | tcp | 127.0.0.53:53 | 127.0.0.1:443 | 0 | 7 | 1300 | 77",
        // no tcp_info: only a timer is left, or the kernel lacks tcp_diag
        "FIN-WAIT-2 0 0 127.0.0.1:80 127.0.0.1:52004 timer:(timewait,59sec,0) ino:0 sk:507      | tcp | 127.0.0.1:80 | 127.0.0.1:52004 | 0 | 0 | - | -",
        "ESTAB 0 0 127.0.0.1:80 127.0.0.1:52004 uid:33 ino:7 sk:5 cgroup:/ <-> | tcp | 127.0.0.1:80 | 127.0.0.1:52004 | 33 | 7 | - | -",
        // what is 0 is not printed; before Linux 4.19 there is no bytes_sent
        "SYN-SENT 0 1 10.0.0.5:52394 203.0.113.7:443 timer:(on,712ms,0) ino:7 sk:5 cgroup:/ <-> cubic rto:1000 mss:524 cwnd:1 | tcp | 10.0.0.5:52394 | 203.0.113.7:443 | 0 | 7 | 0 | 0",
        "ESTAB 0 0 10.0.0.5:52394 203.0.113.7:443 ino:7 sk:5 <-> cubic mss:524 cwnd:1 bytes_acked:1 | tcp | 10.0.0.5:52394 | 203.0.113.7:443 | 0 | 7 | 0 | 0",
        "ESTAB 0 0 10.0.0.5:52394 203.0.113.7:443 ino:7 sk:5 <-> cubic mss:524 cwnd:1 bytes_acked:1235 bytes_received:5 | tcp | 10.0.0.5:52394 | 203.0.113.7:443 | 0 | 7 | 1234 | 5",
        // a user may name a cgroup like this
        "ESTAB 0 0 10.0.0.5:52394 203.0.113.7:443 uid:33 ino:4711 sk:1a cgroup:/user.slice/x ino:1 uid:0 <-> mss:1 bytes_sent:9 bytes_received:9 <->INFO | tcp | 10.0.0.5:52394 | 203.0.113.7:443 | 33 | 4711 | 1300 | 77",
        "ESTAB 0 0 10.0.0.5:52394 203.0.113.7:443 ino:4711 sk:1a cgroup:/x uid:33 <-> bytes_sent:9 <-> mss:9 cwnd:1 | tcp | 10.0.0.5:52394 | 203.0.113.7:443 | 0 | 4711 | 0 | 0",
      })
  void parsesLine(
      String line,
      String table,
      String local,
      String remote,
      long uid,
      long inode,
      Long sent,
      Long received) {
    SsTable parsed = SsTable.parse(line.replace("INFO", INFO) + "\n");

    SocketKey socket = new SocketKey(inode, uid, Endpoint.of(table, local));
    String state = line.substring(0, line.indexOf(' '));
    Traffic traffic = new Traffic(sent, received, null, null);
    Connection expected = new Connection(socket, Endpoint.of(table, remote), state, true, traffic);
    assertEquals(new SsTable(List.of(expected), List.of()), parsed);
  }

  /** A connection is inbound if a listener has its address, or any address of its family. */
  @ParameterizedTest
  @CsvSource({
    "0.0.0.0:80,         10.0.0.5:80,           false",
    "10.0.0.5:80,        10.0.0.5:80,           false",
    "10.0.0.6:80,        10.0.0.5:80,           true",
    "0.0.0.0:8,          10.0.0.5:80,           true",
    "[::]:80,            10.0.0.5:80,           true",
    "*:80,               10.0.0.5:80,           false",
    "0.0.0.0%eth0:80,    10.0.0.5%eth0:80,      false",
    "*%eth0:80,          [fe80::5]%eth0:80,     false",
    "*:80,               [::ffff:10.0.0.5]:80,  false",
    "[::]:80,            [2001:db8::5]:80,      false",
    "0.0.0.0:80,         [2001:db8::5]:80,      true",
    "[2001:db8::5]:80,   [2001:db8::5]:80,      false",
    "[fe80::5]%eth0:80,  [fe80::5]%eth0:80,     false",
  })
  void knowsDirection(String listener, String local, boolean outbound) {
    String remote = local.startsWith("[") ? "[2001:db8::7]:999" : "203.0.113.7:999";
    String connection = "ESTAB 0 0 " + local + " " + remote + " ino:7 sk:1a <->\n";
    String listening = "LISTEN 0 128 " + listener + " 0.0.0.0:* ino:6 sk:1 <-> cubic cwnd:10\n";
    for (String output : List.of(listening + connection, connection + listening)) {
      assertEquals(
          List.of(outbound),
          SsTable.parse(output).connections().stream().map(Connection::outbound).toList());
    }
  }

  @Test
  void skipsOtherLines() {
    String good = "ESTAB 0 0 10.0.0.5:1 203.0.113.7:2 ino:7 sk:1a <->\n";
    SsTable parsed =
        SsTable.parse(
            "Cannot open netlink socket\n"
                + good
                + "UNCONN 0 0 0.0.0.0:80 0.0.0.0:* ino:6 sk:1 <->\n"
                + "ESTAB 0 0 10.0.0.5:70000 203.0.113.7:2 ino:7 sk:1a <->\n"
                + "ESTAB 0 0 10.0.0.5:1 203.0.113.7:2 users:((\"x\",pid=1,fd=3)) ino:7 sk:1a <->\n"
                + "\n"
                + good);

    assertEquals(2, parsed.connections().size());
    assertEquals(UNKNOWN, parsed.connections().get(0).traffic());
    assertEquals(
        List.of("skipped 3 lines that ss printed; the first: 'Cannot open netlink socket'"),
        parsed.notes());
    assertEquals(new SsTable(List.of(), List.of()), SsTable.parse(""));
  }

  /** Half a number is another number. */
  @Test
  void dropsLineThatIsCutOff() {
    String line = "ESTAB 0 0 10.0.0.5:1 203.0.113.7:2 ino:7 sk:1a <-> mss:9 bytes_received:7";

    SsTable parsed = SsTable.parse(line + "\n" + line);

    assertEquals(1, parsed.connections().size());
    assertEquals(
        List.of("there are more connections: ss printed more than lsm reads"), parsed.notes());
  }
}
