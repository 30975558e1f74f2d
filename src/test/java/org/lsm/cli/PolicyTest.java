package org.lsm.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Rules that allow and require sockets, with a baseline that they declare; as a whole. */
class PolicyTest extends CommandTestBase {
  private static final String RULES =
      """
      require  tcp  0.0.0.0:22     program=/usr/sbin/sshd user=root
      require  udp  127.0.0.53:53  program=/usr/lib/systemd/systemd-resolved user=101
      """;

  @BeforeEach
  void declare() throws IOException {
    configure("MAILER=\"none\"", "BASELINE=\"declared\"");
    Files.createDirectory(directory.resolve("rules.d"));
    rules("host.lsm", RULES);
  }

  private void rules(String name, String text) throws IOException {
    Files.writeString(directory.resolve("rules.d").resolve(name), text);
  }

  @Test
  void printsRulesThatMakeTheNextCompareQuiet() throws IOException {
    proc.tcp("0.0.0.0", 40000, 110)
        .udp("0.0.0.0", 51820, 0)
        .unix("/run/a b*#\t", 111)
        .udp("0.0.0.0", 700, 0)
        .udp("127.0.0.1", 701, 116)
        .unix("@/tmp/x?", 112)
        .unix("/run/app/one", 113)
        .unix("/run/app/two", 114)
        .unix("/run/app/800.sock", 115)
        .process(800, 33, "/fake/a b*", 90, 110, 111, 112, 113, 114, 115, 116);
    rules("host.lsm", "");
    ignore("tcp *:22");
    Result printed = lsm("generate", "--rules");
    assertEquals(
        done(
            """
            allow    tcp   0.0.0.0:1024-65535      program=/fake/a\\x20b\\x2a user=www-data
            require  udp   127.0.0.53:53           program=/usr/lib/systemd/systemd-resolved user=101
            allow    udp   0.0.0.0:700             # no process holds it
            allow    udp   127.0.0.1:600-1023      program=/fake/a\\x20b\\x2a user=www-data
            allow    udp   0.0.0.0:51820           # no process holds it
            allow    unix  /run/a\\x20b\\x2a\\x23\\x09     program=/fake/a\\x20b\\x2a user=www-data
            allow    unix  @/tmp/x\\x3f             program=/fake/a\\x20b\\x2a user=www-data
            allow    unix  /run/app/*              program=/fake/a\\x20b\\x2a user=www-data
            """
                .replaceAll("(?m) +(?=program|#)", "  ")),
        new Result(
            printed.exitCode(),
            printed.out().replaceAll("(?m) +(?=program|# )", "  "),
            printed.err()));
    assertFalse(Files.exists(state), "it needs no state directory");
    rules("host.lsm", printed.out());
    assertEquals(0, lsm("compare").exitCode(), lsm("compare").out());
    assertFalse(Files.exists(baseline));
  }

  /** Names that any user can choose. */
  @ParameterizedTest
  @CsvSource(
      quoteCharacter = '~',
      value = {
        "#rel, true, \\x23rel",
        "a #b, true, a\\x20\\x23b",
        "$PID, false, $PID",
        "$HEX, true, $HEX",
        "@$HEX, true, @$HEX",
        "@$PID$PID, true, @$PID$PID",
        "/run/$PID/800, true, /run/$PID/800",
        "0123456789abcdef, true, 0123456789abcdef",
        "/r/800800.0123456789abcdef0123456789abcdef, true, /r/800800.*",
      })
  void printedRulesAllowNoMore(String name, boolean isHeld, String printed) throws IOException {
    proc.unix(name, 111).process(800, 33, "/fake/a", 90, isHeld ? new long[] {111} : new long[0]);
    rules("host.lsm", RULES);
    String conditions = isHeld ? "program=/fake/a user=www-data" : "# no process holds it";
    String out = lsm("generate", "--rules").out();
    assertTrue(
        out.lines().anyMatch(it -> it.matches("allow +unix +\\Q" + printed + "\\E +" + conditions)),
        out);
    rules("host.lsm", out);
    assertEquals(0, lsm("compare").exitCode());
  }

  @Test
  void whatNoRuleAllowsIsNew() {
    proc.tcp("127.0.0.1", 8080, 103).process(800, 33, "/fake/web", 90, 103);
    Result result = lsm("compare");
    assertEquals(1, result.exitCode());
    assertTrue(
        result
            .out()
            .startsWith(
                "web1: NEW tcp/127.0.0.1:8080 web (www-data)\n\nNEW      tcp/127.0.0.1:8080\n"),
        result.out());
    assertTrue(
        result
            .out()
            .contains(
                """
                If this is as it should be, add rules to a file in rules.d:
                    allow tcp 127.0.0.1:8080 program=/fake/web user=www-data
                """),
        result.out());
    assertTrue(result.out().contains("Baseline  declared by rules.d\n"), result.out());
    assertFalse(result.out().contains("lsm accept") || result.out().contains("lsm generate"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"declared", "learned"})
  void requiredServiceThatEndedIsGoneByItsRule(String baseline) throws IOException {
    configure("MAILER=\"none\"", "BASELINE=\"" + baseline + "\"");
    if (baseline.equals("learned")) {
      assertEquals(0, lsm("generate").exitCode());
    }
    assertEquals(0, lsm("compare").exitCode());
    proc.end(701).write("net/udp", "header\n");
    Result result = lsm("compare");
    assertEquals(1, result.exitCode());
    assertTrue(
        result
            .out()
            .contains(
                """
                GONE     udp/127.0.0.53:53
                         required   by rules.d/host.lsm:2
                         program    /usr/lib/systemd/systemd-resolved
                         user       101
                """),
        result.out());
    assertFalse(result.out().contains("lsm accept"), result.out());
    JsonObject json =
        JsonParser.parseString(lsm("compare", "--no-alert", "--format=json").out())
            .getAsJsonObject();
    JsonObject gone = json.getAsJsonArray("differences").get(0).getAsJsonObject();
    assertEquals("rules.d/host.lsm:2", gone.get("required_by").getAsString());
    assertEquals(baseline.equals("learned"), json.has("baseline_time"));
    assertTrue(
        lsm("history").out().contains("systemd-resolved (101), required by rules.d/host.lsm:2"),
        lsm("history").out());
    Result accept = lsm("accept", "udp/127.0.0.53:53");
    assertEquals(2, accept.exitCode());
    assertEquals(
        "lsm: udp/127.0.0.53:53 is required by rules.d/host.lsm:2: start its service, or change that"
            + " rule",
        accept.err().lines().findFirst().orElse(""));
  }

  @Test
  void strangerInPlaceOfARequiredServiceIsChanged() {
    proc.end(700).process(800, 33, "/fake/web", 90, 101);
    Result result = lsm("compare");
    assertTrue(
        result
            .out()
            .contains(
                """
                CHANGED  tcp/0.0.0.0:22
                         required   by rules.d/host.lsm:1
                         before     /usr/sbin/sshd (root)
                         program    /fake/web
                """),
        result.out());
  }

  @Test
  void nothingIsLearned() throws IOException {
    Result generate = lsm("generate");
    assertEquals(2, generate.exitCode());
    assertEquals(
        "lsm: BASELINE is declared in "
            + config
            + ": write rules into rules.d; 'lsm generate --rules' prints some to start from",
        generate.err().lines().findFirst().orElse(""));
    proc.tcp("127.0.0.1", 8080, 103).process(800, 33, "/fake/web", 90, 103);
    Result accept = lsm("accept", "8080");
    assertEquals(2, accept.exitCode());
    assertEquals("allow tcp 127.0.0.1:8080 program=/fake/web user=www-data\n", accept.out());
    assertTrue(accept.err().startsWith("lsm: BASELINE is declared in " + config), accept.err());
    assertFalse(Files.exists(baseline));
    rules("more.lsm", accept.out());
    assertEquals(0, lsm("compare").exitCode());
  }

  @Test
  void statusAndListNameRules() throws IOException {
    rules("host.lsm", RULES.lines().findFirst().orElseThrow());
    ignore("udp *:53");
    assertTrue(lsm("status").out().contains("\nBaseline   declared by 1 rule\n"));
    String all = lsm("list", "--all").out();
    assertTrue(all.contains("/usr/sbin/sshd  (allowed by rules.d/host.lsm:1)\n"), all);
    assertTrue(all.contains("systemd-resolved  (ignored by ignore.lsm:1)\n"), all);
    assertFalse(lsm("list").out().contains("allowed"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"compare", "list", "status", "check"})
  void mistakeInARuleIsNamed(String command) throws IOException {
    rules("web.lsm", "\nallow tpc *:22\n");
    Result result = lsm(command);
    assertTrue(result.exitCode() > 0);
    assertTrue(
        (result.out() + result.err())
            .contains(directory.resolve("rules.d/web.lsm") + ":2: unknown protocol 'tpc'; "),
        result.out() + result.err());
  }

  @Test
  void checkNeedsNoUsersAndNoState() throws IOException {
    rules("web.lsm", "allow tcp *:80 user=nobodyknows\n");
    proc.delete("net");
    assertEquals(done("3 rules in 3 files are valid\n"), lsm("check"));
    assertEquals(done("3 rules in 2 files are valid\n"), lsm("check", directory + "/rules.d"));
    assertFalse(Files.exists(state));
  }

  /** Its name makes no configuration of it, as a compare reads it. */
  @Test
  void checkReadsRulesAsACompareDoes() throws IOException {
    rules("conf.lsm", "allow tcp *:80\n");
    assertEquals(done("3 rules in 3 files are valid\n"), lsm("check"));
    assertEquals(0, lsm("compare", "--no-alert").exitCode());
  }

  @ParameterizedTest
  @ValueSource(strings = {"web.conf", "web.lsm.bak", ".web.lsm", "web.LSM", "a\nb"})
  void checkNamesWhatIsNotRead(String name) throws IOException {
    rules(name, "allow tcp *:80\n");
    String note = ": not read, since its name does not end in .lsm or begins with a dot\n";
    String file = directory.resolve("rules.d") + "/" + name.replace("\n", "\\x0a");
    String valid = "2 rules in 1 file are valid\n";
    assertEquals(done(file + note + valid), lsm("check", directory + "/rules.d"));
    assertEquals(done(file + note + valid.replace("1 file", "2 files")), lsm("check"));
  }

  @Test
  void checkPrintsTheFirstMistakeOfEachFile() throws IOException {
    configure("MAILER=\"nobody\"", "SUB=");
    ignore("allow tcp *:1");
    rules("a.lsm", "tcp *:1\ntcp *:2\n");
    rules("b.lsm", "require tcp *:*\n");
    Result result = lsm("check");
    assertEquals(2, result.exitCode());
    String problems = result.out().replace(directory + "/", "");
    assertEquals(
        List.of("conf.lsm:1", "ignore.lsm:1", "rules.d/a.lsm:1", "rules.d/b.lsm:1"),
        problems.lines().map(it -> it.replaceFirst(": .*", "")).toList());
    Path elsewhere = directory.resolve("conf.lsm");
    assertEquals(2, lsm("check", elsewhere.toString(), directory + "/rules.d").exitCode());
    assertEquals(2, lsm("check", directory + "/absent").exitCode());
  }

  @ParameterizedTest
  @CsvSource({"rules.d, rwxrwxrwx", "rules.d/host.lsm, rw-rw-rw-"})
  void rootTrustsNoRulesOfOthers(String name, String mode) throws IOException {
    assumeTrue("root".equals(System.getProperty("user.name")));
    Files.setPosixFilePermissions(directory.resolve(name), PosixFilePermissions.fromString(mode));
    for (String command : List.of("compare", "check")) {
      Result result = lsm(command);
      assertEquals(2, result.exitCode(), command);
      assertTrue(
          (result.out() + result.err()).contains("users other than root can change it"),
          result.out() + result.err());
    }
    assertEquals(0, lsm("check", directory + "/rules.d").exitCode());
  }
}
