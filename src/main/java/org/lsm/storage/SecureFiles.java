package org.lsm.storage;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Locale;
import java.util.Map;

/**
 * Whether root may believe a file: not if anybody else can write it, or put another one in its
 * place. Other users are refused nothing; they can only deceive themselves.
 */
public final class SecureFiles {

  private static final Path SELF = Path.of("/proc/self");

  /** As many as the kernel follows, path_resolution(7). */
  private static final int MOST_LINKS = 40;

  private SecureFiles() {}

  /** Others than root can write a file that root is to believe. */
  public static final class RefusedException extends FileSystemException {
    private static final long serialVersionUID = 1L;

    RefusedException(Path file, String reason) {
      super(file.toString(), null, reason);
    }
  }

  /**
   * A file as it is, not what a symbolic link leads to.
   *
   * @param owner user ID
   * @param group group ID
   * @param mode type and permissions, inode(7)
   */
  private record Inode(int owner, int group, int mode) {

    private static final int TYPE = 0170000;
    private static final int LINK = 0120000;
    private static final int DIRECTORY = 0040000;
    private static final int PERMISSIONS = 07777;
    private static final int STICKY = 01000;
    private static final int GROUP_WRITES = 020;
    private static final int OTHERS_WRITE = 02;

    static Inode of(Path file) throws IOException {
      Map<String, Object> attributes =
          Files.readAttributes(file, "unix:uid,gid,mode", LinkOption.NOFOLLOW_LINKS);
      return new Inode(
          (int) attributes.get("uid"), (int) attributes.get("gid"), (int) attributes.get("mode"));
    }

    boolean isLink() {
      return (mode & TYPE) == LINK;
    }

    boolean isDirectory() {
      return (mode & TYPE) == DIRECTORY;
    }

    /** Whether others can write it; of an access control list, acl(5), the group has the mask. */
    boolean isShared() {
      return owner != 0 || (!isLink() && (mode & (GROUP_WRITES | OTHERS_WRITE)) != 0);
    }

    /** Whether others can replace in this directory what root has there. */
    boolean isOpen() {
      return owner != 0 || (isShared() && (mode & STICKY) == 0);
    }

    @Override
    public String toString() {
      return String.format(
          Locale.ROOT, "of user %d and group %d, mode %04o", owner, group, mode & PERMISSIONS);
    }
  }

  /**
   * Reads a file that tells lsm what to do.
   *
   * @throws RefusedException if root reads it and others can write it, or replace it or a directory
   *     above it
   */
  public static byte[] read(Path file) throws IOException {
    return AtomicFile.read(isRoot() && Files.isRegularFile(file) ? resolve(file) : file);
  }

  /**
   * Requires of a directory of lsm's own that root alone can write it and all that is below it, and
   * that no symbolic link is among that. One that is missing is fine.
   *
   * @throws RefusedException if root runs lsm and that is not so
   */
  public static void requireOwn(Path directory) throws IOException {
    if (!isRoot() || !Files.exists(directory, LinkOption.NOFOLLOW_LINKS)) {
      return;
    }
    Path real = resolve(directory);
    if (!Files.isDirectory(real)) {
      return; // said by who needs one
    }
    requireOwnEntries(directory);
  }

  private static void requireOwnEntries(Path directory) throws IOException {
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(directory)) {
      for (Path entry : entries) {
        requireOwnEntry(entry);
      }
    }
  }

  private static boolean isRoot() throws IOException {
    return (int) Files.getAttribute(SELF, "unix:uid") == 0;
  }

  private static void requireOwnEntry(Path file) throws IOException {
    try {
      Inode inode = Inode.of(file);
      if (inode.isLink()) {
        throw new RefusedException(
            file, "is a symbolic link, which lsm does not follow here; remove it");
      }
      require(!inode.isShared(), file, file, inode);
      if (inode.isDirectory()) {
        requireOwnEntries(file);
      }
    } catch (NoSuchFileException e) {
      // another run was done with it
    }
  }

  /** Follows a path and all links on its way, and requires all that it comes by. */
  private static Path resolve(Path file) throws IOException {
    Deque<Path> names = new ArrayDeque<>();
    prepend(names, file.toAbsolutePath());
    Path at = file.toAbsolutePath().getRoot();
    require(!Inode.of(at).isOpen(), file, at, Inode.of(at));
    for (int links = 0; !names.isEmpty(); ) {
      Path name = names.pop();
      Path next = at.resolve(name).normalize();
      Inode inode = Inode.of(next);
      if (inode.isLink()) {
        require(!inode.isShared() && links++ < MOST_LINKS, file, next, inode);
        Path target = Files.readSymbolicLink(next);
        prepend(names, target);
        at = target.isAbsolute() ? target.getRoot() : at;
      } else {
        require(!(names.isEmpty() ? inode.isShared() : inode.isOpen()), file, next, inode);
        at = next;
      }
    }
    return at;
  }

  private static void prepend(Deque<Path> names, Path path) {
    for (int i = path.getNameCount() - 1; i >= 0; i--) {
      names.push(path.getName(i));
    }
  }

  private static void require(boolean good, Path file, Path at, Inode inode)
      throws RefusedException {
    if (!good) {
      throw new RefusedException(
          file,
          String.format(
              "others than root can change it, for %s is %s; run 'chown root %1$s' and"
                  + " 'chmod go-w %1$s'",
              at, inode));
    }
  }
}
