package org.lsm.cli;

/** What the exit status of lsm means. */
public final class ExitCode {

  /** Nothing differs, or the command did what it was asked for. */
  public static final int OK = 0;

  /** Something differs. */
  public static final int DIFFERENT = 1;

  /** Usage, configuration, scan, lock, or a missing or damaged baseline. */
  public static final int ERROR = 2;

  /** An alert could not be delivered. */
  public static final int ALERT_PENDING = 3;

  private ExitCode() {}
}
