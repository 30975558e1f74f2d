package org.lsm.report;

import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.Locale;

/** Times as people read them. */
public final class Times {

  private Times() {}

  /** A time with the offset of its zone: {@code 2026-01-02 03:04:05 +00:00}. */
  public static String format(Instant time, ZoneId zone) {
    return DateTimeFormatter.ofPattern("yyyy-MM-dd HH:mm:ss xxx", Locale.ROOT)
        .format(time.atZone(zone));
  }

  /** A time and its age: {@code 2026-01-02 03:04:05 +00:00 (3 d 4 h ago)}. */
  public static String formatWithAge(Instant time, Instant now, ZoneId zone) {
    return format(time, zone) + " (" + age(time, now) + " ago)";
  }

  /** The time between two instants in its two largest units: {@code 3 d 4 h}. */
  private static String age(Instant start, Instant now) {
    Duration age = Duration.between(start, now);
    long[] units = {age.toDays(), age.toHoursPart(), age.toMinutesPart(), age.toSecondsPart()};
    for (int i = 0; i < 3; i++) {
      if (units[i] > 0) {
        return units[i] + " " + "dhm".charAt(i) + " " + units[i + 1] + " " + "hms".charAt(i);
      }
    }
    return Math.max(0, units[3]) + " s";
  }
}
