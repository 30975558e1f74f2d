package org.lsm.model;

/**
 * The file that a process executes, as stat(2) sees it.
 *
 * @param device st_dev, unsigned
 * @param inode st_ino, unsigned
 * @param size in bytes
 * @param ctime the time of its last change, in nanoseconds since 1970
 */
public record ProgramFile(long device, long inode, long size, long ctime) {
  public static final ProgramFile UNKNOWN = new ProgramFile(0, 0, 0, 0);

  /** Parses {@link #numbers}; throws NumberFormatException on another text. */
  public static ProgramFile parse(String numbers) {
    String[] words = numbers.split(" ", 4);
    if (words.length < 4) {
      throw new NumberFormatException("not four numbers: '" + numbers + "'");
    }
    return new ProgramFile(
        Long.parseUnsignedLong(words[0]),
        Long.parseUnsignedLong(words[1]),
        Long.parseLong(words[2]),
        Long.parseLong(words[3]));
  }

  /** Device, inode, size and time of change in one line. */
  public String numbers() {
    String file = Long.toUnsignedString(device) + " " + Long.toUnsignedString(inode);
    return file + " " + size + " " + ctime;
  }

  /** Returns what a change of the name alone, rename(2) or link(2), leaves as it was. */
  public ProgramFile withoutTime() {
    return new ProgramFile(device, inode, size, 0);
  }

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
