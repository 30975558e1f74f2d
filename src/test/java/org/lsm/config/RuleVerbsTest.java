package org.lsm.config;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.lsm.config.Rules.Rule;
import org.lsm.model.SocketEntry;

/** The files of rules.d: which are read, their verbs, and what a rule requires. */
class RuleVerbsTest {
  private static final Path FILE = Path.of("rules.d/web.lsm");

  @TempDir private Path folder;

  @Test
  void readsFilesByNameAfterIgnoreLsm() throws Exception {
    Files.writeString(folder.resolve("ignore.lsm"), "tcp *:1\n");
    Path directory = Files.createDirectory(folder.resolve("rules.d"));
    Files.writeString(directory.resolve("b.lsm"), "# none\nallow tcp *:3\n");
    Files.writeString(directory.resolve("a.lsm"), "ignore tcp *:2\n");
    for (String name : List.of(".hidden.lsm", "a.lsm~", "a.lsm.dpkg-new", "README")) {
      Files.writeString(directory.resolve(name), "not a rule\n");
    }
    Rules rules = Rules.read(folder.resolve("conf.lsm"), Set::of);
    assertEquals(
        List.of(
            "ignore.lsm:1 IGNORE tcp *:1",
            "rules.d/a.lsm:1 IGNORE ignore tcp *:2",
            "rules.d/b.lsm:2 ALLOW allow tcp *:3"),
        rules.rules().stream()
            .map(it -> it.location() + " " + it.verb() + " " + it.text())
            .toList());
  }

  @Test
  void refusesWhatCannotBeRead() throws Exception {
    Path config = folder.resolve("conf.lsm");
    Path directory = Files.createDirectory(folder.resolve("rules.d"));
    assertTrue(Rules.read(config, Set::of).rules().isEmpty());
    Files.createSymbolicLink(directory.resolve("x.lsm"), folder.resolve("absent"));
    assertThrows(IOException.class, () -> Rules.read(config, Set::of));
    Files.delete(directory.resolve("x.lsm"));
    Files.createDirectory(directory.resolve("x.lsm"));
    assertThrows(IOException.class, () -> Rules.read(config, Set::of));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          require tcp *:22                                        | tcp/*:22
          require tcp6 *:22                                       | tcp6/[*]:22
          require tcp [::1]:22                                    | tcp6/[::1]:22
          require udp 127.0.0.1:0053                              | udp/127.0.0.1:53
          require tcp *:22 netns=web                              | web:tcp/*:22
          require packet eth0:0x0003                              | packet/eth0:0x0003
          require unix /run/a\\x20b\\x2a                          | unix//run/a b*
          require unix @a*b                                       |
          require tcp *:22 program=/usr/sbin/sshd user=root       | tcp/*:22 root:/usr/sbin/sshd:
          require tcp *:22 program=/usr/lib*/sshd                 | tcp/*:22 *:/usr/lib*/sshd:
          require tcp *:22 program=/usr/bin/perl program=/a\\x20b user=x | tcp/*:22 x:/usr/bin/perl:/a b
          require tcp *:22 program=9 user=root                    | tcp/*:22
          require tcp *:22 user=root                              | tcp/*:22
          """)
  void requiresOneSocket(String line, String required) throws Exception {
    if (required == null) {
      assertThrows(ConfigException.class, () -> parse(line));
      return;
    }
    SocketEntry entry = parse(line).rules().get(0).required();
    String owners =
        entry.owners().stream()
            .map(it -> " " + it.user() + ":" + it.program() + ":" + it.script())
            .collect(Collectors.joining());
    assertEquals(required, entry.endpoint() + owners);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          tcp *:22                  | 'tcp' is not a verb; a line of rules.d begins with ignore, allow or require
          Allow tcp *:22            | 'Allow' is not a verb; a line of rules.d begins with ignore, allow or require
          allow                     | 'allow' needs a protocol, an address and port, or a path, behind it; * matches any
          allow tcp                 | 'tcp' needs an address and port, or a path, behind it; * matches any
          allow tpc *:22            | unknown protocol 'tpc'; the first word is one of tcp, tcp6, udp, udp6, udplite, udplite6, sctp, raw, raw6, icmp, icmp6, packet, unix, *, or out before tcp, udp, *
          require * *:22            | '* *:22' is not one socket; require takes one protocol with one port or path, * only as address
          require tcp *:*           | 'tcp *:*' is not one socket; require takes one protocol with one port or path, * only as address
          require tcp *             | 'tcp *' is not one socket; require takes one protocol with one port or path, * only as address
          require tcp *:80-81       | 'tcp *:80-81' is not one socket; require takes one protocol with one port or path, * only as address
          require tcp 10.0.0.0/8:22 | 'tcp 10.0.0.0/8:22' is not one socket; require takes one protocol with one port or path, * only as address
          require unix /run/*       | 'unix /run/*' is not one socket; require takes one protocol with one port or path, * only as address
          require unix /run/x?      | 'unix /run/x?' is not one socket; require takes one protocol with one port or path, * only as address
          allow out tcp             | 'out-tcp' needs an address and port, or a path, behind it; * matches any
          require out tcp *:22      | 'out-tcp *:22' is not one socket; require takes one protocol with one port or path, * only as address
          require tcp *:22 netns=w* | 'tcp *:22 netns=w*' is not one socket; require takes one protocol with one port or path, * only as address
          """)
  void namesFileLineAndWordOfAMistake(String line, String problem) {
    ConfigException e = assertThrows(ConfigException.class, () -> parse("\n" + line));
    assertEquals("rules.d/web.lsm:2: " + problem, e.getMessage());
  }

  @Test
  void boundsTheRulesOfAHost() throws Exception {
    String half = "allow tcp *:1\n".repeat(5001);
    assertEquals(5001, parse(half).rules().size());
    ConfigException e = assertThrows(ConfigException.class, () -> parse(half + half));
    assertTrue(e.getMessage().startsWith("rules.d/web.lsm:10001: "), e.getMessage());
    Path directory = Files.createDirectory(folder.resolve("rules.d"));
    Files.writeString(directory.resolve("a.lsm"), half);
    Files.writeString(directory.resolve("b.lsm"), half);
    Path config = folder.resolve("conf.lsm");
    assertThrows(ConfigException.class, () -> Rules.read(config, Set::of));
  }

  @ParameterizedTest
  @CsvSource({"ignore", "allow", "require"})
  void ignoreLsmHasNoVerbs(String verb) {
    byte[] text = (verb + " tcp *:22").getBytes(UTF_8);
    ConfigException e =
        assertThrows(
            ConfigException.class, () -> Rules.parse(Path.of("ignore.lsm"), text, Set::of));
    assertEquals(
        "ignore.lsm:1: '"
            + verb
            + "' is a verb; write this line into a file rules.d/*.lsm, here lines have none",
        e.getMessage());
  }

  @Test
  void onlyHostsOwnNamespaceMeetsARequirement() throws Exception {
    Rule rule = parse("require tcp *:22").rules().get(0);
    for (String table : List.of("tcp", "tcp6", "web:tcp")) {
      SocketEntry entry = RuleOracleTest.entry(table, "1.2.3.4:22", List.of());
      assertEquals(!table.startsWith("web"), rule.matches(entry), table);
    }
  }

  @Test
  void examplesOfTheManualAreValid() throws Exception {
    String page = Files.readString(Path.of("src/main/man/lsm-rules.adoc"));
    String examples = page.substring(page.indexOf("== Examples"), page.indexOf("== Files"));
    String text = examples.substring(examples.indexOf("....") + 4, examples.lastIndexOf("...."));
    assertEquals(6, parse(text).rules().size());
  }

  private static Rules parse(String text) throws ConfigException {
    return Rules.parse(FILE, text.getBytes(UTF_8), Set::of);
  }
}
