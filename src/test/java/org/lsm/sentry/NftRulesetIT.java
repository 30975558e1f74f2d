package org.lsm.sentry;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.lsm.model.ScanningHost;
import org.lsm.model.ServedPort;

/** Loads the rules into the kernel, in two network namespaces of the test. */
class NftRulesetIT {

  private static final SortedMap<String, Instant> NO_BLOCKS = new TreeMap<>();
  private static final String LIST = "-j list table inet lsm";

  private static final Path PERL = Path.of("/usr/bin/perl");

  /** A datagram from one port to another port of a host. */
  private static final String SEND =
      "use Socket; socket(S, PF_INET, SOCK_DGRAM, 0) && bind(S, sockaddr_in($ARGV[0], INADDR_ANY))"
          + " && setsockopt(S, SOL_SOCKET, SO_BROADCAST, 1) or die $!;"
          + " setsockopt(S, IPPROTO_IP, 32, inet_aton('10.9.0.1'));" // IP_MULTICAST_IF of one end
          + " send(S, 'x', 0, sockaddr_in($ARGV[1], inet_aton($ARGV[2]))) or die $!";

  /** A connection to a port; whether it is refused does not matter. */
  private static final String CONNECT =
      "use IO::Socket::INET; IO::Socket::INET->new(PeerHost => '10.9.0.1', PeerPort => $ARGV[0])";

  private static TestNetns namespace;
  private static TestNetns peer;
  private final NftTable sentry = new NftTable(NftRulesetIT::nft);

  @BeforeAll
  static void createNamespaces() throws IOException {
    assumeTrue(Files.isExecutable(PERL), "needs perl to send datagrams");
    namespace = TestNetns.create();
    peer = TestNetns.create();
    namespace.shell(
        "ip link add v0 type veth peer name v1 netns "
            + peer.pid()
            + "; ip address add 10.9.0.1/24 dev v0; ip link set v0 up"
            + "; ip address add 2001:db8::1/64 dev v0 nodad"
            + "; ip route add 2001:db8:0:1::/64 via 2001:db8::2");
    peer.shell(
        "ip address add 10.9.0.2/24 dev v1; ip link set v1 up"
            + "; for it in ::2 ::3 :0:1::2 :0:1::3 :0:1:9::4; do"
            + " ip address add 2001:db8$it/64 dev v1 nodad; done");
  }

  @AfterAll
  static void endNamespaces() {
    for (TestNetns made : new TestNetns[] {namespace, peer}) {
      if (made != null) {
        made.close();
      }
    }
  }

  @BeforeEach
  void removeTable() throws IOException {
    sentry.remove();
  }

  private static String nft(List<String> arguments, String input) throws IOException {
    return namespace.nft(arguments, input);
  }

  private static void check(String commands) throws IOException {
    nft(List.of("-c", "-f", "-"), commands);
  }

  private static void load(String commands) throws IOException {
    nft(List.of("-f", "-"), commands);
  }

  private NftTableState read() throws IOException {
    return sentry.read(Instant::now).orElseThrow();
  }

  private static NftRuleset rules(String lines) throws Exception {
    return NftRulesetTest.rules(lines, "", "", "");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          SENTRY=report                                       | ''
          SENTRY=report;SENTRY_TCP=1-65535;SENTRY_EXCLUDE_TCP=;SENTRY_UDP=1-65535;SENTRY_EXCLUDE_UDP= | ''
          SENTRY=report;SENTRY_TCP=;SENTRY_UDP=               | ''
          SENTRY=report;SENTRY_IGNORE="0.0.0.0/0,::/0"        | 192.0.2.1
          SENTRY=block                                        | ''
          SENTRY=block;SENTRY_TCP=;SENTRY_UDP=                | ''
          SENTRY=block;SENTRY_TRIGGER=1                       | 192.0.2.1 2001:db8::1
          SENTRY=block;SENTRY_TRIGGER=2                       | 192.0.2.1 192.0.2.1
          SENTRY=block;SENTRY_TRIGGER=999                     | 127.0.0.53 ::1 fe80::1 ::ffff:192.0.2.9
          SENTRY=block;SENTRY_BLOCK=1m;SENTRY_BLOCK_UDP=yes   | ''
          SENTRY=block;SENTRY_TRIGGER=1;SENTRY_BLOCK_UDP=yes  | ''
          SENTRY=block;SENTRY_BLOCK=9999d                     | ''
          SENTRY=block;SENTRY_IGNORE="192.0.2.0/24,198.51.100.7,2001:db8::/32" | 192.0.2.9
          """)
  void loadsAndReplacesRules(String lines, String spared) throws Exception {
    NftRuleset rules = NftRulesetTest.rules(lines, "tcp/0.0.0.0:22", "udp/0.0.0.0:53", spared);

    check(rules.creation());
    load(rules.creation());
    assertLoaded(rules);
    for (String before : List.of("SENTRY=report", "SENTRY=block;SENTRY_IGNORE=\"::1 1.2.3.4\"")) {
      load(rules(before).creation());
      check(rules.replacement());
      assertEquals(rules(before).mark(), read().mark(), "a check changes nothing");
      load(rules.replacement());
      assertLoaded(rules);
    }
  }

  private void assertLoaded(NftRuleset rules) throws IOException {
    assertEquals(rules.mark(), read().mark());
    assertEquals(rules.tcp().toString(), elements("tcp_ports"));
    assertEquals(rules.udp().toString(), elements("udp_ports"));
  }

  /** The elements of a set, written as in the rules. */
  private static String elements(String set) throws IOException {
    JsonArray items =
        JsonParser.parseString(nft(List.of("-j", "list", "set", "inet", "lsm", set), ""))
            .getAsJsonObject()
            .getAsJsonArray("nftables");
    JsonObject found = items.get(items.size() - 1).getAsJsonObject().getAsJsonObject("set");
    assertEquals(set, found.get("name").getAsString());
    List<String> elements = new ArrayList<>();
    if (found.has("elem")) {
      found.getAsJsonArray("elem").forEach(it -> elements.add(it.toString()));
    }
    return String.join(",", elements)
        .replaceAll("\\{\"range\":\\[(\\d+),(\\d+)]}", "$1-$2")
        .replaceAll("\\{\"prefix\":\\{\"addr\":(\"[^\"]+\"),\"len\":(\\d+)}}", "$1/$2")
        .replace("\"", "");
  }

  /** Nested, adjacent, or with host bits. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          192.0.2.7 192.0.2.7/32         | 192.0.2.7            | ''
          10.9.9.9/8 10.1.0.0/16         | 10.0.0.0/8           | ''
          192.0.2.0/25 192.0.2.128/25    | 192.0.2.0/24         | ''
          0.0.0.0/0 1.2.3.4 ::/0 ::1     | 0.0.0.0/0            | ::/0
          255.255.255.255 0.0.0.0        | 0.0.0.0,255.255.255.255 | ''
          ::ffff:172.16.5.5/108          | 172.16.0.0/12        | ''
          2001:db8::1/32 2001:db8::7     | ''                   | 2001:db8::/32
          """)
  void loadsOverlappingBlocks(String ignored, String v4, String v6) throws Exception {
    load(rules("SENTRY=report;SENTRY_IGNORE=\"" + ignored + "\"").creation());
    assertEquals(v4, elements("ignored4"));
    assertEquals(v6, elements("ignored6"));

    load(NftRulesetTest.rules("SENTRY=block", "", "", ignored).replacement());
    assertEquals(v4, elements("spared4"));
    assertEquals(v6, elements("spared6"));
    assertEquals("", elements("ignored4") + elements("ignored6"), "the old elements are gone");
  }

  @Test
  void appliesRulesOnce() throws Exception {
    NftRuleset rules = rules("SENTRY=report");
    Instant now = Instant.now();

    assertEquals(Optional.empty(), sentry.read(() -> now));
    sentry.apply(rules, Optional.empty(), NO_BLOCKS, now);
    String listed = nft(List.of(LIST.split(" ", -1)), "");
    sentry.apply(rules, sentry.read(() -> now), NO_BLOCKS, now);
    assertEquals(listed, nft(List.of(LIST.split(" ", -1)), ""));

    load("add rule inet lsm input accept comment \"of somebody\"\n");
    sentry.apply(rules, sentry.read(() -> now), NO_BLOCKS, now);
    assertEquals(rules.mark(), read().mark(), "one that was changed");
    load("flush table inet lsm\n");
    sentry.apply(rules, sentry.read(() -> now), NO_BLOCKS, now);
    assertEquals(rules.mark(), read().mark(), "one without rules");
    load("delete table inet lsm\nadd table inet lsm\n");
    sentry.apply(rules, sentry.read(() -> now), NO_BLOCKS, now);
    assertEquals(rules.mark(), read().mark(), "one without sets");
  }

  @Test
  void restoresBlocksInNewTable() throws Exception {
    Instant now = Instant.now();
    SortedMap<String, Instant> blocked = new TreeMap<>();
    blocked.put("192.0.2.1", now.plus(Duration.ofHours(1)));
    blocked.put("192.0.2.2", now.minusSeconds(1));
    blocked.put("2001:db8::1", now.plus(Duration.ofDays(9))); // from when SENTRY_BLOCK was longer
    blocked.put("192.0.2.3", now.plusMillis(20_500));

    sentry.apply(rules("SENTRY=block"), Optional.empty(), blocked, now);

    SortedMap<String, Instant> found = read().blocked();
    blocked.remove("192.0.2.2");
    blocked.put("2001:db8::1", now.plus(Duration.ofDays(1)));
    assertEquals(blocked.keySet(), found.keySet());
    blocked.forEach(
        (address, until) ->
            assertTrue(
                Math.abs(ChronoUnit.SECONDS.between(until, found.get(address))) < 60,
                address + " until " + found.get(address)));
  }

  @ParameterizedTest
  @ValueSource(strings = {"192.0.2.1", "2001:db8:0:0:0:0:0:1"})
  void blocksAndUnblocks(String address) throws Exception {
    load(rules("SENTRY=block").creation());

    sentry.block(address, Duration.ofHours(1));
    sentry.block(address, Duration.ofHours(9));
    NftTableState blocked = read();
    sentry.unblock(address);
    sentry.unblock(address);

    String written = address.replace(":0:0:0:0:0:", "::");
    assertEquals(Set.of(written), blocked.blocked().keySet());
    ScanningHost host = blocked.summary().hosts().get(0);
    assertEquals(written, host.address());
    assertTrue(host.blockedUntil().get().isAfter(Instant.now().plus(Duration.ofHours(8))));
    assertEquals(Set.of(), read().blocked().keySet());
    assertEquals(List.of(), read().summary().hosts());
  }

  @Test
  void deletesHost() throws Exception {
    load(rules("SENTRY=block;SENTRY_TRIGGER=2;SENTRY_BLOCK_UDP=yes").creation());
    probe(4000, 7);
    probe(4000, 9, it -> it.blockedUntil().isPresent());

    sentry.delete(read().summary().hosts().get(0));

    assertEquals(List.of(), read().summary().hosts());
    assertFalse(probe(4000, 7).blockedUntil().isPresent());
  }

  /** A flood of forged addresses may fill them. */
  @Test
  void unblocksWhileSetsAreFull() throws Exception {
    load(rules("SENTRY=block").creation());
    String full =
        IntStream.range(0, NftRuleset.MAX_ELEMENTS)
            .mapToObj(i -> "10.0." + i / 256 + "." + i % 256 + " timeout 1d")
            .collect(Collectors.joining(", "));
    for (String set : List.of("tries", "caught", "blocked")) {
      load("add element inet lsm " + set + "4 { " + full + " }\n");
    }

    IOException e =
        assertThrows(IOException.class, () -> sentry.block("192.0.2.1", Duration.ofHours(1)));
    assertTrue(e.getMessage().contains("; the table has no room for another blocked host"));
    sentry.unblock("10.0.0.7");
    sentry.block("192.0.2.1", Duration.ofHours(1));

    Set<String> blocked = read().blocked().keySet();
    assertEquals(NftRuleset.MAX_ELEMENTS, blocked.size());
    assertTrue(blocked.contains("192.0.2.1") && !blocked.contains("10.0.0.7"));
  }

  /** Probes are kept as long as their counters mean the same. */
  @ParameterizedTest
  @CsvSource({
    "SENTRY=block;SENTRY_TCP=9,     true,  true",
    "SENTRY=block;SENTRY_TRIGGER=9, false, true",
    "SENTRY=report,                 false, false"
  })
  void keepsBlocksAcrossRuleChanges(String then, boolean known, boolean stays) throws Exception {
    load(rules("SENTRY=block").creation());
    load(
        """
        add element inet lsm syn6 { 2001:db8::1 timeout 1d }
        add element inet lsm tcp6 { 2001:db8::1 . 22 timeout 1d }
        """);
    sentry.block("192.0.2.1", Duration.ofHours(1));

    Instant now = Instant.now();
    sentry.apply(rules(then), sentry.read(() -> now), read().blocked(), now);

    assertEquals(stays ? Set.of("192.0.2.1") : Set.of(), read().blocked().keySet());
    Map<String, Set<Integer>> hosts = new TreeMap<>();
    read().summary().hosts().forEach(it -> hosts.put(it.address(), it.tcp()));
    hosts.remove("192.0.2.1");
    assertEquals(known ? Map.of("2001:db8::1", Set.of(22)) : Map.of(), hosts);
  }

  /** Sends datagrams until the table has the expected host. */
  private ScanningHost probe(int from, int to, Predicate<ScanningHost> expected) throws Exception {
    for (int i = 0; i < 100; i++) {
      send(peer, from, to, "10.9.0.1");
      List<ScanningHost> found = read().summary().hosts();
      if (!found.isEmpty() && expected.test(found.get(0))) {
        return found.get(0);
      }
      Thread.sleep(100); // the link may not be up yet
    }
    throw new AssertionError("port " + to + " is not in " + read());
  }

  private static void send(TestNetns where, int from, int to, String host) throws IOException {
    where.run(List.of(PERL.toString(), "-e", SEND, "" + from, "" + to, host), "");
  }

  private ScanningHost probe(int from, int to) throws Exception {
    return probe(from, to, it -> it.udp().contains(to));
  }

  /** Whatever port they come from, to the port that asked this host, or a group. */
  @ParameterizedTest
  @CsvSource({
    "53,   32770, 32770, 10.9.0.2,       false",
    "1024, 32770, 32770, 10.9.0.2,       false",
    "4000, 123,   123,   10.9.0.2,       false",
    "53,   32770, 32770, 10.9.0.255,     false",
    "53,   32770, 32770, 224.0.0.251,    false",
    "53,   32770, 32770, 10.9.0.3,       true",
    "53,   32770, 32771, 10.9.0.2,       true",
    "53,   53,    32770, 10.9.0.2,       true"
  })
  void ignoresLateAnswers(int from, int to, int asked, String whom, boolean probes)
      throws Exception {
    load(rules("SENTRY=report").creation());
    probe(4000, 7);

    send(namespace, asked, from, whom);
    send(peer, from, to, "10.9.0.1");
    ScanningHost host = probe(4000, 9); // arrives after it

    assertEquals(probes ? Set.of(7, 9, to) : Set.of(7, 9), host.udp());
  }

  /** Sockets in the namespace, until the process is destroyed. */
  private static Process serve(String... endpoints) throws IOException {
    List<String> command = new ArrayList<>();
    command.addAll(List.of("/usr/bin/nsenter", "--net=/proc/" + namespace.pid() + "/ns/net"));
    command.addAll(List.of(PERL.toString(), "src/test/resources/org/lsm/sockets.pl"));
    command.addAll(List.of(endpoints));
    Process made = new ProcessBuilder(command).start();
    for (String line = ""; !line.equals("ready"); line = made.inputReader().readLine()) {
      assertTrue(made.isAlive());
    }
    return made;
  }

  @ParameterizedTest
  @ValueSource(strings = {"SENTRY=report", "SENTRY=block"})
  void recordsClientsOfUnknownServices(String lines) throws Exception {
    load(NftRulesetTest.rules(lines, "tcp/0.0.0.0:8022 udp/0.0.0.0:161", "", "").creation());
    probe(4000, 7); // the link is up
    Process services =
        serve(
            "tcp/0.0.0.0:8022",
            "tcp/0.0.0.0:4444",
            "tcp/0.0.0.0:23",
            "tcp/0.0.0.0:40000",
            "udp/0.0.0.0:161",
            "udp/0.0.0.0:4445",
            "udp/0.0.0.0:5000");
    for (int port : new int[] {8022, 4444, 4444, 23, 40000, 4446}) {
      peer.run(List.of(PERL.toString(), "-e", CONNECT, "" + port), "");
    }
    for (int port : new int[] {161, 4445, 4447}) {
      send(peer, 4000, port, "10.9.0.1");
    }
    services.destroy();

    NftTableState state = read();

    assertEquals(
        List.of("tcp 23 10.9.0.2 1", "tcp 4444 10.9.0.2 2", "udp 4445 10.9.0.2 1"),
        state.served().stream()
            .map(
                it ->
                    it.protocol().label()
                        + " "
                        + it.port()
                        + " "
                        + it.clients().get(0).address()
                        + " "
                        + it.clients().get(0).packets())
            .toList());
    assertEquals(Set.of(7), state.summary().hosts().get(0).udp());

    String known = "tcp/0.0.0.0:8022 udp/0.0.0.0:161 tcp/0.0.0.0:4444";
    load(NftRulesetTest.rules(lines, known, "", "").replacement());
    assertEquals(List.of(23, 4445), read().served().stream().map(ServedPort::port).toList());
  }

  /** A client without a connection is no service. */
  @Test
  void takesAnswersForAnswers() throws Exception {
    load(rules("SENTRY=report").creation());
    probe(4000, 7);
    // It sends from a port of its choice, and keeps the socket.
    String ask = SEND + "; print qq(ready\n); sleep 60";
    List<String> command =
        List.of(
            "/usr/bin/nsenter",
            "--net=/proc/" + namespace.pid() + "/ns/net",
            PERL.toString(),
            "-e",
            "$| = 1; " + ask,
            "5000",
            "4000",
            "10.9.0.2");
    Process client = new ProcessBuilder(command).start();
    assertEquals("ready", client.inputReader().readLine());
    send(peer, 4000, 5000, "10.9.0.1");
    client.destroy();

    assertEquals(List.of(), read().served());
  }

  /** Neighbours are hosts by themselves; of another network, all addresses are one host. */
  @Test
  void countsNetworkAsOneHost() throws Exception {
    load(rules("SENTRY=block;SENTRY_TRIGGER=2;SENTRY_BLOCK_UDP=yes").creation());
    probe(4000, 7); // the link is up

    sendFrom("2001:db8::2", 7);
    sendFrom("2001:db8::3", 9);
    sendFrom("2001:db8:0:1::2", 7);
    sendFrom("2001:db8:0:1::3", 7);
    Map<String, ScanningHost> hosts = hosts();
    assertEquals(
        Set.of("10.9.0.2", "2001:db8::2", "2001:db8::3", "2001:db8:0:1::/64"), hosts.keySet());
    assertEquals(2, hosts.get("2001:db8:0:1::/64").packets());
    assertEquals(Set.of(), read().blocked().keySet());

    sendFrom("2001:db8:0:1:9::4", 9);
    sendFrom("2001:db8:0:1::2", 19); // dropped
    sendFrom("2001:db8::2", 9);
    sendFrom("2001:db8::3", 19); // dropped
    assertEquals(
        Set.of("2001:db8:0:1::/64", "2001:db8::2", "2001:db8::3"), read().blocked().keySet());
    assertEquals(Set.of(7, 9), hosts().get("2001:db8:0:1::/64").udp());

    for (ScanningHost host : hosts().values()) {
      sentry.delete(host);
    }
    assertEquals(Map.of(), hosts());
  }

  private Map<String, ScanningHost> hosts() throws IOException {
    return read().summary().hosts().stream()
        .collect(Collectors.toMap(ScanningHost::address, it -> it));
  }

  private static void sendFrom(String address, int port) throws IOException {
    String send =
        "use IO::Socket::IP; IO::Socket::IP->new(Proto => 'udp', LocalHost => $ARGV[0],"
            + " PeerHost => '2001:db8::1', PeerPort => $ARGV[1])->send('x') or die $!";
    peer.run(List.of(PERL.toString(), "-e", send, address, "" + port), "");
  }

  /** When its block has expired, but not when it was unblocked. */
  @Test
  void blocksCaughtHostAgain() throws Exception {
    load(rules("SENTRY=block;SENTRY_TRIGGER=2;SENTRY_BLOCK_UDP=yes").creation());
    Predicate<ScanningHost> blocked = it -> it.blockedUntil().isPresent();
    assertFalse(blocked.test(probe(4000, 7)));
    probe(4000, 9, blocked);

    load("delete element inet lsm blocked4 { 10.9.0.2 }\n");
    assertEquals(Set.of(), read().blocked().keySet());
    probe(4000, 7, blocked);

    sentry.unblock("10.9.0.2");
    long before = read().summary().hosts().get(0).packets();
    assertFalse(blocked.test(probe(4000, 7, it -> it.packets() > before)));
    assertFalse(blocked.test(probe(4000, 19)));
    probe(4000, 21, blocked);
  }

  @Test
  void removesTableTwice() throws Exception {
    load(rules("SENTRY=block").creation());

    sentry.remove();
    sentry.remove();

    assertEquals(Optional.empty(), sentry.read(Instant::now));
  }
}
