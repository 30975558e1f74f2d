package org.lsm.alert;

/** Why an alert is sent. */
public enum Occasion {
  DIFFERENCES("", "alert"),
  REMINDER(": reminder", "alert"),
  ALL_CLEAR(": all clear", "notice"),
  NO_BASELINE(": no baseline", "crit"),
  TROUBLE(": trouble", "crit"),
  SCAN(": port scan", "warning"),
  TEST(": test", "info");

  private final String suffix;
  private final String level;

  Occasion(String suffix, String level) {
    this.suffix = suffix;
    this.level = level;
  }

  /** What stands behind SUB in the subject. */
  String suffix() {
    return suffix;
  }

  /** The level in the words of syslog(3). */
  String level() {
    return level;
  }
}
