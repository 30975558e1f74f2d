package org.lsm.sentry;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.lsm.model.Endpoint;
import org.lsm.model.Owner;
import org.lsm.model.Protocol;
import org.lsm.storage.ChecksummedText;

/**
 * The outbound connections that are known: learned, or reported once.
 *
 * @param since when learning began
 * @param rules the boot in which the packet filter got its rules, and what these are; empty before
 * @param known by endpoint and owner, whose program is the unit of systemd, empty where unknown
 */
public record OutboundState(Instant since, String rules, Map<Identity, Known> known) {
  private static final String KIND = "lsm-outbound";
  private static final String FORMAT = "1";

  /** Ports of an owner in a kind of network; further ones count as port 0. */
  private static final int MAX_PORTS = 100;

  private static final int MAX_KNOWN = 5000;

  /** What makes outbound connections the same. */
  public record Identity(Endpoint endpoint, Owner owner) implements Comparable<Identity> {
    @Override
    public int compareTo(Identity other) {
      int order = endpoint.compareTo(other.endpoint);
      return order != 0 ? order : owner.compareTo(other.owner);
    }

    private Identity atAnyPort() {
      Endpoint any = new Endpoint("", endpoint.protocol(), endpoint.address(), 0);
      return new Identity(any, owner);
    }

    private boolean hasUnit() {
      return !owner.program().isEmpty();
    }
  }

  /**
   * What is known of them.
   *
   * @param last to the day: within one, the kernel records them once
   * @param address one to which they went
   * @param isReported whether they were reported, and not only learned
   */
  public record Known(Instant first, Instant last, String address, boolean isReported) {}

  public OutboundState {
    known = new TreeMap<>(known);
  }

  /** Reads a file; if it is missing, learning begins now. Throws IOException if it is damaged. */
  public static OutboundState read(Path file, Instant now) throws IOException {
    if (!Files.exists(file)) {
      return new OutboundState(now, "", Map.of());
    }
    try {
      OutboundState state = parse(ChecksummedText.read(file, KIND, FORMAT));
      // After the clock was set back, learning would last until then.
      return state.since.isAfter(now) ? new OutboundState(now, state.rules, state.known) : state;
    } catch (RuntimeException e) {
      String advice = "; remove it, and lsm learns the outbound connections anew";
      throw new IOException(file + ": " + e.getMessage() + advice, e);
    }
  }

  public void write(Path file) throws IOException {
    format().writeIfChanged(file);
  }

  /**
   * Whether these connections are known. Those of a unit that has ended are if others of their user
   * are: a unit that runs for a moment has ended at most compares.
   */
  public boolean knows(Identity identity) {
    return known.containsKey(identity)
        || (!identity.hasUnit()
            && known.keySet().stream()
                .anyMatch(
                    it ->
                        it.endpoint.equals(identity.endpoint)
                            && it.owner.user().equals(identity.owner.user())));
  }

  /** Whether a user has connected to a port before, from any unit and to any network. */
  public boolean knowsPort(Protocol protocol, int port, String user) {
    return known.keySet().stream()
        .anyMatch(
            it ->
                it.endpoint.protocol() == protocol
                    && it.endpoint.hasPort(port)
                    && it.owner.user().equals(user));
  }

  /** The identity for which this one counts: beyond 100 ports of its owner, that of any port. */
  public Identity general(Identity identity) {
    if (known.containsKey(identity)) {
      return identity;
    }
    Identity any = identity.atAnyPort();
    long ports = known.keySet().stream().filter(it -> it.atAnyPort().equals(any)).count();
    return ports < MAX_PORTS ? identity : any;
  }

  /** This state with connections that were seen; what was known keeps how it came to be known. */
  public OutboundState with(Identity identity, Known seen) {
    Map<Identity, Known> next = new TreeMap<>(known);
    next.merge(
        identity, seen, (old, now) -> new Known(old.first, now.last, now.address, old.isReported));
    if (next.size() > MAX_KNOWN) {
      next.remove(leastRecent(next));
    }
    return new OutboundState(since, rules, next);
  }

  /** The one seen longest ago of the user who has most: nobody drives out what others have. */
  private static Identity leastRecent(Map<Identity, Known> known) {
    Map<String, Integer> counts = new HashMap<>();
    known.keySet().forEach(it -> counts.merge(it.owner.user(), 1, Integer::sum));
    int most = Collections.max(counts.values());
    return known.entrySet().stream()
        .filter(it -> counts.get(it.getKey().owner.user()) == most)
        .min(Comparator.comparing(it -> it.getValue().last))
        .map(Map.Entry::getKey)
        .orElseThrow();
  }

  /** This state once these rules were set. */
  public OutboundState withRules(String set) {
    return new OutboundState(since, set, known);
  }

  ChecksummedText format() {
    ChecksummedText text = new ChecksummedText(KIND, FORMAT);
    text.line("since", since.toString()).line("rules", rules);
    known.forEach(
        (key, it) ->
            text.line(
                it.isReported ? "reported" : "learned",
                key.endpoint.table(),
                key.endpoint.local(),
                key.owner.user(),
                key.owner.program(),
                it.first.toString(),
                it.last.toString(),
                it.address));
    return text;
  }

  static OutboundState parse(List<List<String>> lines) {
    Instant since = Instant.EPOCH;
    String rules = "";
    Map<Identity, Known> known = new TreeMap<>();
    for (List<String> line : lines) {
      switch (line.get(0)) {
        case "since" -> since = ChecksummedText.time(line.get(1));
        case "rules" -> rules = line.get(1);
        case "learned", "reported" -> {
          Endpoint endpoint = Endpoint.of(line.get(1), line.get(2));
          Instant first = ChecksummedText.time(line.get(5));
          Instant last = ChecksummedText.time(line.get(6));
          boolean isReported = line.get(0).equals("reported");
          known.put(
              new Identity(endpoint, new Owner(line.get(3), line.get(4))),
              new Known(first, last, line.get(7), isReported));
        }
        default -> throw new IllegalArgumentException("unknown line '" + line.get(0) + "'");
      }
    }
    return new OutboundState(since, rules, known);
  }
}
