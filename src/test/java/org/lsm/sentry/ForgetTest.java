package org.lsm.sentry;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.lsm.snapshot.Ports;

/** What is forgotten when there is no room left: all that packets add, but not who is blocked. */
class ForgetTest {

  private static final Pattern KEPT_BY_PACKETS = Pattern.compile("set (\\w+) \\{[^}]*dynamic");
  private static final Pattern FLUSHED = Pattern.compile("flush set inet lsm (\\w+)");

  @Test
  void allThatPacketsAddedIsForgottenButWhoIsBlocked() throws IOException {
    Set<String> kept = names(KEPT_BY_PACKETS, rules().creation());
    assertFalse(kept.isEmpty());
    kept.removeAll(Set.of("blocked4", "blocked6", "caught4", "caught6"));

    List<String> commands = new ArrayList<>();
    new Sentry(
            (arguments, input) -> {
              commands.add(input);
              return "";
            })
        .forget();
    // nft does nothing of all if one of the sets does not exist
    assertEquals(kept, names(FLUSHED, String.join("\n", commands)));
  }

  private static Ruleset rules() {
    return new Ruleset(
        Ports.of(Set.of(7)), Ports.of(Set.of(7)), Ports.of(Set.of(9)), List.of(), Optional.empty());
  }

  private static Set<String> names(Pattern pattern, String text) {
    return pattern
        .matcher(text)
        .results()
        .map((MatchResult it) -> it.group(1))
        .collect(Collectors.toCollection(TreeSet::new));
  }
}
