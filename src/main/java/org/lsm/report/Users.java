package org.lsm.report;

/** What a report asks about the users of the host; asked late, since answers take a while. */
public interface Users {
  /** Adds the name to the number of a user that passwd(5) lacks. */
  String withName(String user);

  /** Whether people log in as this user, and no service runs as it. */
  default boolean isLogin(String user) {
    return false;
  }
}
