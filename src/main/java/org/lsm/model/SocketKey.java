package org.lsm.model;

/**
 * One socket, as the kernel tells it from all others.
 *
 * @param inode number of its inode
 * @param uid the user who made it
 * @param endpoint its local end
 */
public record SocketKey(long inode, long uid, Endpoint endpoint) {

  // By hand for the same reason as in Endpoint.

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
