package org.lsm.storage;

import java.io.IOException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;

/** Keeps root from trusting a file that others can change; others can only deceive themselves. */
public final class SecureFiles {
  private static final int MAX_LINKS = 40; // as in the kernel, path_resolution(7)

  private SecureFiles() {}

  /** Root refuses a file that others can change. */
  public static final class RefusedException extends FileSystemException {
    private static final long serialVersionUID = 1L;

    RefusedException(Path file, String reason) {
      super(file.toString(), null, reason);
    }
  }

  /** User ID, group ID, type and permissions of a file or a symbolic link itself, inode(7). */
  private record Inode(int owner, int group, int mode) {
    private static final int TYPE = 0170000;
    private static final int LINK = 0120000;
    private static final int DIRECTORY = 0040000;
    private static final int STICKY = 01000;
    private static final int GROUP_OR_OTHERS_WRITE = 022;

    static Inode of(Path file) throws IOException {
      var stat = Files.readAttributes(file, "unix:uid,gid,mode", LinkOption.NOFOLLOW_LINKS);
      return new Inode((int) stat.get("uid"), (int) stat.get("gid"), (int) stat.get("mode"));
    }

    boolean isLink() {
      return (mode & TYPE) == LINK;
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
      return String.format("user %s and group %s with mode %04o", owner, group, mode & ~TYPE);
    }
  }

  /**
   * Reads a file that controls lsm. Refuses it if root reads it and others can write or replace it,
   * a directory above it, or a symbolic link on the way.
   */
  public static byte[] read(Path file) throws IOException {
    return AtomicFile.read(isRoot() && Files.isRegularFile(file) ? resolve(file) : file);
  }

  /** Refuses a file or directory, as {@link #read} does, without reading it. */
  public static void requireTrusted(Path file) throws IOException {
    if (isRoot()) {
      resolve(file);
    }
  }

  /**
   * Checks that only root can write a directory and all that is in it, and that it contains no
   * symbolic links; refuses it if not, and root runs lsm. The directory may be missing.
   */
  public static void requireRootOnly(Path directory) throws IOException {
    if (isRoot() && Files.exists(directory, LinkOption.NOFOLLOW_LINKS)) {
      requireRootOnlyTree(resolve(directory));
    }
  }

  private static boolean isRoot() throws IOException {
    return (int) Files.getAttribute(Path.of("/proc/self"), "unix:uid") == 0;
  }

  private static void requireRootOnlyTree(Path file) throws IOException {
    try {
      Inode inode = Inode.of(file);
      if (inode.isLink()) {
        throw new RefusedException(
            file, "is a symbolic link, which lsm does not follow here; remove it");
      }
      require(!inode.isWritableByOthers(), file, file, inode);
      if ((inode.mode & Inode.TYPE) == Inode.DIRECTORY) {
        for (String entry : list(file)) {
          requireRootOnlyTree(file.resolve(entry));
        }
      }
    } catch (NoSuchFileException e) {
      // another run has deleted it since
    }
  }

  /** The names in a directory. DirectoryStream takes longer to load than the whole check. */
  public static String[] list(Path directory) throws IOException {
    String[] names = directory.toFile().list();
    if (names == null) {
      throw new FileSystemException(directory.toString(), null, "cannot be listed");
    }
    return names;
  }

  /** Resolves a path with its symbolic links, and checks each file and directory on the way. */
  private static Path resolve(Path file) throws IOException {
    Path rest = file.toAbsolutePath();
    Path at = rest.getRoot();
    require(!Inode.of(at).hasReplaceableEntries(), file, at, Inode.of(at));
    for (int links = 0; rest != null && rest.getNameCount() > 0; ) {
      Path next = at.resolve(rest.getName(0)).normalize();
      rest = rest.getNameCount() > 1 ? rest.subpath(1, rest.getNameCount()) : null;
      Inode inode = Inode.of(next);
      if (inode.isLink()) {
        require(!inode.isWritableByOthers() && links++ < MAX_LINKS, file, next, inode);
        Path target = Files.readSymbolicLink(next);
        rest = rest == null ? target : target.resolve(rest);
        at = target.isAbsolute() ? target.getRoot() : at;
      } else {
        boolean open = rest == null ? inode.isWritableByOthers() : inode.hasReplaceableEntries();
        require(!open, file, next, inode);
        at = next;
      }
    }
    return at;
  }

  private static void require(boolean secure, Path file, Path at, Inode inode) throws IOException {
    if (!secure) {
      String reason = "users other than root can change it: " + at + " belongs to " + inode;
      String remedy = "; run 'chown root " + at + "' and 'chmod go-w " + at + "'";
      throw new RefusedException(file, reason + remedy);
    }
  }
}
