package org.lsm.sentry;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
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
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.lsm.alert.Program;
import org.lsm.snapshot.Prober;

/** The kernel takes the rules, and gives them back; in a network namespace of the test's own. */
class RulesetIT {

  private static final SortedMap<String, Instant> NOBODY = new TreeMap<>();
  private static final String LIST = "-j list table inet lsm";

  private static Process namespace;
  private static Program nsenter;
  private final Sentry sentry = new Sentry(RulesetIT::nft);

  @BeforeAll
  static void makeNamespace() throws IOException {
    assumeTrue("root".equals(System.getProperty("user.name")), "only root may make namespaces");
    assumeTrue(Files.isExecutable(Path.of("/usr/sbin/nft")), "needs nft of nftables");
    namespace =
        new ProcessBuilder("/usr/bin/unshare", "--net", "/bin/sh", "-c", "echo ready; exec cat")
            .start();
    // Before it says so, what is asked of it would be asked of the host.
    assertEquals("ready", namespace.inputReader().readLine());
    nsenter = new Program(Path.of("/usr/bin/nsenter"), Duration.ofSeconds(30), 1 << 24);
  }

  @AfterAll
  static void endNamespace() {
    if (namespace != null) {
      namespace.destroy();
    }
  }

  @BeforeEach
  void removeTable() throws IOException {
    sentry.remove();
  }

  private static String nft(List<String> arguments, String input) throws IOException {
    List<String> command = new ArrayList<>();
    command.add("--net=/proc/" + namespace.pid() + "/ns/net");
    command.add("/usr/sbin/nft");
    command.addAll(arguments);
    return nsenter.runSuccessfully(command, input.getBytes(StandardCharsets.UTF_8), Map.of());
  }

  private static void check(String commands) throws IOException {
    nft(List.of("-c", "-f", "-"), commands);
  }

  private static void load(String commands) throws IOException {
    nft(List.of("-f", "-"), commands);
  }

  private TableContent read() throws IOException {
    return sentry.read(Instant.now()).orElseThrow();
  }

  private static Ruleset rules(String lines) throws Exception {
    return RulesetTest.rules(lines, "", "", "");
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
          SENTRY=block;SENTRY_BLOCK=365d                      | ''
          SENTRY=block;SENTRY_IGNORE="192.0.2.0/24,198.51.100.7,2001:db8::/32" | 192.0.2.9
          """)
  void nftTakesThemInPlaceOfAnyOthers(String lines, String spared) throws Exception {
    Ruleset rules = RulesetTest.rules(lines, "tcp/0.0.0.0:22", "udp/0.0.0.0:53", spared);

    check(rules.creation());
    load(rules.creation());
    assertTaken(rules);
    for (String before : List.of("SENTRY=report", "SENTRY=block;SENTRY_IGNORE=\"::1 1.2.3.4\"")) {
      load(rules(before).creation());
      check(rules.replacement());
      assertEquals(rules(before).mark(), read().mark(), "a check changes nothing");
      load(rules.replacement());
      assertTaken(rules);
    }
  }

  private void assertTaken(Ruleset rules) throws IOException {
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

  /** As they may stand in SENTRY_IGNORE: in one another, next to one another, with host bits. */
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
  void addressesAreTakenAsTheyAreMeant(String ignored, String v4, String v6) throws Exception {
    load(rules("SENTRY=report;SENTRY_IGNORE=\"" + ignored + "\"").creation());
    assertEquals(v4, elements("ignored4"));
    assertEquals(v6, elements("ignored6"));

    load(RulesetTest.rules("SENTRY=block", "", "", ignored).replacement());
    assertEquals(v4, elements("spared4"));
    assertEquals(v6, elements("spared6"));
    assertEquals("", elements("ignored4") + elements("ignored6"), "none is left");
  }

  // ---- what is in the table

  @Test
  void rulesAreAppliedOnceAndNotAgain() throws Exception {
    Ruleset rules = rules("SENTRY=report");
    Instant now = Instant.now();

    assertEquals(Optional.empty(), sentry.read(now));
    assertTrue(sentry.apply(rules, Optional.empty(), NOBODY, now));
    String listed = nft(List.of(LIST.split(" ", -1)), "");
    assertFalse(sentry.apply(rules, sentry.read(now), NOBODY, now));
    assertEquals(listed, nft(List.of(LIST.split(" ", -1)), ""));

    load("add rule inet lsm input accept comment \"of somebody\"\n");
    assertTrue(sentry.apply(rules, sentry.read(now), NOBODY, now), "one that was changed");
    assertEquals(rules.mark(), read().mark());
    load("flush table inet lsm\n");
    assertTrue(sentry.apply(rules, sentry.read(now), NOBODY, now), "one without rules");
    assertEquals(rules.mark(), read().mark());
    load("delete table inet lsm\nadd table inet lsm\n");
    assertTrue(sentry.apply(rules, sentry.read(now), NOBODY, now), "one without sets");
    assertEquals(rules.mark(), read().mark());
  }

  @Test
  void whoWasBlockedIsBlockedAgainInANewTable() throws Exception {
    Instant now = Instant.now();
    SortedMap<String, Instant> blocked = new TreeMap<>();
    blocked.put("192.0.2.1", now.plus(Duration.ofHours(1)));
    blocked.put("192.0.2.2", now.minusSeconds(1));
    blocked.put("2001:db8::1", now.plus(Duration.ofDays(9))); // of when SENTRY_BLOCK was more
    blocked.put("192.0.2.3", now.plusMillis(20_500));

    sentry.apply(rules("SENTRY=block"), Optional.empty(), blocked, now);

    SortedMap<String, Instant> found = read().blocked();
    blocked.remove("192.0.2.2");
    assertEquals(blocked.keySet(), found.keySet());
    blocked.forEach(
        (address, until) ->
            assertTrue(
                Math.abs(ChronoUnit.SECONDS.between(until, found.get(address))) < 60,
                address + " until " + found.get(address)));
  }

  @ParameterizedTest
  @ValueSource(strings = {"192.0.2.1", "2001:db8:0:0:0:0:0:1"})
  void theAdministratorMayBlockAndUnblock(String address) throws Exception {
    load(rules("SENTRY=block").creation());

    sentry.block(address, Duration.ofHours(1));
    sentry.block(address, Duration.ofHours(9));
    TableContent blocked = read();
    sentry.unblock(address);
    sentry.unblock(address);

    String written = address.replace(":0:0:0:0:0:", "::");
    assertEquals(Set.of(written), blocked.blocked().keySet());
    Prober prober = blocked.probes().probers().get(0);
    assertEquals(written, prober.address());
    assertTrue(prober.blockedUntil().get().isAfter(Instant.now().plus(Duration.ofHours(8))));
    assertEquals(Set.of(), read().blocked().keySet());
    assertEquals(List.of(), read().probes().probers());
  }

  @ParameterizedTest
  @CsvSource({"SENTRY=block;SENTRY_TCP=9, true", "SENTRY=report, false"})
  void aReplacementKeepsWhoHasProbedAndLetsNobodyInButWhereNobodyIsBlocked(
      String then, boolean stays) throws Exception {
    load(rules("SENTRY=block").creation());
    knock();
    sentry.block("192.0.2.1", Duration.ofHours(1));

    sentry.apply(rules(then), sentry.read(Instant.now()), NOBODY, Instant.now());

    assertEquals(stays ? Set.of("192.0.2.1") : Set.of(), read().blocked().keySet());
    assertEquals("2001:db8::1", read().probes().probers().get(0).address());
    assertEquals(Set.of(22), read().probes().probers().get(0).tcp());
  }

  /** What a SYN to port 22 leaves. */
  private static void knock() throws IOException {
    load(
        """
        add element inet lsm syn6 { 2001:db8::1 timeout 1d }
        add element inet lsm ports6 { 2001:db8::1 . tcp . 22 timeout 1d }
        """);
  }

  @Test
  void removingItTwiceIsFine() throws Exception {
    load(rules("SENTRY=block").creation());

    sentry.remove();
    sentry.remove();

    assertEquals(Optional.empty(), sentry.read(Instant.now()));
  }
}
