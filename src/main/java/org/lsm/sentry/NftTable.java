package org.lsm.sentry;

import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;

/** The table {@code inet lsm} in the kernel, through nft(8). */
public final class NftTable {

  private static final String NO_PROGRAM = "there is no program";
  private static final String NOT_FOUND = "No such file or directory";

  private final Nft nft;

  /** Runs nft. */
  @FunctionalInterface
  public interface Nft {
    /** Returns the standard output; throws an exception with all output if nft fails. */
    String run(List<String> arguments, String input) throws IOException;
  }

  public NftTable(Nft nft) {
    this.nft = nft;
  }

  /**
   * Reads the table.
   *
   * @param now the time of the reading
   * @return empty if the table does not exist
   */
  public Optional<NftTableState> read(Instant now) throws IOException {
    try {
      return Optional.of(
          NftTableState.parse(run(List.of("-j", "list", "table", "inet", "lsm"), ""), now));
    } catch (NftException e) {
      if (e.output.contains(NOT_FOUND)) {
        return Optional.empty();
      }
      throw e;
    }
  }

  /**
   * Gives the table these rules, if it does not have them.
   *
   * @param found the table as read; empty if it does not exist
   * @param blocked the blocks that a new table starts with
   * @return whether anything had to be changed
   */
  public boolean apply(
      NftRuleset rules,
      Optional<NftTableState> found,
      SortedMap<String, Instant> blocked,
      Instant now)
      throws IOException {
    String mark = found.map(NftTableState::mark).orElse("");
    if (mark.equals(rules.mark())) {
      return false;
    }
    if (found.isPresent() && found.get().foreign()) {
      throw new IOException(
          "the table inet lsm was not made by lsm; rename it, or set SENTRY=\"off\"");
    }
    StringBuilder creation = new StringBuilder(rules.creation());
    rules.block().ifPresent(it -> addBlocks(creation, blocked, it.time(), now));
    try {
      run(rules.fits(mark) ? rules.replacement() : creation.toString());
    } catch (NftException e) {
      if (!rules.fits(mark)) {
        throw e;
      }
      run(creation.toString()); // somebody has removed a part of the table
    }
    return true;
  }

  private static void addBlocks(
      StringBuilder commands, SortedMap<String, Instant> blocked, Duration time, Instant now) {
    blocked.forEach(
        (address, until) -> {
          if (until.isAfter(now)) {
            commands.append(block(address, time, Duration.between(now, until))).append('\n');
          }
        });
  }

  private static String block(String address, Duration time, Duration left) {
    // After the clock was set back, more would be left than a block ever lasts.
    long seconds = Math.max(1, Math.min(left.toSeconds(), time.toSeconds()));
    return String.format(
        "add element %s blocked%s { %s timeout %s expires %s }",
        NftRuleset.TABLE,
        version(address),
        address,
        NftRuleset.time(time),
        NftRuleset.time(Duration.ofSeconds(seconds)));
  }

  /** Blocks a host from now on. */
  public void block(String address, Duration time) throws IOException {
    unblock(address); // or the end of an earlier block would stay
    run(block(address, time, time));
  }

  /** Removes a host from the sets that block it, or would block it again at its next probe. */
  public void unblock(String address) throws IOException {
    // In a command each: deleting a missing element fails, adding it before would need room.
    for (String set : List.of("tries", "caught", "blocked")) {
      try {
        run(
            String.format(
                "delete element %s %s%s { %s }", NftRuleset.TABLE, set, version(address), address));
      } catch (NftException e) {
        if (!e.output.contains(NOT_FOUND)) {
          throw e;
        }
      }
    }
  }

  private static String version(String address) {
    return address.indexOf(':') < 0 ? "4" : "6";
  }

  /** Deletes all probes, which makes room for more; blocks stay. */
  public void flushProbes() throws IOException {
    StringBuilder commands = new StringBuilder();
    for (String set : NftRuleset.PROBE_SETS) {
      for (String version : List.of("4", "6")) {
        commands.append(NftRuleset.flushSet(set + version));
      }
    }
    run(commands.toString());
  }

  /** Removes the table, if it exists and nft is installed. */
  public void remove() throws IOException {
    try {
      run(NftRuleset.DELETION);
    } catch (NftException e) {
      if (!e.output.contains(NO_PROGRAM)) {
        throw e;
      }
    }
  }

  private void run(String commands) throws IOException {
    run(List.of("-f", "-"), commands);
  }

  private String run(List<String> arguments, String input) throws IOException {
    try {
      return nft.run(arguments, input);
    } catch (IOException e) {
      throw new NftException(e);
    }
  }

  /** nft failed; the message says what to do. */
  static final class NftException extends IOException {
    private static final long serialVersionUID = 1L;

    /** What to do, by a part of nft's output; the first match counts. */
    private static final Map<String, String> ADVICE = new LinkedHashMap<>();

    static {
      String kernel =
          "this kernel lacks what the rules need (nf_tables with nft_socket and nft_fib)";
      ADVICE.put(NO_PROGRAM, "install nftables");
      ADVICE.put("Too many open files in system", "the table has no room for another blocked host");
      ADVICE.put("Operation not permitted", "run lsm as root, in a container with CAP_NET_ADMIN");
      ADVICE.put("not supported", kernel);
      ADVICE.put("Could not process rule", kernel);
      ADVICE.put("", "see the output of 'nft list table inet lsm'");
    }

    private final String output;

    NftException(IOException e) {
      super(explain(e.getMessage()), e);
      this.output = e.getMessage();
    }

    private static String explain(String output) {
      String advice =
          ADVICE.keySet().stream().filter(output::contains).findFirst().map(ADVICE::get).get();
      String reason = output.lines().findFirst().orElse("").strip();
      return String.format(
          "the packet filter cannot be used: %s; %s, or set SENTRY=\"off\"", reason, advice);
    }
  }
}
