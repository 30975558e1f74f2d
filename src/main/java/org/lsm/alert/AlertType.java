package org.lsm.alert;

/** Why an alert is sent. */
public enum AlertType {
  DIFFERENCES("", "alert"),
  REMINDER(": reminder", "alert"),
  ALL_CLEAR(": all clear", "notice"),
  NO_BASELINE(": no baseline", "crit"),
  SCAN_FAILED(": scan failed", "crit"),
  PORT_SCAN(": port scan", "warning"),
  TEST(": test", "info");

  private final String suffix;
  private final String level;

  AlertType(String suffix, String level) {
    this.suffix = suffix;
    this.level = level;
  }

  /** What stands behind SUB in the subject. */
  public String suffix() {
    return suffix;
  }

  /** The level in the words of syslog(3). */
  public String level() {
    return level;
  }
}
