package org.lsm.cli;

/** The exit status of lsm. */
public final class ExitCode {
  /** There is no difference, or the command is done. */
  public static final int OK = 0;

  /** There are differences, or {@code status} found a fault. */
  public static final int DIFFERENT = 1;

  /** Usage, configuration, scan, lock, or a missing or damaged baseline. */
  public static final int ERROR = 2;

  /** An alert could not be delivered and waits in the outbox. */
  public static final int ALERT_PENDING = 3;

  private ExitCode() {}
}
