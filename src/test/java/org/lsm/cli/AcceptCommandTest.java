package org.lsm.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** {@code lsm accept}, as a whole: two sockets are new, one is gone, one has changed hands. */
class AcceptCommandTest extends CommandTestBase {

  @BeforeEach
  void differ() {
    proc.tcp("0.0.0.0", 81, 110).process(690, 0, "/fake/old", 5, 110);
    lsm("generate");
    proc.empty()
        .tcp("0.0.0.0", 22, 101)
        .tcp("0.0.0.0", 81, 110)
        .tcp("127.0.0.1", 8080, 103)
        .unix("/run/a b\nx", 104)
        .process(800, 33, "/fake/web", 90, 103, 104, 110)
        .end(690)
        .end(701);
  }

  @Test
  void acceptsOneDifference() throws IOException {
    byte[] replaced = Files.readAllBytes(baseline);
    String expected =
        """
        Accepted into the baseline:

        NEW      tcp/127.0.0.1:8080
                 program    /fake/web
                 PID        800
                 user       www-data
                 started    2026-01-01 00:01:30 +00:00 (1 d 3 h ago)
                 parents    /fake/init (root), PID 1

        3 differences remain
        """;

    assertEquals(done(expected), lsm("accept", "tcp/127.0.0.1:8080"));
    assertEquals(
        List.of("NEW unix//run/a b\\x0ax", "CHANGED tcp/0.0.0.0:81", "GONE udp/127.0.0.53:53"),
        differences());
    assertArrayEquals(replaced, Files.readAllBytes(state.resolve("baseline.1")));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "tcp/*:*            | NEW unix//run/a b\\x0ax, GONE udp/127.0.0.53:53",
        "udp/127.0.0.53:53  | NEW tcp/127.0.0.1:8080, NEW unix//run/a b\\x0ax, CHANGED tcp/0.0.0.0:81",
        "tcp/0.0.0.0:81     | NEW tcp/127.0.0.1:8080, NEW unix//run/a b\\x0ax, GONE udp/127.0.0.53:53",
        "unix//run/*        | NEW tcp/127.0.0.1:8080, CHANGED tcp/0.0.0.0:81, GONE"
            + " udp/127.0.0.53:53",
        "**                 | ''",
        "tcp/** u**         | ''",
        "tcp/** tcp/*:8080  | NEW unix//run/a b\\x0ax, GONE udp/127.0.0.53:53",
        "8080               | NEW unix//run/a b\\x0ax, CHANGED tcp/0.0.0.0:81, GONE"
            + " udp/127.0.0.53:53",
        "53 81              | NEW tcp/127.0.0.1:8080, NEW unix//run/a b\\x0ax",
        "800                | GONE udp/127.0.0.53:53",
        "port=8080          | NEW unix//run/a b\\x0ax, CHANGED tcp/0.0.0.0:81, GONE"
            + " udp/127.0.0.53:53",
        "pid=800            | GONE udp/127.0.0.53:53",
      })
  void acceptsByPattern(String patterns, String remaining) {
    assertEquals(0, lsm(("accept " + patterns).split(" ", -1)).exitCode());
    assertEquals(remaining, String.join(", ", differences()));
  }

  @ParameterizedTest
  @CsvSource({
    "tcp/0.0.0.0:22",
    "*",
    "tcp/127.0.0.1:8080 udp/*:9",
    "NEW",
    "22",
    "700",
    "8080 0",
    "pid=8080",
    "port=800",
    "4294967376"
  })
  void rejectsPatternWithoutMatch(String patterns) throws IOException {
    byte[] before = Files.readAllBytes(baseline);

    Result result = lsm(("accept " + patterns).split(" ", -1));

    assertEquals(2, result.exitCode());
    String named = patterns.substring(patterns.indexOf(' ') + 1);
    assertEquals(
        "lsm: no difference is named '" + named + "'; 'lsm compare --no-alert' shows all",
        result.err().lines().findFirst().orElseThrow());
    assertEquals("", result.out());
    assertArrayEquals(before, Files.readAllBytes(baseline));
    assertFalse(Files.exists(state.resolve("baseline.1")));
  }

  /** The number of one port, and the PID of another socket's process: neither is taken. */
  @Test
  void rejectsNumberWithTwoMeanings() throws IOException {
    proc.tcp("127.0.0.1", 800, 111).process(801, 0, "/fake/other", 90, 111);
    byte[] before = Files.readAllBytes(baseline);

    Result result = lsm("accept", "8080", "800");

    assertEquals(2, result.exitCode());
    assertEquals(
        "lsm: 800 is the port of tcp/127.0.0.1:800 and the PID of tcp/127.0.0.1:8080; write"
            + " port=800 or pid=800",
        result.err().lines().findFirst().orElseThrow());
    assertArrayEquals(before, Files.readAllBytes(baseline));
    assertEquals(0, lsm("accept", "port=800").exitCode());
    assertEquals(
        List.of(
            "NEW tcp/127.0.0.1:8080",
            "NEW unix//run/a b\\x0ax",
            "CHANGED tcp/0.0.0.0:81",
            "GONE udp/127.0.0.53:53"),
        differences());
  }

  @Test
  void acceptsByTheNameInTheBaseline() throws IOException {
    proc.udp("0.0.0.0", 40001, 120)
        .udp("0.0.0.0", 40002, 121)
        .process(802, 0, "/fake/client", 90, 120, 121);
    List<String> before = differences();
    assertEquals(0, lsm("accept", "udp/0.0.0.0:ephemeral").exitCode());
    assertEquals(before.stream().filter(it -> !it.contains("udp/0.0.0.0")).toList(), differences());
    assertEquals(before.size() - 2, differences().size());
  }

  @Test
  void acceptedBaselineHasNewTime() throws IOException {
    now = now.plusSeconds(3600);
    lsm("accept", "8080");

    assertTrue(Files.readString(baseline).contains("\ntime\t2026-01-02T04:04:05Z\n"));
  }

  /** For completion: each name as accept takes it, and nothing is alerted or stored. */
  @Test
  void listsNamesForCompletion() {
    assertEquals(
        new Result(
            1, "tcp/127.0.0.1:8080\nunix//run/a b\\x0ax\ntcp/0.0.0.0:81\nudp/127.0.0.53:53\n", ""),
        lsm("compare", "--names"));
    assertFalse(Files.exists(state.resolve("alert-state")));
  }

  /** Whoever names his socket like a pattern and closes it in time must get no other accepted. */
  @Test
  void completedNamesMatchOneSocket() {
    proc.unix("**", 105).process(801, 33, "/fake/other", 90, 105);
    String name = "unix/\\x2a\\x2a";
    String names = lsm("compare", "--names").out();
    assertTrue(names.lines().anyMatch(name::equals), names);

    proc.empty().unix("/run/other", 106).process(801, 33, "/fake/other", 90, 106);
    assertEquals(2, lsm("accept", name).exitCode());
    proc.unix("**", 105).process(801, 33, "/fake/other", 90, 105, 106);
    assertEquals(0, lsm("accept", name).exitCode());
    assertTrue(differences().contains("NEW unix//run/other"));
    assertFalse(differences().contains("NEW unix/**"));
  }

  @Test
  void cannotAcceptIgnored() throws IOException {
    ignore("tcp 127.0.0.0/8:*");
    assertEquals(2, lsm("accept", "tcp/127.0.0.1:8080").exitCode());
  }

  @Test
  void keepsIgnoredInBaseline() throws IOException {
    ignore("udp *:*");
    assertEquals(0, lsm("accept", "tcp/127.0.0.1:8080").exitCode());
    ignore();
    assertEquals(
        List.of("NEW unix//run/a b\\x0ax", "CHANGED tcp/0.0.0.0:81", "GONE udp/127.0.0.53:53"),
        differences());
  }

  @Test
  void failsWithoutBaseline() throws IOException {
    Files.delete(baseline);
    assertEquals(
        error("there is no baseline " + baseline + "; if none was taken yet, run 'lsm generate'"),
        lsm("accept", "**"));
  }

  private List<String> differences() {
    return lsm("compare")
        .out()
        .lines()
        .filter(line -> line.matches("(NEW|GONE|CHANGED) .*"))
        .map(line -> line.replaceFirst(" +", " "))
        .toList();
  }
}
