package org.lsm.alert;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
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
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Consumer;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.lsm.model.TextEscaper;
import org.lsm.report.EscapedText;
import org.lsm.report.Json;
import org.lsm.storage.AtomicFile;
import org.lsm.storage.FileLock;
import org.lsm.storage.StateDirectory;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The alerts that wait to be delivered, a file each: an alert is stored durably before it is sent,
 * and leaves when every channel has accepted it.
 */
public final class Outbox {

  private static final String SUFFIX = ".json";
  private static final String DAMAGED = ".damaged";

  /** How long to wait for another run that is delivering. */
  private static final Duration PATIENCE = Duration.ofSeconds(30);

  /** After so many refusals in a run, what was refused before is left for the next one. */
  private static final int MOST_REFUSALS = 20;

  /** A channel that has taken so long in one run, because it is slow, goes on in the next one. */
  private static final Duration MOST_TIME = Duration.ofMinutes(2);

  /** After so long, what a killed run has left half-written is nobody's any more. */
  private static final Duration STALE = Duration.ofHours(1);

  private final Path directory;
  private final Supplier<List<Channel>> configured;
  private final History history;
  private final Consumer<String> warn;
  private final Map<String, Conduct> conducts = new HashMap<>();
  private final Set<String> refusedNow = new HashSet<>();
  private boolean news;
  private final List<Entry> unstored = new ArrayList<>();

  /**
   * An alert that waits.
   *
   * @param owed the channels that have not accepted it
   * @param accepted whether any channel has
   * @param tried when a channel refused this very alert last, or came to a stop over it
   * @param served who has it already of a channel that is still owed, in the words of the channel
   * @param failures why it is owed, by channel
   * @param alert what to tell
   */
  public record Entry(
      List<String> owed,
      boolean accepted,
      SortedMap<String, Instant> tried,
      SortedSet<String> served,
      SortedMap<String, String> failures,
      Alert alert) {

    public Entry {
      owed = List.copyOf(owed);
      // A file may have null in any place, and copyOf refuses it.
      tried = new TreeMap<>(Map.copyOf(tried));
      served = new TreeSet<>(Set.copyOf(served));
      failures = new TreeMap<>(Map.copyOf(failures));
      Objects.requireNonNull(alert);
    }

    Entry(List<String> owed, Alert alert) {
      this(owed, false, new TreeMap<>(), new TreeSet<>(), new TreeMap<>(), alert);
    }

    private Entry without(String channel, boolean acceptedNow) {
      SortedMap<String, String> rest = new TreeMap<>(failures);
      rest.remove(channel);
      List<String> others = owed.stream().filter(it -> !it.equals(channel)).toList();
      return new Entry(others, accepted || acceptedNow, tried, served, rest, alert);
    }

    private Entry failed(String channel, DeliveryException e) {
      SortedMap<String, String> reasons = new TreeMap<>(failures);
      reasons.put(channel, TextEscaper.escape(e.getMessage()));
      SortedSet<String> allServed = new TreeSet<>(served);
      allServed.addAll(e.served());
      SortedMap<String, Instant> times = new TreeMap<>(tried);
      if (e.blame() != FailureKind.UNAVAILABLE) {
        times.put(channel, Instant.now());
      }
      return new Entry(owed, accepted, times, allServed, reasons, alert);
    }

    /** Whether nothing but numbers differs: queue IDs, seconds to wait. */
    private boolean saysTheSame(Entry other, String channel) {
      return served.equals(other.served)
          && words(failures.get(channel)).equals(words(other.failures.get(channel)));
    }

    private static String words(String reason) {
      return reason == null ? "" : reason.replaceAll("\\d+", "#");
    }

    private Instant tried(String channel) {
      return tried.getOrDefault(channel, Instant.MIN);
    }
  }

  /** How a channel has done in this run. */
  private static final class Conduct {
    private boolean dead;
    private int refusals;
    private long nanos;

    boolean isWorthATry(boolean again) {
      return !dead && nanos < MOST_TIME.toNanos() && (!again || refusals < MOST_REFUSALS);
    }
  }

  /**
   * @param directory made when it is needed, for its owner alone
   * @param configured tells the channels by which alerts go; asked only when there is an alert
   * @param history where deliveries are written down
   * @param warn told of everything that goes wrong, in escaped words
   */
  public Outbox(
      Path directory, Supplier<List<Channel>> configured, History history, Consumer<String> warn) {
    this.directory = directory;
    this.configured = configured;
    this.history = history;
    this.warn = warn;
  }

  /**
   * Stores an alert, owed to every channel. The caller holds the lock of the state directory.
   *
   * @return whether it is safe; if not, it is sent from memory, and nobody may count on that
   */
  public boolean put(Alert alert) {
    List<String> owed = channelNames();
    if (owed.isEmpty()) {
      return true;
    }
    Entry entry = new Entry(owed, alert);
    try {
      StateDirectory.create(directory);
      store(unused(name(alert.time())), entry);
      return true;
    } catch (IOException e) {
      warn.accept(
          "the alert could not be stored, it is sent nevertheless: "
              + EscapedText.escape(e.getMessage()));
      unstored.add(entry);
      return false;
    }
  }

  private List<String> channelNames() {
    return configured.get().stream().map(Channel::name).toList();
  }

  private static String name(Instant time) {
    return DateTimeFormatter.ofPattern("yyyyMMdd'T'HHmmss.SSS'Z'", Locale.ROOT)
        .format(time.atZone(ZoneOffset.UTC));
  }

  private Path unused(String name) {
    Path file = directory.resolve(name + SUFFIX);
    for (int i = 1; Files.exists(file); i++) {
      file = directory.resolve(name + "_" + i + SUFFIX);
    }
    return file;
  }

  private static void store(Path file, Entry entry) throws IOException {
    AtomicFile.write(file, Json.print(entry).getBytes(StandardCharsets.UTF_8));
  }

  /**
   * Delivers what waits, oldest first, as far as the channels take it. What a channel has refused
   * comes last, that which was tried least recently first, lest anything hold up the rest.
   *
   * @return whether nothing waits any more
   */
  public boolean deliver() {
    boolean sent = true;
    for (Entry entry : unstored) {
      Entry rest = entry;
      for (String channel : entry.owed()) {
        rest = attempt(rest, channel);
      }
      sent &= rest.owed().isEmpty();
    }
    unstored.clear();
    return deliverStored() && sent;
  }

  @SuppressWarnings("try") // the lock is only held
  private boolean deliverStored() {
    if (size() == 0) {
      return damaged() == 0;
    }
    try (FileLock lock = FileLock.take(directory.resolve("lock"), PATIENCE)) {
      SortedMap<Path, Entry> waiting = new TreeMap<>();
      for (Path file : files(SUFFIX)) {
        read(file).ifPresent(entry -> waiting.put(file, entry));
      }
      SortedSet<String> owed = new TreeSet<>();
      waiting.values().forEach(entry -> owed.addAll(entry.owed()));
      owed.forEach(channel -> deliver(waiting, channel));
      removeStale();
    } catch (IOException e) {
      warn.accept("alerts wait in " + directory + ": " + EscapedText.escape(e.getMessage()));
    }
    return size() == 0 && damaged() == 0;
  }

  private void deliver(SortedMap<Path, Entry> waiting, String channel) {
    waiting.keySet().stream()
        .filter(file -> waiting.get(file).owed().contains(channel))
        .sorted(Comparator.comparing(file -> waiting.get(file).tried(channel)))
        .toList()
        .forEach(
            file -> waiting.computeIfPresent(file, (it, entry) -> deliver(it, entry, channel)));
  }

  private Entry deliver(Path file, Entry entry, String channel) {
    Entry next = attempt(entry, channel);
    try {
      if (next.owed().isEmpty()) {
        Files.deleteIfExists(file);
      } else if (!next.equals(entry)) {
        store(file, next);
      }
    } catch (IOException e) {
      warn.accept("what was delivered may be sent again: " + EscapedText.escape(e.getMessage()));
    }
    return next;
  }

  /** Tries one channel, and tells what is owed then. */
  private Entry attempt(Entry entry, String name) {
    Optional<Channel> channel =
        configured.get().stream().filter(it -> it.name().equals(name)).findFirst();
    if (channel.isEmpty()) {
      return switchedOff(entry, name);
    }
    Conduct conduct = conducts.computeIfAbsent(name, it -> new Conduct());
    if (!conduct.isWorthATry(entry.tried().containsKey(name))
        || refusedNow.contains(name + " " + entry.alert().id())) {
      return entry;
    }
    long start = System.nanoTime();
    try {
      String remark = channel.get().send(entry.alert(), entry.served());
      String said = remark.isEmpty() ? "" : ", which said: " + EscapedText.escape(remark);
      history.add("delivered", name + ": " + entry.alert().subject() + said);
      return entry.without(name, true);
    } catch (DeliveryException e) {
      return failed(entry, name, conduct, e);
    } catch (RuntimeException e) {
      String what = name + " failed: internal error: " + e;
      return failed(
          entry, name, conduct, new DeliveryException(what, e, FailureKind.REJECTED, Set.of()));
    } finally {
      conduct.nanos += System.nanoTime() - start;
    }
  }

  /** Where nobody else has the alert, the channels that there are now get it. */
  private Entry switchedOff(Entry entry, String name) {
    String what = name + " is switched off: " + entry.alert().subject();
    List<String> others = channelNames();
    if (entry.accepted() || entry.owed().size() > 1 || others.isEmpty()) {
      history.add("dropped", what);
      return entry.without(name, false);
    }
    history.add("redirected", what);
    return new Entry(others, entry.alert());
  }

  private Entry failed(Entry entry, String name, Conduct conduct, DeliveryException e) {
    debug(name, e);
    if (e.blame() == FailureKind.REJECTED) {
      conduct.refusals++;
      refusedNow.add(name + " " + entry.alert().id());
    } else {
      conduct.dead = true;
    }
    Entry next = entry.failed(name, e);
    if (!next.saysTheSame(entry, name)) { // else it was said, and cron mails all that is said
      news = true;
      warn.accept(TextEscaper.escape(e.getMessage()));
      history.add("failed", TextEscaper.escape(e.getMessage()));
    }
    return next;
  }

  /** Asks for the logger only now: to set logging up would cost every run that has no trouble. */
  private static void debug(Object what, Exception e) {
    Logger log = LoggerFactory.getLogger(Outbox.class);
    if (log.isDebugEnabled()) {
      log.debug("{}: {}", what, TextEscaper.stackTrace(e));
    }
  }

  /** Whether a delivery has failed in this run in a way that it did not before. */
  public boolean hasNews() {
    return news;
  }

  /** Reads an entry; one that is damaged is set aside for people to look at. */
  private Optional<Entry> read(Path file) {
    try {
      return Optional.of(parse(file));
    } catch (IOException | RuntimeException e) {
      debug(file, e);
      setAside(file);
      return Optional.empty();
    }
  }

  private void setAside(Path file) {
    Path aside = file.resolveSibling(file.getFileName() + DAMAGED);
    try {
      Files.move(file, aside);
      String what = "damaged alert set aside; see what it was about, then remove it: " + aside;
      news = true;
      warn.accept(what);
      history.add("damaged", what);
    } catch (IOException e) {
      warn.accept("a damaged alert could not be set aside: " + EscapedText.escape(e.getMessage()));
    }
  }

  private static Entry parse(Path file) throws IOException {
    String text = new String(AtomicFile.read(file), StandardCharsets.UTF_8);
    Entry entry = Json.read(text, Entry.class);
    if (entry.owed().isEmpty()) {
      throw new IllegalArgumentException("it is owed to no channel");
    }
    return entry;
  }

  /** What waits, oldest first, as far as it can be read. */
  public List<Entry> waiting() throws IOException {
    List<Entry> entries = new ArrayList<>();
    for (Path file : files(SUFFIX)) {
      try {
        entries.add(parse(file));
      } catch (IOException | RuntimeException e) {
        debug(file, e); // delivered meanwhile, or damaged
      }
    }
    return entries;
  }

  /** When the oldest alert that waits was found; empty if none waits. */
  public Optional<Instant> oldest() throws IOException {
    return waiting().stream().map(entry -> entry.alert().time()).min(Instant::compareTo);
  }

  /** Where the files are. */
  public Path directory() {
    return directory;
  }

  /** The number of alerts that wait. */
  public int size() {
    return count(SUFFIX);
  }

  /** The number of files that were damaged and wait for somebody to look at them. */
  public int damaged() {
    return count(DAMAGED);
  }

  private int count(String suffix) {
    try {
      return files(suffix).size();
    } catch (IOException e) {
      warn.accept("cannot read the outbox: " + EscapedText.escape(e.getMessage()));
      return 0;
    }
  }

  private List<Path> files(String suffix) throws IOException {
    if (!Files.isDirectory(directory)) {
      return List.of();
    }
    try (Stream<Path> files = Files.list(directory)) {
      return files.filter(file -> file.getFileName().toString().endsWith(suffix)).sorted().toList();
    }
  }

  private void removeStale() throws IOException {
    for (Path file : files(".tmp")) {
      if (Files.getLastModifiedTime(file).toInstant().plus(STALE).isBefore(Instant.now())) {
        Files.deleteIfExists(file);
      }
    }
  }
}
