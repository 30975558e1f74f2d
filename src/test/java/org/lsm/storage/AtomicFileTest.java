package org.lsm.storage;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class AtomicFileTest {

  @TempDir private Path folder;
  private Path file;

  @BeforeEach
  void setFile() {
    file = folder.resolve("file");
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 1_000_000})
  void writesContentWithMode0600(int size) throws IOException {
    String content = "x".repeat(size);
    AtomicFile.write(file, content.getBytes(UTF_8));
    assertEquals(content, Files.readString(file));
    assertEquals("rw-------", mode(file));
    assertEquals(List.of(file), list(folder));
  }

  @Test
  void resetsModeOfReplacedFile() throws IOException {
    Files.writeString(file, "old and longer");
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwxrwxrwx"));
    AtomicFile.write(file, "new".getBytes(UTF_8));
    assertEquals("new", Files.readString(file));
    assertEquals("rw-------", mode(file));
  }

  /** Writes a file for its owner alone and one that others may read. */
  static final class Writer {
    public static void main(String[] args) throws IOException {
      AtomicFile.write(Path.of(args[0]), "mine".getBytes(UTF_8));
      AtomicFile.writeReadable(Path.of(args[1]), "for all".getBytes(UTF_8));
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"000", "022", "077"})
  void ignoresUmask(String umask) throws Exception {
    Path readable = folder.resolve("readable");
    Process writer = OtherProcess.start(umask, Writer.class, file.toString(), readable.toString());
    assertEquals(0, writer.waitFor());
    assertEquals(List.of(file, readable), list(folder));
    assertEquals("rw-------", mode(file));
    assertEquals("rw-r--r--", mode(readable));
    assertEquals("mine", Files.readString(file));
    assertEquals("for all", Files.readString(readable));
  }

  @ParameterizedTest
  @ValueSource(strings = {"rw-------", "rwxrwxrwx", "---------"})
  void writesReadableFileWithMode0644(String mode) throws IOException {
    Files.writeString(file, "old and longer");
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString(mode));
    AtomicFile.writeReadable(file, "new".getBytes(UTF_8));
    assertEquals("new", Files.readString(file));
    assertEquals("rw-r--r--", mode(file));
    assertEquals(List.of(file), list(folder));
  }

  @Test
  void keepsOldContentForOpenReader() throws IOException {
    Files.writeString(file, "old");
    try (var reader = Files.newBufferedReader(file)) {
      AtomicFile.write(file, "new".getBytes(UTF_8));
      assertEquals("old", reader.readLine());
    }
  }

  @Test
  void replacesTemporaryFileOfKilledRun() throws IOException {
    Path left = Files.writeString(folder.resolve(".file.tmp"), "half of a much longer file");
    Files.setPosixFilePermissions(left, PosixFilePermissions.fromString("rw-rw-rw-"));
    AtomicFile.write(file, "new".getBytes(UTF_8));
    assertEquals("new", Files.readString(file));
    assertEquals("rw-------", mode(file));
    assertEquals(List.of(file), list(folder));
  }

  @Test
  void doesNotFollowLinkAsTemporaryFile() throws IOException {
    Path victim = Files.writeString(folder.resolve("victim"), "untouched");
    Files.createSymbolicLink(folder.resolve(".file.tmp"), victim);
    AtomicFile.write(file, "new".getBytes(UTF_8));
    assertEquals("untouched", Files.readString(victim));
    assertEquals("new", Files.readString(file));
  }

  @Test
  void replacesLinkWithoutFollowingIt() throws IOException {
    Path victim = Files.writeString(folder.resolve("victim"), "untouched");
    Files.createSymbolicLink(file, victim);
    AtomicFile.write(file, "new".getBytes(UTF_8));
    assertEquals("untouched", Files.readString(victim));
    assertEquals("new", Files.readString(file));
  }

  @Test
  void keepsOldFileWithoutTemporaryFile() throws IOException {
    Files.writeString(file, "old");
    Path blocker = Files.createDirectories(folder.resolve(".file.tmp/full"));
    FileSystemException e =
        assertThrows(
            FileSystemException.class, () -> AtomicFile.write(file, "new".getBytes(UTF_8)));
    assertEquals(blocker.getParent().toString(), e.getFile());
    assertEquals("old", Files.readString(file));
  }

  @Test
  void removesTemporaryFileIfRenameFails() throws IOException {
    Path full = Files.createDirectories(file.resolve("full"));
    assertThrows(FileSystemException.class, () -> AtomicFile.write(file, "new".getBytes(UTF_8)));
    assertEquals(List.of(file), list(folder));
    assertEquals(List.of(full), list(file));
  }

  @Test
  void namesPathIfParentIsFile() throws IOException {
    Files.writeString(file, "no directory");
    FileSystemException e =
        assertThrows(
            FileSystemException.class,
            () -> AtomicFile.write(file.resolve("below"), "new".getBytes(UTF_8)));
    assertEquals(file.resolve(".below.tmp") + ": Not a directory", e.getMessage());
  }

  private static String mode(Path path) throws IOException {
    return PosixFilePermissions.toString(Files.getPosixFilePermissions(path));
  }

  /** METRICS_FILE="/dev/null" must not replace a device. */
  @Test
  void replacesNothingButFiles() throws Exception {
    Path pipe = folder.resolve("pipe");
    new ProcessBuilder("mkfifo", pipe.toString()).start().waitFor();
    FileSystemException e =
        assertThrows(FileSystemException.class, () -> AtomicFile.write(pipe, new byte[1]));
    assertEquals(pipe + ": is not a regular file", e.getMessage());
    assertTrue(Files.exists(pipe) && !Files.isRegularFile(pipe));
    assertEquals(List.of(pipe), list(folder));
  }

  private static List<Path> list(Path directory) throws IOException {
    try (var paths = Files.list(directory)) {
      return paths.sorted().toList();
    }
  }
}
