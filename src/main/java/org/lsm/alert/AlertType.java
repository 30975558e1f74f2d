package org.lsm.alert;

/** Why an alert is sent. */
public enum AlertType {
  DIFFERENCES("", "alert"),
  REMINDER(": reminder", "alert"),
  /** The low differences of a day. */
  DIGEST(": digest", "notice"),
  ALL_CLEAR(": all clear", "notice"),
  NO_BASELINE(": no baseline", "crit"),
  SCAN_FAILED(": scan failed", "crit"),
  PORT_SCAN(": port scan", "warning"),
  /** Stands for all alerts that the outbox had no room for. */
  OVERFLOW(": more alerts", "alert"),
  TEST(": test", "info");

  private final String suffix;
  private final String level;

  AlertType(String suffix, String level) {
    this.suffix = suffix;
    this.level = level;
  }

  /** What the subject has after {@code SUB}, unless that has $SUMMARY. */
  public String suffix() {
    return suffix;
  }

  /** What $SUMMARY in the subject stands for: the type, if it is not a difference, and this. */
  String summary(String outcome) {
    String words = suffix.isEmpty() ? "" : suffix.substring(2);
    return outcome.startsWith(words) ? outcome : words + ": " + outcome;
  }

  /** The name of the priority in syslog(3), without {@code LOG_}, in lower case. */
  public String level() {
    return level;
  }
}
