package org.lsm.alert;

import java.io.IOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import org.lsm.storage.AtomicFile;

/**
 * The files of an {@link Outbox}. A file is named {@code TIME-CHANNEL.json}; {@code
 * TIME-CHANNEL.rejected.json} once the channel has rejected it or stalled; or {@code
 * TIME-CHANNEL.unanswered.json} if it had all of the alert and did not answer. Then the
 * modification time is that of the last try. Alerts that find no room are counted in {@code
 * overflow-CHANNEL.json}, which keeps its name.
 */
record OutboxDirectory(Path path) {
  static final String WAITING = ".json"; // the end of the names of all alerts that wait
  static final String DAMAGED = ".damaged";

  private static final String REJECTED = ".rejected.json";
  private static final String UNANSWERED = ".unanswered.json";
  private static final String OVERFLOW = "overflow-";
  private static final Duration UNANSWERED_INTERVAL = Duration.ofHours(1);
  private static final Duration MAX_TEMPORARY_AGE = Duration.ofHours(1); // then its run was killed

  Path file(String name) {
    return path.resolve(name);
  }

  /** The lock of the process that delivers through a channel. */
  Path lock(String channel) {
    return file(channel + ".lock");
  }

  static String overflow(String channel) {
    return OVERFLOW + channel + WAITING;
  }

  static String channel(String name) {
    return name.replaceAll("^[^-]*-|\\..*", "");
  }

  /** The name of a file without its end, which shows how the last try ended. */
  static String alertName(String name) {
    return name.replaceAll("(\\.[a-z]+)?\\.json$", "");
  }

  static boolean wasTried(String name) {
    return name.endsWith(REJECTED) || name.endsWith(UNANSWERED);
  }

  /** The file of an alert that a channel has rejected or not answered. */
  Path tried(String name, boolean unanswered) {
    String tried = alertName(name) + (unanswered ? UNANSWERED : REJECTED);
    return file(name.startsWith(OVERFLOW) ? name : tried);
  }

  /** The file that a damaged one is renamed to. */
  Path damaged(String name) {
    boolean taken = Files.exists(file(name + DAMAGED));
    return file(name + (taken ? "." + System.currentTimeMillis() : "") + DAMAGED);
  }

  /** A file after those of earlier alerts, with a name that no damaged or rejected alert has. */
  Path newFile(Instant time, String channel) throws IOException {
    List<String> used = names("");
    ZonedDateTime utc = time.atZone(ZoneOffset.UTC);
    String base = String.format(Locale.ROOT, "%1$tY%1$tm%1$tdT%1$tH%1$tM%1$tS.%1$tLZ", utc);
    for (int i = 0; ; i++) {
      String number = i == 0 ? "" : String.format(Locale.ROOT, "_%03d", i);
      String name = base + number + "-" + channel;
      if (used.stream().noneMatch(it -> it.startsWith(name + "."))) {
        return file(name + WAITING);
      }
    }
  }

  /** A server that did not answer may have the alert; it must not get it again at each run. */
  boolean isTooEarly(String name) {
    long age = System.currentTimeMillis() - file(name).toFile().lastModified();
    return name.endsWith(UNANSWERED) && age >= 0 && age < UNANSWERED_INTERVAL.toMillis();
  }

  /** Sorts files in the order of delivery. */
  long lastTry(String name) {
    long overflowLast = name.startsWith(OVERFLOW) ? Long.MAX_VALUE : 0;
    return wasTried(name) ? file(name).toFile().lastModified() : overflowLast;
  }

  /** The names of the alerts that wait, oldest first. */
  List<String> waiting() throws IOException {
    return names(WAITING);
  }

  /** The names of the alerts that wait for a channel, oldest first. */
  List<String> waiting(String channel) throws IOException {
    List<String> names = waiting();
    names.removeIf(it -> !channel(it).equals(channel));
    return names;
  }

  /** The names of the files with such an end, oldest first. */
  List<String> names(String suffix) throws IOException {
    List<String> names = new ArrayList<>();
    if (Files.isDirectory(path)) {
      try (DirectoryStream<Path> files = Files.newDirectoryStream(path)) {
        for (Path file : files) {
          String name = file.getFileName().toString();
          if (name.endsWith(suffix)) {
            names.add(name);
          }
        }
      } catch (DirectoryIteratorException e) {
        throw e.getCause();
      }
    }
    Collections.sort(names);
    return names;
  }

  void removeTemporaryFiles() throws IOException {
    if (Files.isDirectory(path)) {
      AtomicFile.removeTemporaryFiles(path, MAX_TEMPORARY_AGE);
    }
  }
}
