package org.lsm.monitor;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.lsm.proc.KernelInfo;
import org.lsm.storage.AtomicFile;

/**
 * What starts {@code lsm compare}: lsm.timer of systemd(1) or an entry of cron(8).
 *
 * @param text the unit or file and what it says; not escaped
 * @param interval the longest time between two runs, if that is a day at most and can be read
 * @param isRunning whether a daemon runs that starts them
 */
public record Schedule(
    boolean isTimer, String text, Optional<Duration> interval, boolean isRunning) {
  /** The interval that lsm is installed with; assumed where no schedule is found. */
  public static final Duration DEFAULT_INTERVAL = Duration.ofMinutes(10);

  private static final Set<String> CRON_DAEMONS = Set.of("cron", "crond", "fcron", "bcron-sched");
  private static final Pattern CRON_ENTRY =
      Pattern.compile("[^#]*[\\s/]lsm(\\s+\\S+){0,20}?\\s+(-c|compare)\\b.*");
  private static final Pattern CALENDAR = Pattern.compile("\\s*OnCalendar\\s*=\\s*(.*?)\\s*");

  /** The minutes and the hours of crontab(5), for all days. */
  private static final Pattern TIME =
      Pattern.compile("\\s*([\\d*/,-]+)\\s+([\\d*/,-]+)(\\s+\\*){3}\\s.*");

  private static final String EVERY_HOUR = "(\\*|0-23)(/1)?";

  /** The hours and the minutes of systemd.time(7), for all days. */
  private static final String CALENDAR_TIME = "^(\\*-\\*-\\* +)?([\\d*/,-]+):([\\d*/,-]+)(:.*)?$";

  private static final Pattern RANGE = Pattern.compile("(\\*|\\d\\d?)(-\\d\\d?)?(/\\d\\d?)?");

  /** Finds what starts lsm with a configuration; {@code isDefault} if lsm reads it by itself. */
  public static Optional<Schedule> find(SystemEnvironment host, Path config, boolean isDefault)
      throws IOException {
    Set<String> running = new KernelInfo(host.sources().proc()).processNames();
    boolean isSystemd = running.contains("systemd");
    Optional<Schedule> timer = isDefault && isSystemd ? timer(host.timers()) : Optional.empty();
    if (timer.isPresent()) {
      return timer;
    }
    boolean isRunning =
        !Collections.disjoint(running, CRON_DAEMONS)
            || (isSystemd && Files.exists(host.cronGenerator()));
    for (Path crontab : host.crontabs()) {
      // cron(8) skips all other names: backups, and what packages leave behind
      for (Path file : filesOf(crontab, "[A-Za-z0-9_-]+")) {
        for (String line : text(file).lines().toList()) {
          if (CRON_ENTRY.matcher(line).matches() && reads(line, config, isDefault)) {
            return Optional.of(new Schedule(false, file + ": " + line, interval(line), isRunning));
          }
        }
      }
    }
    return Optional.empty();
  }

  /** The enabled timer, unless it is masked: then the unit is a link to /dev/null. */
  private static Optional<Schedule> timer(List<Path> links) {
    List<Path> directories = links.stream().map(it -> it.getParent().getParent()).toList();
    Optional<Path> unit =
        directories.stream().map(it -> it.resolve("lsm.timer")).filter(Files::exists).findFirst();
    if (unit.map(Schedule::text).orElse("").isEmpty() || links.stream().noneMatch(Files::exists)) {
      return Optional.empty();
    }
    List<String> calendars = new ArrayList<>();
    addCalendars(unit.get(), calendars);
    Map<String, Path> dropIns = new TreeMap<>(); // systemd reads them in the order of their names
    directories.stream()
        .flatMap(it -> filesOf(it.resolve("lsm.timer.d"), ".*\\.conf").stream())
        .forEach(it -> dropIns.putIfAbsent(it.getFileName().toString(), it));
    dropIns.values().forEach(it -> addCalendars(it, calendars));
    Optional<Duration> interval =
        calendars.stream()
            .map(it -> it.replace("..", "-").replaceFirst(CALENDAR_TIME, "$3 $2 * * * "))
            .flatMap(it -> interval(it).stream())
            .min(Comparator.naturalOrder());
    String text = "lsm.timer: " + String.join(", ", calendars);
    return Optional.of(new Schedule(true, text, interval, true));
  }

  /** Adds the times in a unit or drop-in; an empty one resets the list. */
  private static void addCalendars(Path file, List<String> calendars) {
    for (String line : text(file).lines().toList()) {
      Matcher calendar = CALENDAR.matcher(line);
      if (calendar.matches() && calendar.group(1).isEmpty()) {
        calendars.clear();
      } else if (calendar.matches()) {
        calendars.add(calendar.group(1));
      }
    }
  }

  private static boolean reads(String entry, Path config, boolean isDefault) {
    List<String> words = List.of(entry.split("[\\s='\"]+", -1));
    boolean isNamed = words.contains("--config") || words.contains("LSM_CONF");
    return isNamed ? words.contains(config.toString()) : isDefault;
  }

  /** The longest time between two runs: of an hour, or a day if not every hour has one. */
  private static Optional<Duration> interval(String schedule) {
    String hourly = schedule.replaceFirst("^\\s*@?hourly\\b", "0 * * * * ");
    Matcher time = TIME.matcher(hourly.replaceFirst("^\\s*@?(daily|midnight)\\b", "0 0 * * * "));
    BitSet due = time.matches() ? minutes(time.group(1)) : new BitSet();
    if (due.isEmpty() || !time.group(2).matches(EVERY_HOUR)) {
      return due.isEmpty() ? Optional.empty() : Optional.of(Duration.ofDays(1));
    }
    int longest = 0;
    int last = due.length() - 1 - 60;
    for (int minute = due.nextSetBit(0); minute >= 0; minute = due.nextSetBit(minute + 1)) {
      longest = Math.max(longest, minute - last);
      last = minute;
    }
    return Optional.of(Duration.ofMinutes(longest));
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

  /** The files with such names in a directory, or the file itself; it may be missing. */
  private static Set<Path> filesOf(Path path, String names) {
    Set<Path> files = new TreeSet<>();
    try (DirectoryStream<Path> directory = Files.newDirectoryStream(path)) {
      directory.forEach(files::add);
    } catch (IOException e) {
      files.add(path);
    }
    files.removeIf(file -> !file.getFileName().toString().matches(names));
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
