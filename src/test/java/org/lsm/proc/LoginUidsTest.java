package org.lsm.proc;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** UID_MIN and UID_MAX of login.defs(5). */
class LoginUidsTest {
  @TempDir private Path folder;

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "''                                       | 1000 | 60000",
        "'UID_MIN\t\t\t 500\nUID_MAX 2000'        | 500  | 2000",
        "' UID_MIN \"500\"  # comment'            | 500  | 60000",
        "'#UID_MIN 1\nSYS_UID_MIN 101\nSUB_UID_MIN 100000' | 1000 | 60000",
        "'UID_MIN 500\nUID_MIN 700'               | 700  | 60000",
        "'UID_MIN -5\nUID_MAX many\nUID_MIN'      | 1000 | 60000",
        "'UID_MIN 0'                              | 1    | 60000",
      })
  void readsFile(String text, long min, long max) throws IOException {
    Path file = folder.resolve("login.defs");
    Files.writeString(file, text);
    assertEquals(new LoginUids(min, max), LoginUids.read(file));
  }

  @Test
  void fileMayBeMissing() throws IOException {
    assertEquals(new LoginUids(1000, 60000), LoginUids.read(folder.resolve("missing")));
  }

  @ParameterizedTest
  @CsvSource({"0,false", "999,false", "1000,true", "60000,true", "60001,false", "65534,false"})
  void containsUsersWhoLogIn(long uid, boolean contains) {
    assertEquals(contains, new LoginUids(1000, 60000).contains(uid));
  }

  @Test
  void neverContainsNobody() {
    assertEquals(false, new LoginUids(1000, 4_000_000_000L).contains(65534));
    assertEquals(true, new LoginUids(1000, 4_000_000_000L).contains(65533));
  }
}
