package org.lsm.sentry;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.lsm.model.ScanSummary;
import org.lsm.model.ScanningHost;
import org.lsm.storage.ChecksummedText;

/**
 * What the sentry keeps between two runs: the alerted hosts, and the blocked ones, which the kernel
 * forgets at a reboot. Where the file exists, the table of the packet filter may exist, too.
 *
 * @param failure why the packet filter could not be used at the last run; empty if it could
 * @param lastOverflowAlert when an alert was sent last because of too many hosts
 * @param alerted the last alert about each host, by address; blocked: the end of each block
 * @param answers the last addresses of the names in SENTRY_IGNORE, with blanks between
 */
public record SentryState(
    String failure,
    Instant lastOverflowAlert,
    Map<String, Instant> alerted,
    Map<String, Instant> blocked,
    Map<String, String> answers) {
  private static final String KIND = "lsm-sentry";
  private static final String FORMAT = "1";
  private static final Duration BLOCK_JITTER = Duration.ofSeconds(2); // of two readings of one end
  private static final int MAX_ALERTED = 20_000; // addresses may be forged
  private static final Duration OVERFLOW_INTERVAL = Duration.ofHours(1); // between two alerts

  /** The next state once an alert is stored, the hosts to alert, and whether an alert is due. */
  public record PortScanDecision(SentryState next, List<ScanningHost> hosts, boolean due) {}

  public SentryState {
    alerted = new TreeMap<>(alerted);
    blocked = new TreeMap<>(blocked);
    answers = new TreeMap<>(answers);
  }

  public static SentryState empty() {
    return new SentryState("", Instant.EPOCH, Map.of(), Map.of(), Map.of());
  }

  /** Reads the state. A missing or damaged file is an empty state: alerts are repeated. */
  public static SentryState read(Path file) {
    try {
      return parse(ChecksummedText.read(file, KIND, FORMAT));
    } catch (IOException | RuntimeException e) {
      return empty();
    }
  }

  /** Writes the state, unless the file holds it already. */
  public void write(Path file) throws IOException {
    format().writeIfChanged(file);
  }

  /** Decides about an alert, which names so many hosts, each again when it goes on after a time. */
  public PortScanDecision decide(
      ScanSummary summary, int trigger, int maxNamed, Instant now, Duration remind) {
    List<ScanningHost> hosts =
        summary.hosts().stream()
            .filter(it -> it.scans(trigger) && isDue(it, now, remind))
            .sorted(ScanningHost.WORST_FIRST)
            .toList();
    Map<String, Instant> next = new TreeMap<>(alerted);
    hosts.forEach(it -> next.put(it.address(), now.truncatedTo(ChronoUnit.SECONDS)));
    boolean tooMany = hosts.size() > maxNamed;
    boolean waiting =
        !lastOverflowAlert.isAfter(now) && lastOverflowAlert.plus(OVERFLOW_INTERVAL).isAfter(now);
    // An overflow may leave no room for a host that scans, so it is worth an alert by itself.
    boolean overflow = !waiting && (tooMany || summary.overflowing());
    // Unreported hosts count as alerted, or they would hide the hosts that come after them.
    List<ScanningHost> reported = tooMany && waiting ? List.of() : hosts;
    Instant last = overflow ? now : lastOverflowAlert;
    Instant oldest = now.minus(remind).minus(NftRuleset.WINDOW);
    SentryState state = new SentryState(failure, last, recent(next, oldest), blocked, answers);
    return new PortScanDecision(state, reported, overflow || !reported.isEmpty());
  }

  private boolean isDue(ScanningHost host, Instant now, Duration remind) {
    Instant last = alerted.getOrDefault(host.address(), Instant.MAX);
    // A clock that was set back silences no alert, and cron does not run to the second.
    return last.isAfter(now)
        || (host.last().isAfter(last)
            && !last.plus(remind).truncatedTo(ChronoUnit.MINUTES).isAfter(now));
  }

  /** Drops alerts that no host in the table can refer to any more. */
  private static Map<String, Instant> recent(Map<String, Instant> alerted, Instant oldest) {
    return alerted.entrySet().stream()
        .filter(it -> it.getValue().isAfter(oldest))
        .sorted(Map.Entry.comparingByValue(Comparator.reverseOrder()))
        .limit(MAX_ALERTED)
        .collect(Collectors.toMap(Map.Entry::getKey, Map.Entry::getValue));
  }

  /** This state with the blocks that the table has now. */
  public SentryState withBlocked(Map<String, Instant> found) {
    Map<String, Instant> next = new TreeMap<>(found);
    next.replaceAll(
        (address, until) -> {
          Instant known = blocked.getOrDefault(address, Instant.MIN);
          Duration difference = Duration.between(known, until).abs();
          return difference.compareTo(BLOCK_JITTER) > 0 ? until : known;
        });
    return new SentryState(failure, lastOverflowAlert, alerted, next, answers);
  }

  /** This state with one more alerted host. */
  public SentryState withAlerted(String address, Instant now) {
    Map<String, Instant> next = new TreeMap<>(alerted);
    next.put(address, now);
    return new SentryState(failure, lastOverflowAlert, next, blocked, answers);
  }

  /** This state with the reason why the packet filter cannot be used. */
  public SentryState withFailure(String reason) {
    return new SentryState(reason, lastOverflowAlert, alerted, blocked, answers);
  }

  /** This state with these answers; where there is none, the last one stays. */
  public SentryState withAnswers(Map<String, String> found) {
    Map<String, String> next = new TreeMap<>(found);
    next.replaceAll((name, answer) -> answer.isEmpty() ? answers.getOrDefault(name, "") : answer);
    return new SentryState(failure, lastOverflowAlert, alerted, blocked, next);
  }

  ChecksummedText format() {
    ChecksummedText text = new ChecksummedText(KIND, FORMAT).line("failure", failure);
    text.line("last-overflow-alert", lastOverflowAlert.toString());
    alerted.forEach((address, time) -> text.line("alerted", address, time.toString()));
    blocked.forEach((address, time) -> text.line("blocked", address, time.toString()));
    answers.forEach((name, answer) -> text.line("answer", name, answer));
    return text;
  }

  static SentryState parse(List<List<String>> lines) {
    String failure = "";
    Instant lastOverflowAlert = Instant.EPOCH;
    Map<String, Instant> alerted = new TreeMap<>();
    Map<String, Instant> blocked = new TreeMap<>();
    Map<String, String> answers = new TreeMap<>();
    for (List<String> line : lines) {
      String value = line.get(1);
      switch (line.get(0)) {
        case "failure" -> failure = value;
        case "last-overflow-alert" -> lastOverflowAlert = ChecksummedText.time(value);
        case "alerted" -> alerted.put(value, ChecksummedText.time(line.get(2)));
        case "blocked" -> blocked.put(value, ChecksummedText.time(line.get(2)));
        case "answer" -> answers.put(value, line.get(2));
        default -> throw new IllegalArgumentException("unknown line '" + line.get(0) + "'");
      }
    }
    return new SentryState(failure, lastOverflowAlert, alerted, blocked, answers);
  }
}
