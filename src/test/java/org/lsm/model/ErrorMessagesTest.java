package org.lsm.model;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.IOException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;

/** What the file system throws, in words. */
class ErrorMessagesTest {
  @TempDir Path directory;

  @Test
  void explainsEveryErrorOfFiles() throws IOException {
    Path file = Files.createFile(directory.resolve("file"));
    Path loop = Files.createSymbolicLink(directory.resolve("loop"), Path.of("loop"));
    Map<Executable, String> reasons =
        Map.of(
            () -> Files.readAllBytes(directory.resolve("no")),
            directory + "/no: no such file or directory",
            () -> Files.newDirectoryStream(file),
            file + ": is not a directory",
            () -> Files.delete(directory),
            directory + ": is a directory that is not empty",
            () -> Files.createDirectory(file),
            file + ": exists and is not a directory",
            () -> Files.readAllBytes(loop),
            loop
                + ": Too many levels of symbolic links or unable to access attributes of symbolic link",
            () -> Files.readAllBytes(file.resolve("x")),
            file + "/x: Not a directory");

    reasons.forEach(
        (action, text) -> {
          FileSystemException e = assertThrows(FileSystemException.class, action);
          assertEquals(text, ErrorMessages.explain(e));
        });
  }

  @Test
  void explainsErrorWithoutReason() {
    assertEquals(
        "/x: cannot be read or written", ErrorMessages.explain(new FileSystemException("/x")));
    assertEquals("input or output failed", ErrorMessages.explain(new IOException()));
  }
}
