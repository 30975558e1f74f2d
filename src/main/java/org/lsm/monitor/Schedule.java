package org.lsm.monitor;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
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

  // Minutes and hours of crontab(5), and hours and minutes of systemd.time(7).
  private static final Pattern CRON_TIME = Pattern.compile("\\s*([\\d*/,-]+)\\s+([\\d*/,-]+)\\s.*");
  private static final Pattern CALENDAR_TIME =
      Pattern.compile(".*?([\\d*/,.]+):([\\d*/,.]+)(:.*)?");
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
            return Optional.of(new Schedule(false, file + ": " + line, ofEntry(line), isRunning));
          }
        }
      }
    }
    return Optional.empty();
  }

  private static Schedule ofTimer(Path unit) {
    Matcher calendar = CALENDAR.matcher(text(unit));
    String text = calendar.find() ? calendar.group(1).strip() : "";
    return new Schedule(true, "lsm.timer: " + text, ofCalendar(text), true);
  }

  private static boolean reads(String entry, Path config, boolean isDefault) {
    List<String> words = List.of(entry.split("[\\s='\"]+", -1));
    boolean isNamed = words.contains("--config") || words.contains("LSM_CONF");
    return isNamed ? words.contains(config.toString()) : isDefault;
  }

  /** The interval of an entry of crontab(5). */
  private static Duration ofEntry(String entry) {
    Matcher time = CRON_TIME.matcher(entry);
    return time.matches() ? interval(time.group(1), time.group(2)) : ofName(entry);
  }

  /** The interval of an expression of systemd.time(7). */
  private static Duration ofCalendar(String calendar) {
    Matcher time = CALENDAR_TIME.matcher(calendar);
    return time.matches() ? interval(time.group(2), time.group(1)) : ofName(calendar);
  }

  private static Duration ofName(String text) {
    if (text.contains("hourly")) {
      return Duration.ofHours(1);
    }
    return text.matches("@?(daily|midnight).*") ? Duration.ofDays(1) : DEFAULT_INTERVAL;
  }

  /** The longest time between two runs: within an hour, or a day if not every hour has one. */
  private static Duration interval(String minutes, String hours) {
    if (!hours.equals("*")) {
      return Duration.ofDays(1);
    }
    TreeSet<Integer> due = new TreeSet<>();
    for (String part : minutes.split(",", -1)) {
      Matcher range = RANGE.matcher(part);
      if (!range.matches()) {
        return DEFAULT_INTERVAL;
      }
      boolean single = !part.startsWith("*") && range.group(3) == null;
      int first = part.startsWith("*") ? 0 : Integer.parseInt(range.group(1));
      int last = number(range.group(2), single ? first : 59);
      int step = Math.max(1, number(range.group(3), 1));
      for (int minute = first; minute <= last; minute += step) {
        due.add(minute);
      }
    }
    int longest = due.isEmpty() ? 60 : due.first() + 60 - due.last();
    for (int minute : due) {
      Integer next = due.higher(minute);
      longest = next == null ? longest : Math.max(longest, next - minute);
    }
    return Duration.ofMinutes(longest);
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
