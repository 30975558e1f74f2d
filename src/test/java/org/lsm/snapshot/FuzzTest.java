package org.lsm.snapshot;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Instant;
import java.time.format.DateTimeParseException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.lsm.Draw;
import org.lsm.Fuzzed;
import org.lsm.Seal;
import org.lsm.snapshot.ScanState.Holding;
import org.lsm.snapshot.ScanState.Socket;
import org.lsm.snapshot.Snapshot.Origin;

/** Names and files that may hold anything. */
class FuzzTest {

  private static final Pattern HIDDEN =
      Pattern.compile("[\\p{Cc}\\p{Cf}\\p{Cs}\\p{Co}\\p{Cn}\\p{Zl}\\p{Zp}]");

  @Fuzzed
  void escape(byte[] bytes) {
    String text = Untrusted.decode(bytes);
    String escaped = Untrusted.escape(text);
    assertFalse(HIDDEN.matcher(escaped).find(), escaped);
    assertEquals(text, Untrusted.unescape(escaped));
  }

  @Fuzzed
  void unescape(byte[] bytes) {
    String text;
    try {
      text = Untrusted.unescape(text(bytes));
    } catch (IllegalArgumentException e) {
      return;
    }
    assertEquals(text, Untrusted.unescape(Untrusted.escape(text)));
  }

  @Fuzzed
  void endpoint(byte[] bytes) {
    String[] words = text(bytes).split("\t", 2);
    Endpoint endpoint;
    try {
      endpoint = Endpoint.of(words[0], words[words.length - 1]);
    } catch (IllegalArgumentException e) {
      return;
    }
    assertEquals(endpoint, Endpoint.of(endpoint.table(), endpoint.local()));
  }

  /** As it is, and with the checksum that it needs to be read. */
  @Fuzzed
  void baseline(byte[] bytes) {
    for (String text : List.of(text(bytes), Seal.on(text(bytes)))) {
      Snapshot snapshot;
      try {
        snapshot = SnapshotFile.parse(text);
      } catch (IllegalArgumentException | DateTimeParseException e) {
        continue;
      }
      assertEquals(snapshot, SnapshotFile.parse(SnapshotFile.format(snapshot)));
    }
  }

  @Fuzzed
  void scanState(byte[] bytes) {
    for (String text : List.of(text(bytes), Seal.on(text(bytes)))) {
      ScanState state;
      try {
        state = ScanState.parse(text);
      } catch (RuntimeException e) {
        continue;
      }
      assertEquals(state, ScanState.parse(state.format()));
    }
  }

  /** Else fuzzing them would begin with nothing. */
  @Test
  void wholeFilesOfTheCorpusAreInTheFormatThatIsRead() throws IOException {
    Path corpus = Path.of("src/test/resources/org/lsm/snapshot/fuzz");
    assertEquals(5, SnapshotFile.read(corpus.resolve("baseline/whole")).sockets().size());
    assertEquals(2, ScanState.read(corpus.resolve("scanState/whole")).holdings().size());
  }

  @Fuzzed
  void anyBaselineIsReadBack(byte[] bytes) {
    Draw draw = new Draw(bytes);
    Origin origin = new Origin(draw.text(), draw.text(), time(draw), draw.text());
    Map<Endpoint, SocketEntry> entries = new TreeMap<>();
    while (draw.hasMore()) {
      Endpoint endpoint = endpoint(draw);
      List<Owner> owners = new ArrayList<>();
      for (int i = draw.below(4); i > 0; i--) {
        owners.add(owner(draw));
      }
      entries.put(endpoint, new SocketEntry(endpoint, new TreeSet<>(owners), List.of()));
    }
    Snapshot snapshot = Snapshot.of(origin, entries.values());
    assertEquals(snapshot, SnapshotFile.parse(SnapshotFile.format(snapshot)));
  }

  @Fuzzed
  void anyScanStateIsReadBack(byte[] bytes) {
    Draw draw = new Draw(bytes);
    String validity = draw.text();
    Map<Socket, Holding> holdings = new HashMap<>();
    while (draw.hasMore()) {
      Socket socket = new Socket(draw.number(), draw.number(), endpoint(draw));
      List<Holder> holders = new ArrayList<>();
      for (int i = draw.below(4); i > 0; i--) {
        Instant start = Instant.ofEpochMilli(draw.number());
        holders.add(new Holder((int) draw.number(), draw.number(), start, owner(draw)));
      }
      holdings.put(socket, new Holding(holders, draw.below(2) == 0));
    }
    ScanState state = new ScanState(validity, holdings);
    assertEquals(state, ScanState.parse(state.format()));
  }

  private static String text(byte[] bytes) {
    return new String(bytes, StandardCharsets.UTF_8);
  }

  private static Endpoint endpoint(Draw draw) {
    Protocol protocol = draw.of(List.of(Protocol.values()));
    String address =
        switch (protocol.family()) {
          case INET -> "10.0.0." + draw.below(256);
          case INET6, SCTP -> draw.of(List.of("::", "::1", "fe80::1", "::ffff:127.0.0.1"));
          case PACKET -> "[" + draw.text() + "]"; // brackets may be part of a name
          case UNIX -> draw.text();
        };
    int port = protocol == Protocol.UNIX ? 0 : draw.below(256) << 8 | draw.below(256);
    return new Endpoint(draw.text(), protocol, address, port);
  }

  private static Owner owner(Draw draw) {
    return new Owner(draw.text(), draw.text());
  }

  /** A time near or far, in the bounds of Instant. */
  private static Instant time(Draw draw) {
    return Instant.ofEpochSecond(draw.number() >> (10 + draw.below(40)), draw.below(256));
  }
}
