package org.lsm.model;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.lsm.model.SocketIdentity.Scope;

/** The rules of lsm-identity(7), each with what it must not hide. */
class SocketIdentityTest {
  private static final HostInfo HOST = new HostInfo("web1", "6.1.0", Instant.EPOCH, "1.0.0");
  private static final Pattern OWNER = Pattern.compile("(\\w+):([^#]+)(?:#(\\d+)(?:\\^(\\d+))?)?");

  /** The range of Linux, two reserved ports in it, and three addresses with a lifetime. */
  private static final SocketIdentity DEFAULT = identity(32768);

  private static final SocketIdentity WIDENED = identity(1024);

  private static SocketIdentity identity(int first) {
    return new SocketIdentity(
        Scope.ALL,
        first,
        60999,
        PortSet.parse("40000-40001"),
        Set.of("2001:db8::aa", "2001:db8::bb", "fd00::aa"),
        Set.of());
  }

  /** Owners are user:program, with #PID and ^PARENT of a process. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          # ephemeral ports
          tcp 0.0.0.0:32768 u:/a             | tcp/0.0.0.0:ephemeral
          udp 0.0.0.0:60999 u:/a             | udp/0.0.0.0:ephemeral
          udplite6 [::]:50000 u:/a           | udplite6/[::]:ephemeral
          sctp 192.0.2.1:50000 u:/a          | sctp/192.0.2.1:ephemeral
          w:udp 0.0.0.0:50000 u:/a           | w:udp/0.0.0.0:ephemeral
          udp 0.0.0.0:50000                  | udp/0.0.0.0:ephemeral
          tcp 0.0.0.0:32767 u:/a             | tcp/0.0.0.0:32767
          tcp 0.0.0.0:61000 u:/a             | tcp/0.0.0.0:61000
          tcp 0.0.0.0:40000 u:/a             | tcp/0.0.0.0:40000
          tcp 0.0.0.0:40002 u:/a             | tcp/0.0.0.0:ephemeral
          raw 0.0.0.0:50000 u:/a             | raw/0.0.0.0:50000
          packet eth0:0xc350 u:/a            | packet/eth0:0xc350
          tcp 0.0.0.0:50000 ?:?              | tcp/0.0.0.0:50000
          tcp 0.0.0.0:50000 u:/a ?:?         | tcp/0.0.0.0:50000
          tcp 0.0.0.0:ephemeral u:/a         | tcp/0.0.0.0:ephemeral
          # ping
          icmp 0.0.0.0:7 u:/bin/ping         | icmp/0.0.0.0:ephemeral
          icmp6 [::]:7 u:/bin/ping           | icmp6/[::]:ephemeral
          # addresses
          tcp6 [fe80::1]:53 u:/a             | tcp6/[link-local]:53
          raw6 [fe80::1]:58 u:/a             | raw6/[link-local]:58
          tcp6 [link-local]:53 u:/a          | tcp6/[link-local]:53
          tcp6 [2001:db8::aa]:53 u:/a        | tcp6/[temporary]:53
          udp6 [fd00::aa]:53 u:/a            | udp6/[temporary-private]:53
          udp6 [temporary-private]:53 u:/a   | udp6/[temporary-private]:53
          tcp6 [2001:db8::1]:53 u:/a         | tcp6/[2001:db8::1]:53
          tcp6 [::]:53 u:/a                  | tcp6/[::]:53
          tcp6 [::ffff:192.168.1.1]:53 u:/a  | tcp6/[::ffff:192.168.1.1]:53
          tcp6 [fe80::1]:50000 u:/a          | tcp6/[link-local]:ephemeral
          tcp 169.254.1.1:53 u:/a            | tcp/169.254.1.1:53
          # PIDs
          unix /run/a/4711 u:/a#4711         | unix//run/a/$PID
          unix /run/a.4711.tmp u:/a#4711     | unix//run/a.$PID.tmp
          unix /tmp/agent.70 u:/a#4711^70    | unix//tmp/agent.$PID
          unix @a4711b u:/a#4711             | unix/@a$PIDb
          unix /run/a/47110 u:/a#4711        | unix//run/a/47110
          unix /run/a/04711 u:/a#4711        | unix//run/a/04711
          unix /run/a/1 u:/a#4711^1          | unix//run/a/1
          unix /run/a7.4 u:/a#7              | unix//run/a7.4
          unix /run/a.77.tmp u:/a#77         | unix//run/a.$PID.tmp
          unix /run/a/1 root:/init#1         | unix//run/a/1
          unix /run/a/4711 u:/a              | unix//run/a/4711
          unix /run/a/$PID u:/a              | unix//run/a/$PID
          # digests
          unix /t/x-12345678-1234-1234-1234-123456789abc.sock u:/a | unix//t/x-$HEX.sock
          unix /run/s/0123456789abcdef u:/a  | unix//run/s/$HEX
          unix @0123456789abcdef/bus/ab u:/a | unix/@$HEX/bus/ab
          unix /run/s/0123456789abcde u:/a   | unix//run/s/0123456789abcde
          unix /run/s/0123456789abcdefg u:/a | unix//run/s/0123456789abcdefg
          unix @0ab12 u:/a                   | unix/@$HEX
          unix /run/s/$HEX u:/a              | unix//run/s/$HEX
          unix /run/s/* u:/a                 | unix//run/s/*
          unix @0ab123 u:/a                  | unix/@0ab123
          unix /0ab12 u:/a                   | unix//0ab12
          unix /tmp/ssh-AbC1dEfGh2/x u:/a    | unix//tmp/ssh-AbC1dEfGh2/x
          """)
  void hasKey(String entry, String key) {
    SocketEntry general = DEFAULT.generalize(entry(entry));
    assertEquals(key, general.endpoint().toString());
    assertEquals(general, DEFAULT.generalize(general), "the key of a key is itself");
    Endpoint at = general.endpoint();
    assertEquals(at, Endpoint.of(at.table(), at.local()), "it is read as it was written");
  }

  @ParameterizedTest
  @CsvSource({"NONE, udp, false", "NONE, tcp, false", "UDP, udp, true", "UDP, tcp, false"})
  void scopeLimitsEphemeralPorts(Scope scope, String table, boolean general) {
    SocketEntry entry = entry(table + " 0.0.0.0:50000 u:/a");
    Endpoint key = new SocketIdentity(scope, 32768, 60999).key(entry);
    assertEquals(general, !key.equals(entry.endpoint()));
  }

  /** Whoever runs an interpreter could open another port with another script. */
  @Test
  void unknownScriptHasNoEphemeralPort() {
    Endpoint at = Endpoint.of("udp", "0.0.0.0:50000");
    Owner unknown = new Owner("app", "/usr/bin/python3", Owner.UNKNOWN_SCRIPT);
    assertEquals(at, DEFAULT.key(new SocketEntry(at, new TreeSet<>(Set.of(unknown)), List.of())));
  }

  /** A baseline, what is there now, and what differs. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          # ---- ephemeral ports: JMX
          tcp 0.0.0.0:45000 java:/java | tcp 0.0.0.0:45001 java:/java | ''
          tcp 0.0.0.0:45000 java:/java | -                            | ''
          tcp 0.0.0.0:45000 java:/java | tcp 0.0.0.0:45000 evil:/java | NEW tcp/0.0.0.0:45000
          tcp 0.0.0.0:45000 java:/java | tcp 0.0.0.0:45001 java:/nc   | NEW tcp/0.0.0.0:45001
          tcp 127.0.0.1:45000 java:/java | tcp 0.0.0.0:45001 java:/java | NEW tcp/0.0.0.0:45001
          # a port that is reserved is fixed
          tcp 0.0.0.0:40000 java:/java | tcp 0.0.0.0:40001 java:/java | NEW tcp/0.0.0.0:40001, GONE tcp/0.0.0.0:40000
          # ---- a further port of a program is no further address of it
          tcp 127.0.0.1:993 d:/d; tcp 10.0.0.1:993 d:/d; tcp 192.0.2.1:995 d:/d | tcp 127.0.0.1:993 d:/d; tcp 10.0.0.1:993 d:/d; tcp 192.0.2.1:995 d:/d; tcp 192.0.2.1:993 d:/d | NEW tcp/192.0.2.1:993
          udp 127.0.0.1:5060 a:/a; udp 10.0.0.1:5060 a:/a; udp 0.0.0.0:4569 a:/a | udp 127.0.0.1:5060 a:/a; udp 10.0.0.1:5060 a:/a; udp 0.0.0.0:4569 a:/a; udp 0.0.0.0:5060 a:/a | NEW udp/0.0.0.0:5060
          # one of several addresses is not missed; the last of a class is
          udp 10.0.0.1:53 bind:/named; udp 172.18.0.1:53 bind:/named | udp 10.0.0.1:53 bind:/named | ''
          udp 10.0.0.1:53 bind:/named; udp 127.0.0.1:53 bind:/named | udp 127.0.0.1:53 bind:/named | GONE udp/10.0.0.1:53
          udp 10.0.0.1:53 bind:/named; udp 172.18.0.1:53 bind:/named | udp 10.0.0.1:53 u:/evil | CHANGED udp/10.0.0.1:53, GONE udp/172.18.0.1:53
          udp 10.0.0.1:53 bind:/named; udp 172.18.0.1:54 bind:/named | udp 172.18.0.1:54 bind:/named | GONE udp/10.0.0.1:53
          # ---- an owner that is unknown may be anybody
          tcp6 [fe80::1]:53 bind:/named | tcp6 [fe80::2]:53 ?:? | NEW tcp6/[fe80::2]:53
          tcp6 [2001:db8::aa]:53 bind:/named | tcp6 [2001:db8::bb]:53 ?:? | NEW tcp6/[2001:db8::bb]:53
          unix @0ab12 root:/udevadm     | unix @0ab13 ?:?              | NEW unix/@0ab13
          # ---- bindresvport(3): rpc.statd moves; nobody else does
          udp 0.0.0.0:876 statd:/statd | udp 0.0.0.0:912 statd:/statd | ''
          udp 0.0.0.0:876 statd:/statd; tcp 0.0.0.0:877 statd:/statd | udp 0.0.0.0:601 statd:/statd; tcp 0.0.0.0:1023 statd:/statd | ''
          udp 0.0.0.0:876 statd:/statd | -                            | GONE udp/0.0.0.0:876
          udp 0.0.0.0:876 statd:/statd | udp 0.0.0.0:912 root:/evil   | NEW udp/0.0.0.0:912, GONE udp/0.0.0.0:876
          udp 0.0.0.0:876 statd:/statd | udp 0.0.0.0:876 root:/evil   | CHANGED udp/0.0.0.0:876
          udp 0.0.0.0:876 statd:/statd | udp 0.0.0.0:876 statd:/statd; udp 0.0.0.0:912 statd:/statd | NEW udp/0.0.0.0:912
          udp 0.0.0.0:876 statd:/statd | udp 0.0.0.0:912 statd:/statd; udp 0.0.0.0:913 statd:/statd | NEW udp/0.0.0.0:913
          udp 127.0.0.1:876 statd:/statd | udp 0.0.0.0:912 statd:/statd | NEW udp/0.0.0.0:912, GONE udp/127.0.0.1:876
          udp 0.0.0.0:876 statd:/statd | udp 0.0.0.0:53 statd:/statd  | NEW udp/0.0.0.0:53, GONE udp/0.0.0.0:876
          tcp 0.0.0.0:631 root:/cupsd  | -                            | GONE tcp/0.0.0.0:631
          tcp 0.0.0.0:631 root:/cupsd  | tcp 0.0.0.0:45000 root:/cupsd | NEW tcp/0.0.0.0:45000, GONE tcp/0.0.0.0:631
          tcp 0.0.0.0:45000 root:/cupsd | tcp 0.0.0.0:700 root:/cupsd | NEW tcp/0.0.0.0:700
          tcp 0.0.0.0:631 root:/cupsd  | tcp 0.0.0.0:953 bind:/named  | NEW tcp/0.0.0.0:953, GONE tcp/0.0.0.0:631
          # ---- UDP ports that a resolver chooses itself and keeps for a while
          udp 0.0.0.0:50000 u:/unbound | udp 0.0.0.0:20000 u:/unbound | ''
          udp 0.0.0.0:50000 u:/unbound | udp 0.0.0.0:20000 u:/evil    | NEW udp/0.0.0.0:20000
          udp 0.0.0.0:50000 u:/unbound | udp 0.0.0.0:20000 u:(maker)  | NEW udp/0.0.0.0:20000
          udp 0.0.0.0:50000 u:/unbound | udp 0.0.0.0:1000 u:/unbound  | NEW udp/0.0.0.0:1000
          udp 0.0.0.0:5353 a:/avahi; udp 0.0.0.0:50000 a:/avahi | udp 0.0.0.0:50001 a:/avahi | GONE udp/0.0.0.0:5353
          # ---- ping
          icmp 0.0.0.0:5 nagios:/ping  | icmp 0.0.0.0:6 nagios:/ping  | ''
          icmp 0.0.0.0:5 nagios:/ping  | -                            | ''
          icmp 0.0.0.0:5 nagios:/ping  | icmp 0.0.0.0:5 evil:/tunnel  | NEW icmp/0.0.0.0:5
          # ---- the kernel: wireguard on a random port, vxlan on a fixed one
          udp 0.0.0.0:51000            | udp 0.0.0.0:51001            | ''
          udp 0.0.0.0:51000            | udp 0.0.0.0:51001 e:(maker)  | NEW udp/0.0.0.0:51001
          udp 0.0.0.0:51000            | udp 0.0.0.0:51000 root:/evil | NEW udp/0.0.0.0:51000
          udp 0.0.0.0:51000 root:/a    | udp 0.0.0.0:51001            | NEW udp/0.0.0.0:51001
          udp 0.0.0.0:4789             | -                            | GONE udp/0.0.0.0:4789
          # ---- names with a PID
          unix /m/1000 root:/smbd#1000 | unix /m/2000 root:/smbd#2000; unix /m/2001 root:/smbd#2001 | ''
          unix /m/1000 root:/smbd#1000 | unix /m/2000 root:/evil#2000 | NEW unix//m/2000
          unix /m/1000 root:/smbd#1000 | unix /m/2000 root:/smbd#3000 | NEW unix//m/2000
          unix /m/1000 root:/smbd#1000 | unix /m/2000 root:/smbd#2000 u:/sh#3000 | NEW unix//m/2000
          # a fixed name whose number happens to be the PID now
          unix /s.5432 pg:/postgres#77 | unix /s.5432 pg:/postgres#5432 | ''
          unix /s.5432 pg:/postgres#77 | -                            | GONE unix//s.5432
          # ---- digests and random tokens
          unix /s/00112233445566aa root:/shim | unix /s/00112233445566bb root:/shim; unix /s/00112233445566cc root:/shim | ''
          unix /s/00112233445566aa root:/shim | -                     | ''
          unix /s/00112233445566aa root:/shim | unix /s/00112233445566bb u:/shim | NEW unix//s/00112233445566bb
          unix /s/00112233445566aa root:/shim | unix /t/00112233445566bb root:/shim | NEW unix//t/00112233445566bb
          unix /s/* root:/shim         | -                            | GONE unix//s/*
          unix @00aa1 root:/udevd      | unix @00bb2 root:/udevd      | ''
          unix @00aa1 root:/udevd      | unix @00bb2 u:/evil          | NEW unix/@00bb2
          unix /t/p-a1b2c3/l u:/py     | unix /t/p-d4e5f6/l u:/py     | ''
          unix /t/p-a1b2c3/l u:/py     | unix /t/p-a1b2c3/l u:/py; unix /t/p-d4e5f6/l u:/py | ''
          unix /t/p-a1b2c3/l u:/py     | -                            | GONE unix//t/p-a1b2c3/l
          unix /t/p-a1b2c3/l u:/py     | unix /t/p-d4e5f6/l u:/evil   | NEW unix//t/p-d4e5f6/l, GONE unix//t/p-a1b2c3/l
          unix /t/p-a1b2c3/l u:/py     | unix /v/p-d4e5f6/l u:/py     | NEW unix//v/p-d4e5f6/l, GONE unix//t/p-a1b2c3/l
          unix /run/main.sock u:/py    | unix /run/test.sock u:/py    | NEW unix//run/test.sock, GONE unix//run/main.sock
          # ---- addresses that come and go
          tcp6 [fe80::1]:53 bind:/named | tcp6 [fe80::2]:53 bind:/named; tcp6 [fe80::3]:53 bind:/named | ''
          tcp6 [fe80::1]:53 bind:/named | -                           | ''
          tcp6 [fe80::1]:53 bind:/named | tcp6 [fe80::1]:53 u:/evil   | NEW tcp6/[fe80::1]:53
          tcp6 [fe80::1]:53 bind:/named | tcp6 [fe80::1]:54 bind:/named | NEW tcp6/[fe80::1]:54
          tcp6 [2001:db8::aa]:53 bind:/named | tcp6 [2001:db8::bb]:53 bind:/named | ''
          tcp6 [2001:db8::aa]:53 bind:/named | tcp6 [2001:db8::bb]:53 u:/evil | NEW tcp6/[2001:db8::bb]:53
          tcp6 [fd00::aa]:53 bind:/named | tcp6 [2001:db8::bb]:53 bind:/named | NEW tcp6/[2001:db8::bb]:53
          # a lease gives another address of the same class
          udp 192.168.1.5:123 ntp:/ntpd | udp 192.168.1.6:123 ntp:/ntpd | ''
          udp 192.168.1.5:123 ntp:/ntpd | udp 10.0.0.1:123 ntp:/ntpd  | ''
          udp 192.168.1.5:123 ntp:/ntpd | udp 192.168.1.6:123 u:/evil | NEW udp/192.168.1.6:123, GONE udp/192.168.1.5:123
          udp 192.168.1.5:123 ntp:/ntpd | udp 192.0.2.1:123 ntp:/ntpd | NEW udp/192.0.2.1:123, GONE udp/192.168.1.5:123
          udp 127.0.0.1:123 ntp:/ntpd  | udp 192.168.1.6:123 ntp:/ntpd | NEW udp/192.168.1.6:123, GONE udp/127.0.0.1:123
          udp 192.168.1.5:123 ntp:/ntpd | udp 0.0.0.0:123 ntp:/ntpd   | NEW udp/0.0.0.0:123, GONE udp/192.168.1.5:123
          udp 192.168.1.5:50000 c:/c   | udp 192.168.1.6:50001 c:/c   | ''
          # a further address
          tcp 127.0.0.1:53 b:/n; tcp 10.0.0.1:53 b:/n | tcp 127.0.0.1:53 b:/n; tcp 10.0.0.1:53 b:/n; tcp 172.17.0.1:53 b:/n | ''
          tcp 127.0.0.1:53 b:/n; tcp 10.0.0.1:53 b:/n | tcp 127.0.0.1:53 b:/n; tcp 10.0.0.1:53 b:/n; tcp 192.0.2.1:53 b:/n | NEW tcp/192.0.2.1:53
          tcp 127.0.0.1:53 b:/n; tcp 10.0.0.1:53 b:/n | tcp 127.0.0.1:53 b:/n; tcp 10.0.0.1:53 b:/n; tcp 10.0.0.2:53 u:/evil | NEW tcp/10.0.0.2:53
          tcp 127.0.0.1:53 b:/n; tcp 10.0.0.1:53 b:/n | tcp 127.0.0.1:53 b:/n; tcp 10.0.0.1:53 b:/n; tcp 10.0.0.2:54 b:/n | NEW tcp/10.0.0.2:54
          tcp 127.0.0.1:53 b:/n; tcp 10.0.0.1:53 b:/n | tcp 127.0.0.1:53 b:/n | GONE tcp/10.0.0.1:53
          tcp 127.0.0.1:53 b:/n; tcp 10.0.0.1:54 b:/n | tcp 127.0.0.1:53 b:/n; tcp 10.0.0.1:54 b:/n; tcp 127.0.0.2:53 b:/n | NEW tcp/127.0.0.2:53
          tcp 10.0.0.1:53 b:/n         | tcp 10.0.0.1:53 b:/n; tcp 10.0.0.2:53 b:/n | NEW tcp/10.0.0.2:53
          """)
  void compares(String before, String after, String expected) {
    assertEquals(expected, compare(DEFAULT, before, after));
  }

  /** Where ip_local_port_range was widened to 1024, fixed services are in it. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          tcp 0.0.0.0:3306 db:/mysqld  | -                            | GONE tcp/0.0.0.0:3306
          tcp 0.0.0.0:3306 db:/mysqld  | tcp 0.0.0.0:3306 u:/evil     | CHANGED tcp/0.0.0.0:3306
          tcp 0.0.0.0:3306 db:/mysqld  | tcp 0.0.0.0:3306 db:/mysqld; tcp 0.0.0.0:3307 db:/mysqld | NEW tcp/0.0.0.0:3307
          tcp 0.0.0.0:20000 java:/java | tcp 0.0.0.0:20001 java:/java | ''
          tcp 0.0.0.0:20000 java:/java | tcp 0.0.0.0:45000 java:/java | ''
          tcp 0.0.0.0:45000 java:/java | tcp 0.0.0.0:20000 java:/java | ''
          tcp 0.0.0.0:20000 java:/java | tcp 0.0.0.0:20001 u:/evil    | NEW tcp/0.0.0.0:20001, GONE tcp/0.0.0.0:20000
          """)
  void comparesInWidenedRange(String before, String after, String expected) {
    assertEquals(expected, compare(WIDENED, before, after));
  }

  @Test
  void portBelowTheRangeIsFixed() {
    String moved = "tcp 0.0.0.0:20000 java:/java";
    assertEquals(
        "NEW tcp/0.0.0.0:20001, GONE tcp/0.0.0.0:20000",
        compare(DEFAULT, moved, moved.replace("20000", "20001")));
  }

  /** A program that chooses its ports itself, as resolvers do, and closes them at once. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          udp 0.0.0.0:50000 dns:/dns   | udp 0.0.0.0:20000 dns:/dns   | ''
          udp 0.0.0.0:50000 dns:/dns   | udp 0.0.0.0:20000 dns:(maker) | ''
          udp 0.0.0.0:50000 dns:(maker) | udp 0.0.0.0:20000 dns:(maker) | ''
          udp 0.0.0.0:50000 dns:/dns   | udp 0.0.0.0:20000 dns:/evil  | NEW udp/0.0.0.0:20000
          udp 0.0.0.0:50000 dns:/dns   | udp 0.0.0.0:20000 u:(maker)  | NEW udp/0.0.0.0:20000
          udp 127.0.0.1:50000 dns:/dns | udp 0.0.0.0:20000 dns:(maker) | NEW udp/0.0.0.0:20000
          udp 0.0.0.0:50000 dns:/dns   | udp 0.0.0.0:20000 ?:?        | NEW udp/0.0.0.0:20000
          udp 0.0.0.0:50000 dns:/dns   | udp 0.0.0.0:1023 dns:(maker) | NEW udp/0.0.0.0:1023
          tcp 0.0.0.0:50000 dns:/dns   | tcp 0.0.0.0:20000 dns:/dns   | NEW tcp/0.0.0.0:20000
          """)
  void comparesShortLived(String before, String after, String expected) {
    Set<Endpoint> once = Set.of(entry(after).endpoint());
    assertEquals(expected, compare(DEFAULT.withShortLived(once), before, after));
  }

  @Test
  void acceptedSocketIsNoDifference() {
    Snapshot empty = Snapshot.of(HOST, List.of());
    for (String socket :
        List.of(
            "udp 0.0.0.0:50000",
            "tcp6 [fe80::1]:53 bind:/named",
            "unix /m/1000 root:/smbd#1000",
            "unix @00aa1 root:/udevd",
            "tcp 0.0.0.0:22 root:/sshd")) {
      Snapshot now = snapshot(socket);
      Snapshot accepted = Diff.between(empty, now, DEFAULT).applyTo(empty, DEFAULT, Instant.EPOCH);
      assertEquals(
          DEFAULT.key(entry(socket)),
          accepted.sockets().keySet().iterator().next(),
          "it is stored by its key");
      assertEquals("", format(Diff.between(accepted, now, DEFAULT)));
    }
  }

  @Test
  void mergesSocketsOfOneKey() {
    Snapshot before =
        snapshot("udp 0.0.0.0:50001 b:/n; udp 0.0.0.0:50002 j:/c; udp 0.0.0.0:50003 j:/c");
    assertEquals(snapshot("udp 0.0.0.0:ephemeral b:/n j:/c"), DEFAULT.generalize(before));
  }

  private static String compare(SocketIdentity identity, String before, String after) {
    return format(Diff.between(generated(identity, before), snapshot(after), identity));
  }

  /** As {@code lsm generate} stores it: without processes. */
  private static Snapshot generated(SocketIdentity identity, String sockets) {
    Snapshot general = identity.generalize(snapshot(sockets));
    return Snapshot.of(
        HOST,
        general.sockets().values().stream()
            .map(it -> new SocketEntry(it.endpoint(), it.owners(), List.of()))
            .toList());
  }

  private static String format(Diff diff) {
    return diff.differences().stream()
        .map(it -> it.type() + " " + it.endpoint())
        .collect(Collectors.joining(", "));
  }

  private static Snapshot snapshot(String sockets) {
    List<SocketEntry> entries = new ArrayList<>();
    for (String socket : sockets.equals("-") ? new String[0] : sockets.split("; *", -1)) {
      entries.add(entry(socket));
    }
    return Snapshot.of(HOST, entries);
  }

  private static SocketEntry entry(String socket) {
    String[] words = socket.split(" ", -1);
    TreeSet<Owner> owners = new TreeSet<>();
    List<ProcessRef> processes = new ArrayList<>();
    for (String word : List.of(words).subList(2, words.length)) {
      Matcher matcher = OWNER.matcher(word);
      Owner owner = matcher.matches() ? new Owner(matcher.group(1), matcher.group(2)) : null;
      owners.add(owner == null ? Owner.UNKNOWN : owner);
      if (owner != null && matcher.group(3) != null) {
        int parent = matcher.group(4) == null ? 0 : Integer.parseInt(matcher.group(4));
        int pid = Integer.parseInt(matcher.group(3));
        processes.add(new ProcessRef(pid, 1, Instant.EPOCH, owner, 0, ProgramFile.UNKNOWN, parent));
      }
    }
    return new SocketEntry(Endpoint.of(words[0], words[1]), owners, processes);
  }
}
