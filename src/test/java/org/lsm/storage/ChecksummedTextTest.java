package org.lsm.storage;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.lsm.Checksum;
import org.lsm.model.Owner;

/** Damage is tested with the files that have this format, see {@link SnapshotFileTest}. */
class ChecksummedTextTest {

  private static final List<String> HOSTILE = List.of("", "a\tb", "\n\r\\\udcff\u202e", " é ");

  @TempDir private Path folder;
  private Path file;

  @BeforeEach
  void setFile() {
    file = folder.resolve("state");
  }

  private static ChecksummedText text(String... fields) {
    return new ChecksummedText("lsm-test", "1").line((Object[]) fields);
  }

  @Test
  void readsWhatItWrote() throws Exception {
    text(HOSTILE.toArray(String[]::new)).line("").write(file);
    assertEquals(List.of(HOSTILE, List.of("")), ChecksummedText.read(file, "lsm-test", "1"));
    assertEquals("rw-------", PosixFilePermissions.toString(Files.getPosixFilePermissions(file)));
  }

  @Test
  void readsNoLines() throws Exception {
    new ChecksummedText("lsm-test", "1").write(file);
    assertEquals(List.of(), ChecksummedText.read(file, "lsm-test", "1"));
  }

  @Test
  void missingFileIsNotDamaged() {
    assertThrows(
        NoSuchFileException.class, () -> ChecksummedText.read(file, "lsm-test", "1").size());
  }

  /** The replacement character has the same text, and so the same checksum, as a bad byte. */
  @Test
  void refusesBytesThatDecodingReplaces() throws Exception {
    Files.writeString(file, Checksum.on("lsm-test\t1\n\ufffd\n"));
    assertEquals(List.of(List.of("\ufffd")), ChecksummedText.read(file, "lsm-test", "1"));

    String bytes = Files.readString(file, ISO_8859_1).replace("\u00ef\u00bf\u00bd", "\u00ff");
    Files.writeString(file, bytes, ISO_8859_1);
    IllegalArgumentException e =
        assertThrows(
            IllegalArgumentException.class,
            () -> ChecksummedText.read(file, "lsm-test", "1").size());
    assertEquals("damaged, it is not UTF-8 text", e.getMessage());
  }

  @Test
  void writesOnlyChangedText() throws Exception {
    text("a").writeIfChanged(file);
    Object inode = Files.getAttribute(file, "unix:ino");
    text("a").writeIfChanged(file);
    assertEquals(inode, Files.getAttribute(file, "unix:ino"));
    text("b").writeIfChanged(file);
    assertNotEquals(inode, Files.getAttribute(file, "unix:ino"));
    assertEquals(List.of(List.of("b")), ChecksummedText.read(file, "lsm-test", "1"));
  }

  @Test
  void readsOwnersAndTimes() {
    TreeSet<Owner> owners = new TreeSet<>(List.of(new Owner("root", "/a"), Owner.UNKNOWN));
    List<String> fields = new ArrayList<>();
    ChecksummedText.addOwners(fields, owners);
    assertEquals(owners, ChecksummedText.owners(fields));
    Instant time = Instant.parse("2026-01-02T03:04:05.600Z");
    assertEquals(time, ChecksummedText.time(time.toString()));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"", "yesterday", "+10000-01-01T00:00:00Z", "-0001-01-01T00:00:00Z", "2026-01-02"})
  void refusesOtherTimes(String field) {
    IllegalArgumentException e =
        assertThrows(IllegalArgumentException.class, () -> ChecksummedText.time(field));
    assertEquals("not a time: '" + field + "'", e.getMessage());
  }
}
