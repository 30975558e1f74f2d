package org.lsm.sentry;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.lsm.ByteSource;
import org.lsm.Checksum;
import org.lsm.FuzzTarget;
import org.lsm.model.ScanSummary;
import org.lsm.model.ScanningHost;

/** What nft writes and what was remembered, which may hold anything. */
class FuzzTest {

  private static final Instant NOW = Instant.parse("2026-01-02T03:04:05Z");
  private static final Duration DAY = Duration.ofDays(1);

  /** Whatever it is, it is refused, or else all of it can be told and remembered. */
  @FuzzTarget
  void table(byte[] bytes) {
    NftTableState content;
    try {
      content = NftTableState.parse(text(bytes), NOW);
    } catch (IOException e) {
      return;
    }
    for (ScanningHost prober : content.probes().hosts()) {
      assertFalse(prober.last().isBefore(prober.first()));
      assertEquals(content.blocked().get(prober.address()), prober.blockedUntil().orElse(null));
    }
    assertTrue(content.probes().blocked() >= content.blocked().size());
    SentryState next = SentryState.empty().decide(content.probes(), 1, 200, NOW, DAY).next();
    SentryState remembered = next.blocking(content.blocked());
    assertEquals(remembered, SentryState.parse(remembered.format()));
  }

  /** As it is, and with the checksum that it needs to be read. */
  @FuzzTarget
  void state(byte[] bytes) {
    for (String text : List.of(text(bytes), Checksum.on(text(bytes)))) {
      SentryState state;
      try {
        state = SentryState.parse(text);
      } catch (RuntimeException e) {
        continue;
      }
      assertEquals(state, SentryState.parse(state.format()));
      state.decide(
          new ScanSummary(state.told().keySet().stream().map(FuzzTest::scanner).toList(), false),
          1,
          200,
          NOW,
          DAY);
    }
  }

  private static ScanningHost scanner(String address) {
    TreeSet<Integer> ports = new TreeSet<>(List.of(22));
    return new ScanningHost(
        address, "", ports, new TreeSet<>(), new TreeSet<>(), 1, NOW, NOW, Optional.empty());
  }

  @FuzzTarget
  void anyStateIsReadBack(byte[] bytes) {
    ByteSource draw = new ByteSource(bytes);
    String trouble = draw.text();
    Instant flood = time(draw);
    SortedMap<String, Instant> told = new TreeMap<>();
    SortedMap<String, Instant> blocked = new TreeMap<>();
    while (draw.hasMore()) {
      told.put(draw.text(), time(draw));
      blocked.put(draw.text(), time(draw));
    }
    SentryState state = new SentryState(trouble, flood, told, blocked);
    assertEquals(state, SentryState.parse(state.format()));
  }

  /** A time that a calendar may have. */
  private static Instant time(ByteSource draw) {
    return Instant.ofEpochSecond(Math.floorMod(draw.number(), 253402300800L));
  }

  /** Else fuzzing them would begin with nothing. */
  @Test
  void wholeFilesOfTheCorpusAreInTheFormatThatIsRead() throws IOException {
    Path corpus = Path.of("src/test/resources/org/lsm/sentry/fuzz");
    String table = Files.readString(corpus.resolve("table/whole"));
    assertEquals(8, NftTableState.parse(table, NOW).probes().hosts().size());
    assertEquals(2, SentryState.read(corpus.resolve("state/whole")).told().size());
  }

  private static String text(byte[] bytes) {
    return new String(bytes, StandardCharsets.UTF_8);
  }
}
