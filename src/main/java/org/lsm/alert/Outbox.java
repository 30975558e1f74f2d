package org.lsm.alert;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.lsm.alert.DeliveryException.FailureKind;
import org.lsm.model.ErrorMessages;
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
 * <p>Files are read one at a time, so that the memory that a run needs does not grow with the
 * number of alerts that wait.
 *
 * <p>A process that delivers holds a lock for the channel. Others leave their alerts to it, so that
 * a slow mail server keeps back neither a run nor another channel.
 */
public final class Outbox {
  /** How long a process of its own goes on to start deliveries through one channel. */
  public static final Duration CHANNEL_TIMEOUT = Duration.ofMinutes(10);

  private static final int MAX_WAITING = 1000; // per channel; further alerts are folded into one
  private static final int MAX_REJECTIONS = 20; // then what an earlier run tried waits for the next
  private static final Duration LOCK_TIMEOUT = Duration.ofSeconds(1); // for one about to end

  private final OutboxDirectory files;
  private final Supplier<List<Channel>> channels;
  private final Duration channelTimeout;
  private final History history;
  private final Consumer<String> warn;
  private final Map<String, ChannelRun> runs = new LinkedHashMap<>();
  private final List<BooleanSupplier> unstored = new ArrayList<>();
  private final Set<String> deliverers = new TreeSet<>();
  private boolean newFailure;

  /** An alert that waits, and why its last try failed: escaped, and empty before the first. */
  public record Waiting(String channel, Instant time, String failure) {}

  /**
   * An outbox in a directory, which is created on first use. {@code channels} is called only when
   * there is an alert; after {@code channelTimeout} a channel is given no further one; {@code warn}
   * receives an escaped message for every new failure.
   */
  public Outbox(
      Path directory,
      Supplier<List<Channel>> channels,
      Duration channelTimeout,
      History history,
      Consumer<String> warn) {
    this.files = new OutboxDirectory(directory);
    this.channels = channels;
    this.channelTimeout = channelTimeout;
    this.history = history;
    this.warn = warn;
  }

  private Map<String, ChannelRun> runs() {
    if (runs.isEmpty()) {
      channels.get().forEach(channel -> runs.put(channel.name(), new ChannelRun(channel)));
    }
    return runs;
  }

  /**
   * Stores an alert for every channel, and returns whether that is durable; if not, the next {@link
   * #deliver()} sends it from memory. The caller holds the lock of the state directory.
   */
  public boolean put(Alert alert) {
    boolean stored = true;
    for (ChannelRun run : runs().values()) {
      try {
        store(alert, run.channel.name());
      } catch (IOException e) {
        if (stored) {
          warn("cannot store the alert, sending it anyway", e);
        }
        stored = false;
        unstored.add(() -> run.mayTry(false) && run.send(new OutboxEntry(alert)).isEmpty());
      }
    }
    return stored;
  }

  @SuppressWarnings("try") // the lock is only held
  private void store(Alert alert, String channel) throws IOException {
    StateDirectory.create(files.path());
    if (files.waiting(channel).size() >= MAX_WAITING) {
      String name = OutboxDirectory.overflow(channel);
      Path file = files.file(name);
      // The lock keeps another run from delivering and deleting the file meanwhile.
      try (FileChannel lock = FileLock.take(files.lock(channel), Duration.ZERO)) {
        Optional<OutboxEntry> before = Files.exists(file) ? read(name) : Optional.empty();
        before.orElse(new OutboxEntry(alert)).fold(alert).write(file);
        return;
      } catch (IOException e) {
        // While another run delivers, a few files more than MAX_WAITING do no harm.
      }
    }
    new OutboxEntry(alert).write(files.newFile(alert.time(), channel));
  }

  /**
   * Delivers what waits, oldest first, and drops alerts for channels that were switched off. What a
   * channel has rejected comes last, the least recently tried first. Returns whether nothing waits.
   */
  public boolean deliver() {
    boolean sent = deliverUnstored();
    try {
      List<String> waiting = files.waiting().stream().map(OutboxDirectory::channel).toList();
      Set<String> order = new LinkedHashSet<>(waiting.isEmpty() ? Set.of() : runs().keySet());
      order.addAll(waiting);
      order.stream().filter(waiting::contains).forEach(this::deliverAll);
    } catch (IOException e) {
      warn("cannot read the outbox", e);
    }
    return sent && isEmpty();
  }

  /** Sends what could not be stored; returns whether all of it was accepted. */
  public boolean deliverUnstored() {
    boolean sent = true;
    for (BooleanSupplier delivery : unstored) {
      sent &= delivery.getAsBoolean();
    }
    unstored.clear();
    return sent;
  }

  /** Delivers what waits for a channel, and what other runs add meanwhile. */
  @SuppressWarnings("try") // the lock is only held
  private void deliverAll(String channel) {
    try (FileChannel lock = FileLock.take(files.lock(channel), LOCK_TIMEOUT)) {
      Set<String> tried = new HashSet<>();
      List<String> names;
      do {
        names = files.waiting(channel);
        names.removeIf(it -> !tried.add(OutboxDirectory.alertName(it)));
        names.sort(Comparator.comparingLong(files::lastTry));
        names.forEach(this::deliver);
      } while (!names.isEmpty());
    } catch (FileLock.HeldException e) {
      deliverers.add(e.pid());
    } catch (IOException e) {
      warn("cannot deliver what waits in " + files.path(), e);
    }
  }

  /** The processes that deliver now, to which {@link #deliver()} left what waits. */
  public Set<String> deliverers() {
    return deliverers;
  }

  private void deliver(String name) {
    String channel = OutboxDirectory.channel(name);
    ChannelRun run = runs().get(channel);
    boolean isDue =
        run == null || (run.mayTry(OutboxDirectory.wasTried(name)) && !files.isTooEarly(name));
    Optional<OutboxEntry> entry = isDue ? read(name) : Optional.empty();
    if (entry.isEmpty()) {
      return;
    }
    try {
      if (run == null) {
        history.append("dropped", channel + " is switched off: " + entry.get().alert().subject());
      }
      Optional<DeliveryException> failure = run == null ? Optional.empty() : run.send(entry.get());
      if (failure.isPresent()) {
        keep(name, entry.get(), failure.get());
      } else {
        Files.deleteIfExists(files.file(name));
      }
    } catch (IOException e) {
      warn("what was delivered may be sent again", e);
    }
  }

  private void keep(String name, OutboxEntry entry, DeliveryException e) throws IOException {
    Path file = files.file(name);
    if (e.kind() != FailureKind.UNAVAILABLE) {
      Path target = files.tried(name, e.kind() == FailureKind.UNANSWERED);
      file = Files.move(file, target, StandardCopyOption.ATOMIC_MOVE);
    }
    OutboxEntry next = entry.failed(e);
    if (!next.equals(entry)) {
      next.write(file);
    }
    Files.setLastModifiedTime(file, FileTime.from(Instant.now()));
  }

  /** A channel, and what it has done in this run. */
  private final class ChannelRun {
    private final Channel channel;
    private boolean unavailable;
    private int rejections;
    private long nanos;

    ChannelRun(Channel channel) {
      this.channel = channel;
    }

    boolean mayTry(boolean again) {
      boolean tooMany = again && rejections >= MAX_REJECTIONS;
      return !tooMany && !unavailable && nanos < channelTimeout.toNanos();
    }

    /** Sends an alert and logs the outcome; returns the failure, if it failed. */
    Optional<DeliveryException> send(OutboxEntry entry) {
      String name = channel.name();
      long start = System.nanoTime();
      try {
        String receipt = channel.send(entry.alert(), entry.served());
        history.appendDelivery(name, entry.alert(), receipt);
        return Optional.empty();
      } catch (DeliveryException e) {
        return failed(entry, e);
      } catch (RuntimeException e) {
        String what = name + " failed: internal error: " + e;
        return failed(entry, new DeliveryException(what, e, FailureKind.REJECTED, Set.of()));
      } finally {
        nanos += System.nanoTime() - start;
      }
    }

    private Optional<DeliveryException> failed(OutboxEntry entry, DeliveryException e) {
      debug(channel.name(), e);
      unavailable |= e.kind() != FailureKind.REJECTED;
      rejections++;
      OutboxEntry next = entry.failed(e);
      if (!next.failedLike(entry)) { // cron mails whatever a run prints
        report("failed", next.failure());
      }
      return Optional.of(e);
    }
  }

  private void report(String event, String text) {
    newFailure = true;
    warn.accept(text);
    history.append(event, text);
  }

  /** Whether something has failed in this run that was not reported before. */
  public boolean hasNewFailure() {
    return newFailure;
  }

  /** Reads a file. A damaged one is renamed, for people to look at; an unreadable one waits. */
  private Optional<OutboxEntry> read(String name) {
    Path file = files.file(name);
    try {
      return Optional.of(OutboxEntry.read(file));
    } catch (IOException e) {
      if (Files.notExists(file)) {
        return Optional.empty(); // another run has delivered it
      }
      if (Files.isRegularFile(file)) {
        warn("cannot read an alert, the next run tries again", e);
        return Optional.empty();
      }
    } catch (RuntimeException e) {
      debug(file, e);
    }
    try {
      Path aside = Files.move(file, files.damaged(name));
      report("damaged", "damaged alert set aside; see what it was about, then remove it: " + aside);
    } catch (IOException e) {
      warn("cannot set a damaged alert aside", e);
    }
    return Optional.empty();
  }

  private void warn(String what, IOException e) {
    warn.accept(what + ": " + EscapedText.escape(ErrorMessages.explain(e)));
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
    for (String name : files.waiting().stream().limit(max).toList()) {
      try {
        OutboxEntry entry = OutboxEntry.read(files.file(name));
        oldest.add(
            new Waiting(OutboxDirectory.channel(name), entry.alert().time(), entry.failure()));
      } catch (IOException | RuntimeException e) {
        debug(name, e); // delivered meanwhile, or damaged
      }
    }
    return oldest;
  }

  public Path directory() {
    return files.path();
  }

  /** Whether nothing waits, and nothing damaged does. */
  public boolean isEmpty() {
    try {
      return files.names(OutboxDirectory.WAITING).isEmpty()
          && files.names(OutboxDirectory.DAMAGED).isEmpty();
    } catch (IOException e) {
      warn("cannot read the outbox", e);
      return false;
    }
  }

  /** Removes what killed runs left. */
  public void removeTemporaryFiles() {
    try {
      files.removeTemporaryFiles();
    } catch (IOException e) {
      warn("cannot remove temporary files", e);
    }
  }

  /** The number of alerts that wait; one that waits for two channels counts twice. */
  public int size() {
    return count(OutboxDirectory.WAITING);
  }

  /** The number of damaged files that were set aside. */
  public int damaged() {
    return count(OutboxDirectory.DAMAGED);
  }

  private int count(String suffix) {
    try {
      return files.names(suffix).size();
    } catch (IOException e) {
      warn("cannot read the outbox", e);
      return 0;
    }
  }
}
