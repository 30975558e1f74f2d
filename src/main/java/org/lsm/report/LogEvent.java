package org.lsm.report;

import java.util.Map;
import java.util.Objects;
import java.util.SortedMap;
import java.util.TreeMap;

/** One line of a log, escaped: its severity as in syslog(3), the event in words and as fields. */
public record LogEvent(String level, String message, SortedMap<String, String> data) {
  public LogEvent {
    Objects.requireNonNull(level);
    Objects.requireNonNull(message);
    data = new TreeMap<>(Map.copyOf(data)); // which refuses null
  }

  public LogEvent(String level, String message) {
    this(level, message, new TreeMap<>());
  }
}
