package org.lsm.sentry;

import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.lsm.model.ScanningHost;

/** The table {@code inet lsm} in the kernel, through nft(8). */
public record NftTable(Nft nft) {
  static final String NO_PROGRAM = "there is no program";
  static final String NOT_FOUND = "No such file or directory";

  private static final String OLD_KERNEL =
      "this kernel lacks what the rules need (nf_tables with nft_socket and nft_fib)";

  /** Parts of nft's output, and what to do; the first match counts. */
  private static final String[][] ADVICE = {
    {NO_PROGRAM, "install nftables"},
    {"Too many open files in system", "the table has no room for another blocked host"},
    {"Operation not permitted", "run lsm as root, in a container with CAP_NET_ADMIN"},
    {"not supported", OLD_KERNEL},
    {"Could not process rule", OLD_KERNEL},
    {"", "see the output of 'nft list ruleset'"}
  };

  /** Runs nft; returns its standard output, or throws an exception with all its output. */
  @FunctionalInterface
  public interface Nft {
    String run(List<String> arguments, String input) throws IOException;
  }

  /**
   * Reads the table; returns empty if it does not exist. The time is taken when nft has answered: a
   * client that comes meanwhile must not seem to have come before.
   */
  public Optional<NftTableState> read(Supplier<Instant> now) throws IOException {
    Optional<String> json = run(List.of("-j", "list", "table", "inet", "lsm"), "", NOT_FOUND);
    return json.isEmpty()
        ? Optional.empty()
        : Optional.of(NftTableState.parse(json.get(), now.get()));
  }

  /** Gives the table, as it was found, these rules; a new table starts with these blocks. */
  public void apply(
      NftRuleset rules, Optional<NftTableState> found, Map<String, Instant> blocked, Instant now)
      throws IOException {
    String mark = found.map(NftTableState::mark).orElse("");
    if (mark.equals(rules.mark())) {
      return;
    }
    if (found.isPresent() && found.get().foreign()) {
      throw new IOException(
          "the table inet lsm was not made by lsm; rename it, or set SENTRY=\"off\"");
    }
    if (rules.fits(mark)) {
      try {
        execute(rules.replacement());
        return;
      } catch (IOException e) {
        // somebody has removed a part of the table
      }
    }
    StringBuilder creation = new StringBuilder(rules.creation());
    if (rules.blocks()) {
      Duration time = rules.config().sentryBlock();
      blocked.forEach((it, end) -> creation.append(block(it, time, Duration.between(now, end))));
    }
    execute(creation.toString());
  }

  /** Returns the command that blocks a host, empty if no time is left. */
  private static String block(String address, Duration time, Duration left) {
    if (left.isZero() || left.isNegative()) {
      return "";
    }
    // After the clock was set back, more would be left than a block ever lasts.
    long seconds = Math.max(1, Math.min(left.toSeconds(), time.toSeconds()));
    String expiry = NftRuleset.time(Duration.ofSeconds(seconds));
    String times = " timeout " + NftRuleset.time(time) + " expires " + expiry;
    return element("add", "blocked", address, times);
  }

  /**
   * Returns a command about a host, for which its network may stand, in the set for its version.
   */
  private static String element(String action, String set, String host, String times) {
    String name = set + (host.contains(":") ? "6" : "4");
    String key = host.replaceFirst(NftTableState.NETWORK_PREFIX + "$", "");
    return action + " element inet lsm " + name + " { " + key + times + " }\n";
  }

  /** Blocks a host from now on. */
  public void block(String address, Duration time) throws IOException {
    unblock(address); // or the end of an earlier block would stay
    execute(block(address, time, time));
  }

  /** Removes a host from the sets that block it, or would block it again at its next probe. */
  public void unblock(String address) throws IOException {
    // In a command each: deleting a missing element fails, adding it before would need room.
    for (String set : List.of("tries", "caught", "blocked")) {
      execute(element("delete", set, address, ""), NOT_FOUND);
    }
  }

  /**
   * Unblocks a host and deletes its probes: it does not scan any more. If the probe of one port has
   * expired since the table was read, those of the others stay.
   */
  public void delete(ScanningHost host) throws IOException {
    String address = host.address();
    unblock(address);
    for (String set : NftRuleset.HOST_SETS) {
      execute(element("delete", set, address, ""), NOT_FOUND);
    }
    delete("tcp", address, host.tcp());
    delete("udp", address, host.udp());
  }

  private void delete(String set, String address, Collection<Integer> ports) throws IOException {
    StringBuilder commands = new StringBuilder();
    ports.forEach(it -> commands.append(element("delete", set, address, " . " + it)));
    if (!ports.isEmpty()) {
      execute(commands.toString(), NOT_FOUND);
    }
  }

  /** Deletes all probes, which makes room for more; blocks stay. */
  public void flushProbes() throws IOException {
    flush(NftRuleset.PROBE_SETS);
  }

  /** Deletes all clients of served ports, which makes room for more. */
  public void flushServed() throws IOException {
    flush(NftRuleset.SERVED_SETS);
  }

  private void flush(List<String> sets) throws IOException {
    execute(NftRuleset.flush(sets.stream().flatMap(it -> Stream.of(it + "4", it + "6"))));
  }

  /** Removes the table, if it exists and nft is installed. */
  public void remove() throws IOException {
    execute(NftRuleset.DELETION, NO_PROGRAM);
  }

  private void execute(String commands, String... tolerated) throws IOException {
    run(List.of("-f", "-"), commands, tolerated);
  }

  private Optional<String> run(List<String> arguments, String input, String... tolerated)
      throws IOException {
    return run(nft, "SENTRY", arguments, input, tolerated);
  }

  /**
   * Returns the output of nft; empty if nft failed for one of the tolerated reasons.
   *
   * @param key of conf.lsm, which switches off what needs nft
   */
  static Optional<String> run(
      Nft nft, String key, List<String> arguments, String input, String... tolerated)
      throws IOException {
    try {
      return Optional.of(nft.run(arguments, input));
    } catch (IOException e) {
      String output = e.getMessage();
      if (Stream.of(tolerated).anyMatch(output::contains)) {
        return Optional.empty();
      }
      String reason = output.lines().findFirst().orElse("").strip();
      String advice = Stream.of(ADVICE).filter(it -> output.contains(it[0])).findFirst().get()[1];
      String message = "the packet filter cannot be used: " + reason + "; " + advice;
      throw new IOException(message + ", or set " + key + "=\"off\"", e);
    }
  }
}
