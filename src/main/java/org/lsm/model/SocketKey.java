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
    return 31 * Long.hashCode(inode) + endpoint.hashCode();
  }
}
