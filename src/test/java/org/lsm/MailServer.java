package org.lsm;

import com.icegreen.greenmail.util.ServerSetup;

/** The set-up of a real mail server of a test. */
public final class MailServer {

  private static final long START_TIMEOUT = 60_000; // milliseconds; two seconds are few under load

  private MailServer() {}

  /** Returns the set-up of a server for this protocol at a free port of the loopback. */
  public static ServerSetup setup(String protocol) {
    ServerSetup setup = new ServerSetup(0, "127.0.0.1", protocol);
    setup.setServerStartupTimeout(START_TIMEOUT);
    return setup;
  }
}
