package org.lsm.sentry;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.lsm.config.CidrBlock;
import org.lsm.config.Config;
import org.lsm.config.Rules;
import org.lsm.model.Endpoint;
import org.lsm.model.HostInfo;
import org.lsm.model.PortSet;
import org.lsm.model.Snapshot;
import org.lsm.model.SocketEntry;
import org.lsm.model.SocketOwners;

/** The text of the rules; {@link NftRulesetIT} loads them. */
class NftRulesetTest {

  private static final String HUNDRED =
      "SENTRY_TCP=1-100;SENTRY_UDP=1-100;SENTRY_EXCLUDE_TCP=;SENTRY_EXCLUDE_UDP=";

  private static final List<CidrBlock> NEIGHBOURS =
      List.of(CidrBlock.parse("fe80::/10"), CidrBlock.parse("2001:db8::/64"));

  /**
   * The rules of a host.
   *
   * @param lines of conf.lsm, with semicolons between
   * @param baseline the sockets that should be there, with blanks between
   * @param found those that are there
   * @param spared hosts that are never blocked
   */
  static NftRuleset rules(String lines, String baseline, String found, String spared)
      throws Exception {
    return rules(lines, baseline, found, spared, "32768-60999");
  }

  private static NftRuleset rules(
      String lines, String baseline, String found, String spared, String clientPorts)
      throws Exception {
    Path file = Files.createTempFile("lsm", "conf");
    try {
      Files.writeString(file, lines.replace(';', '\n'));
      HostPorts ports =
          HostPorts.of(
              List.of(sockets(baseline), sockets(found)),
              PortSet.parse(clientPorts),
              new Rules(List.of()));
      Config config = Config.read(file);
      List<CidrBlock> neverBlocked = words(spared).map(CidrBlock::parse).toList();
      return new NftRuleset(config, ports, NEIGHBOURS, config.sentryIgnore(), neverBlocked);
    } finally {
      Files.delete(file);
    }
  }

  private static Stream<String> words(String text) {
    return Stream.of(text.split(" ", -1)).filter(word -> !word.isEmpty());
  }

  private static Snapshot sockets(String endpoints) {
    List<SocketEntry> entries = new ArrayList<>();
    words(endpoints)
        .map(it -> it.split("/", 2))
        .map(it -> Endpoint.of(it[0], it[1]))
        .forEach(it -> entries.add(SocketEntry.heldBy(it, new SocketOwners(List.of(), true))));
    return Snapshot.of(new HostInfo("web1", "6.1.0", Instant.EPOCH, "1"), entries);
  }

  @ParameterizedTest(name = "{0}")
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          # what           | in the baseline                    | now                     | TCP            | UDP
          nothing served   | ''                                 | ''                      | 1-100          | 1-100
          TCP              | tcp/0.0.0.0:22 tcp6/[::]:23        | tcp/192.0.2.1:25        | 1-21,24,26-100 | 1-100
          UDP              | udp/0.0.0.0:53 udp6/[::]:54        | udp/192.0.2.1:56        | 1-100          | 1-52,55,57-100
          the same in both | tcp/0.0.0.0:22                     | tcp/0.0.0.0:22          | 1-21,23-100    | 1-100
          not watched      | tcp/0.0.0.0:101                    | udp/0.0.0.0:65535       | 1-100          | 1-100
          loopback         | tcp/127.0.0.1:22 tcp6/[::1]:23     | udp/127.0.0.53:53       | 1-100          | 1-100
          mapped loopback  | tcp6/[::ffff:127.0.0.1]:22         | udp6/[::ffff:127.9.9.9]:53 | 1-100       | 1-100
          nearly loopback  | tcp/12.7.0.1:22 tcp/1.127.0.1:23   | tcp6/[::1:1]:24 tcp6/[::ffff:128.0.0.1]:25 | 1-21,26-100 | 1-100
          both             | tcp/127.0.0.1:22                   | tcp/10.0.0.1:22         | 1-21,23-100    | 1-100
          other namespaces | web:tcp/0.0.0.0:22                 | (nginx):udp6/[::]:53    | 1-100          | 1-100
          ephemeral        | udp/0.0.0.0:ephemeral              | tcp/0.0.0.0:ephemeral   | 1-100          | 1-100
          other protocols  | sctp/0.0.0.0:22 raw/0.0.0.0:6      | udplite/0.0.0.0:53 packet/eth0:0x0003 unix//run/x icmp/0.0.0.0:1 | 1-100 | 1-100
          """)
  void excludesServedPorts(String what, String baseline, String found, String tcp, String udp)
      throws Exception {
    NftRuleset rules = rules(HUNDRED, baseline, found, "");

    assertEquals(tcp, rules.tcp().toString());
    assertEquals(udp, rules.udp().toString());
    assertEquals(tcp, elements(rules, "tcp_ports"));
    assertEquals(udp, elements(rules, "udp_ports"));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          SENTRY=report                               | 1-112,114-138,140-1023,1080,1524,2000,5742,6667,12345-12346,20034,27665,31337,32771-32774,40421,49724,54320 | 1-66,68-136,139-519,521-1023,31335,31337,32770-32774,34555,37444,54321
          SENTRY_TCP=1-65535;SENTRY_EXCLUDE_TCP=;SENTRY_UDP=9 | 1-65535               | 9
          SENTRY_TCP=1-9;SENTRY_EXCLUDE_TCP="2,4-5 8";SENTRY_UDP=;SENTRY_EXCLUDE_UDP=53 | 1,3,6-7,9 | ''
          SENTRY_TCP=5;SENTRY_EXCLUDE_TCP=1-9;SENTRY_UDP="3 2,1";SENTRY_EXCLUDE_UDP=  | ''        | 1-3
          """)
  void excludesConfiguredPorts(String lines, String tcp, String udp) throws Exception {
    NftRuleset rules = rules(lines, "", "", "");

    assertEquals(tcp, rules.tcp().toString());
    assertEquals(udp, rules.udp().toString());
  }

  /** Their clients are not recorded: those of the baseline, those found, and those of clients. */
  @ParameterizedTest(name = "{0}")
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          # what           | in the baseline      | now                         | client ports | TCP            | UDP
          nothing served   | ''                   | ''                          | 40000-50000  | 40000-50000    | 40000-50000
          TCP and UDP      | tcp6/[::]:8080       | udp/0.0.0.0:161             | 40000        | 8080,40000     | 161,40000
          loopback         | tcp/127.0.0.1:8080   | udp6/[::1]:161              | 40000        | 40000          | 40000
          other namespaces | web:tcp/0.0.0.0:8080 | ''                          | 40000        | 40000          | 40000
          widened range    | ''                   | ''                          | 1024-65535   | 32768-65535    | 32768-65535
          moved range      | ''                   | ''                          | 10000-20000  | ''             | ''
          """)
  void knowsPorts(
      String what, String baseline, String found, String clients, String tcp, String udp)
      throws Exception {
    NftRuleset rules = rules(HUNDRED, baseline, found, "", clients);

    assertEquals(tcp, elements(rules, "known_tcp"));
    assertEquals(udp, elements(rules, "known_udp"));
  }

  /** The initial elements of a set. */
  private static String elements(NftRuleset rules, String set) {
    Matcher found =
        Pattern.compile("set " + set + " \\{ [^{}]*(?:elements = \\{ ([^{}]*) }; )?}")
            .matcher(rules.creation());
    assertTrue(found.find(), set);
    return found.group(1) == null ? "" : found.group(1);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          # ignored                                | of IPv4                   | of IPv6
          ''                                       | ''                        | ''
          192.0.2.7                                | 192.0.2.7                 | ''
          '198.51.100.0/24, 192.0.2.7 192.0.2.7/32'| 192.0.2.7,198.51.100.0/24 | ''
          '2001:db8::/32,2001:db8::1'              | ''                        | 2001:db8:0:0:0:0:0:1,2001:db8::/32
          'fe80::7 2001:db8:0:1::7'                | ''                        | 2001:db8:0:1::/64,fe80:0:0:0:0:0:0:7
          '2001:db8:1::7/127'                      | ''                        | 2001:db8:1:0:0:0:0:7/127
          '::ffff:192.0.2.7,::ffff:10.0.0.0/104'   | 10.0.0.0/8,192.0.2.7      | ''
          """)
  void separatesAddressFamilies(String ignored, String v4, String v6) throws Exception {
    for (String mode : List.of("report", "block")) {
      NftRuleset rules =
          rules(
              "SENTRY=" + mode + ";SENTRY_IGNORE=\"" + ignored + "\"",
              "",
              "",
              ignored.replace(',', ' '));

      assertEquals(v4, elements(rules, "ignored4"));
      assertEquals(v6, elements(rules, "ignored6"));
      assertEquals(mode.equals("block") ? v4 : "", elements(rules, "spared4"));
      assertEquals(mode.equals("block") ? v6 : "", elements(rules, "spared6"));
    }
  }

  /** The ends of the rules that add a port, for IPv4; IPv6 has the same by network and address. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          # conf.lsm                                | a TCP port more       | a UDP port more
          SENTRY=report                             | ''                    | ''
          SENTRY=report;SENTRY_TRIGGER=1;SENTRY_BLOCK_UDP=yes | ''          | ''
          SENTRY=block                              | MAY COUNT 2 CUT 1d0s  | ''
          SENTRY=block;SENTRY_TRIGGER=1             | MAY CUT 1d0s          | ''
          SENTRY=block;SENTRY_TRIGGER=2             | MAY COUNT 1 CUT 1d0s  | ''
          SENTRY=block;SENTRY_TRIGGER=999;SENTRY_BLOCK=30m | MAY COUNT 998 CUT 0d1800s | ''
          SENTRY=block;SENTRY_TRIGGER=1;SENTRY_BLOCK_UDP=yes | MAY CUT 1d0s | MAY CUT 1d0s
          """)
  void blocksAtTrigger(String lines, String tcp, String udp) throws Exception {
    NftRuleset rules = rules(lines, "", "", "");

    List<String> expected = new ArrayList<>();
    for (String key : List.of("ip saddr", "ip6 saddr & ffff:ffff:ffff:ffff::", "ip6 saddr")) {
      expected.add(adding("tcp", tcp, key));
      expected.add(adding("udp", udp, key));
    }
    assertEquals(
        expected,
        rules
            .creation()
            .lines()
            .map(it -> it.strip().replaceAll(" +", " "))
            .filter(it -> it.matches("add @(tcp|udp)[46] .*"))
            .toList());
  }

  private static String adding(String protocol, String end, String key) {
    String rule =
        ("add @" + protocol + "4 { KEY . " + protocol + " dport timeout 1d0s } " + end)
            .replace("MAY", "ip saddr != @spared4 fib saddr type != local")
            .replaceAll(
                "COUNT (\\d+)",
                "add @tries4 { KEY timeout 1d0s limit rate over 1/day burst $1 packets }")
            .replaceAll(
                "CUT (\\w+)",
                "add @caught4 { KEY timeout 1d0s } add @blocked4 { KEY timeout $1 } drop")
            .replace("KEY", key)
            .strip();
    return key.startsWith("ip ")
        ? rule
        : rule.replace("ip saddr", "ip6 saddr").replaceAll("(@[a-z]+)4", "$16");
  }

  @ParameterizedTest
  @ValueSource(strings = {"32768-60999", "1024-65535", "50000"})
  void onlyBlockModeDrops(String clientPorts) throws Exception {
    String blocking = rules("SENTRY=block", "", "", "", clientPorts).creation();
    assertTrue(blocking.contains("udp dport { " + clientPorts + " } socket "), blocking);
    assertTrue(blocking.contains("ip saddr @blocked4 goto cut; ip6 saddr @blocked6 goto cut"));

    String reporting = rules("SENTRY=report", "", "", "", clientPorts).creation();
    assertFalse(reporting.contains("cut") || reporting.contains("drop"), reporting);
  }

  @ParameterizedTest
  @ValueSource(strings = {"report", "block"})
  void replacesAllPlaceholders(String mode) throws Exception {
    NftRuleset rules = rules("SENTRY=" + mode + ";SENTRY_IGNORE=::1", "", "", "192.0.2.1");

    for (String text : List.of(rules.creation(), rules.replacement())) {
      assertFalse(Pattern.compile("[A-Z_]{2,}|V").matcher(text).find(), text);
      assertEquals(1, count(text, "comment \"" + rules.mark() + "\""));
    }
    assertTrue(rules.creation().startsWith("add table inet lsm\ndelete table inet lsm\ntable "));
  }

  @ParameterizedTest
  @ValueSource(strings = {"report", "block"})
  void replacementKeepsProbes(String mode) throws Exception {
    String text = rules("SENTRY=" + mode, "", "", "").replacement();

    TreeSet<String> expected =
        new TreeSet<>(List.of("tcp_ports", "udp_ports", "known_tcp", "known_udp", "neighbours"));
    Stream.of("ignored", "spared").forEach(it -> expected.addAll(List.of(it + "4", it + "6")));
    TreeSet<String> flushed = new TreeSet<>();
    Pattern.compile("flush set inet lsm (\\w+)")
        .matcher(text)
        .results()
        .forEach(it -> flushed.add(it.group(1)));
    assertEquals(expected, flushed);
    assertTrue(text.startsWith("flush table inet lsm\n"));
    assertFalse(text.contains("delete table"));
  }

  private static int count(String text, String part) {
    return text.split(Pattern.quote(part), -1).length - 1;
  }

  // ---- the mark

  @ParameterizedTest(name = "{0}")
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          # what              | one                                | another                            | same
          spelling of ports   | SENTRY_TCP="3,2 1"                 | SENTRY_TCP=1-3                     | true
          ports               | SENTRY_TCP=1-3                     | SENTRY_TCP=1-4                     | false
          TCP and UDP         | SENTRY_TCP=9;SENTRY_UDP=7          | SENTRY_TCP=7;SENTRY_UDP=9          | false
          nothing excluded    | SENTRY_TCP=1;SENTRY_EXCLUDE_TCP=9  | SENTRY_TCP=1;SENTRY_EXCLUDE_TCP=8  | true
          order of ignored    | SENTRY_IGNORE="::1 1.2.3.4"        | SENTRY_IGNORE="1.2.3.4,::1,::1"    | true
          ignored             | SENTRY_IGNORE=1.2.3.4              | SENTRY_IGNORE=1.2.3.5              | false
          mode                | SENTRY=report                      | SENTRY=block                       | false
          alerts              | SENTRY_REMIND=1h;SENTRY_RESOLVE=no | SENTRY_REMIND=0;SENTRY_RESOLVE=yes | true
          report, trigger     | SENTRY_TRIGGER=3                   | SENTRY_TRIGGER=9                   | true
          report, time        | SENTRY_BLOCK=1h                    | SENTRY_BLOCK=2h                    | true
          block, trigger      | SENTRY=block;SENTRY_TRIGGER=3      | SENTRY=block;SENTRY_TRIGGER=9      | false
          block, time         | SENTRY=block;SENTRY_BLOCK=1h       | SENTRY=block;SENTRY_BLOCK=2h       | false
          spelling of time    | SENTRY=block;SENTRY_BLOCK=1d       | SENTRY=block;SENTRY_BLOCK=0024h    | true
          block, UDP          | SENTRY=block;SENTRY_BLOCK_UDP=no   | SENTRY=block;SENTRY_BLOCK_UDP=yes  | false
          """)
  void markDependsOnConfiguration(String what, String one, String another, boolean same)
      throws Exception {
    assertMarks(same, rules(one, "", "", ""), rules(another, "", "", ""));
  }

  @ParameterizedTest(name = "{0}")
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          # what           | mode   | served         | and            | spared  | and             | clients | and     | same
          served           | report | ''             | tcp/0.0.0.0:22 | ''      | ''              | 9       | 9       | false
          not watched      | report | ''             | tcp/0.0.0.0:3306 | ''    | ''              | 9       | 9       | false
          other protocol   | report | tcp/0.0.0.0:22 | tcp6/[::]:22   | ''      | ''              | 9       | 9       | true
          spared           | block  | ''             | ''             | 1.2.3.4 | 1.2.3.5         | 9       | 9       | false
          order of spared  | block  | ''             | ''             | ::1 1.2.3.4 | 1.2.3.4 ::1 ::1 | 9   | 9       | true
          clients          | block  | ''             | ''             | ''      | ''              | 1-9     | 2-9     | false
          spared, reported | report | ''             | ''             | 1.2.3.4 | 1.2.3.5         | 9       | 9       | true
          clients, reported | report | ''            | ''             | ''      | ''              | 40000   | 40001   | false
          """)
  void markDependsOnHost(
      String what,
      String mode,
      String served,
      String servedThen,
      String spared,
      String sparedThen,
      String clients,
      String clientsThen,
      boolean same)
      throws Exception {
    String lines = "SENTRY=" + mode;
    assertMarks(
        same,
        rules(lines, "", served, spared, clients),
        rules(lines, "", servedThen, sparedThen, clientsThen));
  }

  private static void assertMarks(boolean same, NftRuleset one, NftRuleset another) {
    assertEquals(same, one.mark().equals(another.mark()));
    assertEquals(same, one.creation().equals(another.creation()));
    assertEquals(
        same,
        one.creation()
            .replace(one.mark(), "")
            .equals(another.creation().replace(another.mark(), "")));
  }

  /** The meaning of the counters depends on the mode and the trigger. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          SENTRY=block                          | lsm 1 block 3 [0-9a-f]{8}
          SENTRY=block;SENTRY_TRIGGER=30        | lsm 1 block 30 [0-9a-f]{8}
          SENTRY=report                         | lsm 1 report [0-9a-f]{8}
          """)
  void markTellsWhetherSetsFit(String lines, String mark) throws Exception {
    NftRuleset rules = rules(lines, "", "", "");

    assertTrue(rules.mark().matches(mark), rules.mark());
    assertTrue(rules.fits(rules.mark()));
    assertTrue(rules.fits(rules(lines + ";SENTRY_TCP=9", "", "", "").mark()));
    for (String other :
        List.of(
            "", "lsm", "lsm 1", "lsm 1 block 4 00000000", "lsm 2 report 00000000", "x " + mark)) {
      assertFalse(rules.fits(other), other);
    }
  }
}
