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
 * Keeps root from trusting a file that another user can write or replace. Other users may use any
 * file: they can only deceive themselves.
 */
public final class SecureFiles {

  private static final Path SELF = Path.of("/proc/self");

  /** The limit of the kernel, path_resolution(7). */
  private static final int MAX_LINKS = 40;

  private SecureFiles() {}

  /** Root refuses a file that others can change. */
  public static final class RefusedException extends FileSystemException {
    private static final long serialVersionUID = 1L;

    RefusedException(Path file, String reason) {
      super(file.toString(), null, reason);
    }
  }

  /**
   * A file or a symbolic link itself.
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
    private static final int GROUP_OR_OTHERS_WRITE = 022;

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

    /** The group's bits are also the mask of an access control list, acl(5). */
    boolean isWritableByOthers() {
      return owner != 0 || (!isLink() && (mode & GROUP_OR_OTHERS_WRITE) != 0);
    }

    /** Whether others can replace files of root in this directory. */
    boolean hasReplaceableEntries() {
      return owner != 0 || (isWritableByOthers() && (mode & STICKY) == 0);
    }

    @Override
    public String toString() {
      return String.format(
          Locale.ROOT, "user %d and group %d with mode %04o", owner, group, mode & PERMISSIONS);
    }
  }

  /**
   * Reads a file that controls lsm.
   *
   * @throws RefusedException if root reads it and others can write or replace it, a directory above
   *     it, or a symbolic link on the way
   */
  public static byte[] read(Path file) throws IOException {
    return AtomicFile.read(isRoot() && Files.isRegularFile(file) ? resolve(file) : file);
  }

  /**
   * Checks that only root can write a directory and all that is in it, and that it contains no
   * symbolic links. The directory may be missing.
   *
   * @throws RefusedException if root runs lsm and the check fails
   */
  public static void requireRootOnly(Path directory) throws IOException {
    if (isRoot()
        && Files.exists(directory, LinkOption.NOFOLLOW_LINKS)
        && Files.isDirectory(resolve(directory))) {
      requireRootOnlyEntries(directory);
    }
  }

  private static boolean isRoot() throws IOException {
    return (int) Files.getAttribute(SELF, "unix:uid") == 0;
  }

  private static void requireRootOnlyEntries(Path directory) throws IOException {
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(directory)) {
      for (Path entry : entries) {
        requireRootOnlyEntry(entry);
      }
    }
  }

  private static void requireRootOnlyEntry(Path file) throws IOException {
    try {
      Inode inode = Inode.of(file);
      if (inode.isLink()) {
        throw new RefusedException(
            file, "is a symbolic link, which lsm does not follow here; remove it");
      }
      require(!inode.isWritableByOthers(), file, file, inode);
      if (inode.isDirectory()) {
        requireRootOnlyEntries(file);
      }
    } catch (NoSuchFileException e) {
      // another run has deleted it since
    }
  }

  /** Resolves a path with its symbolic links, and checks each file and directory on the way. */
  private static Path resolve(Path file) throws IOException {
    Deque<Path> names = new ArrayDeque<>();
    prepend(names, file.toAbsolutePath());
    Path at = file.toAbsolutePath().getRoot();
    require(!Inode.of(at).hasReplaceableEntries(), file, at, Inode.of(at));
    for (int links = 0; !names.isEmpty(); ) {
      Path name = names.pop();
      Path next = at.resolve(name).normalize();
      Inode inode = Inode.of(next);
      if (inode.isLink()) {
        require(!inode.isWritableByOthers() && links++ < MAX_LINKS, file, next, inode);
        Path target = Files.readSymbolicLink(next);
        prepend(names, target);
        at = target.isAbsolute() ? target.getRoot() : at;
      } else {
        boolean open = names.isEmpty() ? inode.isWritableByOthers() : inode.hasReplaceableEntries();
        require(!open, file, next, inode);
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

  private static void require(boolean secure, Path file, Path at, Inode inode)
      throws RefusedException {
    if (!secure) {
      throw new RefusedException(
          file,
          String.format(
              "users other than root can change it: %s belongs to %s; run 'chown root %1$s' and"
                  + " 'chmod go-w %1$s'",
              at, inode));
    }
  }
}
