package org.lsm.monitor;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The users of a host whose passwd(5) has less than its name service switch. */
class UserNamesTest {
  private static final Duration TIMEOUT = Duration.ofMinutes(1); // on a loaded machine

  @TempDir private Path folder;
  private Path passwd;

  @BeforeEach
  void makeUsers() throws IOException {
    passwd = folder.resolve("passwd");
    Files.writeString(passwd, "root:x:0:0::/root:/bin/sh\ntoor:x:0:0::/:\nwww:x:33:33::/:\n");
  }

  /** A program in place of getent(1), which logs its arguments. */
  private UserNames users(String script, Duration timeout) throws IOException {
    Path getent = folder.resolve("getent");
    Files.writeString(getent, "#!/bin/sh\necho \"$*\" >>'" + folder + "/asked'\n" + script);
    Files.setPosixFilePermissions(getent, PosixFilePermissions.fromString("rwxr-xr-x"));
    return new UserNames(
        passwd, folder.resolve("login.defs"), List.of(folder.resolve("absent"), getent), timeout);
  }

  private UserNames directory() throws IOException {
    return users(
        """
        case $2 in
          4711 | jdoe | JDOE) echo 'jdoe:*:4711:100:Jane:/home/jdoe:/bin/sh' ;;
          *) echo unknown; exit 2 ;;
        esac
        """,
        TIMEOUT);
  }

  private List<String> asked() throws IOException {
    Path asked = folder.resolve("asked");
    return Files.exists(asked) ? Files.readAllLines(asked) : List.of();
  }

  @Test
  void addsNamesToNumbers() throws IOException {
    UserNames users = directory();
    assertEquals("4711, jdoe", users.withName("4711"));
    assertEquals("4712", users.withName("4712"));
    assertEquals("root", users.withName("root"));
    assertEquals("?", users.withName("?"));
    assertEquals("4711, jdoe", users.withName("4711"));
    assertEquals(List.of("passwd 4711", "passwd 4712"), asked(), "each is asked for once");
  }

  @ParameterizedTest
  @CsvSource({
    "root,   root,          ''",
    "0,      0 root,        ''",
    "toor,   toor root,     ''",
    "33,     33 www,        ''",
    "4711,   4711,          ''",
    "jdoe,   jdoe 4711,     passwd jdoe",
    "JDOE,   JDOE 4711,     passwd JDOE",
    "nobody, nobody,        passwd nobody",
    "-s,     -s,            ''"
  })
  void knowsWhatOwnersCallTheUserOfARule(String user, String names, String asked)
      throws IOException {
    assertEquals(Set.of(names.split(" ", -1)), directory().namesAndNumbers(user));
    assertEquals(asked.isEmpty() ? List.of() : List.of(asked), asked());
  }

  @Test
  void asksForTwentyNumbers() throws IOException {
    UserNames users = users("echo \"u$2:x:$2:1\"", TIMEOUT);
    for (int uid = 1001; uid <= 1020; uid++) {
      assertEquals(uid + ", u" + uid, users.withName(Integer.toString(uid)));
    }
    assertEquals("1021", users.withName("1021"));
    assertEquals("1020, u1020", users.withName("1020"));
  }

  @Test
  void waitsTwoSecondsInAll() throws IOException {
    UserNames users = users("exec sleep 60", UserNames.TIMEOUT);
    Instant start = Instant.now();
    assertEquals("4711", users.withName("4711"));
    assertEquals(Set.of("jdoe"), users.namesAndNumbers("jdoe"));
    assertTrue(Duration.between(start, Instant.now()).toMillis() < 10_000);
    assertEquals(List.of("passwd 4711"), asked());
    assertEquals(1, users.notes().size(), users.notes().toString());
    String note = users.notes().get(0);
    assertTrue(note.endsWith("no answer to getent passwd 4711"), note);
  }

  /** By the number, also of a user that passwd(5) lacks; nobody is asked. */
  @ParameterizedTest
  @CsvSource({
    "root, false",
    "www, false",
    "joe, true",
    "5000, false",
    "1500, true",
    "999, false",
    "?, false",
    "'', false",
    "65534, false",
    "12345678901, false"
  })
  void knowsWhoLogsIn(String user, boolean isLogin) throws IOException {
    Files.writeString(passwd, Files.readString(passwd) + "joe:x:1000:1000::/:\n");
    Files.writeString(folder.resolve("login.defs"), "UID_MAX 4999\n");
    UserNames users = directory();
    assertEquals(isLogin, users.isLogin(user));
    assertEquals(List.of(), asked());
    assertEquals(List.of(), users.notes());
  }

  @Test
  void nobodyLogsInWhereLoginDefsCannotBeRead() throws IOException {
    Files.writeString(passwd, "joe:x:1000:1000::/:\n");
    Files.createDirectory(folder.resolve("login.defs"));
    UserNames users = directory();
    assertFalse(users.isLogin("joe"));
    assertFalse(users.isLogin("joe"));
    assertEquals(1, users.notes().size(), users.notes().toString());
  }

  @Test
  void asksTheRealProgram() throws IOException {
    Files.writeString(passwd, "");
    List<Path> getent = SystemEnvironment.real().getent();
    assertEquals("0, root", new UserNames(passwd, passwd, getent, TIMEOUT).withName("0"));
    List<Path> absent = List.of(folder.resolve("absent"));
    assertEquals("0", new UserNames(passwd, passwd, absent, TIMEOUT).withName("0"));
  }
}
