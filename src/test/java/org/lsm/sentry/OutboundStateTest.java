package org.lsm.sentry;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.Arrays;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.lsm.model.Endpoint;
import org.lsm.model.Owner;
import org.lsm.model.Protocol;
import org.lsm.sentry.OutboundState.Identity;
import org.lsm.sentry.OutboundState.Known;
import org.lsm.storage.ChecksummedText;

class OutboundStateTest {
  private static final Instant NOW = Instant.parse("2026-01-02T03:04:05Z");
  private static final Known SEEN = new Known(NOW, NOW, "192.0.2.7", false);
  private static final Identity WEB = identity("out-tcp public:443 www web.service");
  private static final OutboundState EMPTY = new OutboundState(NOW, "", Map.of());
  private static final OutboundState STATE =
      new OutboundState(
          NOW.minusSeconds(3600),
          "2b7e1516 89abcdef",
          Map.of(
              WEB,
              new Known(NOW.minusSeconds(60), NOW, "2001:db8::7", true),
              identity("out-udp private:0 root -"),
              SEEN,
              identity("out-tcp link-local:9 4711 x.service"),
              SEEN));

  @TempDir private Path folder;

  private Path file() {
    return folder.resolve("outbound-state");
  }

  /** Table, local name, user and unit; {@code -} is no unit. */
  private static Identity identity(String words) {
    String[] it = words.split(" ", -1);
    String unit = it[3].equals("-") ? "" : it[3];
    return new Identity(Endpoint.of(it[0], it[1]), new Owner(it[2], unit));
  }

  private static Identity port(String owner, int port) {
    return identity("out-tcp public:" + port + " " + owner);
  }

  private static OutboundState knowing(Identity... known) {
    OutboundState state = EMPTY;
    for (Identity it : known) {
      state = state.with(it, SEEN);
    }
    return state;
  }

  @Test
  void readsWhatItWrote() throws IOException {
    String text = "\t\n\r\0\033\\x \u202e\ufffd";
    Identity hostile =
        new Identity(Endpoint.of("out-udp", "public:53"), new Owner(text, text + ".service"));
    for (OutboundState state :
        new OutboundState[] {EMPTY, STATE, STATE.with(hostile, SEEN), STATE.withRules("")}) {
      state.write(file());
      assertEquals(state, OutboundState.read(file(), NOW.plusSeconds(1)));
    }
    String mode = PosixFilePermissions.toString(Files.getPosixFilePermissions(file()));
    assertEquals("rw-------", mode);
  }

  @Test
  void writesLinePerIdentity() {
    String text = STATE.format().seal();
    assertEquals(
        """
        lsm-outbound\t1
        since\t2026-01-02T02:04:05Z
        rules\t2b7e1516 89abcdef
        learned\tout-tcp\tlink-local:9\t4711\tx.service\t2026-01-02T03:04:05Z\t2026-01-02T03:04:05Z\t192.0.2.7
        reported\tout-tcp\tpublic:443\twww\tweb.service\t2026-01-02T03:03:05Z\t2026-01-02T03:04:05Z\t2001:db8::7
        learned\tout-udp\tprivate:0\troot\t\t2026-01-02T03:04:05Z\t2026-01-02T03:04:05Z\t192.0.2.7
        """,
        text.substring(0, text.indexOf("crc32c\t")));
  }

  @Test
  void missingFileBeginsLearning() throws IOException {
    assertEquals(EMPTY, OutboundState.read(file(), NOW));
  }

  /** A state that was reset in silence would let an attacker in unseen. */
  @Test
  void damagedFileIsAnError() throws IOException {
    STATE.write(file());
    byte[] bytes = Files.readAllBytes(file());
    for (int i = 0; i < bytes.length; i++) {
      Files.write(file(), Arrays.copyOf(bytes, i));
      assertDamaged("length " + i);
      bytes[i] ^= 0x01;
      Files.write(file(), bytes);
      assertDamaged("byte " + i);
      bytes[i] ^= 0x01;
    }
    Files.write(file(), bytes);
    assertEquals(STATE, OutboundState.read(file(), NOW));
  }

  private void assertDamaged(String how) {
    IOException e = assertThrows(IOException.class, () -> OutboundState.read(file(), NOW), how);
    assertTrue(e.getMessage().startsWith(file() + ": "), e.getMessage());
    String advice = "; remove it, and lsm learns the outbound connections anew";
    assertTrue(e.getMessage().endsWith(advice), e.getMessage());
  }

  /** With a valid checksum, as another version may have written it. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "since",
        "since\tyesterday",
        "rules",
        "forgotten\tout-tcp\tpublic:443\twww\tx\t2026-01-02T03:04:05Z\t2026-01-02T03:04:05Z\t::1",
        "learned\tout-tcp\tpublic:443\twww\tx\t2026-01-02T03:04:05Z\t2026-01-02T03:04:05Z",
        "learned\tout-tcp\tpublic:443\twww\tx\tnever\t2026-01-02T03:04:05Z\t::1",
        "learned\tout-tcp\tpublic:443\twww\tx\t2026-01-02T03:04:05Z\tnever\t::1",
        "learned\tout-tcp\tpublic\twww\tx\t2026-01-02T03:04:05Z\t2026-01-02T03:04:05Z\t::1",
        "learned\tout-sctp\tpublic:1\twww\tx\t2026-01-02T03:04:05Z\t2026-01-02T03:04:05Z\t::1"
      })
  void fileWithInvalidLineIsAnError(String line) throws IOException {
    ChecksummedText text =
        new ChecksummedText("lsm-outbound", "1").line("since", "2026-01-02T03:04:05Z");
    Files.writeString(file(), text.seal());
    assertEquals(EMPTY, OutboundState.read(file(), NOW.plusSeconds(1)));

    Files.writeString(file(), text.line((Object[]) line.split("\t", -1)).seal());
    assertDamaged(line);
  }

  @ParameterizedTest
  @CsvSource({"lsm-outbound, 2", "lsm-sentry, 1"})
  void otherKindOrFormatIsAnError(String kind, String format) throws IOException {
    Files.writeString(file(), new ChecksummedText(kind, format).line("rules", "").seal());
    assertDamaged(kind + " " + format);
  }

  @Test
  void writesChangedStateOnly() throws IOException {
    STATE.write(file());
    Object inode = Files.getAttribute(file(), "unix:ino");
    STATE.write(file());
    assertEquals(inode, Files.getAttribute(file(), "unix:ino"));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          # known                              | seen                                    | is known
          out-tcp public:443 www web.service   | out-tcp public:443 www web.service      | true
          out-tcp public:443 www web.service   | out-tcp public:443 www other.service    | false
          out-tcp public:443 www web.service   | out-tcp public:443 root web.service     | false
          out-tcp public:443 www web.service   | out-tcp public:80 www web.service       | false
          out-tcp public:443 www web.service   | out-tcp private:443 www web.service     | false
          out-tcp public:443 www web.service   | out-udp public:443 www web.service      | false
          out-tcp public:443 www web.service   | out-tcp public:0 www web.service | false
          # a unit that has ended
          out-tcp public:443 www web.service   | out-tcp public:443 www -                | true
          out-tcp public:443 www -             | out-tcp public:443 www -                | true
          out-tcp public:443 www web.service   | out-tcp public:443 root -               | false
          out-tcp public:443 www web.service   | out-tcp public:80 www -                 | false
          out-tcp public:443 www web.service   | out-tcp private:443 www -               | false
          out-tcp public:443 www web.service   | out-udp public:443 www -                | false
          # that it was unknown once is no reason to know each unit
          out-tcp public:443 www -             | out-tcp public:443 www web.service      | false
          """)
  void knowsUnitOfUser(String known, String seen, boolean isKnown) {
    assertEquals(isKnown, knowing(identity(known)).knows(identity(seen)));
    assertFalse(EMPTY.knows(identity(seen)));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          out-tcp public:443 www web.service       | OUT_TCP | 443 | www  | true
          out-tcp private:443 www -                | OUT_TCP | 443 | www  | true
          out-tcp public:443 www web.service       | OUT_UDP | 443 | www  | false
          out-tcp public:443 www web.service       | OUT_TCP | 80  | www  | false
          out-tcp public:443 www web.service       | OUT_TCP | 443 | root | false
          out-tcp public:0 www web.service | OUT_TCP | 443 | www  | false
          """)
  void knowsPortOfUser(String known, Protocol protocol, int port, String user, boolean isKnown) {
    assertEquals(isKnown, knowing(identity(known)).knowsPort(protocol, port, user));
  }

  /** A port scanner, or a peer-to-peer program, is one entry. */
  @Test
  void portsBeyondHundredCountAsOne() {
    OutboundState state = EMPTY;
    String owner = "www web.service";
    for (int port = 1; port <= 100; port++) {
      Identity identity = port(owner, port);
      assertEquals(identity, state.general(identity), "port " + port);
      state = state.with(identity, SEEN);
    }
    Identity any = identity("out-tcp public:0 " + owner);
    assertEquals(any, state.general(port(owner, 101)));
    assertEquals(any, state.general(any));
    assertEquals(port(owner, 100), state.general(port(owner, 100)), "a known one");
    for (String other :
        new String[] {
          "out-tcp public:101 www -",
          "out-tcp public:101 www other.service",
          "out-tcp public:101 root web.service",
          "out-tcp private:101 www web.service",
          "out-udp public:101 www web.service"
        }) {
      assertEquals(identity(other), state.general(identity(other)), other);
    }
    OutboundState next = state.with(any, SEEN);
    assertEquals(any, next.general(port(owner, 102)));
    assertTrue(next.knows(next.general(port(owner, 103))));
  }

  @Test
  void dropsTheOneSeenLongestAgo() {
    Map<Identity, Known> known = new TreeMap<>();
    for (int i = 0; i < 5000; i++) {
      Instant last = NOW.minusSeconds(i == 1234 ? 9000 : i);
      known.put(port("user" + i + " -", 443), new Known(NOW.minusSeconds(10_000), last, "", false));
    }
    OutboundState full = new OutboundState(NOW, "", known);
    Identity oldest = port("user1234 -", 443);

    assertEquals(5000, full.with(oldest, SEEN).known().size());
    OutboundState next = full.with(WEB, SEEN);

    assertEquals(5000, next.known().size());
    assertTrue(next.knows(WEB));
    assertFalse(next.knows(oldest));
    assertEquals(
        4999,
        IntStream.range(0, 5000).filter(i -> next.knows(port("user" + i + " -", 443))).count());
  }

  @ParameterizedTest
  @CsvSource({"false, true", "true, false", "true, true", "false, false"})
  void keepsHowItCameToBeKnown(boolean wasReported, boolean isReported) {
    Instant later = NOW.plusSeconds(86_400);
    OutboundState state =
        EMPTY
            .with(WEB, new Known(NOW, NOW, "192.0.2.1", wasReported))
            .with(WEB, new Known(later, later, "192.0.2.2", isReported));

    assertEquals(Map.of(WEB, new Known(NOW, later, "192.0.2.2", wasReported)), state.known());
    assertEquals(NOW, state.since());
  }

  @Test
  void statesDoNotChange() {
    EMPTY.with(WEB, SEEN);
    EMPTY.withRules("x");
    assertEquals(new OutboundState(NOW, "", Map.of()), EMPTY);
    assertEquals("x", EMPTY.with(WEB, SEEN).withRules("x").with(WEB, SEEN).rules());
  }
}
