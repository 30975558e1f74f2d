package org.lsm.model;

/** Identifies a socket while it exists, by the user ID of its creator, too. */
public record SocketKey(long inode, long uid, Endpoint endpoint) {
  // See Endpoint.equals.
  @Override
  public boolean equals(Object other) {
    return other instanceof SocketKey key
        && inode == key.inode
        && uid == key.uid
        && endpoint.equals(key.endpoint);
  }

  @Override
  public int hashCode() {
    // Numbered names and their inodes, in a row, would add up to the same.
    return Long.hashCode(inode * 0x9E3779B97F4A7C15L) + endpoint.hashCode();
  }
}
