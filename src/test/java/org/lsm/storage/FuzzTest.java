package org.lsm.storage;

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
import org.lsm.ByteSource;
import org.lsm.Checksum;
import org.lsm.FuzzTarget;
import org.lsm.model.Endpoint;
import org.lsm.model.HostInfo;
import org.lsm.model.Owner;
import org.lsm.model.OwnerCache;
import org.lsm.model.ProcessRef;
import org.lsm.model.Protocol;
import org.lsm.model.Snapshot;
import org.lsm.model.SocketEntry;
import org.lsm.model.SocketKey;
import org.lsm.model.SocketOwners;
import org.lsm.model.TextEscaper;

/** Names and files that may hold anything. */
class FuzzTest {

  private static final Pattern HIDDEN =
      Pattern.compile("[\\p{Cc}\\p{Cf}\\p{Cs}\\p{Co}\\p{Cn}\\p{Zl}\\p{Zp}]");

  @FuzzTarget
  void escape(byte[] bytes) {
    String text = TextEscaper.decode(bytes);
    String escaped = TextEscaper.escape(text);
    assertFalse(HIDDEN.matcher(escaped).find(), escaped);
    assertEquals(text, TextEscaper.unescape(escaped));
  }

  @FuzzTarget
  void unescape(byte[] bytes) {
    String text;
    try {
      text = TextEscaper.unescape(text(bytes));
    } catch (IllegalArgumentException e) {
      return;
    }
    assertEquals(text, TextEscaper.unescape(TextEscaper.escape(text)));
  }

  @FuzzTarget
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
  @FuzzTarget
  void baseline(byte[] bytes) {
    for (String text : List.of(text(bytes), Checksum.on(text(bytes)))) {
      Snapshot snapshot;
      try {
        snapshot = SnapshotFile.parse(text);
      } catch (IllegalArgumentException | DateTimeParseException e) {
        continue;
      }
      assertEquals(snapshot, SnapshotFile.parse(SnapshotFile.format(snapshot)));
    }
  }

  @FuzzTarget
  void ownerCache(byte[] bytes) {
    for (String text : List.of(text(bytes), Checksum.on(text(bytes)))) {
      OwnerCache state;
      try {
        state = OwnerCacheFile.parse(text);
      } catch (RuntimeException e) {
        continue;
      }
      assertEquals(state, OwnerCacheFile.parse(OwnerCacheFile.format(state)));
    }
  }

  /** Else fuzzing them would begin with nothing. */
  @Test
  void wholeFilesOfTheCorpusAreInTheFormatThatIsRead() throws IOException {
    Path corpus = Path.of("src/test/resources/org/lsm/storage/fuzz");
    assertEquals(5, SnapshotFile.read(corpus.resolve("baseline/whole")).sockets().size());
    assertEquals(2, OwnerCacheFile.read(corpus.resolve("ownerCache/whole")).owners().size());
  }

  @FuzzTarget
  void anyBaselineIsReadBack(byte[] bytes) {
    ByteSource draw = new ByteSource(bytes);
    HostInfo hostInfo = new HostInfo(draw.text(), draw.text(), time(draw), draw.text());
    Map<Endpoint, SocketEntry> entries = new TreeMap<>();
    while (draw.hasMore()) {
      Endpoint endpoint = endpoint(draw);
      List<Owner> owners = new ArrayList<>();
      for (int i = draw.below(4); i > 0; i--) {
        owners.add(owner(draw));
      }
      entries.put(endpoint, new SocketEntry(endpoint, new TreeSet<>(owners), List.of()));
    }
    Snapshot snapshot = Snapshot.of(hostInfo, entries.values());
    assertEquals(snapshot, SnapshotFile.parse(SnapshotFile.format(snapshot)));
  }

  @FuzzTarget
  void anyScanStateIsReadBack(byte[] bytes) {
    ByteSource draw = new ByteSource(bytes);
    String validity = draw.text();
    Map<SocketKey, SocketOwners> owners = new HashMap<>();
    while (draw.hasMore()) {
      SocketKey socket = new SocketKey(draw.number(), draw.number(), endpoint(draw));
      List<ProcessRef> processes = new ArrayList<>();
      for (int i = draw.below(4); i > 0; i--) {
        Instant start = Instant.ofEpochMilli(draw.number());
        processes.add(new ProcessRef((int) draw.number(), draw.number(), start, owner(draw)));
      }
      owners.put(socket, new SocketOwners(processes, draw.below(2) == 0));
    }
    OwnerCache state = new OwnerCache(validity, owners);
    assertEquals(state, OwnerCacheFile.parse(OwnerCacheFile.format(state)));
  }

  private static String text(byte[] bytes) {
    return new String(bytes, StandardCharsets.UTF_8);
  }

  private static Endpoint endpoint(ByteSource draw) {
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

  private static Owner owner(ByteSource draw) {
    return new Owner(draw.text(), draw.text());
  }

  /** A time near or far, in the bounds of Instant. */
  private static Instant time(ByteSource draw) {
    return Instant.ofEpochSecond(draw.number() >> (10 + draw.below(40)), draw.below(256));
  }
}
