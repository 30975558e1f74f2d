package org.lsm.sentry;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
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
 * @param lastLookup when they were looked up last
 */
public record SentryState(
    String failure,
    Instant lastOverflowAlert,
    Map<String, Instant> alerted,
    Map<String, Instant> blocked,
    Map<String, String> answers,
    Instant lastLookup,
    Rules rules) {
  private static final String KIND = "lsm-sentry";
  private static final String FORMAT = "1";
  private static final Duration BLOCK_JITTER = Duration.ofSeconds(2); // of two readings of one end
  private static final int MAX_ALERTED = 20_000; // addresses may be forged
  private static final Duration OVERFLOW_INTERVAL = Duration.ofHours(1); // between two alerts

  private static final Duration LOOKUP_INTERVAL = Duration.ofHours(1); // of a name without answer

  /**
   * The rules that the packet filter has to have.
   *
   * @param mark see {@link NftRuleset#mark}; empty if it is not known to have any
   * @param boot the ID of the boot in which they were set; they do not survive the next one
   * @param lostSince from when on probes may be lost, since somebody has removed the rules; empty
   *     once that is alerted
   */
  public record Rules(String mark, String boot, Optional<Instant> lostSince) {
    static final Rules NONE = new Rules("", "", Optional.empty());
  }

  /** The next state once an alert is stored, the hosts to alert, and whether an alert is due. */
  public record PortScanDecision(SentryState next, List<ScanningHost> hosts, boolean due) {}

  public SentryState {
    alerted = new TreeMap<>(alerted);
    blocked = new TreeMap<>(blocked);
    answers = new TreeMap<>(answers);
  }

  public static SentryState empty() {
    return new SentryState(
        "", Instant.EPOCH, Map.of(), Map.of(), Map.of(), Instant.EPOCH, Rules.NONE);
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
    SentryState state =
        new SentryState(failure, last, recent(next, oldest), blocked, answers, lastLookup, rules);
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
    return new SentryState(failure, lastOverflowAlert, alerted, next, answers, lastLookup, rules);
  }

  /** This state with one more alerted host. */
  public SentryState withAlerted(String address, Instant now) {
    Map<String, Instant> next = new TreeMap<>(alerted);
    next.put(address, now);
    return new SentryState(failure, lastOverflowAlert, next, blocked, answers, lastLookup, rules);
  }

  /** This state with the reason why the packet filter cannot be used. */
  public SentryState withFailure(String reason) {
    return new SentryState(reason, lastOverflowAlert, alerted, blocked, answers, lastLookup, rules);
  }

  /** This state with the answers of now; where there is none, the last one stays. */
  public SentryState withAnswers(Map<String, String> found, Instant now) {
    Map<String, String> next = new TreeMap<>(found);
    next.replaceAll((name, answer) -> answer.isEmpty() ? answers.getOrDefault(name, "") : answer);
    return new SentryState(failure, lastOverflowAlert, alerted, blocked, next, now, rules);
  }

  /** Whether a name has no address, and was not looked up within an hour. */
  public boolean isLookupDue(Instant now) {
    return answers.containsValue("")
        && (lastLookup.isAfter(now) || !lastLookup.plus(LOOKUP_INTERVAL).isAfter(now));
  }

  /** What is wrong with the names that have no address, a sentence for each. */
  public List<String> unanswered() {
    return answers.entrySet().stream()
        .filter(it -> it.getValue().isEmpty())
        .map(Map.Entry::getKey)
        .map(
            it ->
                "SENTRY_IGNORE has no effect for " + it + ": no name server has an address for it")
        .toList();
  }

  /** Whether the rules that were set are those with this mark, or did not survive a boot. */
  public boolean hasRules(String mark, String boot) {
    return rules.mark.isEmpty() || !rules.boot.equals(boot) || rules.mark.equals(mark);
  }

  /** This state once these rules were set in this boot; with an empty mark, before that. */
  public SentryState withRules(String mark, String boot) {
    return with(new Rules(mark, boot, rules.lostSince));
  }

  /** This state once somebody has removed the rules; an earlier loss counts. */
  public SentryState withLoss(Instant since) {
    return with(new Rules("", "", rules.lostSince.or(() -> Optional.of(since))));
  }

  /** This state once it is alerted that probes may be lost. */
  public SentryState withoutLoss() {
    return with(new Rules(rules.mark, rules.boot, Optional.empty()));
  }

  private SentryState with(Rules next) {
    return new SentryState(failure, lastOverflowAlert, alerted, blocked, answers, lastLookup, next);
  }

  ChecksummedText format() {
    ChecksummedText text = new ChecksummedText(KIND, FORMAT).line("failure", failure);
    text.line("last-overflow-alert", lastOverflowAlert.toString());
    alerted.forEach((address, time) -> text.line("alerted", address, time.toString()));
    blocked.forEach((address, time) -> text.line("blocked", address, time.toString()));
    answers.forEach((name, answer) -> text.line("answer", name, answer));
    text.line("last-lookup", lastLookup.toString()).line("rules", rules.mark, rules.boot);
    rules.lostSince.ifPresent(it -> text.line("rules-lost-since", it.toString()));
    return text;
  }

  static SentryState parse(List<List<String>> lines) {
    String failure = "";
    Instant lastOverflowAlert = Instant.EPOCH;
    Map<String, Instant> alerted = new TreeMap<>();
    Map<String, Instant> blocked = new TreeMap<>();
    Map<String, String> answers = new TreeMap<>();
    Instant lastLookup = Instant.EPOCH;
    Rules rules = Rules.NONE;
    for (List<String> line : lines) {
      String value = line.get(1);
      switch (line.get(0)) {
        case "failure" -> failure = value;
        case "last-overflow-alert" -> lastOverflowAlert = ChecksummedText.time(value);
        case "alerted" -> alerted.put(value, ChecksummedText.time(line.get(2)));
        case "blocked" -> blocked.put(value, ChecksummedText.time(line.get(2)));
        case "answer" -> answers.put(value, line.get(2));
        case "last-lookup" -> lastLookup = ChecksummedText.time(value);
        case "rules" -> rules = new Rules(value, line.get(2), rules.lostSince);
        case "rules-lost-since" ->
            rules = new Rules(rules.mark, rules.boot, Optional.of(ChecksummedText.time(value)));
        default -> throw new IllegalArgumentException("unknown line '" + line.get(0) + "'");
      }
    }
    return new SentryState(
        failure, lastOverflowAlert, alerted, blocked, answers, lastLookup, rules);
  }
}
