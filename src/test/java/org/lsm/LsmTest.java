package org.lsm;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.lsm.cli.CommandTestBase;
import org.lsm.monitor.Version;

/** The command line as a whole: usage, configuration, errors. */
class LsmTest extends CommandTestBase {

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      nullValues = "-",
      value = {
        "- | Usage: lsm [-hV] [--no-color] [--verbose] [--config=FILE] COMMAND",
        "generate | Usage: lsm generate [-hV] [--no-color] [--rules] [--verbose] [--config=FILE]",
        "-g | Usage: lsm generate [-hV] [--no-color] [--rules] [--verbose] [--config=FILE]",
        "compare | Usage: lsm compare [-hV] [--no-alert] [--no-color] [--quiet] [--verbose]",
        "delete | Usage: lsm delete [-hV] [--no-color] [--verbose] [--config=FILE]",
        "accept | Usage: lsm accept [-hV] [--no-color] [--optional] [--verbose] [--config=FILE]",
        "check | Usage: lsm check [-hV] [--no-color] [--verbose] [--config=FILE] [FILE...]",
        "diff | Usage: lsm diff [-hV] [--no-color] [--verbose] [--config=FILE]",
        "show | Usage: lsm show [-hV] [--no-color] [--verbose] [--config=FILE]",
        "list | Usage: lsm list [-hV] [--all] [--no-color] [--verbose] [--config=FILE]",
        "connections | Usage: lsm connections [-hV] [--details] [--no-color] [--outbound] [--verbose]",
        "history | Usage: lsm history [-hV] [--no-color] [--verbose] [--config=FILE]",
        "status | Usage: lsm status [-hV] [--no-color] [--verbose] [--config=FILE]",
        "test-alert | Usage: lsm test-alert [-hV] [--no-color] [--verbose] [--config=FILE]",
        "check | Usage: lsm check [-hV] [--no-color] [--verbose] [--config=FILE] [FILE...]",
        "help | Usage: lsm help [-hV] [--no-color] [--verbose] [--config=FILE] [COMMAND]",
      })
  void printsHelpOfEveryCommand(String command, String usage) {
    Result result = command == null ? run("--help") : run(command, "--help");

    assertEquals(0, result.exitCode());
    assertEquals("", result.err());
    assertEquals(usage, result.out().lines().findFirst().orElseThrow());
    for (String option :
        new String[] {"--help", "--version", "--config", "--verbose", "--no-color"}) {
      assertTrue(result.out().contains(option), option);
    }
    assertTrue(result.out().contains("\n\nExit status:\n  0   no difference"), result.out());
  }

  @Test
  void helpNamesEveryCommand() {
    String help = run("--help").out();

    assertEquals(
        List.of(
            "accept",
            "check",
            "compare, -c",
            "connections",
            "delete, -d",
            "diff",
            "generate, -g",
            "help",
            "history",
            "list",
            "outbound",
            "sentry",
            "show",
            "status",
            "test-alert"),
        help.lines()
            .dropWhile(line -> !line.equals("Commands:"))
            .skip(1)
            .takeWhile(line -> !line.isEmpty())
            .map(line -> line.replaceFirst("^  (\\S.*?)  .*|^   .*", "$1"))
            .filter(name -> !name.isEmpty())
            .sorted()
            .toList());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "generate",
        "compare",
        "delete",
        "accept",
        "list",
        "show",
        "connections",
        "diff",
        "outbound",
        "history",
        "status",
        "test-alert",
        "-g",
        "-c",
        "-d"
      })
  void printsVersionOfEveryCommand(String command) {
    Result result = command.isEmpty() ? run("--version") : run(command, "--version");

    assertEquals(done("lsm " + Version.VERSION + "\n"), result);
    assertTrue(Version.VERSION.matches("\\d+\\.\\d+\\.\\d+(-SNAPSHOT)?"), Version.VERSION);
  }

  @Test
  void missingCommandIsUsageError() {
    assertEquals(misuse("Missing required subcommand", "lsm"), run());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '!',
      value = {
        "12345              ! there is no command '12345'                   ! lsm",
        "deliver x          ! there is no command 'deliver'                 ! lsm",
        "deliver --quiet x  ! there is no command 'deliver'                 ! lsm",
        "deliver --quiet --quiet ! there is no command 'deliver'            ! lsm",
        "compare --frob     ! there is no option '--frob'                   ! lsm compare",
        "-d -y              ! there is no option '-y'                       ! lsm delete",
        "compare extra      ! 'extra' is one argument too many              ! lsm compare",
        "help frob          ! there is no command 'frob'; 'lsm help' names all ! lsm help",
        "list --config      ! Missing required parameter for option '--config' (FILE) ! lsm list",
        "accept            ! Missing required parameter: 'SOCKET|PORT|PID' ! lsm accept",
        "show              ! Missing required parameter: 'SOCKET|PORT|PID' ! lsm show",
        "show 22 23        ! '23' is one argument too many ! lsm show",
        "diff              ! Missing required parameter: 'SNAPSHOT' ! lsm diff",
        "diff old          ! there is nothing to compare 'old' with ! lsm diff",
        "list --format xml ! Invalid value for option '--format': expected one of [TEXT, JSON, SNAPSHOT] (case-insensitive) but was 'xml' ! lsm list",
        "connections --seconds x ! Invalid value for option '--seconds': 'x' is not an int ! lsm connections",
        "connections --seconds 3601 ! --seconds: '3601' is not a number from 0 to 3600 ! lsm connections",
        "connections --listen 65536 ! --listen: '65536' is not a port from 1 to 65535 ! lsm connections",
        "connections --listen 22 --outbound ! --listen is for inbound connections; omit --outbound ! lsm connections",
        "generate --quiet   ! there is no option '--quiet'                  ! lsm generate",
        "history --since   ! Missing required parameter for option '--since' (TIME) ! lsm history",
        "history x         ! 'x' is one argument too many ! lsm history",
        "status --quiet    ! there is no option '--quiet' ! lsm status",
        "test-alert --quiet ! there is no option '--quiet' ! lsm test-alert",
        "test-alert --format json ! there is no option '--format' ! lsm test-alert",
      })
  void explainsUsageError(String arguments, String message, String command) {
    assertEquals(misuse(message, command), run(arguments.split(" ", -1)));
  }

  /** A command that deletes or accepts is never suggested, nor anything less similar instead. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      nullValues = "-",
      value = {
        "comapre | compare",
        "lst     | list",
        "histroy | history",
        "compare --no-alrt | --no-alert",
        "delte   | -",
        "deletes | -",
        "acept   | -",
        "genrate | -",
        "-D      | -",
      })
  void suggestsTheMostSimilar(String arguments, String suggestion) {
    Result result = run(arguments.split(" ", -1));

    assertEquals(2, result.exitCode());
    assertEquals("", result.out());
    List<String> suggested =
        result.err().lines().filter(line -> line.startsWith("Did you mean")).toList();
    assertEquals(
        suggestion == null ? List.of() : List.of("Did you mean '" + suggestion + "'?"), suggested);
  }

  @ParameterizedTest
  @ValueSource(strings = {"compare", "help", "delete"})
  void helpPrintsHelpOfCommand(String command) {
    assertEquals(run(command, "--help"), run("help", command));
  }

  @Test
  void helpAlonePrintsHelpOfLsm() {
    assertEquals(run("--help"), run("help"));
  }

  @Test
  void escapesArgument() {
    assertEquals(misuse("there is no command '\\x1b[31mx\\x0ay'", "lsm"), run("\033[31mx\ny"));
  }

  // ---- configuration

  @Test
  void configMayStandOnEitherSide() {
    String file = config.toString();
    Result expected = done("Baseline of 2 sockets written to " + baseline + "\n");

    assertEquals(expected, run("--config", file, "generate"));
    assertEquals(expected, run("generate", "--config", file));
    assertEquals(expected, run("--config=" + file, "-g"));
    assertEquals(expected, run("-g", "--config=" + file));
  }

  @Test
  void readsConfigOfEnvironment() {
    environment.put("LSM_CONF", config.toString());

    assertEquals(done("Baseline of 2 sockets written to " + baseline + "\n"), run("generate"));
  }

  @Test
  void optionOverridesEnvironment() {
    environment.put("LSM_CONF", directory.resolve("other").toString());

    assertEquals(
        done("Baseline of 2 sockets written to " + baseline + "\n"),
        run("generate", "--config", config.toString()));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "generate",
        "compare",
        "delete",
        "list",
        "accept x",
        "history",
        "outbound",
        "test-alert"
      })
  void namesMissingConfiguration(String command) {
    Path missing = directory.resolve("missing.lsm");
    environment.put("LSM_CONF", missing.toString());

    assertEquals(error(missing + ": no such file or directory"), run(command.split(" ", -1)));
  }

  @Test
  void failsIfConfigurationIsDirectory() {
    assertEquals(
        error(directory + ": is not a regular file"),
        run("generate", "--config", directory.toString()));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "USERS=\"root\"         | unknown key USERS; did you mean USER?",
        "SMTP_PORT=\"0\"        | SMTP_PORT must be a port from 1 to 65535",
        "USER=\"root            | expected KEY=\"value\" and at most a comment behind it",
        "MAILER=\"pigeon\"      | MAILER must be one of auto, smtp, sendmail, none",
        "SMTP_USER=\"u\"        | SMTP_USER needs SMTP_PASS_FILE, the path of a file that holds the"
            + " password",
        "FROM=\"a b\"           | FROM must be one mail address, a user name, or empty",
      })
  void namesLineOfConfigurationError(String line, String problem) throws IOException {
    configure("# a comment", line);

    assertEquals(error(config + ":2: " + problem), lsm("compare"));
    assertEquals(error(config + ":2: " + problem), lsm("generate"));
  }

  // ---- errors

  @Test
  void printsStackTraceIfVerbose() {
    Result plain = lsm("compare");
    Result verbose = lsm("compare", "--verbose");
    Result before = run("--verbose", "compare", "--config", config.toString());

    assertEquals(
        error("there is no baseline " + baseline + "; if none was taken yet, run 'lsm generate'"),
        plain);
    assertEquals(2, verbose.exitCode());
    assertTrue(verbose.err().startsWith(plain.err()), verbose.err());
    assertTrue(verbose.err().contains("\n at org.lsm.cli.CompareCommand.call("), verbose.err());
    assertEquals(2, before.exitCode());
    assertTrue(before.err().contains("\n at org.lsm.cli.CompareCommand.call("), before.err());
  }

  @Test
  void escapesHostName() throws IOException {
    proc.hostname("a\033[31m\u202eb");
    lsm("generate");

    Result result = lsm("compare");

    assertEquals(0, result.exitCode());
    assertEquals(
        "a\\x1b[31m\\u{202e}b: no difference to the baseline, 2 sockets",
        result.out().lines().findFirst().orElseThrow());
    assertTrue(Files.readString(baseline).contains("\nhost\ta\\x1b[31m\\u{202e}b\n"));
  }

  private static Result misuse(String message, String command) {
    return new Result(2, "", "lsm: " + message + "\nTry '" + command + " --help' for help.\n");
  }
}
