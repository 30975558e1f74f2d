package org.lsm.monitor;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.BitSet;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.lsm.proc.KernelInfo;
import org.lsm.storage.AtomicFile;

/**
 * What starts {@code lsm compare}: lsm.timer of systemd(1) or an entry of cron(8).
 *
 * @param text the unit or file and what it says; not escaped
 * @param interval the longest time between two runs
 * @param isRunning whether a daemon runs that starts them
 */
public record Schedule(boolean isTimer, String text, Duration interval, boolean isRunning) {
  /** The interval that lsm is installed with; assumed where another one cannot be read. */
  public static final Duration DEFAULT_INTERVAL = Duration.ofMinutes(10);

  private static final Set<String> CRON_DAEMONS = Set.of("cron", "crond", "fcron", "bcron-sched");
  private static final Pattern CRON_ENTRY =
      Pattern.compile("[^#]*[\\s/]lsm(\\s+\\S+){0,20}?\\s+(-c|compare)\\b.*");
  private static final Pattern CALENDAR = Pattern.compile("(?m)^OnCalendar=(\\S.*)$");

  /** The minutes and the hours of crontab(5). */
  private static final Pattern TIME = Pattern.compile("\\s*([\\d*/,-]+)\\s+([\\d*/,-]+)\\s.*");

  /** The hours and the minutes of systemd.time(7). */
  private static final String CALENDAR_TIME = ".*?([\\d*/,.]+):([\\d*/,.]+)(:.*)?$";

  private static final Pattern RANGE = Pattern.compile("(\\*|\\d\\d?)(-\\d\\d?)?(/\\d\\d?)?");

  /** Finds what starts lsm with a configuration; {@code isDefault} if lsm reads it by itself. */
  public static Optional<Schedule> find(SystemEnvironment host, Path config, boolean isDefault)
      throws IOException {
    Set<String> running = new KernelInfo(host.sources().proc()).processNames();
    if (isDefault && running.contains("systemd")) {
      for (Path timer : host.timers()) {
        if (Files.exists(timer)) {
          return Optional.of(ofTimer(timer));
        }
      }
    }
    boolean isRunning = !Collections.disjoint(running, CRON_DAEMONS);
    for (Path crontab : host.crontabs()) {
      for (Path file : filesOf(crontab)) {
        for (String line : text(file).lines().toList()) {
          if (CRON_ENTRY.matcher(line).matches() && reads(line, config, isDefault)) {
            return Optional.of(new Schedule(false, file + ": " + line, interval(line), isRunning));
          }
        }
      }
    }
    return Optional.empty();
  }

  private static Schedule ofTimer(Path unit) {
    Matcher calendar = CALENDAR.matcher(text(unit));
    String text = calendar.find() ? calendar.group(1).strip() : "";
    Duration interval = interval(text.replaceFirst(CALENDAR_TIME, "$2 $1 "));
    return new Schedule(true, "lsm.timer: " + text, interval, true);
  }

  private static boolean reads(String entry, Path config, boolean isDefault) {
    List<String> words = List.of(entry.split("[\\s='\"]+", -1));
    boolean isNamed = words.contains("--config") || words.contains("LSM_CONF");
    return isNamed ? words.contains(config.toString()) : isDefault;
  }

  /** The longest time between two runs: of an hour, or a day if not every hour has one. */
  private static Duration interval(String schedule) {
    Matcher time = TIME.matcher(schedule);
    if (!time.matches()) {
      Duration named = schedule.matches("@?hourly.*") ? Duration.ofHours(1) : DEFAULT_INTERVAL;
      return schedule.matches("@?(daily|midnight).*") ? Duration.ofDays(1) : named;
    }
    BitSet due = minutes(time.group(1));
    if (due.isEmpty() || !time.group(2).equals("*")) {
      return due.isEmpty() ? DEFAULT_INTERVAL : Duration.ofDays(1);
    }
    int longest = 0;
    int last = due.length() - 1 - 60;
    for (int minute = due.nextSetBit(0); minute >= 0; minute = due.nextSetBit(minute + 1)) {
      longest = Math.max(longest, minute - last);
      last = minute;
    }
    return Duration.ofMinutes(longest);
  }

  /** The minutes of a field like {@code *}, {@code 3,13,23} or {@code 3-59/10}; else none. */
  private static BitSet minutes(String field) {
    BitSet minutes = new BitSet();
    for (String part : field.split(",", -1)) {
      Matcher range = RANGE.matcher(part);
      if (!range.matches()) {
        return new BitSet();
      }
      boolean single = !part.startsWith("*") && range.group(3) == null;
      int first = part.startsWith("*") ? 0 : Integer.parseInt(range.group(1));
      int last = number(range.group(2), single ? first : 59);
      for (int it = first; it <= last; it += Math.max(1, number(range.group(3), 1))) {
        minutes.set(it);
      }
    }
    return minutes;
  }

  /** The number behind a hyphen or a slash, if there is one. */
  private static int number(String text, int otherwise) {
    return text == null ? otherwise : Integer.parseInt(text.substring(1));
  }

  /** The files in a directory of entries, or the file itself; it may be missing. */
  private static Set<Path> filesOf(Path crontab) {
    Set<Path> files = new TreeSet<>();
    try (DirectoryStream<Path> directory = Files.newDirectoryStream(crontab)) {
      directory.forEach(files::add);
    } catch (IOException e) {
      files.add(crontab);
    }
    // cron(8) skips all other names: backups, and what packages leave behind
    files.removeIf(file -> !file.getFileName().toString().matches("[A-Za-z0-9_-]+"));
    return files;
  }

  private static String text(Path file) {
    try {
      return new String(AtomicFile.read(file), ISO_8859_1);
    } catch (IOException e) {
      return ""; // hardly any host has all of these files
    }
  }
}
