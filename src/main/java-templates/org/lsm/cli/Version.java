package org.lsm.cli;

/** What the build knows of this lsm; a constant, for a resource takes each start longer to find. */
final class Version {

  static final String VERSION = "${project.version}";

  private Version() {}
}
