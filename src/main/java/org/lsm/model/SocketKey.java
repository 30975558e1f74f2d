package org.lsm.model;

/**
 * Identifies a socket while it exists.
 *
 * @param inode inode number
 * @param uid user ID of its creator
 */
public record SocketKey(long inode, long uid, Endpoint endpoint) {

  // See Endpoint.equals.

  @Override
  public boolean equals(Object other) {
    return other instanceof SocketKey socket
        && inode == socket.inode
        && uid == socket.uid
        && endpoint.equals(socket.endpoint);
  }

  @Override
  public int hashCode() {
    return 31 * Long.hashCode(inode) + endpoint.hashCode();
  }
}
