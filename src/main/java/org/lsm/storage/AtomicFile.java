package org.lsm.storage;

import static java.nio.file.StandardOpenOption.CREATE;
import static java.nio.file.StandardOpenOption.CREATE_NEW;
import static java.nio.file.StandardOpenOption.READ;
import static java.nio.file.StandardOpenOption.WRITE;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.Set;

/** Replaces files so that a crash or a full disk leaves either the old or the new content. */
public final class AtomicFile {
  /** The size of the largest file that is read, in bytes. */
  public static final int MAX_SIZE = 16 * 1024 * 1024;

  /** Loaded only to create a file, since that takes a while. */
  private static final class Mode {
    private static final Set<PosixFilePermission> OWNER_ONLY =
        PosixFilePermissions.fromString("rw-------");
  }

  private static final String TEMPORARY = ".tmp";

  private AtomicFile() {}

  /**
   * Reads a whole regular file, which is not larger than {@link #MAX_SIZE}. Reading from a pipe or
   * a device may never end.
   */
  public static byte[] read(Path file) throws IOException {
    if (Files.exists(file) && !Files.isRegularFile(file)) {
      throw new FileSystemException(file.toString(), null, "is not a regular file");
    }
    if (Files.size(file) > MAX_SIZE) {
      throw new FileSystemException(file.toString(), null, "is larger than 16 MiB");
    }
    try {
      return Files.readAllBytes(file);
    } catch (IOException e) {
      throw withPath(file, e);
    }
  }

  /**
   * Replaces {@code file}, which gets mode 0600: writes a temporary file beside it, fsync, rename,
   * fsync of the directory. The caller holds the lock of the directory.
   */
  public static void write(Path file, byte[] content) throws IOException {
    write(file, content, Mode.OWNER_ONLY);
  }

  /** Like {@link #write} with mode 0644, for files that other programs read. */
  public static void writeReadable(Path file, byte[] content) throws IOException {
    write(file, content, PosixFilePermissions.fromString("rw-r--r--"));
  }

  private static void write(Path file, byte[] content, Set<PosixFilePermission> mode)
      throws IOException {
    if (Files.exists(file) && !Files.isRegularFile(file)) { // such as /dev/null
      throw new FileSystemException(file.toString(), null, "is not a regular file");
    }
    Path temporary = file.resolveSibling("." + file.getFileName() + TEMPORARY);
    // A killed run may have left one, with another mode or owner.
    Files.deleteIfExists(temporary);
    try {
      try (FileChannel channel = create(temporary, CREATE_NEW)) {
        // Whatever the umask, and whatever symbolic link was just put here.
        Files.setAttribute(temporary, "posix:permissions", mode, LinkOption.NOFOLLOW_LINKS);
        ByteBuffer buffer = ByteBuffer.wrap(content);
        while (buffer.hasRemaining()) {
          channel.write(buffer);
        }
        channel.force(true);
      }
      Files.move(temporary, file, StandardCopyOption.ATOMIC_MOVE);
    } catch (IOException e) {
      throw withPath(file, e);
    } finally {
      Files.deleteIfExists(temporary);
    }
    syncDirectory(file.toAbsolutePath().getParent());
  }

  /**
   * Replaces the content of a file, with mode 0600, in place and without waiting for the disk:
   * after a crash a part of it may be missing.
   */
  public static void overwrite(Path file, byte[] content) throws IOException {
    try (FileChannel channel = open(file)) {
      channel.truncate(0);
      channel.write(ByteBuffer.wrap(content));
    }
  }

  /** Deletes what killed runs left in a directory; what is younger may be in use. */
  public static void removeTemporaryFiles(Path directory, Duration age) throws IOException {
    long limit = System.currentTimeMillis() - age.toMillis();
    try (DirectoryStream<Path> files = Files.newDirectoryStream(directory)) {
      for (Path file : files) {
        String name = file.getFileName().toString();
        if (name.startsWith(".")
            && name.endsWith(TEMPORARY)
            && file.toFile().lastModified() <= limit) {
          Files.deleteIfExists(file);
        }
      }
    } catch (DirectoryIteratorException e) {
      throw e.getCause();
    }
  }

  /** Opens or creates, with mode 0600, a file to read and write in place; not a symbolic link. */
  public static FileChannel open(Path file) throws IOException {
    try {
      return FileChannel.open(file, READ, WRITE, LinkOption.NOFOLLOW_LINKS); // loads no Mode
    } catch (NoSuchFileException e) {
      FileChannel channel = create(file, CREATE);
      // Whatever the umask.
      Files.setAttribute(file, "posix:permissions", Mode.OWNER_ONLY, LinkOption.NOFOLLOW_LINKS);
      return channel;
    } catch (IOException e) {
      throw withPath(file, e);
    }
  }

  private static FileChannel create(Path file, OpenOption create) throws IOException {
    var options = Set.of(create, READ, WRITE, LinkOption.NOFOLLOW_LINKS);
    try {
      return FileChannel.open(file, options, PosixFilePermissions.asFileAttribute(Mode.OWNER_ONLY));
    } catch (IOException e) {
      throw withPath(file, e);
    }
  }

  /** Makes renames and deletions in a directory durable (fsync(2)). */
  static void syncDirectory(Path directory) throws IOException {
    try (FileChannel channel = FileChannel.open(directory, READ)) {
      channel.force(true);
    }
  }

  /** Adds the path, which Java leaves out where read(2), write(2) or fsync(2) fails. */
  private static FileSystemException withPath(Path file, IOException e) {
    return e instanceof FileSystemException complete
        ? complete
        : new FileSystemException(file.toString(), null, e.getMessage());
  }
}
