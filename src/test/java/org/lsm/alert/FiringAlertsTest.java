package org.lsm.alert;

import static java.util.stream.Collectors.joining;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.lsm.alert.FiringAlerts.PostableAlert;

/** What is posted to Alertmanager: each scenario is a table of runs. */
class FiringAlertsTest {

  private static final Instant START = Instant.parse("2026-01-01T00:00:00Z");

  @TempDir private Path folder;

  /**
   * Runs. A line has the minute, {@code failed} if the run could not compare, {@code down} if no
   * node had accepted what was posted until then; what is there as {@code port=program,program};
   * and behind {@code |} what is posted: {@code since MINUTE} while it fires, {@code until MINUTE}
   * if it is resolved.
   */
  @ParameterizedTest(name = "{0}")
  @MethodSource("scenarios")
  void posts(String name, String table) {
    FiringAlerts state = FiringAlerts.NONE;
    Instant accepted = Instant.EPOCH;
    List<String> actual = new ArrayList<>();
    for (String line : table.lines().toList()) {
      String run = line.replaceFirst(" *\\|.*", "");
      List<String> words = new ArrayList<>(List.of(run.split(" +", -1)));
      Instant now = START.plus(Duration.ofMinutes(Long.parseLong(words.remove(0))));
      accepted = words.remove("down") ? accepted : state.time();
      boolean compared = !words.remove("failed");
      List<ActiveAlert> current = words.stream().map(it -> socket(it, now)).toList();
      state = state.next(current, compared, accepted, now);
      actual.add(run + " | " + posted(state));
    }
    assertEquals(
        table.lines().map(it -> it.replaceFirst(" *\\|", " |")).collect(joining("\n")),
        String.join("\n", actual));
  }

  private static Stream<Arguments> scenarios() {
    return Stream.of(
        arguments(
            "fires at every compare, and is resolved when it was absent for 30 minutes",
            """
            0  22=nc | 22=nc since 0
            10 22=nc | 22=nc since 0
            20       | 22=nc since 0
            30       | 22=nc since 0
            40       | 22=nc until 10
            50       | 22=nc until 10
            55       | -
            """),
        arguments(
            "a clock that was ahead lets no resolved alert fire again",
            """
            600 22=nc | 22=nc since 600
            640       | 22=nc until 600
            10        | 22=nc until 10
            20        | 22=nc until 10
            25        | -
            """),
        arguments(
            "one compare without it is no end",
            """
            0  22=nc | 22=nc since 0
            10       | 22=nc since 0
            29 22=nc | 22=nc since 0
            58       | 22=nc since 0
            59       | 22=nc until 29
            """),
        arguments(
            "another owner resolves the old alert at once",
            """
            0  22=nc | 22=nc since 0
            10 22=sh | 22=nc until 0, 22=sh since 10
            20 22=sh | 22=nc until 0, 22=sh since 10
            25 22=sh | 22=sh since 10
            """),
        arguments(
            "and if it comes back, it fires again",
            """
            0  22=nc | 22=nc since 0
            10 22=sh | 22=nc until 0, 22=sh since 10
            20 22=nc | 22=nc since 20, 22=sh until 10
            """),
        arguments(
            "a further owner is a new alert, a missing one is not",
            """
            0  22=nc    | 22=nc since 0
            10 22=nc,sh | 22=nc until 0, 22=nc,sh since 10
            20 22=sh    | 22=nc until 0, 22=nc,sh since 10
            30 22=      | 22=nc,sh since 10
            40 22=a     | 22=a since 40, 22=nc,sh until 30
            """),
        arguments(
            "a run that cannot compare resolves nothing",
            """
            0  22=nc     | 22=nc since 0
            10 failed    | 22=nc since 0
            60 failed    | 22=nc since 0
            70 22=nc     | 22=nc since 0
            80 failed    | 22=nc since 0
            120          | 22=nc until 70
            """),
        arguments(
            "what is resolved is posted until a node has accepted it, but not for ever",
            """
            0  22=nc    | 22=nc since 0
            30          | 22=nc until 0
            50 down     | 22=nc until 0
            1469 down   | 22=nc until 0
            1470 down   | -
            """),
        arguments(
            "accepted late",
            """
            0  22=nc    | 22=nc since 0
            30 down     | 22=nc until 0
            50 down     | 22=nc until 0
            60          | -
            """),
        arguments(
            "a clock that was set back",
            """
            100 22=nc | 22=nc since 100
            50  22=nc | 22=nc since 50
            80        | 22=nc until 50
            """),
        arguments(
            "two sockets",
            """
            0  22=nc 23=nc | 22=nc since 0, 23=nc since 0
            10 22=nc       | 22=nc since 0, 23=nc since 0
            30 22=nc       | 22=nc since 0, 23=nc until 0
            """));
  }

  private static ActiveAlert socket(String word, Instant now) {
    int equals = word.indexOf('=');
    String port = word.substring(0, equals);
    SortedMap<String, String> labels =
        new TreeMap<>(Map.of("alertname", "LsmSocketNew", "severity", "normal", "socket", port));
    if (equals + 1 < word.length()) {
      labels.put("program", word.substring(equals + 1).replace(",", ", "));
    }
    return new ActiveAlert("NEW " + port, labels, TreeMap::new, now, now);
  }

  private static String posted(FiringAlerts state) {
    String all =
        state.postable().stream()
            .map(
                it -> {
                  boolean fires = it.startsAt() != null;
                  if (fires) {
                    assertEquals(state.time().plus(Duration.ofHours(24)), it.endsAt());
                  }
                  String program = it.labels().getOrDefault("program", "").replace(", ", ",");
                  Instant time = fires ? it.startsAt() : it.endsAt();
                  return it.labels().get("socket")
                      + ("=" + program)
                      + (fires ? " since " : " until ")
                      + Duration.between(START, time).toMinutes();
                })
            .sorted()
            .collect(joining(", "));
    return all.isEmpty() ? "-" : all;
  }

  @Test
  void severityIsAPartOfTheAlert() {
    ActiveAlert low = socket("22=nc", START);
    FiringAlerts first = FiringAlerts.NONE.next(List.of(low), true, Instant.EPOCH, START);
    ActiveAlert high = socket("22=nc", START).with(Map.of("severity", "high"));

    List<PostableAlert> posted =
        first.next(List.of(high), true, START, START.plusSeconds(600)).postable();

    assertEquals(
        List.of("high fires", "normal resolved"),
        posted.stream()
            .map(
                it ->
                    it.labels().get("severity") + (it.startsAt() == null ? " resolved" : " fires"))
            .toList());
  }

  @Test
  void portScanEndsAtItsLastProbe() {
    SortedMap<String, String> labels =
        new TreeMap<>(Map.of("alertname", "LsmPortScan", "address", "192.0.2.1"));
    ActiveAlert scan = new ActiveAlert("SCAN", labels, TreeMap::new, START, START.plusSeconds(60));

    FiringAlerts found = run(FiringAlerts.NONE, 29, scan);
    FiringAlerts over = run(found, 31, scan);

    assertEquals(START, found.postable().get(0).startsAt());
    assertEquals(START.plusSeconds(60), over.postable().get(0).endsAt());
    assertEquals(List.of(), run(over, 50, scan).postable(), "also while the kernel remembers it");
    assertEquals(List.of(), run(FiringAlerts.NONE, 31, scan).postable());
  }

  private static FiringAlerts run(FiringAlerts before, int minute, ActiveAlert... current) {
    Instant now = START.plus(Duration.ofMinutes(minute));
    return before.next(List.of(current), true, before.time(), now);
  }

  @Test
  void boundsTheAlertsOfAName() {
    ActiveAlert[] many =
        IntStream.range(0, 300)
            .mapToObj(it -> socket(String.format("%03d=nc", it), START))
            .toArray(ActiveAlert[]::new);

    FiringAlerts full = run(FiringAlerts.NONE, 0, many);
    FiringAlerts same = run(full, 10, many);

    assertEquals(FiringAlerts.MAX_NAMED + 1, full.firing().size());
    assertEquals(full.firing().keySet(), same.firing().keySet(), "the same are named again");
    assertEquals(
        List.of("100 more; lsm compare lists all of them"),
        same.postable().stream()
            .filter(it -> "further ones".equals(it.labels().get("socket")))
            .map(it -> it.annotations().get("summary"))
            .toList());
  }

  @Test
  void boundsWhatIsResolved() {
    FiringAlerts state = FiringAlerts.NONE;
    for (int i = 0; i < 1000; i++) {
      state = run(state, i / 100, socket("22=p" + i, START.plus(Duration.ofMinutes(i / 100))));
    }
    assertEquals(FiringAlerts.MAX_RESOLVED, state.resolved().size());
  }

  @Test
  void readsWhatItWrites() throws Exception {
    Path file = folder.resolve("state");
    ActiveAlert odd = socket("22=/tmp/a\tb\n\\x\"}", START);
    FiringAlerts state = run(run(FiringAlerts.NONE, 0, odd), 40, socket("80=nc", START));

    state.write(file);

    assertEquals(state, FiringAlerts.read(file));
    Files.writeString(file, Files.readString(file).replace("LsmSocketNew", "LsmSocketOld"));
    assertThrows(IllegalArgumentException.class, () -> FiringAlerts.read(file));
  }
}
