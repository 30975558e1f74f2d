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
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.lsm.ByteSource;
import org.lsm.Checksum;
import org.lsm.FuzzTarget;
import org.lsm.model.Endpoint;
import org.lsm.model.Owner;
import org.lsm.model.ScanSummary;
import org.lsm.model.ScanningHost;
import org.lsm.sentry.OutboundState.Identity;
import org.lsm.sentry.OutboundState.Known;
import org.lsm.sentry.OutboundTable.Counted;
import org.lsm.sentry.SentryState.Rules;
import org.lsm.storage.ChecksummedText;

class FuzzTest {

  private static final Instant NOW = Instant.parse("2026-01-02T03:04:05Z");
  private static final Duration DAY = Duration.ofDays(1);

  /** The table is refused, or can be stored. */
  @FuzzTarget
  void table(byte[] bytes) {
    NftTableState table;
    try {
      table = NftTableState.parse(text(bytes), NOW);
    } catch (IOException e) {
      return;
    }
    for (ScanningHost host : table.summary().hosts()) {
      assertFalse(host.last().isBefore(host.first()));
      assertEquals(table.blocked().get(host.address()), host.blockedUntil().orElse(null));
    }
    assertTrue(table.summary().blocked() >= table.blocked().size());
    SentryState next =
        SentryState.empty()
            .decide(table.summary(), 1, 200, NOW, DAY)
            .next()
            .withBlocked(table.blocked());
    assertEquals(next, state(next.format().seal()));
  }

  /** The text itself, and the text with a valid checksum. */
  @FuzzTarget
  void state(byte[] bytes) {
    for (String text : List.of(text(bytes), Checksum.on(text(bytes)))) {
      SentryState state;
      try {
        state = state(text);
      } catch (RuntimeException e) {
        continue;
      }
      assertEquals(state, state(state.format().seal()));
      state.decide(
          new ScanSummary(state.alerted().keySet().stream().map(FuzzTest::scanner).toList(), false),
          1,
          200,
          NOW,
          DAY);
    }
  }

  /** A set of the table of outbound connections is refused, or can be learned and stored. */
  @FuzzTarget
  void outboundSet(byte[] bytes) {
    OutboundState learned = new OutboundState(NOW, "", Map.of());
    for (boolean hasAddress : List.of(true, false)) {
      List<Counted> set;
      try {
        set = OutboundTable.parse(text(bytes), hasAddress, NOW);
      } catch (IOException e) {
        continue;
      }
      for (Counted it : set) {
        OutboundFlow flow = it.flow();
        Endpoint at = new Endpoint("", flow.protocol(), "public", flow.port());
        Owner owner = new Owner(String.valueOf(flow.uid()), flow.controlGroup());
        Identity identity = learned.general(new Identity(at, owner));
        learned =
            learned.with(identity, new Known(flow.time(), flow.time(), flow.address(), false));
        assertTrue(learned.knows(identity));
      }
    }
    assertEquals(learned, outbound(learned.format().seal()));
  }

  /** The text itself, and the text with a valid checksum. */
  @FuzzTarget
  void outboundState(byte[] bytes) {
    for (String text : List.of(text(bytes), Checksum.on(text(bytes)))) {
      OutboundState state;
      try {
        state = outbound(text);
      } catch (RuntimeException e) {
        continue;
      }
      assertEquals(state, outbound(state.format().seal()));
      for (Identity it : state.known().keySet()) {
        assertTrue(state.knows(state.general(it)));
      }
    }
  }

  private static OutboundState outbound(String text) {
    return OutboundState.parse(ChecksummedText.open(text, "lsm-outbound", "1"));
  }

  private static ScanningHost scanner(String address) {
    TreeSet<Integer> ports = new TreeSet<>(List.of(22));
    return new ScanningHost(
        address, "", ports, new TreeSet<>(), new TreeSet<>(), 1, NOW, NOW, Optional.empty());
  }

  @FuzzTarget
  void readsAnyState(byte[] bytes) {
    ByteSource draw = new ByteSource(bytes);
    String failure = draw.text();
    Instant lastOverflowAlert = time(draw);
    SortedMap<String, Instant> alerted = new TreeMap<>();
    SortedMap<String, Instant> blocked = new TreeMap<>();
    SortedMap<String, String> answers = new TreeMap<>();
    while (draw.hasMore()) {
      alerted.put(draw.text(), time(draw));
      blocked.put(draw.text(), time(draw));
      answers.put(draw.text(), draw.text());
    }
    SentryState state =
        new SentryState(
            failure,
            lastOverflowAlert,
            alerted,
            blocked,
            answers,
            time(draw),
            new Rules(draw.text(), draw.text(), Optional.of(time(draw))));
    assertEquals(state, state(state.format().seal()));
  }

  private static Instant time(ByteSource draw) {
    return Instant.ofEpochSecond(Math.floorMod(draw.number(), 253402300800L));
  }

  /** Fuzzing starts from them. */
  @Test
  void readsCompleteFilesOfCorpus() throws IOException {
    Path corpus = Path.of("src/test/resources/org/lsm/sentry/fuzz");
    String table = Files.readString(corpus.resolve("table/whole"));
    assertEquals(8, NftTableState.parse(table, NOW).summary().hosts().size());
    assertEquals(2, SentryState.read(corpus.resolve("state/whole")).alerted().size());
    String set = Files.readString(corpus.resolve("outboundSet/whole"));
    assertEquals(3, OutboundTable.parse(set, true, NOW).size());
    Path learned = corpus.resolve("outboundState/whole");
    assertEquals(3, OutboundState.read(learned, NOW).known().size());
  }

  private static SentryState state(String text) {
    return SentryState.parse(ChecksummedText.open(text, "lsm-sentry", "1"));
  }

  private static String text(byte[] bytes) {
    return new String(bytes, StandardCharsets.UTF_8);
  }
}
