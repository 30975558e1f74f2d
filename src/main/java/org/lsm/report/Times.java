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

  /**
   * Two times of day, the first with its date if that differs: {@code between 03:10:05 and ...}.
   */
  static String formatBetween(Instant start, Instant end, ZoneId zone) {
    boolean isSameDay = start.atZone(zone).toLocalDate().equals(end.atZone(zone).toLocalDate());
    String pattern = isSameDay ? "HH:mm:ss" : "yyyy-MM-dd HH:mm:ss";
    DateTimeFormatter format = DateTimeFormatter.ofPattern(pattern, Locale.ROOT).withZone(zone);
    return "between " + format.format(start) + " and " + format.format(end);
  }

  /** A time and its age in its two largest units: {@code ... +00:00 (3 d 4 h ago)}. */
  public static String formatWithAge(Instant time, Instant now, ZoneId zone) {
    return format(time, zone) + " (" + age(time, now) + " ago)";
  }

  /** The time since then in its two largest units. */
  static String age(Instant time, Instant now) {
    Duration age = Duration.between(time, now);
    long[] units = {age.toDays(), age.toHoursPart(), age.toMinutesPart(), age.toSecondsPart()};
    String text = Math.max(0, units[3]) + " s";
    for (int i = 2; i >= 0; i--) {
      if (units[i] > 0) {
        text = units[i] + " " + "dhm".charAt(i) + " " + units[i + 1] + " " + "hms".charAt(i);
      }
    }
    return text;
  }
}
