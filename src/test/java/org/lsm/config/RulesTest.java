package org.lsm.config;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.lsm.config.Rules.Rule;
import org.lsm.model.Endpoint;
import org.lsm.model.Owner;
import org.lsm.model.Protocol;
import org.lsm.model.SocketEntry;

/** Every form of a rule: the sockets that it covers, and mistakes. */
class RulesTest {

  private static final Path FILE = Path.of("ignore.lsm");

  @TempDir private Path folder;

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          # a line of rules.d                        | TCP       | UDP
          allow tcp *:80                             | 80        | ''
          ignore udp6 [::]:5000-5010 user=joe        | ''        | 5000-5010
          require tcp 192.0.2.1:0443                 | 443       | ''
          allow * *:8080 program=/usr/bin/x netns=   | 8080      | 8080
          allow tcp *:* program=/usr/sbin/vsftpd     | ''        | ''
          allow tcp 127.0.0.0/8:80                   | ''        | ''
          allow tcp6 [::1]:80                        | ''        | ''
          allow tcp *:80 netns=web                   | ''        | ''
          allow unix /run/x:80                       | ''        | ''
          allow * @x:80                              | ''        | ''
          allow raw *:6                              | ''        | ''
          """)
  void namesPorts(String line, String tcp, String udp) throws Exception {
    Path file = Path.of("rules.d/web.lsm");
    Rules rules = Rules.parse(file, line.getBytes(StandardCharsets.UTF_8), Set::of);

    assertEquals(tcp, rules.ports(Protocol.TCP).toString());
    assertEquals(udp, rules.ports(Protocol.UDP).toString());
  }

  /** The installed rules: sockets of sessions, and what a stranger may try to hide by them. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          unix | /run/user/1000/bus                | joe:/usr/bin/dbus-daemon   | true
          unix | /run/user/1000/a/b-UUID.sock      | joe:/home/joe/node         | true
          unix | /run/user/x                       | root:/evil                 | false
          unix | /run/user/1000/bus                | ''                         | true
          unix | /tmp/tmux-1000/default            | joe:/usr/bin/tmux          | true
          unix | /tmp/tmux-1000/default            | joe:/home/joe/tmux         | false
          unix | /tmp/tmux-1000/default            | joe:/usr/bin/tmux eve:/bin/sh | false
          unix | /run/screen/S-joe/47.pts-0.web1   | joe:/usr/bin/screen        | true
          unix | /run/screen/S-joe/47.pts-0.web1   | joe:/tmp/screen            | false
          unix | /tmp/ssh-AbC1dEfGh2/agent.47      | joe:/usr/bin/ssh-agent     | true
          unix | /tmp/ssh-AbC1dEfGh2/agent.47      | joe:/usr/sbin/sshd         | true
          unix | /tmp/ssh-AbC1dEfGh2/agent.47      | joe:/usr/lib/openssh/sshd-session | true
          unix | /tmp/ssh-AbC1dEfGh2/agent.47      | joe:/tmp/sshd              | false
          unix | @/tmp/.X11-unix/X0                | root:/usr/lib/xorg/Xorg    | true
          unix | @/tmp/.X11-unix/X0                | joe:/tmp/evil              | false
          unix | @/tmp/.X11-unix/X0                | www:/usr/bin/python3.11    | false
          unix | @/tmp/.X11-unix/X1                | joe:/usr/bin/Xvnc          | true
          unix | @x/bus/c2                         | www:/usr/bin/python3.11    | false
          unix | /tmp/.ICE-unix/47                 | www:/usr/bin/perl          | false
          unix | /tmp/.ICE-unix/47                 | joe:/usr/bin/xfce4-session | true
          unix | @/tmp/dbus-AbC1dEf                | joe:/usr/bin/dbus-daemon   | true
          unix | @/tmp/dbus-AbC1dEf                | joe:/tmp/evil              | false
          unix | @evil1                            | root:/usr/bin/perl         | false
          unix | @1f2e3d4c5b6a/bus/systemctl/system | root:/usr/bin/systemctl   | true
          unix | @1f2e3d4c5b6a/bus/systemctl/system | joe:/tmp/evil             | false
          tcp  | 127.0.0.1:6010                    | joe:/usr/sbin/sshd         | false
          """)
  void installedRulesIgnoreSessions(String table, String local, String owners, boolean ignored)
      throws Exception {
    Rules rules = Rules.read(Path.of("conf/conf.lsm"), Set::of);
    assertEquals(ignored, rules.ignores(entry(table, local, owners)));
  }

  @Test
  void installedRulesHideNothingFromOtherHosts() throws Exception {
    for (Rule rule : Rules.read(Path.of("conf/conf.lsm"), Set::of).rules()) {
      // Only a user and root can write to the directory of that user's session.
      boolean isOfSession = rule.text().matches("unix +/run/user/\\*/\\*\\*");
      boolean isBound = rule.text().matches("unix +[/@]\\S+ +(program=/usr/|user=).*");
      assertTrue(isOfSession || isBound, rule.text());
    }
  }

  /** A socket as table, local address, and its owners as user:program. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          # protocols, each with its IPv6 twin
          tcp *                 | tcp     | 0.0.0.0:22          | true
          tcp *                 | tcp6    | [::]:22             | true
          tcp *                 | udp     | 0.0.0.0:22          | false
          tcp6 *                | tcp6    | [::]:22             | true
          tcp6 *                | tcp     | 0.0.0.0:22          | false
          udp *                 | udp     | 0.0.0.0:53          | true
          udp *                 | udp6    | [::]:53             | true
          udp *                 | udplite | 0.0.0.0:53          | false
          udplite *             | udplite6 | [::]:53            | true
          raw *                 | raw6    | [::]:58             | true
          raw6 *                | raw     | 0.0.0.0:1           | false
          icmp *                | icmp6   | [::]:58             | true
          sctp *                | sctp    | 0.0.0.0:9899        | true
          packet *              | packet  | eth0:0x0003         | true
          unix *                | unix    | /run/x              | true
          unix *                | tcp     | 0.0.0.0:22          | false
          * *                   | unix    | /run/x              | true
          * *                   | packet  | *:0x0003            | true
          * *                   | tcp6    | [::]:22             | true
          # ports
          tcp *:*               | tcp     | 0.0.0.0:0           | true
          tcp *:22              | tcp     | 0.0.0.0:22          | true
          tcp *:22              | tcp6    | [::]:22             | true
          tcp *:22              | tcp     | 0.0.0.0:2222        | false
          tcp *:00022           | tcp     | 0.0.0.0:22          | true
          tcp *:0               | tcp     | 0.0.0.0:0           | true
          tcp *:1024-65535      | tcp     | 0.0.0.0:1023        | false
          tcp *:1024-65535      | tcp     | 0.0.0.0:1024        | true
          tcp *:1024-65535      | tcp     | 0.0.0.0:65535       | true
          tcp *:80-80           | tcp     | 0.0.0.0:80          | true
          tcp *:80-80           | tcp     | 0.0.0.0:81          | false
          packet *:0x0003       | packet  | eth0:0x0003         | true
          packet *:0x88cc       | packet  | eth0:0x0003         | false
          packet *:35020        | packet  | eth0:0x88cc         | true
          udp *:*               | udp     | 0.0.0.0:ephemeral   | true
          udp *:0-65535         | udp     | 0.0.0.0:ephemeral   | false
          # addresses
          tcp 127.0.0.1:25      | tcp     | 127.0.0.1:25        | true
          tcp 127.0.0.1:25      | tcp     | 0.0.0.0:25          | false
          tcp 127.0.0.1:25      | tcp6    | [::ffff:127.0.0.1]:25 | true
          tcp 127.0.0.0/8:*     | tcp     | 127.8.0.1:25        | true
          tcp 127.0.0.0/8:*     | tcp     | 126.0.0.1:25        | false
          tcp [::1]:25          | tcp6    | [::1]:25            | true
          tcp [::1]:25          | tcp6    | [::2]:25            | false
          tcp ::1:25            | tcp6    | [::1]:25            | true
          tcp [fe80::]/10:*     | tcp6    | [fe80::7]:25        | true
          tcp [fe80::]/10:*     | tcp6    | [2001:db8::7]:25    | false
          sctp 192.0.2.7:*      | sctp    | 192.0.2.7:9899      | true
          packet eth0:*         | packet  | eth0:0x0003         | true
          packet eth0:*         | packet  | eth1:0x0003         | false
          packet eth*:*         | packet  | eth1:0x0003         | true
          * *:*                 | unix    | /run/x              | false
          * *:*                 | packet  | eth1:0x0003         | true
          # paths
          unix /run/x.sock      | unix    | /run/x.sock         | true
          unix /run/x.sock      | unix    | /run/y.sock         | false
          unix /run/user/*/**   | unix    | /run/user/1000/a/b  | true
          unix /run/user/*/**   | unix    | /run/user/x         | false
          unix @/tmp/dbus-*     | unix    | @/tmp/dbus-x1       | true
          unix @/tmp/dbus-*     | unix    | @/tmp/dbus-x1/y     | false
          unix @/tmp/dbus-*     | unix    | /tmp/dbus-x1        | false
          unix @?????           | unix    | @0a1b2              | true
          unix relative:1       | unix    | relative:1          | true
          unix /a\\x20b          | unix    | '/a b'              | true
          unix /a\\x20b          | unix    | /axb                | false
          unix /a\\\\b            | unix    | '/a\\b'              | true
          unix /\\u{202e}x       | unix    | '/\u202ex'          | true
          * /run/*              | unix    | /run/x              | true
          * @x                  | unix    | @x                  | true
          * /run/*              | tcp     | 0.0.0.0:22          | false
          tcp /run/*            | unix    | /run/x              | false
          """)
  void matchesProtocolAddressAndPath(String rule, String table, String local, boolean covered)
      throws Exception {
    assertCovers(covered, rule, entry(table, local, "root:/bin/a"));
  }

  /** Rules for sockets and rules for outbound connections never cover each other. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          out tcp *:443                     | out-tcp | public:443        | true
          out tcp *:443                     | out-tcp | private:443       | true
          out tcp *:443                     | out-tcp | public:80         | false
          out tcp *:443                     | out-udp | public:443        | false
          out tcp *:443                     | tcp     | 0.0.0.0:443       | false
          out tcp *:443                     | tcp6    | [::]:443          | false
          out tcp *:443 user=www-data       | out-tcp | public:443        | true
          out tcp *:443 user=root           | out-tcp | public:443        | false
          out tcp *:443 program=web.service | out-tcp | public:443        | true
          out tcp *:443 program=web*        | out-tcp | public:443        | true
          out tcp *:443 program=ssh.service | out-tcp | public:443        | false
          out tcp *:443 netns=              | out-tcp | public:443        | true
          out tcp *:443 netns=web           | out-tcp | public:443        | false
          out tcp *:8000-8999               | out-tcp | public:8080       | true
          out tcp *:8000-8999               | out-tcp | public:ephemeral  | false
          out tcp *:*                       | out-tcp | public:ephemeral  | true
          out tcp *                         | out-tcp | public:443        | true
          out udp private:*                 | out-udp | private:53        | true
          out udp private:*                 | out-udp | public:53         | false
          out udp private:*                 | out-udp | link-local:53     | false
          out udp link-local:*              | out-udp | link-local:5353   | true
          out * *                           | out-tcp | public:443        | true
          out * *                           | out-udp | link-local:5353   | true
          out * *                           | tcp     | 0.0.0.0:443       | false
          out * *                           | unix    | /run/x            | false
          out * public:53                   | out-udp | public:53         | true
          out-tcp public:443                | out-tcp | public:443        | true
          out-tcp public:443                | out-tcp | private:443       | false
          out-udp *                         | out-tcp | public:443        | false
          out-* *:443                       | out-tcp | public:443        | true
          * *                               | out-tcp | public:443        | false
          * *:443                           | out-tcp | public:443        | false
          * *:443                           | out-udp | public:443        | false
          * * user=www-data                 | out-tcp | public:443        | false
          tcp *                             | out-tcp | public:443        | false
          tcp *:443                         | out-tcp | public:443        | false
          udp *:443                         | out-udp | public:443        | false
          packet *:*                        | out-tcp | public:443        | false
          unix *                            | out-tcp | public:443        | false
          """)
  void matchesOutboundConnections(String rule, String table, String local, boolean covered)
      throws Exception {
    SocketEntry entry = entry(table, local, "www-data:web.service");
    assertCovers(covered, rule, entry);
    for (String verb : List.of("ignore", "allow")) {
      byte[] line = (verb + " " + rule).getBytes(StandardCharsets.UTF_8);
      Rules rules = Rules.parse(Path.of("rules.d/web.lsm"), line, Set::of);
      assertEquals(covered && verb.equals("ignore"), rules.ignores(entry), verb);
      assertEquals(covered && verb.equals("allow"), !rules.allowing(entry).isEmpty(), verb);
    }
  }

  /** The port of a remote host is none that this host serves. */
  @ParameterizedTest
  @ValueSource(strings = {"allow out tcp *:443", "allow out * *:53", "allow out-udp private:53"})
  void outboundRulesNameNoPorts(String line) throws Exception {
    Path file = Path.of("rules.d/web.lsm");
    Rules rules = Rules.parse(file, line.getBytes(StandardCharsets.UTF_8), Set::of);
    assertEquals("", rules.ports(Protocol.TCP).toString());
    assertEquals("", rules.ports(Protocol.UDP).toString());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          program=/bin/a                | root:/bin/a           | true
          program=/bin/a                | root:/bin/b           | false
          program=/bin/*                | root:/bin/b           | true
          program=/bin/*                | root:/bin/b/c         | false
          program=/bin/**               | root:/bin/b/c         | true
          program=/bin/a\\x20b           | root:/bin/a~b         | true
          program=/bin/x=y              | root:/bin/x=y         | true
          user=root                     | root:/bin/a           | true
          user=root                     | www:/bin/a            | false
          user=www*                     | www-data:/bin/a       | true
          user=1000                     | 1000:/bin/a           | true
          user=root program=/bin/a      | root:/bin/a           | true
          user=root program=/bin/b      | root:/bin/a           | false
          user=www program=/bin/a       | root:/bin/a           | false
          program=/bin/* program=**a    | root:/bin/a           | true
          program=/bin/* program=**a    | root:/bin/b           | false
          # several owners: all of them
          program=/bin/a                | root:/bin/a www:/bin/a | true
          program=/bin/a                | root:/bin/a www:/bin/b | false
          user=root                     | root:/bin/a www:/bin/a | false
          user=*                        | root:/bin/a www:/bin/b | true
          # no owner, and unknown ones
          program=**                    | ''                    | false
          user=*                        | ''                    | false
          program=/**                   | ?:?                   | false
          program=/bin/a                | root:/bin/a ?:?       | false
          user=root                     | root:/bin/a ?:?       | false
          """)
  void conditionsMustHoldForAllOwners(String conditions, String owners, boolean covered)
      throws Exception {
    assertCovers(covered, "tcp *:* " + conditions, entry("tcp", "0.0.0.0:80", owners));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          program=/usr/bin/python3.11                     | /opt/x.py      | true
          program=/usr/bin/python3*                       | ?              | true
          program=/opt/x.py                               | /opt/x.py      | true
          program=/opt/x.py                               | /dev/shm/x.py  | false
          program=/opt/x.py                               | ?              | false
          program=/opt/**                                 | /opt/a/x.py    | true
          program=-m\\x20http.server                      | -m http.server | true
          program=/usr/bin/python3.11 program=/opt/x.py   | /opt/x.py      | true
          program=/usr/bin/python3.11 program=/opt/x.py   | /opt/y.py      | false
          program=/usr/bin/perl program=/opt/x.py         | /opt/x.py      | false
          """)
  void programIsTheExecutableOrTheScript(String conditions, String script, boolean covered)
      throws Exception {
    Owner owner = new Owner("app", "/usr/bin/python3.11", script);
    Endpoint endpoint = Endpoint.of("tcp", "0.0.0.0:80");
    SocketEntry entry = new SocketEntry(endpoint, new TreeSet<>(Set.of(owner)), List.of());
    assertCovers(covered, "tcp *:* " + conditions, entry);
  }

  @ParameterizedTest
  @CsvSource({
    "user=jdoe,      4711, true",
    "user=jdoe,      jdoe, true",
    "user=jdoe,      4712, false",
    "user=\\x6adoe,  4711, true",
    "user=*,         4711, true",
    "user=jdo?,      4711, false"
  })
  void userIsANameOrItsNumber(String condition, String user, boolean covered) throws Exception {
    byte[] rule = ("tcp *:* " + condition).getBytes(StandardCharsets.UTF_8);
    Rules rules = Rules.parse(FILE, rule, name -> Set.of(name, "4711"));
    assertEquals(covered, rules.ignores(entry("tcp", "0.0.0.0:80", user + ":/bin/a")));
  }

  @ParameterizedTest
  @CsvSource({
    "tcp *:*,                       web:tcp, true",
    "tcp *:* netns=web,             web:tcp, true",
    "tcp *:* netns=web,             db:tcp,  false",
    "tcp *:* netns=web,             tcp,     false",
    "tcp *:* netns=w*,              web:tcp, true",
    "tcp *:* netns=,                tcp,     true",
    "tcp *:* netns=,                web:tcp, false",
    "tcp *:* netns=web user=root,   web:tcp, true",
    "tcp *:* netns=web user=www,    web:tcp, false"
  })
  void matchesNamespaces(String rule, String table, boolean covered) throws Exception {
    assertCovers(covered, rule, entry(table, "0.0.0.0:80", "root:/bin/a"));
  }

  @Test
  void rulesWithoutOwnersCoverUnownedSockets() throws Exception {
    assertCovers(true, "udp *:51820", entry("udp", "0.0.0.0:51820", ""));
    assertCovers(true, "udp *:51820", entry("udp", "0.0.0.0:51820", "?:?"));
    assertCovers(true, "udp *:51820 netns=", entry("udp", "0.0.0.0:51820", ""));
  }

  /** Only a newline ends a comment, although Java knows other line separators. */
  @ParameterizedTest
  @ValueSource(strings = {"#\rtcp *:*", "# a\u0085tcp *:*", "#\u2028udp", "# \u2029 tcp *:*"})
  void commentEndsWithItsLine(String comment) throws ConfigException {
    assertEquals(List.of(), parse(comment).rules());
    assertEquals("tcp *:22", parse("tcp *:22 " + comment).rules().get(0).text());
  }

  @Test
  void skipsCommentsAndBlankLines() throws Exception {
    Rules rules =
        parse("\uFEFF# head\r\n\r\n  \ttcp\t*:22  # ssh\r\n#udp *:*\r\nunix  @#x\r\nudp *:9 #x");
    assertEquals(
        List.of("ignore.lsm:3 tcp\t*:22", "ignore.lsm:5 unix  @#x", "ignore.lsm:6 udp *:9"),
        rules.rules().stream().map(rule -> rule.location() + " " + rule.text()).toList());
    assertFalse(rules.ignores(entry("udp", "0.0.0.0:53", "")));
    assertEquals(Optional.of("ignore.lsm:3"), ignoring(rules, "tcp", "0.0.0.0:22"));
  }

  @Test
  void findsTheFirstRule() throws Exception {
    Rules rules = parse("udp *:*\ntcp *:80\n\ntcp *:*\n* *\n");
    assertEquals(Optional.of("ignore.lsm:2"), ignoring(rules, "tcp", "0.0.0.0:80"));
    assertEquals(Optional.of("ignore.lsm:4"), ignoring(rules, "tcp", "0.0.0.0:81"));
    assertEquals(Optional.of("ignore.lsm:5"), ignoring(rules, "unix", "/x"));
  }

  private static Optional<String> ignoring(Rules rules, String table, String local) {
    return rules.ignoring(entry(table, local, "")).map(Rule::location);
  }

  @Test
  void ignoresNothingWithoutRules() throws Exception {
    SocketEntry entry = entry("tcp", "0.0.0.0:80", "root:/bin/a");
    for (Rules rules :
        List.of(new Rules(List.of()), parse(""), Rules.read(folder.resolve("absent"), Set::of))) {
      assertFalse(rules.ignores(entry));
      assertEquals(List.of(), rules.rules());
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          tcp                  | 'tcp' needs an address and port, or a path, behind it; * matches any
          tpc *:22             | unknown protocol 'tpc'; the first word is one of tcp, tcp6, udp, udp6, udplite, udplite6, sctp, raw, raw6, icmp, icmp6, packet, unix, *, or out before tcp, udp, *
          TCP *:22             | unknown protocol 'TCP'; the first word is one of tcp, tcp6, udp, udp6, udplite, udplite6, sctp, raw, raw6, icmp, icmp6, packet, unix, *, or out before tcp, udp, *
          tcp 22               | '22' has no port; write ADDRESS:PORT, where * matches any
          tcp :22              | ':22' has no port; write ADDRESS:PORT, where * matches any
          tcp *:               | '' is not a port; write a number, a range like 1024-65535, or *
          tcp *:ssh            | 'ssh' is not a port; write a number, a range like 1024-65535, or *
          tcp *:1-2-3          | '1-2-3' is not a port; write a number, a range like 1024-65535, or *
          tcp *:-1             | '-1' is not a port; write a number, a range like 1024-65535, or *
          tcp *:1-             | '1-' is not a port; write a number, a range like 1024-65535, or *
          tcp *:65536          | '65536' is not a range of ports from 0 to 65535
          tcp *:2-1            | '2-1' is not a range of ports from 0 to 65535
          tcp *:1-99999        | '1-99999' is not a range of ports from 0 to 65535
          tcp 300.0.0.1:22     | '300.0.0.1' is not an IP address
          tcp 10.0.0.0/33:22   | '10.0.0.0/33' is not an address block (CIDR)
          tcp *:22 user=       | 'user=' has no value
          tcp localhost:22     | 'localhost' is not an IP address; write an address, a block like 10.0.0.0/8, or *
          tcp 999.1.1.1:22     | '999.1.1.1' is not an IP address
          tcp *:22 root        | 'root' is not a condition; valid ones are program=, user= and netns=
          tcp *:22 owner=root  | 'owner=root' is not a condition; valid ones are program=, user= and netns=
          tcp *:22 User=root   | 'User=root' is not a condition; valid ones are program=, user= and netns=
          tcp *:22 =root       | '=root' is not a condition; valid ones are program=, user= and netns=
          unix /a\\qb           | a backslash that escapes nothing
          tcp *:22 program=/a\\q | a backslash that escapes nothing
          out                  | 'out' needs an address and port, or a path, behind it; * matches any
          out tcp              | 'out-tcp' needs an address and port, or a path, behind it; * matches any
          out unix /x          | unknown protocol 'out-unix'; the first word is one of tcp, tcp6, udp, udp6, udplite, udplite6, sctp, raw, raw6, icmp, icmp6, packet, unix, *, or out before tcp, udp, *
          out tcp6 *:22        | unknown protocol 'out-tcp6'; the first word is one of tcp, tcp6, udp, udp6, udplite, udplite6, sctp, raw, raw6, icmp, icmp6, packet, unix, *, or out before tcp, udp, *
          out out-tcp *:22     | unknown protocol 'out-out-tcp'; the first word is one of tcp, tcp6, udp, udp6, udplite, udplite6, sctp, raw, raw6, icmp, icmp6, packet, unix, *, or out before tcp, udp, *
          out tcp 10.0.0.0/8:443 | '10.0.0.0/8' is not a kind of network; write public, private, link-local, or *
          out tcp pub*:443     | 'pub*' is not a kind of network; write public, private, link-local, or *
          out tcp 443          | '443' has no port; write ADDRESS:PORT, where * matches any
          out tcp *:https      | 'https' is not a port; write a number, a range like 1024-65535, or *
          out tcp *:22 to=x    | 'to=x' is not a condition; valid ones are program=, user= and netns=
          """)
  void namesFileLineAndWordOfAMistake(String rule, String problem) {
    for (int line : new int[] {1, 3}) {
      String text = "\n".repeat(line - 1) + rule + "\n";
      ConfigException e = assertThrows(ConfigException.class, () -> parse(text));
      assertEquals("ignore.lsm:" + line + ": " + problem, e.getMessage());
    }
  }

  @Test
  void refusesFilesThatAreNotUtf8() throws Exception {
    Path file = Files.write(folder.resolve("ignore.lsm"), new byte[] {(byte) 0xFF});
    Path config = folder.resolve("conf.lsm");
    ConfigException e = assertThrows(ConfigException.class, () -> Rules.read(config, Set::of));
    assertEquals(file + ": is not UTF-8 text; save it as UTF-8", e.getMessage());
  }

  @Test
  void shippedExamplesAreValidRules() throws Exception {
    List<String> shipped = Files.readAllLines(Path.of("conf/ignore.lsm"));
    List<String> rules = shipped.stream().filter(line -> line.matches("#?\\w\\S*\\s.*")).toList();
    String uncommented = String.join("\n", shipped).replaceAll("(?m)^#(?=\\S)", "");
    assertEquals(
        rules.stream().map(line -> line.replaceFirst("^#", "").strip()).toList(),
        parse(uncommented).rules().stream().map(Rule::text).toList());
    assertTrue(rules.size() >= 19, "only " + rules);
  }

  private static Rules parse(String text) throws ConfigException {
    return Rules.parse(FILE, text.getBytes(StandardCharsets.UTF_8), Set::of);
  }

  private static void assertCovers(boolean covered, String rule, SocketEntry entry)
      throws ConfigException {
    Rules rules = parse(rule + "\n");
    assertEquals(covered, rules.ignores(entry));
  }

  /** Owners as user:program; ~ is a space. */
  private static SocketEntry entry(String table, String local, String owners) {
    TreeSet<Owner> all = new TreeSet<>();
    Stream.of(owners.split(" ", -1))
        .filter(owner -> !owner.isEmpty())
        .map(owner -> owner.split(":", 2))
        .forEach(words -> all.add(new Owner(words[0], words[1].replace('~', ' '))));
    return new SocketEntry(Endpoint.of(table, local), all, List.of());
  }

  @ParameterizedTest
  @EnumSource
  void manualHasEveryProtocol(Protocol protocol) throws Exception {
    String name = protocol.label().replaceFirst("6$", ""); // which stands for both
    assertTrue(
        Files.readString(Path.of("src/main/man/ignore.lsm.adoc")).contains("*" + name + "*"));
  }
}
