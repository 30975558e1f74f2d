package org.lsm.storage;

import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SecureFilesTest {

  private static final int MALLORY = 1234;

  @TempDir Path temporary;
  private Path directory;
  private Path file;

  @BeforeEach
  void createFile() throws IOException {
    assumeTrue(
        (int) Files.getAttribute(Path.of("/proc/self"), "unix:uid") == 0,
        "only root is refused files");
    directory = Files.createDirectories(temporary.resolve("above/lsm"));
    file = Files.writeString(directory.resolve("conf.lsm"), "x");
  }

  /** Owner, group and mode of the file, of its directory, and of the one above that. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          0 0 0600    | 0 0 0755    | 0 0 0755    |
          0 0 0644    | 0 0 0755    | 0 0 0755    |
          0 0 0664    | 0 0 0755    | 0 0 0755    | conf.lsm user 0 and group 0 with mode 0664
          0 0 0600    | 0 0 0775    | 0 0 0755    | lsm user 0 and group 0 with mode 0775
          0 0 0640    | 0 0 0755    | 0 0 1777    |
          0 0 0600    | 0 0 1777    | 0 0 0755    |
          0 1234 0640 | 0 1234 0755 | 0 1234 0755 |
          1234 0 0600 | 0 0 0755    | 0 0 0755    | conf.lsm user 1234 and group 0 with mode 0600
          0 0 0666    | 0 0 0755    | 0 0 0755    | conf.lsm user 0 and group 0 with mode 0666
          0 1234 0660 | 0 0 0755    | 0 0 0755    | conf.lsm user 0 and group 1234 with mode 0660
          0 0 0602    | 0 0 0755    | 0 0 0755    | conf.lsm user 0 and group 0 with mode 0602
          0 0 0600    | 1234 0 0755 | 0 0 0755    | lsm user 1234 and group 0 with mode 0755
          0 0 0600    | 0 0 0777    | 0 0 0755    | lsm user 0 and group 0 with mode 0777
          0 0 0600    | 0 1234 0775 | 0 0 0755    | lsm user 0 and group 1234 with mode 0775
          0 0 0600    | 1234 0 1755 | 0 0 0755    | lsm user 1234 and group 0 with mode 1755
          0 0 0600    | 0 0 0755    | 1234 0 0755 | above user 1234 and group 0 with mode 0755
          0 0 0600    | 0 0 0755    | 0 0 0777    | above user 0 and group 0 with mode 0777
          """)
  void readsFileThatOnlyRootCanChange(String own, String parent, String above, String refused)
      throws IOException {
    set(file, own);
    set(directory, parent);
    set(directory.getParent(), above);
    if (refused == null) {
      assertEquals(1, SecureFiles.read(file).length);
      return;
    }
    Path at = temporary.resolve("above/lsm/conf.lsm");
    while (!at.endsWith(refused.substring(0, refused.indexOf(' ')))) {
      at = at.getParent();
    }
    String message =
        assertThrows(SecureFiles.RefusedException.class, () -> SecureFiles.read(file)).getMessage();
    assertEquals(
        file
            + ": users other than root can change it: "
            + at
            + " belongs to "
            + refused.substring(refused.indexOf(' ') + 1)
            + "; run 'chown root "
            + at
            + "' and 'chmod go-w "
            + at
            + "'",
        message);
  }

  private static void set(Path file, String attributes) throws IOException {
    String[] words = attributes.strip().split(" ", -1);
    Files.setAttribute(file, "unix:uid", Integer.parseInt(words[0]));
    Files.setAttribute(file, "unix:gid", Integer.parseInt(words[1]));
    Files.setAttribute(file, "unix:mode", Integer.parseInt(words[2], 8));
  }

  /** Configuration files are often links; each link and its target must be secure. */
  @Test
  void followsLinksOfRoot() throws IOException {
    Path link = Files.createSymbolicLink(temporary.resolve("link"), file);
    assertDoesNotThrow(() -> SecureFiles.read(link));
    Files.setAttribute(link, "unix:uid", MALLORY, LinkOption.NOFOLLOW_LINKS);
    assertThrows(SecureFiles.RefusedException.class, () -> SecureFiles.read(link));
    Files.delete(link);
    Files.createSymbolicLink(link, file);
    set(directory, "0 0 0777");
    assertThrows(SecureFiles.RefusedException.class, () -> SecureFiles.read(link));
    set(directory, "0 0 0755");
    Path theirs = Files.createDirectory(temporary.resolve("theirs"));
    Path middle = Files.createSymbolicLink(theirs.resolve("middle"), file);
    Path first = Files.createSymbolicLink(temporary.resolve("first"), middle);
    assertDoesNotThrow(() -> SecureFiles.read(first));
    set(theirs, MALLORY + " 0 0755");
    assertThrows(
        SecureFiles.RefusedException.class, () -> SecureFiles.read(first), "a link on the way");
  }

  @ParameterizedTest
  @CsvSource({
    "0 0 0700, true",
    "0 0 0755, true",
    "0 0 1777, false",
    "0 0 0770, false",
    "0 1234 0770, false",
    "1234 0 0700, false"
  })
  void checksStateDirectory(String attributes, boolean secure) throws IOException {
    set(directory, attributes);
    assertRefused(directory, secure);
  }

  @ParameterizedTest
  @CsvSource({
    "0 0 0600, true",
    "0 0 0644, true",
    "0 0 0666, false",
    "1234 0 0600, false",
    "0 1234 0620, false"
  })
  void checksFilesInStateDirectory(String attributes, boolean secure) throws IOException {
    set(file, attributes);
    assertRefused(directory, secure);
  }

  @Test
  void refusesLinksInStateDirectory() throws IOException {
    Path link = Files.createSymbolicLink(directory.resolve("baseline"), Path.of("/etc/passwd"));
    String message =
        assertThrows(
                SecureFiles.RefusedException.class, () -> SecureFiles.requireRootOnly(directory))
            .getMessage();
    assertEquals(link + ": is a symbolic link, which lsm does not follow here; remove it", message);
    Files.delete(link);
    Path elsewhere = Files.createSymbolicLink(temporary.resolve("state"), directory);
    assertDoesNotThrow(
        () -> SecureFiles.requireRootOnly(elsewhere), "a link to the directory itself is allowed");
  }

  @Test
  void checksSubdirectories() throws IOException {
    Path alert = Files.createDirectory(directory.resolve("outbox")).resolve("1.json");
    Files.writeString(alert, "{}");
    assertRefused(directory, true);
    set(alert, "0 0 0666");
    assertRefused(directory, false);
  }

  @Test
  void acceptsMissingDirectory() {
    assertDoesNotThrow(() -> SecureFiles.requireRootOnly(temporary.resolve("missing")));
    assertThrows(NoSuchFileException.class, () -> SecureFiles.read(temporary.resolve("missing")));
  }

  private static void assertRefused(Path directory, boolean secure) throws IOException {
    if (secure) {
      SecureFiles.requireRootOnly(directory);
    } else {
      assertThrows(
          SecureFiles.RefusedException.class, () -> SecureFiles.requireRootOnly(directory));
    }
  }
}
