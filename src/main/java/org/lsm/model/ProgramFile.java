package org.lsm.model;

/**
 * The file that a process executes, as stat(2) sees it.
 *
 * @param device st_dev
 * @param inode st_ino
 * @param size in bytes
 * @param ctime the time of its last change, in seconds since 1970
 */
public record ProgramFile(long device, long inode, long size, long ctime) {
  public static final ProgramFile UNKNOWN = new ProgramFile(0, 0, 0, 0);

  // See Endpoint.equals.
  @Override
  public boolean equals(Object other) {
    return other instanceof ProgramFile file
        && device == file.device
        && inode == file.inode
        && size == file.size
        && ctime == file.ctime;
  }

  @Override
  public int hashCode() {
    return Long.hashCode(inode);
  }
}
