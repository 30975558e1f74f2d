package org.lsm.storage;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFileAttributeView;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Set;

/** Replaces files so that a crash or a full disk leaves either the old or the new content. */
public final class AtomicFile {

  private static final Set<PosixFilePermission> OWNER_ONLY =
      PosixFilePermissions.fromString("rw-------");
  private static final Set<PosixFilePermission> READABLE =
      PosixFilePermissions.fromString("rw-r--r--");
  private static final FileAttribute<?> CREATE_OWNER_ONLY =
      PosixFilePermissions.asFileAttribute(OWNER_ONLY);

  private static final String TEMPORARY = ".tmp";

  private AtomicFile() {}

  /** Whether this is a temporary file of {@link #write}. */
  static boolean isTemporary(Path file) {
    String name = file.getFileName().toString();
    return name.startsWith(".") && name.endsWith(TEMPORARY);
  }

  /**
   * Reads a whole file.
   *
   * @throws FileSystemException if the file cannot be read, or is not a regular file: reading from
   *     a pipe or a device may never end
   */
  public static byte[] read(Path file) throws IOException {
    if (Files.exists(file) && !Files.isRegularFile(file)) {
      throw new FileSystemException(file.toString(), null, "is not a regular file");
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
    write(file, content, OWNER_ONLY);
  }

  /** Like {@link #write} with mode 0644, for files that other programs read. */
  public static void writeReadable(Path file, byte[] content) throws IOException {
    write(file, content, READABLE);
  }

  private static void write(Path file, byte[] content, Set<PosixFilePermission> mode)
      throws IOException {
    Path temporary = file.resolveSibling("." + file.getFileName() + TEMPORARY);
    // A killed run may have left one, with another mode or owner.
    Files.deleteIfExists(temporary);
    try {
      try (FileChannel channel = create(temporary, mode)) {
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

  private static FileChannel create(Path file, Set<PosixFilePermission> mode) throws IOException {
    FileChannel channel =
        FileChannel.open(
            file,
            Set.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE),
            CREATE_OWNER_ONLY);
    // The umask must not change the mode, nor a symbolic link that was just put here lead
    // elsewhere.
    Files.getFileAttributeView(file, PosixFileAttributeView.class, LinkOption.NOFOLLOW_LINKS)
        .setPermissions(mode);
    return channel;
  }

  /**
   * Opens a file for reading and writing in place; creates it with mode 0600 if it is missing.
   *
   * @throws FileSystemException if it cannot be opened, or is a symbolic link
   */
  public static FileChannel open(Path file) throws IOException {
    try {
      createIfMissing(file);
      return FileChannel.open(
          file, StandardOpenOption.READ, StandardOpenOption.WRITE, LinkOption.NOFOLLOW_LINKS);
    } catch (IOException e) {
      throw withPath(file, e);
    }
  }

  private static void createIfMissing(Path file) throws IOException {
    if (Files.notExists(file, LinkOption.NOFOLLOW_LINKS)) {
      try {
        create(file, OWNER_ONLY).close();
      } catch (FileAlreadyExistsException e) {
        // another process was faster
      }
    }
  }

  /** Makes renames and deletions in a directory durable (fsync(2)). */
  static void syncDirectory(Path directory) throws IOException {
    try (FileChannel channel = FileChannel.open(directory, StandardOpenOption.READ)) {
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
