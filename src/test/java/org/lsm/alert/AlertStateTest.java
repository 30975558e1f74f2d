package org.lsm.alert;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.function.UnaryOperator;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.lsm.alert.AlertState.Decision;
import org.lsm.model.Difference;
import org.lsm.model.DifferenceType;
import org.lsm.model.Endpoint;
import org.lsm.model.EphemeralPorts;
import org.lsm.model.Owner;
import org.lsm.model.Protocol;
import org.lsm.model.SocketEntry;
import org.lsm.model.TextEscaper;
import org.lsm.storage.ChecksummedText;

/** What is told, and when: each story is a table of runs, with what there is and what is told. */
class AlertStateTest {

  private static final Instant MIDNIGHT = Instant.parse("2026-01-01T00:00:00Z");
  private static final Duration DAY = Duration.ofHours(24);
  private static final EphemeralPorts EPHEMERAL =
      new EphemeralPorts(EphemeralPorts.Scope.UDP, 32768, 60999);

  /** Day, time of day, what differs, {@code |}, and what is told of it. */
  private static final Pattern RUN = Pattern.compile("(\\d+) (\\d+):(\\d+)(:\\d+)? (.*?) *\\|.*");

  /** Kind, protocol, port and the programs that hold it. */
  private static final Pattern SOCKET = Pattern.compile("(\\w+):(tcp|udp)(\\d+)=([a-z,]*)");

  private static final String NO_BASELINE = "nothing";
  private static final String ERROR = "trouble";

  @TempDir Path directory;

  @ParameterizedTest(name = "{0}")
  @MethodSource("stories")
  void isToldWhenItIsDue(String name, String remind, String details) {
    Duration reminder = Duration.parse(remind);
    AlertState told = AlertState.nothing();
    StringBuilder happened = new StringBuilder();
    for (String run : details.lines().toList()) {
      Decision decision = decide(told, run, reminder);
      happened.append(run, 0, run.indexOf('|') + 1);
      decision.type().ifPresent(it -> happened.append(' ').append(it));
      decision.told().forEach(it -> happened.append(' ').append(word(it)));
      happened.append('\n');
      told = decision.next();
    }
    assertEquals(details, happened.toString());
  }

  private static Stream<Arguments> stories() {
    return Stream.of(
        arguments(
            "what keeps lsm from looking is told like a difference, and takes none of them back",
            "PT24H",
            """
            1 03:00 NEW:tcp4444=nc | DIFFERENCES NEW:tcp4444=nc
            1 03:10 trouble | SCAN_FAILED
            1 03:20 trouble |
            1 03:30 nothing | NO_BASELINE
            1 03:40 trouble |
            1 03:45 trouble in line 7 | SCAN_FAILED
            1 03:46 trouble in line 8 |
            1 03:50 NEW:tcp4444=nc |
            1 04:00 trouble |
            2 03:10 trouble | SCAN_FAILED
            2 03:20  | ALL_CLEAR
            2 03:30 trouble | SCAN_FAILED
            """),
        arguments(
            "once, and at each reminder, which counts whole minutes",
            "PT24H",
            """
            1 03:00:59 NEW:tcp4444=nc | DIFFERENCES NEW:tcp4444=nc
            1 03:10:00 NEW:tcp4444=nc |
            2 02:59:59 NEW:tcp4444=nc |
            2 03:00:00 NEW:tcp4444=nc | REMINDER NEW:tcp4444=nc
            2 03:10:00 NEW:tcp4444=nc |
            3 02:59:59 NEW:tcp4444=nc |
            3 03:00:30 NEW:tcp4444=nc | REMINDER NEW:tcp4444=nc
            """),
        arguments(
            "a reminder tells all that lasts, and so does not come again for each",
            "PT2H",
            """
            1 03:00 NEW:tcp1=a | DIFFERENCES NEW:tcp1=a
            1 03:10 NEW:tcp1=a GONE:tcp2=b | DIFFERENCES GONE:tcp2=b
            1 05:00 NEW:tcp1=a GONE:tcp2=b | REMINDER NEW:tcp1=a GONE:tcp2=b
            1 05:10 NEW:tcp1=a GONE:tcp2=b |
            1 07:00 NEW:tcp1=a GONE:tcp2=b | REMINDER NEW:tcp1=a GONE:tcp2=b
            """),
        arguments(
            "what is new at the time of a reminder is told before the rest",
            "PT2H",
            """
            1 03:00 NEW:tcp1=a | DIFFERENCES NEW:tcp1=a
            1 05:00 NEW:tcp1=a NEW:tcp2=b | DIFFERENCES NEW:tcp2=b NEW:tcp1=a
            1 05:10 NEW:tcp1=a NEW:tcp2=b |
            """),
        arguments(
            "without reminders at each run",
            "PT0S",
            """
            1 03:00 NEW:tcp1=a | DIFFERENCES NEW:tcp1=a
            1 03:00 NEW:tcp1=a | REMINDER NEW:tcp1=a
            1 03:10 NEW:tcp1=a NEW:tcp2=b | DIFFERENCES NEW:tcp2=b NEW:tcp1=a
            1 03:20 NEW:tcp2=b | REMINDER NEW:tcp2=b
            1 03:30  | ALL_CLEAR
            1 03:40  |
            1 03:50 NEW:tcp1=a | DIFFERENCES NEW:tcp1=a
            1 04:00  | ALL_CLEAR
            """),
        arguments(
            "the all-clear comes once, and only when nothing differs any more",
            "PT24H",
            """
            1 03:00 NEW:tcp1=a GONE:tcp2=b | DIFFERENCES NEW:tcp1=a GONE:tcp2=b
            1 03:10 GONE:tcp2=b |
            1 03:20  | ALL_CLEAR
            1 03:30  |
            5 03:20  |
            """),
        arguments(
            "no all-clear where nothing was told",
            "PT24H",
            """
            1 03:00  |
            2 03:00  |
            """),
        arguments(
            "a stranger is told, but not who was told before",
            "PT24H",
            """
            1 03:00 NEW:tcp1=a | DIFFERENCES NEW:tcp1=a
            1 03:10 NEW:tcp1=a,b | DIFFERENCES NEW:tcp1=a,b
            1 03:20 NEW:tcp1=b |
            1 03:30 NEW:tcp1=a |
            1 03:40 NEW:tcp1= | DIFFERENCES NEW:tcp1=
            1 03:50 NEW:tcp1=c | DIFFERENCES NEW:tcp1=c
            1 04:00 NEW:tcp1=a,b,c |
            """),
        arguments(
            "who holds what nobody held",
            "PT24H",
            """
            1 03:00 NEW:tcp1= | DIFFERENCES NEW:tcp1=
            1 03:10 NEW:tcp1=a | DIFFERENCES NEW:tcp1=a
            """),
        arguments(
            "another kind of difference of the same socket",
            "PT24H",
            """
            1 03:00 NEW:tcp1=a | DIFFERENCES NEW:tcp1=a
            1 03:10 CHANGED:tcp1=a | DIFFERENCES CHANGED:tcp1=a
            1 03:20 GONE:tcp1=a | DIFFERENCES GONE:tcp1=a
            1 03:30 CHANGED:tcp1=a |
            """),
        arguments(
            "a known program on another ephemeral port is nothing new, a stranger is",
            "PT24H",
            """
            1 03:00 NEW:udp40000=dig | DIFFERENCES NEW:udp40000=dig
            1 03:10 NEW:udp50000=dig NEW:udp50001=dig |
            1 03:20 NEW:udp50002=dig NEW:udp50003=nc | DIFFERENCES NEW:udp50002=dig NEW:udp50003=nc
            1 03:30 NEW:udp50004=nc |
            1 03:40 NEW:udp1000=nc NEW:udp50004=nc | DIFFERENCES NEW:udp1000=nc
            """),
        arguments(
            "an ephemeral port that nobody holds counts by its number",
            "PT24H",
            """
            1 03:00 NEW:udp40000=dig | DIFFERENCES NEW:udp40000=dig
            1 03:10 NEW:udp40000=dig NEW:udp40001= | DIFFERENCES NEW:udp40001=
            1 03:20 NEW:udp40000=dig NEW:udp40002= | DIFFERENCES NEW:udp40002=
            1 03:30 NEW:udp40000=dig NEW:udp40001= |
            """),
        arguments(
            "what comes back while no all-clear was sent is not told again",
            "PT24H",
            """
            1 03:00 NEW:tcp1=a NEW:tcp2=b | DIFFERENCES NEW:tcp1=a NEW:tcp2=b
            1 03:10 NEW:tcp1=a |
            1 03:20 NEW:tcp1=a NEW:tcp2=b |
            1 03:30 NEW:tcp1=a |
            1 03:40  | ALL_CLEAR
            """),
        arguments(
            "what stays away for the time of a reminder is new again",
            "PT24H",
            """
            1 03:00 NEW:tcp1=a NEW:tcp2=b | DIFFERENCES NEW:tcp1=a NEW:tcp2=b
            1 03:10 NEW:tcp1=a |
            2 03:00 NEW:tcp1=a | REMINDER NEW:tcp1=a
            2 03:10 NEW:tcp1=a |
            2 03:20 NEW:tcp1=a NEW:tcp2=b | DIFFERENCES NEW:tcp2=b
            """),
        arguments(
            "after an all-clear it is told again; then it flaps, and the all-clear waits",
            "PT24H",
            """
            1 03:00 NEW:tcp1=a | DIFFERENCES NEW:tcp1=a
            1 03:10  | ALL_CLEAR
            1 03:20 NEW:tcp1=a | DIFFERENCES NEW:tcp1=a
            1 03:30  |
            1 03:40 NEW:tcp1=a |
            1 03:50  |
            2 03:10 NEW:tcp1=a |
            2 03:20 NEW:tcp1=a | REMINDER NEW:tcp1=a
            2 03:30  |
            3 03:29  |
            3 03:30  | ALL_CLEAR
            3 03:40  |
            3 03:50 NEW:tcp1=a | DIFFERENCES NEW:tcp1=a
            3 04:00  | ALL_CLEAR
            """),
        arguments(
            "what flaps is told at most once a reminder, however it falls",
            "PT2H",
            """
            1 03:00 NEW:tcp1=a | DIFFERENCES NEW:tcp1=a
            1 03:10  | ALL_CLEAR
            1 03:20 NEW:tcp1=a | DIFFERENCES NEW:tcp1=a
            1 03:30  |
            1 05:20  |
            1 05:25 NEW:tcp1=a | REMINDER NEW:tcp1=a
            1 05:35  |
            1 07:20 NEW:tcp1=a |
            1 07:25 NEW:tcp1=a | REMINDER NEW:tcp1=a
            """),
        arguments(
            "a stranger on a socket that flaps is told at once",
            "PT24H",
            """
            1 03:00 NEW:tcp1=a | DIFFERENCES NEW:tcp1=a
            1 03:10  | ALL_CLEAR
            1 03:20 NEW:tcp1=a | DIFFERENCES NEW:tcp1=a
            1 03:30  |
            1 03:40 NEW:tcp1=b | DIFFERENCES NEW:tcp1=b
            1 03:50  |
            """),
        arguments(
            "the all-clear of others waits for what flaps",
            "PT24H",
            """
            1 03:00 NEW:tcp1=a | DIFFERENCES NEW:tcp1=a
            1 03:10  | ALL_CLEAR
            1 03:20 NEW:tcp1=a | DIFFERENCES NEW:tcp1=a
            1 03:30  |
            1 03:40 NEW:tcp2=b | DIFFERENCES NEW:tcp2=b
            1 03:50  |
            2 03:20  |
            2 03:30  | ALL_CLEAR
            2 03:40 NEW:tcp2=b | DIFFERENCES NEW:tcp2=b
            """),
        arguments(
            "a clock that is set back repeats, and silences nothing",
            "PT24H",
            """
            9 03:00 NEW:tcp1=a | DIFFERENCES NEW:tcp1=a
            1 03:00 NEW:tcp1=a | REMINDER NEW:tcp1=a
            1 03:10 NEW:tcp1=a |
            2 03:00 NEW:tcp1=a | REMINDER NEW:tcp1=a
            2 03:10  | ALL_CLEAR
            """),
        arguments(
            "a clock that is set back keeps no all-clear",
            "PT24H",
            """
            300 03:00 NEW:tcp1=a | DIFFERENCES NEW:tcp1=a
            300 03:10  | ALL_CLEAR
            300 03:20 NEW:tcp1=a | DIFFERENCES NEW:tcp1=a
            300 03:30  |
            1 03:00  | ALL_CLEAR
            1 03:10  |
            """),
        arguments(
            "no baseline is told once and at each reminder, and its end",
            "PT24H",
            """
            1 03:00 nothing | NO_BASELINE
            1 03:10 nothing |
            2 02:50 nothing |
            2 03:00 nothing | NO_BASELINE
            2 03:10  | ALL_CLEAR
            2 03:20  |
            2 03:30 nothing | NO_BASELINE
            2 03:40  |
            3 03:40  | ALL_CLEAR
            """),
        arguments(
            "no baseline takes nothing back, and is told again whenever it is lost again",
            "PT24H",
            """
            1 03:00 NEW:tcp1=a | DIFFERENCES NEW:tcp1=a
            1 03:10 nothing | NO_BASELINE
            1 03:20 NEW:tcp1=a |
            1 03:30 nothing | NO_BASELINE
            1 03:40 NEW:tcp1=a |
            1 03:50  | ALL_CLEAR
            """));
  }

  @Test
  void whatAppearedAndWhatEndedIsKnownAtEachRunWhetherItIsToldOrNot() {
    AlertState told =
        decide(AlertState.nothing(), "1 03:00 NEW:tcp1=a NEW:udp40000=dig |", DAY).next();
    Decision first = decide(told, "1 03:10 GONE:tcp2=b NEW:udp40001=dig |", DAY);
    Decision second = decide(first.next(), "1 03:20 NEW:tcp1=a NEW:udp40001=nc |", DAY);
    Decision third = decide(second.next(), "1 03:30 |", DAY);

    assertEquals(List.of("GONE:tcp2=b"), words(first.appeared()));
    assertEquals(List.of("NEW tcp/0.0.0.0:1"), first.ended());
    assertEquals(List.of("NEW:tcp1=a"), words(second.appeared()));
    assertEquals(List.of("NEW:udp40001=nc"), words(second.told()));
    assertEquals(List.of("GONE tcp/0.0.0.0:2"), second.ended());
    assertEquals(List.of(), third.appeared());
    assertEquals(List.of("NEW tcp/0.0.0.0:1", "NEW udp/0.0.0.0:ephemeral"), third.ended());
    assertEquals(
        List.of(2L, 2L, 2L, 0L),
        Stream.of(told, first.next(), second.next(), third.next())
            .map(AlertState::lasting)
            .toList());
  }

  /** Of what has ended the last 10,000 are remembered; what lasts always is. */
  @Test
  void whoOpensSocketsUnderEverNewNamesFillsNoDisk() {
    List<Difference> lasting = differences(20_001, 20_100);
    AlertState told = AlertState.nothing();
    for (int i = 0; i < 102; i++) {
      told = decide(told, i, Stream.of(hundred(i), lasting)).next();
    }
    told = decide(told, 102, Stream.of(lasting)).next();
    Decision back = decide(told, 103, Stream.of(hundred(1), hundred(2), lasting));

    assertEquals(10_000 + lasting.size(), told.entries().size());
    assertEquals(hundred(1), back.told());
  }

  private static List<Difference> hundred(int i) {
    return differences(100 * i + 1, 100 * i + 100);
  }

  /** One alert counts them all, however few of them it names. */
  @Test
  void thousandsAreToldOnce() {
    List<Difference> all = differences(1, 10_000);
    Decision first = decide(AlertState.nothing(), 0, Stream.of(all));
    Decision second = decide(first.next(), 1, Stream.of(all));

    assertEquals(all.size(), first.told().size());
    assertEquals(Optional.empty(), second.type());
    assertEquals(
        List.of("NEW:tcp20000=a"),
        words(decide(first.next(), 1, Stream.of(all, differences(20_000, 20_000))).told()));
  }

  /** Else a back door could come amid 200 other sockets, and stay unnamed when they end. */
  @Test
  void whatWasOnlyCountedIsNamedWhenThereIsLessToName() {
    List<Difference> all = differences(1, 300);
    AlertState told = decide(AlertState.nothing(), 0, Stream.of(all)).next();
    List<Difference> left = all.subList(100, 300);

    Decision less = decide(told, 1, Stream.of(left));

    assertEquals(all.subList(200, 300), less.told());
    assertEquals(Optional.of(AlertType.DIFFERENCES), less.type());
    assertEquals(Optional.empty(), decide(less.next(), 2, Stream.of(left)).type());
    assertEquals(Optional.empty(), decide(told, 1, Stream.of(all)).type());
  }

  private static List<Difference> differences(int first, int last) {
    return IntStream.rangeClosed(first, last)
        .mapToObj(port -> difference("NEW:tcp" + port + "=a"))
        .toList();
  }

  private static Decision decide(
      AlertState told, int minute, Stream<List<Difference>> differences) {
    return told.decide(
        differences.flatMap(List::stream).toList(),
        EPHEMERAL,
        MIDNIGHT.plus(Duration.ofMinutes(minute)),
        DAY);
  }

  // ---- the file

  @Test
  void isReadAsItWasWritten() throws IOException {
    List<Difference> hostile = hostileNames().map(AlertStateTest::hostile).toList();
    AlertState told = decide(AlertState.nothing(), 0, Stream.of(hostile)).next();
    told = told.decide(hostile.subList(1, 3), EPHEMERAL, MIDNIGHT.plusSeconds(600), DAY).next();
    Path file = directory.resolve("alert-state");

    told.write(file, AlertState.nothing());

    assertEquals(told, AlertState.read(file));
    assertEquals(hostile.size(), told.entries().size());
    assertEquals(2, AlertState.read(file).lasting());
    assertEquals("rw-------", PosixFilePermissions.toString(Files.getPosixFilePermissions(file)));
  }

  @ParameterizedTest
  @MethodSource("hostileNames")
  void whatWasToldUnderAnyNameIsRecognisedWhenItIsReadBack(String name) throws IOException {
    List<Difference> hostile = List.of(hostile(name));
    Path file = directory.resolve("alert-state");
    decide(AlertState.nothing(), 0, Stream.of(hostile)).next().write(file, AlertState.nothing());

    Decision again = decide(AlertState.read(file), 10, Stream.of(hostile));

    assertEquals(Optional.empty(), again.type());
    assertEquals(List.of(), again.told());
    assertEquals(List.of(), again.appeared());
    assertEquals(List.of(), again.ended());
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
        "sha256\tx\nsha256\ty",
        "");
  }

  @Test
  void whatIsTheSameAsBeforeIsNotWrittenAgain() throws IOException {
    AlertState told = decide(AlertState.nothing(), "1 03:00 NEW:tcp1=a |", DAY).next();
    Path file = directory.resolve("alert-state");

    decide(told, "1 03:10 NEW:tcp1=a |", DAY).next().write(file, told);
    assertFalse(Files.exists(file));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("damages")
  void ofADamagedFileAllIsFreshAndNothingIsToldAsWell(String name, UnaryOperator<String> damage)
      throws IOException {
    Path file = directory.resolve("alert-state");
    decide(AlertState.nothing(), "1 03:00 NEW:tcp1=a |", DAY)
        .next()
        .write(file, AlertState.nothing());
    Files.writeString(file, damage.apply(Files.readString(file)));

    AlertState damaged = AlertState.read(file);
    assertEquals(
        Optional.of(AlertType.DIFFERENCES), decide(damaged, "1 03:10 NEW:tcp1=a |", DAY).type());
    Decision clear = decide(damaged, "1 03:10 |", DAY);
    assertEquals(Optional.of(AlertType.ALL_CLEAR), clear.type());
    assertEquals(AlertState.nothing(), clear.next());
  }

  private static Stream<Arguments> damages() {
    return Stream.of(
        damage("empty", text -> ""),
        damage("cut short", text -> text.substring(0, text.length() - 1)),
        damage("half of it", text -> text.substring(0, text.length() / 2)),
        damage("edited", text -> text.replace("tcp", "udp")),
        damage("something else", text -> sealed("lsm-owner-cache", "1")),
        damage("of a later format", text -> sealed("lsm-alert-state", "2")),
        damage(
            "sealed, but without a time",
            text -> sealed("lsm-alert-state", "1", "NEW tcp/0.0.0.0:1", "OPEN", "today", "")),
        damage(
            "sealed, but in no phase",
            text -> sealed("lsm-alert-state", "1", "NEW x", "MAYBE", "2026-01-01T00:00:00Z", "")),
        damage(
            "sealed, but too short a line",
            text -> sealed("lsm-alert-state", "1", "NEW x", "OPEN")),
        damage(
            "sealed, but half an owner",
            text ->
                sealed(
                    "lsm-alert-state", "1", "NEW x", "OPEN", "2026-01-01T00:00:00Z", "", "root")));
  }

  private static Arguments damage(String name, UnaryOperator<String> damage) {
    return arguments(name, damage);
  }

  private static String sealed(String kind, String format, String... line) {
    ChecksummedText text = new ChecksummedText(kind, format);
    return (line.length == 0 ? text : text.line(line)).seal();
  }

  @Test
  void whereThereIsNoFileNothingWasTold() {
    assertEquals(AlertState.nothing(), AlertState.read(directory.resolve("missing")));
  }

  @ParameterizedTest
  @ValueSource(strings = {"directory", "bytes"})
  void whatCannotBeReadIsDamaged(String name) throws IOException {
    Files.createDirectory(directory.resolve("directory"));
    Files.write(directory.resolve("bytes"), new byte[] {(byte) 0xff, 0, '\n'});

    AlertState damaged = AlertState.read(directory.resolve(name));

    assertEquals(Optional.of(AlertType.ALL_CLEAR), decide(damaged, "1 03:10 |", DAY).type());
  }

  /** What an administrator, or another version, has to be able to read. */
  @Test
  void theFileIsSealedText() {
    AlertState told = decide(AlertState.nothing(), "1 03:00 NEW:tcp1=b NEW:tcp2=a,c |", DAY).next();
    told = decide(told, "1 03:10 NEW:tcp2=a |", DAY).next();
    ChecksummedText expected =
        new ChecksummedText("lsm-alert-state", "1")
            .line(
                "NEW tcp/0.0.0.0:1",
                "OPEN",
                "2026-01-02T03:00:00Z",
                "2026-01-02T03:10:00Z",
                "user",
                "b")
            .line(
                "NEW tcp/0.0.0.0:2", "OPEN", "2026-01-02T03:00:00Z", "", "user", "a", "user", "c");

    assertEquals(expected.seal(), told.format());
    assertEquals(told, AlertState.parse(new String(told.format().getBytes(UTF_8), UTF_8)));
  }

  // ---- helpers

  private static Decision decide(AlertState told, String run, Duration remind) {
    Matcher matcher = RUN.matcher(run);
    if (!matcher.matches()) {
      throw new IllegalArgumentException(run);
    }
    Instant time =
        MIDNIGHT
            .plus(Duration.ofDays(Integer.parseInt(matcher.group(1))))
            .plus(Duration.ofHours(Integer.parseInt(matcher.group(2))))
            .plus(Duration.ofMinutes(Integer.parseInt(matcher.group(3))))
            .plusSeconds(
                matcher.group(4) == null ? 0 : Integer.parseInt(matcher.group(4).substring(1)));
    String what = matcher.group(5).strip();
    if (what.startsWith(ERROR)) {
      return told.decideInTrouble(what, time, remind);
    }
    return what.equals(NO_BASELINE)
        ? told.decideWithoutBaseline(time, remind)
        : told.decide(
            Stream.of(what.split(" ", -1))
                .filter(word -> !word.isEmpty())
                .map(AlertStateTest::difference)
                .toList(),
            EPHEMERAL,
            time,
            remind);
  }

  private static Difference difference(String word) {
    Matcher matcher = SOCKET.matcher(word);
    if (!matcher.matches()) {
      throw new IllegalArgumentException(word);
    }
    SortedSet<Owner> owners =
        Stream.of(matcher.group(4).split(",", -1))
            .filter(program -> !program.isEmpty())
            .map(program -> new Owner("user", program))
            .collect(Collectors.toCollection(TreeSet::new));
    Endpoint endpoint = Endpoint.of(matcher.group(2), "0.0.0.0:" + matcher.group(3));
    SocketEntry entry = new SocketEntry(endpoint, owners, List.of());
    return new Difference(DifferenceType.valueOf(matcher.group(1)), entry, entry);
  }

  /** The reverse of {@link #difference}. */
  private static String word(Difference difference) {
    return String.format(
        Locale.ROOT,
        "%s:%s%d=%s",
        difference.type(),
        difference.endpoint().protocol().label(),
        difference.endpoint().port(),
        difference.after().owners().stream().map(Owner::program).collect(Collectors.joining(",")));
  }

  private static List<String> words(List<Difference> differences) {
    return differences.stream().map(AlertStateTest::word).toList();
  }

  /** A socket whose path, user and program are of this name. */
  private static Difference hostile(String name) {
    SocketEntry entry =
        new SocketEntry(
            new Endpoint(Protocol.UNIX, "/run/" + name, 0),
            new TreeSet<>(List.of(new Owner(name, "/bin/" + name))),
            List.of());
    return new Difference(DifferenceType.NEW, entry, entry);
  }
}
