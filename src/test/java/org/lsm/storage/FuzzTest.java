package org.lsm.storage;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
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

  /** The text itself, and the text with a valid checksum. */
  @FuzzTarget
  void baseline(byte[] bytes) {
    for (String text : List.of(text(bytes), Checksum.on(text(bytes)))) {
      Snapshot snapshot;
      try {
        snapshot = snapshot(text);
      } catch (IllegalArgumentException e) {
        continue;
      }
      assertEquals(snapshot, snapshot(SnapshotFile.format(snapshot).seal()));
    }
  }

  @FuzzTarget
  void ownerCache(byte[] bytes) {
    for (String text : List.of(text(bytes), Checksum.on(text(bytes)))) {
      OwnerCache cache;
      try {
        cache = ownerCache(text);
      } catch (RuntimeException e) {
        continue;
      }
      assertEquals(cache, ownerCache(OwnerCacheFile.format(cache).seal()));
    }
  }

  /** Fuzzing starts from them. */
  @Test
  void readsCompleteFilesOfCorpus() throws IOException {
    Path corpus = Path.of("src/test/resources/org/lsm/storage/fuzz");
    assertEquals(5, SnapshotFile.read(corpus.resolve("baseline/whole")).sockets().size());
    assertEquals(2, OwnerCacheFile.read(corpus.resolve("ownerCache/whole")).owners().size());
  }

  @FuzzTarget
  void readsAnyBaseline(byte[] bytes) {
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
    assertEquals(snapshot, snapshot(SnapshotFile.format(snapshot).seal()));
  }

  @FuzzTarget
  void readsAnyOwnerCache(byte[] bytes) {
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
    OwnerCache cache = new OwnerCache(validity, owners, Set.of());
    assertEquals(cache, ownerCache(OwnerCacheFile.format(cache).seal()));
  }

  private static Snapshot snapshot(String text) {
    return SnapshotFile.parse(cursor(text, "lsm-snapshot"));
  }

  private static OwnerCache ownerCache(String text) {
    return OwnerCacheFile.parse(cursor(text, "lsm-owner-cache"));
  }

  private static FieldCursor cursor(String text, String kind) {
    return FieldCursor.open(text.getBytes(StandardCharsets.UTF_8), kind, "1");
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
          case OUTBOUND -> draw.of(List.of("public", "private", "link-local"));
        };
    int port = protocol == Protocol.UNIX ? 0 : draw.below(256) << 8 | draw.below(256);
    return new Endpoint(draw.text(), protocol, address, port);
  }

  private static Owner owner(ByteSource draw) {
    return new Owner(draw.text(), draw.text());
  }

  private static Instant time(ByteSource draw) {
    long seconds = draw.number() >> (10 + draw.below(40));
    return Instant.ofEpochSecond(Math.floorMod(seconds, 253402300800L), draw.below(256));
  }
}
