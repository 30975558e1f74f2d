package org.lsm.monitor;

/** What the build knows of this lsm; a constant, for a resource takes each start longer to find. */
public final class Version {

  public static final String VERSION = "${project.version}";

  private Version() {}
}
