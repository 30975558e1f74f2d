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
import java.nio.file.attribute.PosixFileAttributeView;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Set;

/**
 * Reads and writes files, so that a crash or a full disk leaves either the old content or the new
 * one.
 */
public final class AtomicFile {

  private static final Set<PosixFilePermission> OWNER_ONLY =
      PosixFilePermissions.fromString("rw-------");

  private static final Set<PosixFilePermission> READABLE =
      PosixFilePermissions.fromString("rw-r--r--");

  private static final String TEMPORARY = ".tmp";

  private AtomicFile() {}

  /** Whether a file is one that is being written, or was when its run was killed. */
  static boolean isTemporary(Path file) {
    String name = file.getFileName().toString();
    return name.startsWith(".") && name.endsWith(TEMPORARY);
  }

  /**
   * Reads a file whole.
   *
   * @throws FileSystemException if it cannot be read, or is none: a pipe or a device may never end
   */
  public static byte[] read(Path file) throws IOException {
    if (Files.exists(file) && !Files.isRegularFile(file)) {
      throw new FileSystemException(file.toString(), null, "is no regular file");
    }
    try {
      return Files.readAllBytes(file);
    } catch (FileSystemException e) {
      throw e;
    } catch (IOException e) {
      // read(2) fails without telling the file
      throw new FileSystemException(file.toString(), null, e.getMessage());
    }
  }

  /**
   * Replaces {@code file}: a temporary file beside it, fsync, rename, fsync of the directory. The
   * caller holds the lock of the directory. The file's mode becomes 0600.
   */
  public static void write(Path file, byte[] content) throws IOException {
    write(file, content, OWNER_ONLY);
  }

  /** The same with mode 0644, for what other programs are meant to read. */
  public static void writeReadable(Path file, byte[] content) throws IOException {
    write(file, content, READABLE);
  }

  private static void write(Path file, byte[] content, Set<PosixFilePermission> mode)
      throws IOException {
    Path temporary = file.resolveSibling("." + file.getFileName() + TEMPORARY);
    // What a killed run has left here must not lend its mode or its owner to the new file.
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
    } catch (FileSystemException e) {
      throw e;
    } catch (IOException e) {
      // write(2) and fsync(2) fail without telling the file
      throw new FileSystemException(file.toString(), null, e.getMessage());
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
            PosixFilePermissions.asFileAttribute(OWNER_ONLY));
    // Whatever the umask; and no link is followed that somebody else has put in its place.
    Files.getFileAttributeView(file, PosixFileAttributeView.class, LinkOption.NOFOLLOW_LINKS)
        .setPermissions(mode);
    return channel;
  }

  /**
   * Opens a file of lsm's own to read and write in place; makes it, with mode 0600, if it is
   * missing.
   *
   * @throws FileSystemException if it cannot be opened, or is a symbolic link
   */
  public static FileChannel open(Path file) throws IOException {
    try {
      make(file);
      return FileChannel.open(
          file, StandardOpenOption.READ, StandardOpenOption.WRITE, LinkOption.NOFOLLOW_LINKS);
    } catch (FileSystemException e) {
      throw e;
    } catch (IOException e) {
      // open(2) fails for a link without telling the file
      throw new FileSystemException(file.toString(), null, e.getMessage());
    }
  }

  private static void make(Path file) throws IOException {
    if (!Files.exists(file, LinkOption.NOFOLLOW_LINKS)) {
      try {
        create(file, OWNER_ONLY).close();
      } catch (FileAlreadyExistsException e) {
        // by another run, at the same moment
      }
    }
  }

  /** Makes renames and deletions in a directory durable (fsync(2)). */
  static void syncDirectory(Path directory) throws IOException {
    try (FileChannel channel = FileChannel.open(directory, StandardOpenOption.READ)) {
      channel.force(true);
    }
  }
}
