package org.lsm.alert;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.lsm.Checksum;
import org.lsm.alert.AlertPolicy.AlertDecision;
import org.lsm.model.Difference;
import org.lsm.model.DifferenceType;
import org.lsm.model.Endpoint;
import org.lsm.model.Owner;
import org.lsm.model.Protocol;
import org.lsm.model.Severity;
import org.lsm.model.Sha256;
import org.lsm.model.SocketIdentity;
import org.lsm.model.TextEscaper;
import org.lsm.storage.ChecksummedText;

/** The file, whole and damaged, and what {@code lsm status} asks of it. */
class AlertStateTest {

  private static final Instant TIME = Instant.parse("2026-01-02T03:00:00Z");
  private static final AlertPolicy POLICY =
      new AlertPolicy(Duration.ofHours(24), Duration.ofHours(24), 200);

  @TempDir Path directory;

  @Test
  void isReadAsItWasWritten() throws IOException {
    List<Difference> hostile = hostileNames().map(AlertStateTest::hostile).toList();
    AlertState first = decide(AlertState.empty(), hostile, TIME).next();
    AlertState state = decide(first, hostile.subList(1, 3), TIME.plusSeconds(600)).next();
    Path file = directory.resolve("alert-state");

    state.writeIfChanged(file, AlertState.empty());

    assertEquals(state, AlertState.read(file));
    assertEquals(hostile.size(), state.entries().size());
    assertEquals("rw-------", PosixFilePermissions.toString(Files.getPosixFilePermissions(file)));
  }

  @ParameterizedTest
  @MethodSource("hostileNames")
  void recognisesAnyName(String name) throws IOException {
    List<Difference> hostile = List.of(hostile(name));
    Path file = directory.resolve("alert-state");
    decide(AlertState.empty(), hostile, TIME).next().writeIfChanged(file, AlertState.empty());

    AlertDecision again = decide(AlertState.read(file), hostile, TIME.plusSeconds(600));

    assertEquals(Optional.empty(), again.type());
    assertEquals(List.of(), again.reported());
    assertEquals(List.of(), again.appeared());
    assertEquals(List.of(), again.resolved());
  }

  private static Stream<String> hostileNames() {
    return Stream.of(
        "plain",
        "line\nfeed\r\nand\ttab",
        "back\\slash\\",
        "\\x0a \\u{202e} \\\\",
        "two  spaces   and three ",
        "\033[2J\0",
        "\u202e\u2028\u0085",
        TextEscaper.decode(new byte[] {(byte) 0xff, 'a', (byte) 0x80, (byte) 0xc3}),
        TextEscaper.decode(new byte[] {(byte) 0xf0, (byte) 0x9f, (byte) 0x98}),
        "naïve \ud83d\ude00",
        "crc32c\tx\ncrc32c\ty",
        "\ud83d\ude00".repeat(200),
        "\\".repeat(400),
        "\\".repeat(400) + "x",
        "");
  }

  @Test
  void isNotWrittenUnchanged() throws IOException {
    List<Difference> differences = List.of(hostile("x"));
    AlertState state = decide(AlertState.empty(), differences, TIME).next();
    Path file = directory.resolve("alert-state");

    decide(state, differences, TIME).next().writeIfChanged(file, state);
    assertFalse(Files.exists(file));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("damages")
  void damageCostsARepetition(String name, UnaryOperator<String> damage) throws IOException {
    List<Difference> differences = List.of(hostile("x"));
    Path file = directory.resolve("alert-state");
    decide(AlertState.empty(), differences, TIME).next().writeIfChanged(file, AlertState.empty());
    Files.writeString(file, damage.apply(Files.readString(file)));
    Instant now = TIME.plusSeconds(600);

    AlertState damaged = AlertState.read(file);
    assertEquals(Optional.of(AlertType.DIFFERENCES), decide(damaged, differences, now).type());
    AlertDecision clear = decide(damaged, List.of(), now);
    assertEquals(Optional.of(AlertType.ALL_CLEAR), clear.type());
    assertEquals(AlertState.empty(), clear.next());
    assertEquals(0, damaged.activeDifferences());
    assertFalse(damaged.isFailing(TIME));
    AlertDecision failed = POLICY.decideFailure(damaged, AlertType.NO_BASELINE, "", now);
    assertEquals(Optional.of(AlertType.NO_BASELINE), failed.type());
    assertEquals(Optional.empty(), decide(failed.next(), List.of(), now).type());
    assertEquals(
        Optional.of(AlertType.ALL_CLEAR),
        decide(failed.next(), List.of(), now.plusSeconds(1800)).type());
  }

  private static Stream<Arguments> damages() {
    return Stream.of(
        damage("empty", text -> ""),
        damage("cut short", text -> text.substring(0, text.length() - 1)),
        damage("half of it", text -> text.substring(0, text.length() / 2)),
        damage("edited", text -> text.replace("unix", "tcp")),
        damage("something else", text -> sealed("lsm-owner-cache", "1")),
        damage("of a later format", text -> sealed("lsm-alert-state", "2")),
        damage("no time", text -> resealed(text, "\t" + TIME, "\ttoday")),
        damage("neither named nor counted", text -> resealed(text, "NAMED", "MAYBE")),
        damage("too short a line", text -> sealed("lsm-alert-state", "1", "NEW x", "" + TIME)),
        damage("half an owner", text -> resealed(text, "\n(?=crc32c)", "\tabcdef\n")),
        damage(
            "no hexadecimal digits",
            text -> resealed(text, "\tNAMED\t", "\tNAMED\t\t" + "g".repeat(16))));
  }

  private static Arguments damage(String name, UnaryOperator<String> damage) {
    return arguments(name, damage);
  }

  private static String sealed(String kind, String format, String... line) {
    ChecksummedText text = new ChecksummedText(kind, format);
    return (line.length == 0 ? text : text.line((Object[]) line)).seal();
  }

  private static String resealed(String text, String regex, String replacement) {
    String changed = text.replaceAll(regex, replacement);
    assertFalse(changed.equals(text), regex);
    return Checksum.on(changed);
  }

  @Test
  void isEmptyWithoutAFile() {
    assertEquals(AlertState.empty(), AlertState.read(directory.resolve("missing")));
  }

  @ParameterizedTest
  @ValueSource(strings = {"directory", "bytes"})
  void whatCannotBeReadIsDamaged(String name) throws IOException {
    Files.createDirectory(directory.resolve("directory"));
    Files.write(directory.resolve("bytes"), new byte[] {(byte) 0xff, 0, '\n'});

    AlertState damaged = AlertState.read(directory.resolve(name));

    assertEquals(Optional.of(AlertType.ALL_CLEAR), decide(damaged, List.of(), TIME).type());
  }

  /** What an administrator, or another version, has to be able to read. */
  @Test
  void hasThisFormat() {
    AlertPolicy policy = new AlertPolicy(Duration.ofHours(24), Duration.ofHours(24), 1);
    AlertState state = AlertState.empty();
    for (String run :
        List.of("1 03:00 NEW:tcp1=b NEW:tcp2=a |", "1 03:10 NEW:tcp2=a,c NEW:tcp3=a |")) {
      state = AlertPolicyTest.decide(policy, state, run).next();
    }
    state = AlertPolicyTest.decide(policy, state, "1 03:20 failed at 7 |").next();
    String three = "2026-01-02T03:00:00Z";
    String ten = "2026-01-02T03:10:00Z";
    String twenty = "2026-01-02T03:20:00Z";
    String a = digest("user\ta\t");
    String b = digest("user\tb\t");
    String c = digest("user\tc\t");
    ChecksummedText expected =
        new ChecksummedText("lsm-alert-state", "1")
            .line("NEW tcp/0.0.0.0:1", three, three, "NORMAL", "NAMED", "", b)
            .line("NEW tcp/0.0.0.0:2", ten, ten, "NORMAL", "NAMED", "", min(a, c), max(a, c))
            .line("NEW tcp/0.0.0.0:3", ten, ten, "NORMAL", "COUNTED", "", a)
            .line("scan failed: failed at #", twenty, twenty, "NORMAL", "NAMED", "");

    assertEquals(expected.seal(), state.format().seal());
    assertEquals(state, read(new String(state.format().seal().getBytes(UTF_8), UTF_8)));
  }

  private static String digest(String text) {
    return Sha256.of(text).substring(0, 16);
  }

  private static String min(String a, String b) {
    return a.compareTo(b) < 0 ? a : b;
  }

  private static String max(String a, String b) {
    return a.compareTo(b) < 0 ? b : a;
  }

  @Test
  void countsDifferencesAndKnowsFailures() {
    List<Difference> differences = List.of(hostile("a"), hostile("b"));
    AlertState state = decide(AlertState.empty(), differences, TIME).next();
    assertEquals(2, state.activeDifferences());
    assertFalse(state.isFailing(TIME.minusSeconds(1)));
    for (AlertType type : List.of(AlertType.NO_BASELINE, AlertType.SCAN_FAILED)) {
      AlertState failed = POLICY.decideFailure(state, type, "why", TIME.plusSeconds(60)).next();
      assertEquals(2, failed.activeDifferences());
      assertTrue(failed.isFailing(TIME));
      assertFalse(failed.isFailing(TIME.plusSeconds(60)));
      // It is still active, but the compare after it has succeeded.
      failed = decide(failed, differences, TIME.plusSeconds(600)).next();
      assertEquals(3, failed.entries().size());
      assertFalse(failed.isFailing(TIME.plusSeconds(600)));
    }
    // Absent, but not for 30 minutes.
    assertEquals(2, decide(state, List.of(), TIME.plusSeconds(600)).next().activeDifferences());
  }

  private static AlertDecision decide(AlertState state, List<Difference> differences, Instant now) {
    return POLICY.decide(state, differences, it -> Severity.NORMAL, SocketIdentity.NONE, now);
  }

  /** A socket whose path, user and program are of this name. */
  private static Difference hostile(String name) {
    return AlertPolicyTest.difference(
        DifferenceType.NEW,
        new Endpoint("", Protocol.UNIX, "/run/" + name, 0),
        List.of(new Owner(name, "/bin/" + name)));
  }

  private static AlertState read(String text) {
    return AlertState.parse(ChecksummedText.open(text, "lsm-alert-state", "1"));
  }
}
