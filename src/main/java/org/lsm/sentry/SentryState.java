package org.lsm.sentry;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import org.lsm.model.ScanSummary;
import org.lsm.model.ScanningHost;
import org.lsm.storage.ChecksummedText;

/**
 * What the sentry keeps between two runs: the alerted hosts, and the blocked ones, which the kernel
 * forgets at a reboot. Where the file exists, the table of the packet filter may exist, too.
 *
 * @param failure why the packet filter could not be used at the last run; empty if it could
 * @param lastOverflowAlert when an alert was sent last because of too many hosts
 * @param alerted the last alert about each host, by address
 * @param blocked the end of each block, by address
 */
public record SentryState(
    String failure,
    Instant lastOverflowAlert,
    SortedMap<String, Instant> alerted,
    SortedMap<String, Instant> blocked) {

  private static final String KIND = "lsm-sentry";
  private static final String FORMAT = "1";

  /** Two readings of the end of one block may differ that much. */
  private static final Duration BLOCK_JITTER = Duration.ofSeconds(2);

  /** Bounds the file against forged addresses; a forgotten host is alerted again. */
  private static final int MAX_ALERTED = 20_000;

  /** Between two alerts about more hosts than an alert names, or than the table has room for. */
  private static final Duration OVERFLOW_INTERVAL = Duration.ofHours(1);

  /**
   * What to do about the port scans in the table.
   *
   * @param next the state once the alert is stored
   * @param hosts the hosts to alert, {@linkplain ScanningHost#WORST_FIRST worst first}
   * @param due whether to send an alert: about hosts, or about an overflow alone
   */
  public record PortScanDecision(SentryState next, List<ScanningHost> hosts, boolean due) {}

  public SentryState {
    alerted = new TreeMap<>(alerted);
    blocked = new TreeMap<>(blocked);
  }

  public static SentryState empty() {
    return new SentryState("", Instant.EPOCH, new TreeMap<>(), new TreeMap<>());
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

  /**
   * Decides about an alert.
   *
   * @param summary the content of the table
   * @param trigger the number of ports that makes a port scan
   * @param maxNamed how many hosts one alert names
   * @param remind the time until a host that goes on is alerted again
   */
  public PortScanDecision decide(
      ScanSummary summary, int trigger, int maxNamed, Instant now, Duration remind) {
    List<ScanningHost> hosts = new ArrayList<>();
    for (ScanningHost host : summary.hosts()) {
      if (host.scans(trigger) && isDue(host, now, remind)) {
        hosts.add(host);
      }
    }
    hosts.sort(ScanningHost.WORST_FIRST);
    SortedMap<String, Instant> next = new TreeMap<>(alerted);
    hosts.forEach(it -> next.put(it.address(), now.truncatedTo(ChronoUnit.SECONDS)));
    SortedMap<String, Instant> kept = recent(next, now, remind);
    boolean tooMany = hosts.size() > maxNamed;
    boolean waiting =
        !lastOverflowAlert.isAfter(now) && lastOverflowAlert.plus(OVERFLOW_INTERVAL).isAfter(now);
    if (tooMany && waiting) {
      // They count as alerted all the same, or they would hide the hosts that come after them.
      SentryState state = new SentryState(failure, lastOverflowAlert, kept, blocked);
      return new PortScanDecision(state, List.of(), false);
    }
    // An overflow may leave no room for a host that scans, so it is worth an alert by itself.
    boolean overflow = summary.overflowing() && !waiting;
    Instant last = tooMany || overflow ? now : lastOverflowAlert;
    SentryState state = new SentryState(failure, last, kept, blocked);
    return new PortScanDecision(state, hosts, overflow || !hosts.isEmpty());
  }

  private boolean isDue(ScanningHost host, Instant now, Duration remind) {
    Instant last = alerted.get(host.address());
    if (last == null || last.isAfter(now)) { // a clock that was set back silences no alert
      return true;
    }
    // cron does not run to the second
    Instant due = last.plus(remind).truncatedTo(ChronoUnit.MINUTES);
    return !due.isAfter(now) && host.last().isAfter(last);
  }

  /** Drops alerts that no host in the table can refer to any more. */
  private static SortedMap<String, Instant> recent(
      SortedMap<String, Instant> alerted, Instant now, Duration remind) {
    Instant oldest = now.minus(remind).minus(NftRuleset.WINDOW);
    SortedMap<String, Instant> recent = new TreeMap<>();
    alerted.entrySet().stream()
        .filter(it -> it.getValue().isAfter(oldest))
        .sorted(Map.Entry.comparingByValue(Comparator.reverseOrder()))
        .limit(MAX_ALERTED)
        .forEach(it -> recent.put(it.getKey(), it.getValue()));
    return recent;
  }

  /** This state with the blocks that the table has now. */
  public SentryState withBlocked(SortedMap<String, Instant> found) {
    SortedMap<String, Instant> next = new TreeMap<>(found);
    next.replaceAll(
        (address, until) -> {
          Instant known = blocked.getOrDefault(address, Instant.MIN);
          boolean same =
              !known.isBefore(until.minus(BLOCK_JITTER))
                  && !known.isAfter(until.plus(BLOCK_JITTER));
          return same ? known : until;
        });
    return new SentryState(failure, lastOverflowAlert, alerted, next);
  }

  /** This state with one more alerted host. */
  public SentryState withAlerted(String address, Instant now) {
    SortedMap<String, Instant> next = new TreeMap<>(alerted);
    next.put(address, now);
    return new SentryState(failure, lastOverflowAlert, next, blocked);
  }

  /** This state with the reason why the packet filter cannot be used. */
  public SentryState withFailure(String reason) {
    return new SentryState(reason, lastOverflowAlert, alerted, blocked);
  }

  ChecksummedText format() {
    ChecksummedText text = new ChecksummedText(KIND, FORMAT);
    text.line("failure", failure);
    text.line("last-overflow-alert", lastOverflowAlert.toString());
    alerted.forEach((address, time) -> text.line("alerted", address, time.toString()));
    blocked.forEach((address, time) -> text.line("blocked", address, time.toString()));
    return text;
  }

  static SentryState parse(List<List<String>> lines) {
    String failure = "";
    Instant lastOverflowAlert = Instant.EPOCH;
    SortedMap<String, Instant> alerted = new TreeMap<>();
    SortedMap<String, Instant> blocked = new TreeMap<>();
    for (List<String> line : lines) {
      String value = line.get(1);
      switch (line.get(0)) {
        case "failure" -> failure = value;
        case "last-overflow-alert" -> lastOverflowAlert = ChecksummedText.time(value);
        case "alerted" -> alerted.put(value, ChecksummedText.time(line.get(2)));
        case "blocked" -> blocked.put(value, ChecksummedText.time(line.get(2)));
        default -> throw new IllegalArgumentException("unknown line '" + line.get(0) + "'");
      }
    }
    return new SentryState(failure, lastOverflowAlert, alerted, blocked);
  }
}
