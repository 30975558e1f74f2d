package org.lsm.monitor;

/** The version of lsm, from the build. A constant: reading a resource slows each start. */
public final class Version {

  public static final String VERSION = "${project.version}";

  private Version() {}
}
