package org.lsm.sentry;

import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.stream.Collectors;

/** The table {@code inet lsm} in the kernel, through nft(8). */
public final class NftTable {

  private static final String NO_PROGRAM = "there is no program";
  private static final String NOT_THERE = "No such file or directory";

  private final Nft nft;

  /** Runs nft. */
  @FunctionalInterface
  public interface Nft {
    /**
     * Runs it to its end and returns what it wrote.
     *
     * @param input its standard input
     * @throws IOException if it cannot be started, or fails; then with what it said
     */
    String run(List<String> arguments, String input) throws IOException;
  }

  public NftTable(Nft nft) {
    this.nft = nft;
  }

  /**
   * What is in the table.
   *
   * @param now when that is
   * @return empty if there is no table
   */
  public Optional<NftTableState> read(Instant now) throws IOException {
    try {
      return Optional.of(
          NftTableState.parse(run(List.of("-j", "list", "table", "inet", "lsm"), ""), now));
    } catch (RefusedException e) {
      if (e.said.contains(NOT_THERE)) {
        return Optional.empty();
      }
      throw e;
    }
  }

  /**
   * Sees to it that the table has these rules.
   *
   * @param found what is in it now; empty if there is none
   * @param blocked who is to be blocked in a new table, and until when
   * @param now the time
   * @return whether something had to be changed
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
          "there is a table inet lsm that lsm has not made; rename it, or set SENTRY=\"off\"");
    }
    String creation =
        rules.creation() + rules.block().map(it -> blocking(blocked, it, now)).orElse("");
    try {
      run(rules.fits(mark) ? rules.replacement() : creation);
    } catch (RefusedException e) {
      if (!rules.fits(mark)) {
        throw e;
      }
      run(creation); // somebody has removed a part of it
    }
    return true;
  }

  private static String blocking(
      SortedMap<String, Instant> blocked, NftRuleset.Block how, Instant now) {
    return blocked.entrySet().stream()
        .filter(it -> it.getValue().isAfter(now))
        .map(it -> blocking(it.getKey(), how.time(), Duration.between(now, it.getValue())) + "\n")
        .collect(Collectors.joining());
  }

  private static String blocking(String address, Duration time, Duration left) {
    // By a clock that was set back more would be left than a block ever lasts.
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
    unblock(address); // for else the time it was blocked for would stand
    run(blocking(address, time, time));
  }

  /** Lets a host in again; what it has done before is forgiven. */
  public void unblock(String address) throws IOException {
    // One by one, for to delete what is not there fails. To add it before would take room.
    for (String set : List.of("tries", "caught", "blocked")) {
      try {
        run(
            String.format(
                "delete element %s %s%s { %s }", NftRuleset.TABLE, set, version(address), address));
      } catch (RefusedException e) {
        if (!e.said.contains(NOT_THERE)) {
          throw e;
        }
      }
    }
  }

  private static String version(String address) {
    return address.indexOf(':') < 0 ? "4" : "6";
  }

  /** Forgets who has probed, as what there is room for was read; who is blocked stays so. */
  public void forget() throws IOException {
    StringBuilder text = new StringBuilder();
    for (String set : NftRuleset.PROBED) {
      for (String version : List.of("4", "6")) {
        text.append("flush set ").append(NftRuleset.TABLE).append(' ').append(set).append(version);
        text.append('\n');
      }
    }
    run(text.toString());
  }

  /** Removes the table, if there is one, and nft to do it. */
  public void remove() throws IOException {
    try {
      run("add table " + NftRuleset.TABLE + "\ndelete table " + NftRuleset.TABLE + "\n");
    } catch (RefusedException e) {
      if (!e.said.contains(NO_PROGRAM)) {
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
      throw new RefusedException(e);
    }
  }

  /** The packet filter cannot be used; says why, and what to do. */
  static final class RefusedException extends IOException {
    private static final long serialVersionUID = 1L;

    private static final String KERNEL =
        "this kernel lacks what the rules need (nf_tables with nft_socket and nft_fib)";

    /** What to do, by what nft says. */
    private static final List<Map.Entry<String, String>> ADVICE =
        List.of(
            Map.entry(NO_PROGRAM, "install nftables"),
            Map.entry("Too many open files in system", "so many are blocked that there is no room"),
            Map.entry(
                "Operation not permitted", "run lsm as root, in a container with CAP_NET_ADMIN"),
            Map.entry("not supported", KERNEL),
            Map.entry("Could not process rule", KERNEL));

    private final String said;

    RefusedException(IOException e) {
      super(explain(e.getMessage()), e);
      this.said = e.getMessage();
    }

    private static String explain(String said) {
      String advice =
          ADVICE.stream()
              .filter(it -> said.contains(it.getKey()))
              .map(Map.Entry::getValue)
              .findFirst()
              .orElse("see what nft says to 'nft list table inet lsm'");
      return "the packet filter cannot be used: "
          + said.lines().findFirst().orElse("").strip()
          + "; "
          + advice
          + ", or set SENTRY=\"off\"";
    }
  }
}
