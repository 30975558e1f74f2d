package org.lsm.alert;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.lsm.model.TextEscaper;
import org.lsm.report.EscapedText;
import org.lsm.storage.FileLock;
import org.lsm.storage.StateDirectory;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The alerts that wait for delivery, one file per alert and channel. An alert is stored durably
 * before it is sent; its file is deleted when the channel has accepted it.
 *
 * <p>A file is named {@code TIME-CHANNEL.json}, or {@code TIME-CHANNEL.rejected.json} once the
 * channel has rejected it or stalled; then its modification time is that of the last try. Alerts
 * that find no room are counted in {@code overflow-CHANNEL.json}. Files are read one at a time, so
 * that the memory that a run needs does not grow with the number of alerts that wait.
 */
public final class Outbox {

  private static final String SUFFIX = ".json";
  private static final String REJECTED = ".rejected.json";
  private static final String DAMAGED = ".damaged";
  private static final String OVERFLOW = "overflow-";

  /** Per channel; further alerts are folded into one. */
  private static final int MAX_WAITING = 1000;

  /** After so many rejections, alerts that were rejected in an earlier run wait for the next. */
  private static final int MAX_REJECTIONS = 20;

  /** For all alerts of a run. */
  private static final Duration CHANNEL_TIMEOUT = Duration.ofMinutes(2);

  private static final Duration LOCK_TIMEOUT = Duration.ofSeconds(30);

  /** An older temporary file was left by a run that was killed. */
  private static final Duration MAX_TEMPORARY_AGE = Duration.ofHours(1);

  private final Path directory;
  private final Supplier<List<Channel>> channels;
  private final History history;
  private final Consumer<String> warn;
  private final Map<String, ChannelRun> runs = new HashMap<>();
  private final Set<Path> failedNow = new HashSet<>();
  private final List<Unstored> unstored = new ArrayList<>();
  private boolean newFailure;

  private record Unstored(Channel channel, Alert alert) {}

  /**
   * An alert that waits for a channel.
   *
   * @param time when its cause was found
   * @param failure why the last try failed, escaped; empty before the first
   */
  public record Waiting(String channel, Instant time, String failure) {}

  /** What a channel has done in this run. */
  private static final class ChannelRun {
    private boolean unavailable;
    private int rejections;
    private long nanos;

    boolean mayTry(boolean again) {
      return !unavailable
          && nanos < CHANNEL_TIMEOUT.toNanos()
          && (!again || rejections < MAX_REJECTIONS);
    }
  }

  /**
   * @param directory created on first use, with mode 0700
   * @param channels called only when there is an alert
   * @param history logs deliveries and failures
   * @param warn receives an escaped message for every new failure
   */
  public Outbox(
      Path directory, Supplier<List<Channel>> channels, History history, Consumer<String> warn) {
    this.directory = directory;
    this.channels = channels;
    this.history = history;
    this.warn = warn;
  }

  /**
   * Stores an alert for every channel. The caller holds the lock of the state directory.
   *
   * @return whether it is stored durably; if not, the next {@link #deliver()} sends it from memory
   */
  public boolean put(Alert alert) {
    List<Channel> missing = new ArrayList<>(channels.get());
    if (missing.isEmpty()) {
      return true;
    }
    try {
      StateDirectory.create(directory);
      String name = unusedName(alert.time());
      while (!missing.isEmpty()) {
        String channel = missing.get(0).name();
        if (waiting(channel).size() < MAX_WAITING) {
          new OutboxEntry(alert).write(directory.resolve(name + "-" + channel + SUFFIX));
        } else {
          fold(directory.resolve(OVERFLOW + channel + SUFFIX), alert);
        }
        missing.remove(0);
      }
      return true;
    } catch (IOException e) {
      warn("cannot store the alert, sending it anyway", e);
      missing.forEach(channel -> unstored.add(new Unstored(channel, alert)));
      return false;
    }
  }

  private String unusedName(Instant time) throws IOException {
    Set<String> used =
        files("").stream().map(it -> name(it).split("-", 2)[0]).collect(Collectors.toSet());
    String base =
        DateTimeFormatter.ofPattern("yyyyMMdd'T'HHmmss.SSS'Z'", Locale.ROOT)
            .format(time.atZone(ZoneOffset.UTC));
    String name = base;
    for (int i = 1; used.contains(name); i++) {
      name = String.format(Locale.ROOT, "%s_%03d", base, i);
    }
    return name;
  }

  /** The lock keeps another run from delivering and deleting the file meanwhile. */
  @SuppressWarnings("try") // the lock is only held
  private void fold(Path file, Alert alert) throws IOException {
    try (FileLock lock = lock()) {
      Optional<OutboxEntry> before = Files.exists(file) ? read(file) : Optional.empty();
      before.orElse(new OutboxEntry(alert)).fold(alert).write(file);
    }
  }

  private FileLock lock() throws IOException {
    return FileLock.take(directory.resolve("lock"), LOCK_TIMEOUT);
  }

  /**
   * Delivers what waits, oldest first. What a channel has rejected comes after everything else, the
   * least recently tried first.
   *
   * @return whether nothing waits any more
   */
  @SuppressWarnings("try") // the lock is only held
  public boolean deliver() {
    boolean sent = true;
    for (Unstored it : unstored) {
      sent &=
          run(it.channel).mayTry(false) && send(it.channel, new OutboxEntry(it.alert)).isEmpty();
    }
    unstored.clear();
    if (size() > 0) {
      try (FileLock lock = lock()) {
        dropForOthers(channels.get());
        for (Channel channel : channels.get()) {
          waiting(channel.name()).stream()
              .sorted(Comparator.comparingLong(Outbox::lastTry))
              .forEach(file -> deliver(channel, file));
        }
        removeTemporary();
      } catch (IOException e) {
        warn("cannot deliver what waits in " + directory, e);
      }
    }
    return sent && size() == 0 && damaged() == 0;
  }

  private void removeTemporary() throws IOException {
    long limit = Instant.now().minus(MAX_TEMPORARY_AGE).toEpochMilli();
    for (Path file : files(".tmp")) {
      if (file.toFile().lastModified() < limit) {
        Files.deleteIfExists(file);
      }
    }
  }

  /** Drops the alerts for channels that were switched off. */
  private void dropForOthers(List<Channel> active) throws IOException {
    Set<String> names = active.stream().map(Channel::name).collect(Collectors.toSet());
    List<Path> files = files(SUFFIX).stream().filter(it -> !names.contains(channel(it))).toList();
    List<String> dropped = new ArrayList<>();
    for (Path file : files) {
      String reason = channel(file) + " is switched off: ";
      read(file).ifPresent(it -> dropped.add(reason + it.alert().subject()));
    }
    history.append("dropped", dropped);
    for (Path file : files) {
      Files.deleteIfExists(file);
    }
  }

  private void deliver(Channel channel, Path file) {
    if (failedNow.contains(file) || !run(channel).mayTry(isRejected(file))) {
      return;
    }
    Optional<OutboxEntry> entry = read(file);
    if (entry.isEmpty()) {
      return;
    }
    Optional<DeliveryException> failure = send(channel, entry.get());
    try {
      if (failure.isEmpty()) {
        Files.deleteIfExists(file);
      } else {
        keep(file, entry.get(), failure.get());
      }
    } catch (IOException e) {
      warn("what was delivered may be sent again", e);
    }
  }

  private void keep(Path file, OutboxEntry entry, DeliveryException e) throws IOException {
    Path target = file;
    if (e.kind() != FailureKind.UNAVAILABLE
        && !isRejected(file)
        && !name(file).startsWith(OVERFLOW)) {
      target = file.resolveSibling(name(file).replace(SUFFIX, REJECTED));
      Files.move(file, target, StandardCopyOption.ATOMIC_MOVE);
    }
    failedNow.add(target);
    OutboxEntry next = entry.failed(e);
    if (!next.equals(entry)) {
      next.write(target);
    }
    Files.setLastModifiedTime(target, FileTime.from(Instant.now()));
  }

  /** Sends an alert and logs the outcome; returns the failure, if it failed. */
  private Optional<DeliveryException> send(Channel channel, OutboxEntry entry) {
    String name = channel.name();
    long start = System.nanoTime();
    try {
      String reply = channel.send(entry.alert(), entry.served());
      String suffix = reply.isEmpty() ? "" : "; reply: " + EscapedText.escape(reply);
      history.append("delivered", name + ": " + entry.alert().subject() + suffix);
      return Optional.empty();
    } catch (DeliveryException e) {
      return Optional.of(failed(channel, entry, e));
    } catch (RuntimeException e) {
      String what = name + " failed: internal error: " + e;
      return Optional.of(
          failed(channel, entry, new DeliveryException(what, e, FailureKind.REJECTED, Set.of())));
    } finally {
      run(channel).nanos += System.nanoTime() - start;
    }
  }

  private DeliveryException failed(Channel channel, OutboxEntry entry, DeliveryException e) {
    debug(channel.name(), e);
    if (e.kind() == FailureKind.REJECTED) {
      run(channel).rejections++;
    } else {
      run(channel).unavailable = true;
    }
    OutboxEntry next = entry.failed(e);
    if (!next.failedLike(entry)) { // cron mails whatever a run prints
      report("failed", next.failure());
    }
    return e;
  }

  private void report(String event, String text) {
    newFailure = true;
    warn.accept(text);
    history.append(event, text);
  }

  private ChannelRun run(Channel channel) {
    return runs.computeIfAbsent(channel.name(), it -> new ChannelRun());
  }

  /** Whether something has failed in this run that was not reported before. */
  public boolean hasNewFailure() {
    return newFailure;
  }

  /** Reads a file; a damaged one is renamed, for people to look at. */
  private Optional<OutboxEntry> read(Path file) {
    try {
      return Optional.of(OutboxEntry.read(file));
    } catch (IOException | RuntimeException e) {
      debug(file, e);
    }
    try {
      Path aside = Files.move(file, file.resolveSibling(name(file) + DAMAGED));
      report("damaged", "damaged alert set aside; see what it was about, then remove it: " + aside);
    } catch (IOException e) {
      warn("cannot set a damaged alert aside", e);
    }
    return Optional.empty();
  }

  private void warn(String what, IOException e) {
    warn.accept(what + ": " + EscapedText.escape(e.getMessage()));
  }

  /** Gets the logger only when it is needed, because that takes time. */
  private static void debug(Object what, Exception e) {
    Logger log = LoggerFactory.getLogger(Outbox.class);
    if (log.isDebugEnabled()) {
      log.debug("{}: {}", what, TextEscaper.stackTrace(e));
    }
  }

  /** The alerts that have waited longest; at most so many files are read. */
  public List<Waiting> oldest(int max) throws IOException {
    List<Waiting> oldest = new ArrayList<>();
    for (Path file : files(SUFFIX).stream().limit(max).toList()) {
      try {
        OutboxEntry entry = OutboxEntry.read(file);
        oldest.add(new Waiting(channel(file), entry.alert().time(), entry.failure()));
      } catch (IOException | RuntimeException e) {
        debug(file, e); // delivered meanwhile, or damaged
      }
    }
    return oldest;
  }

  public Path directory() {
    return directory;
  }

  /** The number of alerts that wait; one that waits for two channels counts twice. */
  public int size() {
    return count(SUFFIX);
  }

  /** The number of damaged files that were set aside. */
  public int damaged() {
    return count(DAMAGED);
  }

  private int count(String suffix) {
    try {
      return files(suffix).size();
    } catch (IOException e) {
      warn("cannot read the outbox", e);
      return 0;
    }
  }

  /** The files of alerts for a channel, oldest first. */
  private List<Path> waiting(String channel) throws IOException {
    return files(SUFFIX).stream().filter(it -> channel(it).equals(channel)).toList();
  }

  /** Sorts files in the order of delivery. */
  private static long lastTry(Path file) {
    long overflowLast = name(file).startsWith(OVERFLOW) ? Long.MAX_VALUE : 0;
    return isRejected(file) ? file.toFile().lastModified() : overflowLast;
  }

  private static String name(Path file) {
    return file.getFileName().toString();
  }

  private static String channel(Path file) {
    return name(file).replaceFirst("^[^-]*-", "").replaceFirst("\\..*", "");
  }

  private static boolean isRejected(Path file) {
    return name(file).endsWith(REJECTED);
  }

  /** The files with such a name, oldest first. */
  private List<Path> files(String suffix) throws IOException {
    if (!Files.isDirectory(directory)) {
      return List.of();
    }
    try (Stream<Path> files = Files.list(directory)) {
      return files.filter(file -> name(file).endsWith(suffix)).sorted().toList();
    }
  }
}
