package org.lsm.channel;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** External programs: real ones, small scripts of the shell. */
@Timeout(60)
class ExternalCommandTest {

  private static final Duration TIMEOUT = Duration.ofSeconds(30);
  private static final byte[] NOTHING = {};
  private static final int MAX_OUTPUT = 64 * 1024;
  private static final Pattern FAILURE =
      Pattern.compile("it ended with (\\d+)(?: and said: (.*))?", Pattern.DOTALL);

  @TempDir Path directory;

  /** How a run ended; without white space around the output of a failure. */
  private record Outcome(int exitCode, String output) {}

  private static Outcome run(
      ExternalCommand command, List<String> arguments, byte[] input, Map<String, String> variables)
      throws IOException {
    try {
      return new Outcome(0, command.run(arguments, input, variables));
    } catch (IOException e) {
      Matcher failure = FAILURE.matcher(e.getMessage());
      if (!failure.matches()) {
        throw e;
      }
      String output = Objects.requireNonNullElse(failure.group(2), "");
      return new Outcome(Integer.parseInt(failure.group(1)), output);
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "plain",
        "",
        "two words",
        "'single' \"double\"",
        "$(touch injected) `id` $HOME ; & | > x",
        "line\nfeed\tand\\backslash",
        "-n",
        "*",
        "naïve ✓",
      })
  void passesArgumentsUnchanged(String argument) throws IOException {
    Path script = script("for a in \"$@\"; do printf '<%s>' \"$a\"; done");

    Outcome outcome =
        run(new ExternalCommand(script, TIMEOUT), List.of(argument, "last"), NOTHING, Map.of());

    assertEquals(new Outcome(0, "<" + argument + "><last>"), outcome);
    assertFalse(Files.exists(directory.resolve("injected")));
  }

  @Test
  void passesStandardInput() throws IOException {
    Outcome outcome =
        run(
            new ExternalCommand(script("cat; echo end"), TIMEOUT),
            List.of(),
            "line\nünï\n".getBytes(UTF_8),
            Map.of());

    assertEquals(new Outcome(0, "line\nünï\nend\n"), outcome);
  }

  @Test
  void standardErrorIsPartOfTheOutput() throws IOException {
    Outcome outcome =
        run(
            new ExternalCommand(script("echo out; echo err >&2"), TIMEOUT),
            List.of(),
            NOTHING,
            Map.of());

    assertEquals(new Outcome(0, "out\nerr\n"), outcome);
  }

  @Test
  void readsAndWritesAtTheSameTime() throws IOException {
    String megabyte = "x".repeat(1 << 20);

    Outcome outcome =
        run(
            new ExternalCommand(script("exec cat"), TIMEOUT),
            List.of(),
            megabyte.getBytes(UTF_8),
            Map.of());

    assertEquals(new Outcome(0, megabyte.substring(0, MAX_OUTPUT)), outcome);
  }

  @Test
  void readsOutputBeforeInputIsRead() throws IOException {
    Path script = script("head -c 1000000 /dev/zero | tr '\\0' y; exit $(($(wc -c) >> 14))");

    Outcome outcome =
        run(new ExternalCommand(script, TIMEOUT), List.of(), new byte[1 << 20], Map.of());

    assertEquals(new Outcome((1 << 20) >> 14, "y".repeat(MAX_OUTPUT)), outcome);
  }

  /** A program that cannot write all its output would never end. */
  @ParameterizedTest
  @ValueSource(ints = {MAX_OUTPUT - 1, MAX_OUTPUT, MAX_OUTPUT + 1, 20_000_000})
  void keepsTheStartOfALongOutput(int size) throws IOException {
    Path script = script("head -c " + size + " /dev/zero | tr '\\0' y && exit 3");

    Outcome outcome = run(new ExternalCommand(script, TIMEOUT), List.of(), NOTHING, Map.of());

    assertEquals(new Outcome(3, "y".repeat(Math.min(size, MAX_OUTPUT))), outcome);
  }

  @Test
  void ignoresUnreadInput() throws IOException {
    Outcome outcome =
        run(
            new ExternalCommand(script("echo busy; exit 3"), TIMEOUT),
            List.of(),
            new byte[1 << 20],
            Map.of());

    assertEquals(new Outcome(3, "busy"), outcome);
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 75, 255})
  void returnsTheExitStatus(int status) throws IOException {
    assertEquals(
        new Outcome(status, ""),
        run(new ExternalCommand(script("exit " + status), TIMEOUT), List.of(), NOTHING, Map.of()));
  }

  @Test
  void killsItsChildrenAfterTheTimeout() throws Exception {
    Path pids = directory.resolve("pids");
    Path script = script("sleep 600 & echo $$ $! > " + pids + "; wait");

    IOException e =
        assertTimeoutPreemptively(
            Duration.ofSeconds(20),
            () ->
                assertThrows(
                    IOException.class,
                    () ->
                        run(
                            new ExternalCommand(script, Duration.ofSeconds(1)),
                            List.of(),
                            NOTHING,
                            Map.of())));

    assertEquals("it did not end within 1 s", e.getMessage());
    for (String pid : Files.readString(pids).strip().split(" ", -1)) {
      awaitEnd(Long.parseLong(pid));
    }
  }

  /** A daemon that a script leaves behind holds the script's pipes open. */
  @Test
  void doesNotWaitForDaemons() throws IOException {
    Path pid = directory.resolve("pid");
    Path script = script("sleep 600 & echo $! > " + pid + "; echo done; sleep 0.3; exit 4");
    try {
      Outcome outcome =
          assertTimeoutPreemptively(
              Duration.ofSeconds(20),
              () -> run(new ExternalCommand(script, TIMEOUT), List.of(), NOTHING, Map.of()));

      assertEquals(new Outcome(4, "done"), outcome);
    } finally {
      ProcessHandle.of(Long.parseLong(Files.readString(pid).strip()))
          .ifPresent(ProcessHandle::destroyForcibly);
    }
  }

  @Test
  void namesAMissingProgram() {
    Path missing = directory.resolve("missing");

    IOException e =
        assertThrows(
            IOException.class,
            () -> run(new ExternalCommand(missing, TIMEOUT), List.of(), NOTHING, Map.of()));

    assertEquals("there is no program " + missing, e.getMessage());
  }

  @Test
  void inheritsNoVariables() throws IOException {
    Outcome outcome =
        run(new ExternalCommand(Path.of("/usr/bin/env"), TIMEOUT), List.of(), NOTHING, Map.of());

    assertEquals(
        List.of("LC_ALL=C.UTF-8", "PATH=/usr/sbin:/usr/bin:/sbin:/bin"),
        outcome.output().lines().sorted().toList());
  }

  @Test
  void addsTheGivenVariables() throws IOException {
    ExternalCommand env = new ExternalCommand(Path.of("/usr/bin/env"), TIMEOUT);

    Outcome outcome =
        run(env, List.of(), NOTHING, Map.of("LSM_SUBJECT", "$(id) é `", "LC_ALL", "POSIX"));

    assertEquals(
        List.of("LC_ALL=POSIX", "LSM_SUBJECT=$(id) é `", "PATH=/usr/sbin:/usr/bin:/sbin:/bin"),
        outcome.output().lines().sorted().toList());
  }

  // ---- runs that have to succeed

  @Test
  void returnsTheOutputOfASuccess() throws IOException {
    Path script = script("printf '%s ' \"$1\" \"$WORD\"; cat; echo err >&2");

    assertEquals(
        "argument word input\nerr\n",
        new ExternalCommand(script, TIMEOUT)
            .run(List.of("argument"), "input\n".getBytes(UTF_8), Map.of("WORD", "word")));
  }

  @ParameterizedTest
  @CsvSource({
    "'echo out; echo err >&2; exit 1', 'it ended with 1 and said: out\nerr'",
    "'echo; echo late; exit 75', it ended with 75 and said: late",
    "'kill -9 $$', 'it ended with 137'",
  })
  void quotesTheOutputOfAFailure(String script, String message) throws IOException {
    ExternalCommand program = new ExternalCommand(script(script), TIMEOUT);

    IOException e =
        assertThrows(IOException.class, () -> program.run(List.of(), NOTHING, Map.of()));

    assertEquals(message, e.getMessage());
  }

  private static void awaitEnd(long pid) throws Exception {
    assertTimeoutPreemptively(
        Duration.ofSeconds(10),
        () -> {
          while (isRunning(pid)) {
            Thread.sleep(10);
          }
        });
  }

  /** Whether a process neither has ended nor is a zombie: not each init process reaps at once. */
  private static boolean isRunning(long pid) {
    try {
      return !Files.readString(Path.of("/proc/" + pid + "/stat")).contains(") Z ");
    } catch (IOException e) {
      return false;
    }
  }

  private Path script(String body) throws IOException {
    Path script = directory.resolve("script");
    Files.writeString(script, "#!/bin/sh\n" + body + "\n");
    return Files.setPosixFilePermissions(script, PosixFilePermissions.fromString("rwx------"));
  }
}
