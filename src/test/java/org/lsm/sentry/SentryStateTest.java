package org.lsm.sentry;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.lsm.model.ProbeType;
import org.lsm.model.ScanSummary;
import org.lsm.model.ScanningHost;
import org.lsm.sentry.SentryState.PortScanDecision;
import org.lsm.sentry.SentryState.Rules;
import org.lsm.storage.ChecksummedText;

class SentryStateTest {

  private static final Instant NOW = Instant.parse("2026-01-02T03:04:05.600Z");
  private static final Duration DAY = Duration.ofDays(1);
  private static final int MAX_NAMED = 200;

  private static final SentryState STATE =
      new SentryState(
          "the packet filter cannot be used: \t\n\\\udcff\u202e é",
          NOW,
          map(Map.of("192.0.2.1", NOW, "2001:db8::1", Instant.EPOCH)),
          map(Map.of("192.0.2.1", NOW.plus(DAY))),
          map(Map.of("web1.example.org", "192.0.2.7 2001:db8::7", "web2.example.org", "")),
          NOW,
          new Rules("lsm 1 block 3 1234567", "2b7e1516", Optional.of(Instant.EPOCH)));

  @TempDir private Path folder;

  private static <T> SortedMap<String, T> map(Map<String, T> entries) {
    return new TreeMap<>(entries);
  }

  private static ScanningHost host(String address, int ports, Instant last, Instant blockedUntil) {
    return new ScanningHost(
        address,
        "",
        new TreeSet<>(IntStream.rangeClosed(1, ports).boxed().toList()),
        new TreeSet<>(),
        new TreeSet<>(Set.of(ProbeType.SYN)),
        ports,
        last,
        last,
        Optional.ofNullable(blockedUntil));
  }

  private static SentryState state(Instant lastOverflowAlert, Map<String, Instant> alerted) {
    return new SentryState(
        "", lastOverflowAlert, alerted, Map.of(), Map.of(), Instant.EPOCH, Rules.NONE);
  }

  private static ScanningHost scanner(String address) {
    return host(address, 3, NOW, null);
  }

  private static ScanSummary crowd(int from, int to) {
    return new ScanSummary(
        IntStream.range(from, to)
            .mapToObj(i -> scanner("10.0." + i / 256 + "." + i % 256))
            .toList(),
        false);
  }

  private static SentryState alerted(String address, Instant time) {
    return SentryState.empty().withAlerted(address, time);
  }

  @ParameterizedTest(name = "{0}")
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          # what                    | alerted | last seen | ports | remind | due
          too few ports             |         | -PT1M     | 2     | PT24H  | false
          enough                    |         | -PT1M     | 3     | PT24H  | true
          long ago                  |         | -PT23H    | 3     | PT24H  | true
          alerted, goes on          | -PT1H   | -PT1M     | 9     | PT24H  | false
          a day ago, goes on        | -PT24H  | -PT1M     | 9     | PT24H  | true
          a day ago, nothing since  | -PT24H  | -PT24H    | 9     | PT24H  | false
          nearly a day              | -PT23H59M6S | -PT1M | 9     | PT24H  | true
          not quite a day           | -PT23H59M5S | -PT1M | 9     | PT24H  | false
          each run, goes on         | -PT10M  | -PT9M     | 3     | PT0S   | true
          each run, nothing since   | -PT10M  | -PT10M    | 3     | PT0S   | false
          each run, at once         | PT0S    | PT0S      | 3     | PT0S   | false
          the clock was set back    | PT1S    | -PT9H     | 3     | PT24H  | true
          set back, each run        | PT99H   | -PT9H     | 3     | PT0S   | true
          too few now               | -PT24H  | -PT1M     | 2     | PT24H  | false
          """)
  void alertsOnceAndReminds(
      String what, Duration alerted, Duration last, int ports, Duration remind, boolean due) {
    Instant now = NOW.truncatedTo(ChronoUnit.SECONDS);
    ScanningHost host = host("192.0.2.1", ports, now.plus(last), null);
    SentryState before =
        alerted == null ? SentryState.empty() : alerted("192.0.2.1", now.plus(alerted));

    PortScanDecision decision =
        before.decide(new ScanSummary(List.of(host), false), 3, MAX_NAMED, now, remind);

    assertEquals(due ? List.of(host) : List.of(), decision.hosts());
    assertEquals(due, decision.due());
    assertEquals(
        due ? now : alerted == null ? null : now.plus(alerted),
        decision.next().alerted().get("192.0.2.1"));
  }

  @ParameterizedTest
  @CsvSource({"1, 1, true", "2, 1, false", "999, 998, false", "999, 999, true"})
  void triggerCountsPorts(int trigger, int ports, boolean due) {
    ScanSummary probes = new ScanSummary(List.of(host("::1", ports, NOW, null)), false);

    assertEquals(
        due, !SentryState.empty().decide(probes, trigger, MAX_NAMED, NOW, DAY).hosts().isEmpty());
  }

  @Test
  void alertsBlockedHost() {
    ScanSummary probes = new ScanSummary(List.of(host("::1", 0, NOW, NOW.plus(DAY))), false);

    assertEquals(
        probes.hosts(), SentryState.empty().decide(probes, 999, MAX_NAMED, NOW, DAY).hosts());
  }

  @Test
  void sortsWorstFirst() {
    List<ScanningHost> order =
        List.of(
            host("192.0.2.9", 1, NOW, NOW.plus(DAY)),
            host("192.0.2.5", 50, NOW, null),
            host("192.0.2.1", 9, NOW, null),
            host("192.0.2.2", 9, NOW, null));
    List<ScanningHost> reversed = new ArrayList<>(order);
    Collections.reverse(reversed);

    assertEquals(
        order,
        SentryState.empty()
            .decide(new ScanSummary(reversed, false), 3, MAX_NAMED, NOW, DAY)
            .hosts());
  }

  @Test
  void alertsForgedAddressesOnceAnHour() {
    PortScanDecision first = SentryState.empty().decide(crowd(0, 201), 3, MAX_NAMED, NOW, DAY);
    assertEquals(201, first.hosts().size());

    Instant soon = NOW.plus(Duration.ofMinutes(59));
    PortScanDecision second = first.next().decide(crowd(1000, 1201), 3, MAX_NAMED, soon, DAY);
    assertFalse(second.due());
    assertEquals(List.of(), second.hosts());
    assertEquals(
        1,
        second.next().decide(crowd(1000, 1202), 3, MAX_NAMED, soon, DAY).hosts().size(),
        "hosts after the overflow are alerted");

    Instant later = NOW.plus(Duration.ofHours(1));
    assertEquals(
        201, first.next().decide(crowd(1000, 1201), 3, MAX_NAMED, later, DAY).hosts().size());
    Instant before = NOW.minusSeconds(1);
    assertEquals(
        201,
        first.next().decide(crowd(1000, 1201), 3, MAX_NAMED, before, DAY).hosts().size(),
        "the clock was set back");
  }

  /** Only hosts that cannot be named wait for an hour. */
  @Test
  void overflowSilencesNoNamedHost() {
    SentryState overflowed =
        SentryState.empty().decide(crowd(0, 201), 3, MAX_NAMED, NOW, DAY).next();
    Instant soon = NOW.plusSeconds(600);

    assertEquals(200, overflowed.decide(crowd(1000, 1200), 3, MAX_NAMED, soon, DAY).hosts().size());
    assertEquals(1, overflowed.decide(crowd(0, 202), 3, MAX_NAMED, soon, DAY).hosts().size());
    assertEquals(0, overflowed.decide(crowd(0, 201), 3, MAX_NAMED, soon, DAY).hosts().size());
  }

  /** There may be no room left for a host that scans. */
  @ParameterizedTest(name = "{0}")
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          # what                | overflowing | since the last | scanning  | alerted | due
          no probes             | false       |                | 0         | 0    | false
          single probes         | true        |                | 0         | 0    | true
          alerted lately        | true        | PT59M59S       | 0         | 0    | false
          alerted an hour ago   | true        | PT1H           | 0         | 0    | true
          the clock was set back| true        | PT-1S          | 0         | 0    | true
          can be named          | true        | PT10M          | 200       | 200  | true
          cannot be named       | true        | PT10M          | 201       | 0    | false
          """)
  void alertsFullTableOnceAnHour(
      String what, boolean overflowing, Duration since, int scanning, int alerted, boolean due) {
    Instant last = since == null ? Instant.EPOCH : NOW.minus(since);
    SentryState before = state(last, Map.of());

    PortScanDecision decision =
        before.decide(
            new ScanSummary(crowd(0, scanning).hosts(), overflowing), 3, MAX_NAMED, NOW, DAY);

    assertEquals(alerted, decision.hosts().size());
    assertEquals(due, decision.due());
    boolean full = due && alerted == 0;
    assertEquals(full ? NOW : last, decision.next().lastOverflowAlert());
  }

  @Test
  void limitsAlertedHosts() {
    SortedMap<String, Instant> many = new TreeMap<>();
    for (int i = 0; i < 30_000; i++) {
      many.put("2001:db8::" + i, NOW.minusSeconds(i));
    }
    SentryState before = state(Instant.EPOCH, many);

    SentryState next = before.decide(crowd(0, 100), 3, MAX_NAMED, NOW, DAY).next();

    assertEquals(20_000, next.alerted().size());
    assertTrue(next.alerted().keySet().containsAll(addresses(crowd(0, 100))), "the newest stay");
    assertTrue(next.alerted().containsKey("2001:db8::19899"));
    assertFalse(next.alerted().containsKey("2001:db8::19901"));
  }

  private static Set<String> addresses(ScanSummary probes) {
    return probes.hosts().stream().map(ScanningHost::address).collect(Collectors.toSet());
  }

  /** The table drops a host after a day, so no reminder can come later. */
  @ParameterizedTest
  @CsvSource({
    "PT24H, -PT47H, true",
    "PT24H, -PT49H, false",
    "PT0S,  -PT23H, true",
    "PT0S,  -PT25H, false",
    "PT0S,  PT99H,  true"
  })
  void dropsOldAlerts(Duration remind, Duration alerted, boolean stays) {
    SentryState before = alerted("192.0.2.1", NOW.plus(alerted));

    assertEquals(
        stays,
        before
            .decide(crowd(0, 1), 3, MAX_NAMED, NOW, remind)
            .next()
            .alerted()
            .containsKey("192.0.2.1"));
  }

  @Test
  void keepsOtherFields() {
    SentryState next = STATE.decide(crowd(0, 1), 3, MAX_NAMED, NOW, DAY).next();

    assertEquals(STATE.failure(), next.failure());
    assertEquals(STATE.lastOverflowAlert(), next.lastOverflowAlert());
    assertEquals(STATE.blocked(), next.blocked());
    assertEquals(STATE.rules(), next.rules());
    SortedMap<String, Instant> blocked = map(Map.of("192.0.2.7", NOW));
    assertEquals(
        new SentryState(
            "x",
            STATE.lastOverflowAlert(),
            STATE.alerted(),
            blocked,
            STATE.answers(),
            STATE.lastLookup(),
            STATE.rules()),
        STATE.withBlocked(blocked).withFailure("x"));
  }

  @Test
  void keepsLastAnswers() {
    Map<String, String> found =
        Map.of("web1.example.org", "", "web2.example.org", "192.0.2.8", "web3.example.org", "");

    assertEquals(
        Map.of(
            "web1.example.org", "192.0.2.7 2001:db8::7",
            "web2.example.org", "192.0.2.8",
            "web3.example.org", ""),
        STATE.withAnswers(found, NOW).answers());
    assertEquals(Map.of(), STATE.withAnswers(Map.of(), NOW).answers(), "not configured any more");
  }

  @Test
  void readsWhatItWrote() throws Exception {
    Path file = folder.resolve("sentry-state");
    for (SentryState state : List.of(STATE, SentryState.empty(), STATE.withFailure(""))) {
      state.write(file);
      assertEquals(state, SentryState.read(file));
    }
    assertEquals("rw-------", PosixFilePermissions.toString(Files.getPosixFilePermissions(file)));
  }

  @Test
  void writesLinePerHost() {
    String text = STATE.withFailure("a\tb").format().seal();

    assertEquals(
        """
        lsm-sentry\t1
        failure\ta\\x09b
        last-overflow-alert\t2026-01-02T03:04:05.600Z
        alerted\t192.0.2.1\t2026-01-02T03:04:05.600Z
        alerted\t2001:db8::1\t1970-01-01T00:00:00Z
        blocked\t192.0.2.1\t2026-01-03T03:04:05.600Z
        answer\tweb1.example.org\t192.0.2.7 2001:db8::7
        answer\tweb2.example.org\t
        last-lookup\t2026-01-02T03:04:05.600Z
        rules\tlsm 1 block 3 1234567\t2b7e1516
        rules-lost-since\t1970-01-01T00:00:00Z
        """,
        text.substring(0, text.indexOf("crc32c\t")));
  }

  /** Nearly every run is without a change, and would wear the disk. */
  @Test
  void writesChangedStateOnly() throws Exception {
    Path file = folder.resolve("sentry-state");
    STATE.write(file);
    Object inode = Files.getAttribute(file, "unix:ino");

    STATE.write(file);
    assertEquals(inode, Files.getAttribute(file, "unix:ino"));

    STATE.withFailure("").write(file);
    assertEquals(STATE.withFailure(""), SentryState.read(file));
  }

  @Test
  void missingFileIsEmpty() throws Exception {
    assertEquals(SentryState.empty(), SentryState.read(folder.resolve("sentry-state")));
    assertEquals(SentryState.empty(), SentryState.read(folder));
  }

  @Test
  void damagedFileIsEmpty() throws Exception {
    Path file = folder.resolve("sentry-state");
    STATE.write(file);
    byte[] bytes = Files.readAllBytes(file);
    for (int i = 0; i < bytes.length; i++) {
      Files.write(file, Arrays.copyOf(bytes, i));
      assertEquals(SentryState.empty(), SentryState.read(file), "length " + i);
      bytes[i] ^= 0x01;
      Files.write(file, bytes);
      assertEquals(SentryState.empty(), SentryState.read(file), "byte " + i);
      bytes[i] ^= 0x01;
    }
  }

  /** With a valid checksum, as another version may have written it. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "failure",
        "last-overflow-alert\tnever",
        "alerted\t192.0.2.1",
        "alerted\t192.0.2.1\tyesterday",
        "blocked\t192.0.2.1\t",
        "answer\tweb1.example.org",
        "last-lookup\tnever",
        "rules\tlsm 1 block 3 1234567",
        "rules-lost-since\tyesterday",
        "ignored\t192.0.2.1\t2026-01-02T03:04:05Z"
      })
  void fileWithInvalidLineIsEmpty(String line) throws Exception {
    Path file = folder.resolve("sentry-state");
    ChecksummedText text = new ChecksummedText("lsm-sentry", "1").line("failure", "x");
    Files.writeString(file, text.seal());
    assertEquals(SentryState.empty().withFailure("x"), SentryState.read(file));

    Files.writeString(file, text.line((Object[]) line.split("\t", -1)).seal());
    assertEquals(SentryState.empty(), SentryState.read(file));
  }

  @ParameterizedTest
  @CsvSource({"lsm-sentry, 2", "lsm-owner-cache, 1"})
  void otherKindOrFormatIsEmpty(String kind, String format) throws Exception {
    Path file = folder.resolve("sentry-state");
    Files.writeString(file, new ChecksummedText(kind, format).line("failure", "x").seal());

    assertEquals(SentryState.empty(), SentryState.read(file));
  }
}
