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
import org.lsm.sentry.SentryState.Decision;
import org.lsm.storage.ChecksummedText;

/** Who was told stays known, nobody is told too often, and nothing grows for ever. */
class SentryStateTest {

  private static final Instant NOW = Instant.parse("2026-01-02T03:04:05.600Z");
  private static final Duration DAY = Duration.ofDays(1);
  private static final int MOST = 200;

  private static final SentryState STATE =
      new SentryState(
          "the packet filter cannot be used: \t\n\\\udcff\u202e é",
          NOW,
          map(Map.of("192.0.2.1", NOW, "2001:db8::1", Instant.EPOCH)),
          map(Map.of("192.0.2.1", NOW.plus(DAY))));

  @TempDir private Path folder;

  private static <T> SortedMap<String, T> map(Map<String, T> entries) {
    return new TreeMap<>(entries);
  }

  private static ScanningHost prober(
      String address, int ports, Instant last, Instant blockedUntil) {
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

  private static ScanningHost scanner(String address) {
    return prober(address, 3, NOW, null);
  }

  private static ScanSummary crowd(int from, int to) {
    return new ScanSummary(
        IntStream.range(from, to)
            .mapToObj(i -> scanner("10.0." + i / 256 + "." + i % 256))
            .toList(),
        false);
  }

  private static SentryState told(String address, Instant time) {
    return SentryState.empty().told(address, time);
  }

  // ---- whom to tell of

  @ParameterizedTest(name = "{0}")
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          # what                    | told    | last seen | ports | remind | tell
          too few ports             |         | -PT1M     | 2     | PT24H  | false
          enough                    |         | -PT1M     | 3     | PT24H  | true
          long ago                  |         | -PT23H    | 3     | PT24H  | true
          told, goes on             | -PT1H   | -PT1M     | 9     | PT24H  | false
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
  void aHostIsToldOnceAndAgainAfterATime(
      String what, Duration told, Duration last, int ports, Duration remind, boolean tell) {
    Instant now = NOW.truncatedTo(ChronoUnit.SECONDS);
    ScanningHost prober = prober("192.0.2.1", ports, now.plus(last), null);
    SentryState before = told == null ? SentryState.empty() : told("192.0.2.1", now.plus(told));

    Decision decision =
        before.decide(new ScanSummary(List.of(prober), false), 3, MOST, now, remind);

    assertEquals(tell ? List.of(prober) : List.of(), decision.told());
    assertEquals(tell, decision.due());
    assertEquals(
        tell ? now : told == null ? null : now.plus(told), decision.next().told().get("192.0.2.1"));
  }

  @ParameterizedTest
  @CsvSource({"1, 1, true", "2, 1, false", "999, 998, false", "999, 999, true"})
  void theTriggerIsANumberOfPorts(int trigger, int ports, boolean tell) {
    ScanSummary probes = new ScanSummary(List.of(prober("::1", ports, NOW, null)), false);

    assertEquals(
        tell, !SentryState.empty().decide(probes, trigger, MOST, NOW, DAY).told().isEmpty());
  }

  @Test
  void whoIsBlockedIsToldWhateverHeHasTried() {
    ScanSummary probes = new ScanSummary(List.of(prober("::1", 0, NOW, NOW.plus(DAY))), false);

    assertEquals(probes.hosts(), SentryState.empty().decide(probes, 999, MOST, NOW, DAY).told());
  }

  @Test
  void whoIsBlockedIsToldFirstAndThenWhoHasTriedMost() {
    List<ScanningHost> order =
        List.of(
            prober("192.0.2.9", 1, NOW, NOW.plus(DAY)),
            prober("192.0.2.5", 50, NOW, null),
            prober("192.0.2.1", 9, NOW, null),
            prober("192.0.2.2", 9, NOW, null));
    List<ScanningHost> reversed = new ArrayList<>(order);
    Collections.reverse(reversed);

    assertEquals(
        order,
        SentryState.empty().decide(new ScanSummary(reversed, false), 3, MOST, NOW, DAY).told());
  }

  // ---- too many

  @Test
  void whoMakesUpAddressesGetsAnAlertAnHour() {
    Decision first = SentryState.empty().decide(crowd(0, 201), 3, MOST, NOW, DAY);
    assertEquals(201, first.told().size());

    Instant soon = NOW.plus(Duration.ofMinutes(59));
    Decision second = first.next().decide(crowd(1000, 1201), 3, MOST, soon, DAY);
    assertFalse(second.due());
    assertEquals(List.of(), second.told());
    assertEquals(
        1,
        second.next().decide(crowd(1000, 1202), 3, MOST, soon, DAY).told().size(),
        "who comes after them is not hidden by them");

    Instant later = NOW.plus(Duration.ofHours(1));
    assertEquals(201, first.next().decide(crowd(1000, 1201), 3, MOST, later, DAY).told().size());
    Instant before = NOW.minusSeconds(1);
    assertEquals(
        201,
        first.next().decide(crowd(1000, 1201), 3, MOST, before, DAY).told().size(),
        "the clock was set back");
  }

  /** Who can be named is told: only what cannot be is worth an hour of silence. */
  @Test
  void aFloodSilencesNobodyWhoCanBeNamed() {
    SentryState flooded = SentryState.empty().decide(crowd(0, 201), 3, MOST, NOW, DAY).next();
    Instant soon = NOW.plusSeconds(600);

    assertEquals(200, flooded.decide(crowd(1000, 1200), 3, MOST, soon, DAY).told().size());
    assertEquals(1, flooded.decide(crowd(0, 202), 3, MOST, soon, DAY).told().size());
    assertEquals(0, flooded.decide(crowd(0, 201), 3, MOST, soon, DAY).told().size());
  }

  /** Behind the many that knock once there may be one that scans. */
  @ParameterizedTest(name = "{0}")
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          # what                | overflowing | since the last | who scans | told | due
          nobody knocks         | false       |                | 0         | 0    | false
          only such as knock    | true        |                | 0         | 0    | true
          told lately           | true        | PT59M59S       | 0         | 0    | false
          told an hour ago      | true        | PT1H           | 0         | 0    | true
          the clock was set back| true        | PT-1S          | 0         | 0    | true
          who can be named      | true        | PT10M          | 200       | 200  | true
          who cannot be named   | true        | PT10M          | 201       | 0    | false
          """)
  void tooManyToKeepAreAnAlertAnHourAsWell(
      String what, boolean overflowing, Duration since, int scanning, int told, boolean due) {
    Instant last = since == null ? Instant.EPOCH : NOW.minus(since);
    SentryState before = new SentryState("", last, map(Map.of()), map(Map.of()));

    Decision decision =
        before.decide(new ScanSummary(crowd(0, scanning).hosts(), overflowing), 3, MOST, NOW, DAY);

    assertEquals(told, decision.told().size());
    assertEquals(due, decision.due());
    boolean full = due && told == 0;
    assertEquals(full ? NOW : last, decision.next().flood());
  }

  @Test
  void whatIsRememberedHasABound() {
    SortedMap<String, Instant> many = new TreeMap<>();
    for (int i = 0; i < 30_000; i++) {
      many.put("2001:db8::" + i, NOW.minusSeconds(i));
    }
    SentryState before = new SentryState("", Instant.EPOCH, many, map(Map.of()));

    SentryState next = before.decide(crowd(0, 100), 3, MOST, NOW, DAY).next();

    assertEquals(20_000, next.told().size());
    assertTrue(next.told().keySet().containsAll(addresses(crowd(0, 100))), "the newest stay");
    assertTrue(next.told().containsKey("2001:db8::19899"));
    assertFalse(next.told().containsKey("2001:db8::19901"));
  }

  private static Set<String> addresses(ScanSummary probes) {
    return probes.hosts().stream().map(ScanningHost::address).collect(Collectors.toSet());
  }

  /** The table forgets a host after a day; a reminder of it cannot come later than that. */
  @ParameterizedTest
  @CsvSource({
    "PT24H, -PT47H, true",
    "PT24H, -PT49H, false",
    "PT0S,  -PT23H, true",
    "PT0S,  -PT25H, false",
    "PT0S,  PT99H,  true"
  })
  void whatCannotMatterAnyMoreIsForgotten(Duration remind, Duration told, boolean stays) {
    SentryState before = told("192.0.2.1", NOW.plus(told));

    assertEquals(
        stays,
        before.decide(crowd(0, 1), 3, MOST, NOW, remind).next().told().containsKey("192.0.2.1"));
  }

  @Test
  void whatElseIsRememberedStays() {
    SentryState next = STATE.decide(crowd(0, 1), 3, MOST, NOW, DAY).next();

    assertEquals(STATE.trouble(), next.trouble());
    assertEquals(STATE.flood(), next.flood());
    assertEquals(STATE.blocked(), next.blocked());
    SortedMap<String, Instant> blocked = map(Map.of("192.0.2.7", NOW));
    assertEquals(
        new SentryState("x", STATE.flood(), STATE.told(), blocked),
        STATE.blocking(blocked).troubled("x"));
  }

  // ---- the file

  @Test
  void whatIsWrittenIsReadBack() throws Exception {
    Path file = folder.resolve("sentry-state");
    for (SentryState state : List.of(STATE, SentryState.empty(), STATE.troubled(""))) {
      state.write(file);
      assertEquals(state, SentryState.read(file));
    }
    assertEquals("rw-------", PosixFilePermissions.toString(Files.getPosixFilePermissions(file)));
  }

  @Test
  void theTextIsALineForEachHost() {
    String text = STATE.troubled("a\tb").format();

    assertEquals(
        """
        lsm-sentry\t1
        trouble\ta\\x09b
        flood\t2026-01-02T03:04:05.600Z
        told\t192.0.2.1\t2026-01-02T03:04:05.600Z
        told\t2001:db8::1\t1970-01-01T00:00:00Z
        blocked\t192.0.2.1\t2026-01-03T03:04:05.600Z
        """,
        text.substring(0, text.indexOf("sha256\t")));
  }

  /** Nearly every run: it would wear the disk. */
  @Test
  void whatIsTheSameIsNotWrittenAgain() throws Exception {
    Path file = folder.resolve("sentry-state");
    STATE.write(file);
    Object inode = Files.getAttribute(file, "unix:ino");

    STATE.write(file);
    assertEquals(inode, Files.getAttribute(file, "unix:ino"));

    STATE.troubled("").write(file);
    assertEquals(STATE.troubled(""), SentryState.read(file));
  }

  @Test
  void whatIsMissingOrNoFileRemembersNothing() throws Exception {
    assertEquals(SentryState.empty(), SentryState.read(folder.resolve("sentry-state")));
    assertEquals(SentryState.empty(), SentryState.read(folder));
  }

  @Test
  void damagedAtAnyByteOrCutAnywhereItRemembersNothing() throws Exception {
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

  /** What another version wrote and sealed, perhaps. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "trouble",
        "flood\tnever",
        "told\t192.0.2.1",
        "told\t192.0.2.1\tyesterday",
        "blocked\t192.0.2.1\t",
        "ignored\t192.0.2.1\t2026-01-02T03:04:05Z"
      })
  void aSealedLineThatMeansNothingRemembersNothing(String line) throws Exception {
    Path file = folder.resolve("sentry-state");
    ChecksummedText text = new ChecksummedText("lsm-sentry", "1").line("trouble", "x");
    Files.writeString(file, text.seal());
    assertEquals(SentryState.empty().troubled("x"), SentryState.read(file));

    Files.writeString(file, text.line(line.split("\t", -1)).seal());
    assertEquals(SentryState.empty(), SentryState.read(file));
  }

  @ParameterizedTest
  @CsvSource({"lsm-sentry, 2", "lsm-owner-cache, 1"})
  void anotherKindOrFormatRemembersNothing(String kind, String format) throws Exception {
    Path file = folder.resolve("sentry-state");
    Files.writeString(file, new ChecksummedText(kind, format).line("trouble", "x").seal());

    assertEquals(SentryState.empty(), SentryState.read(file));
  }
}
