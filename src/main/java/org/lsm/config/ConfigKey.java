package org.lsm.config;

import java.util.Arrays;
import java.util.Comparator;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Function;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.lsm.model.PortSet;

/** Every key of conf.lsm, with its default and the values it takes. */
public enum ConfigKey {
  USER("root", ConfigKey::addresses),
  SUB("LSM Port Monitor Alert on $HOSTNAME", ConfigKey::anything),
  FROM("", ConfigKey::optionalAddress),
  MAILER("smtp", oneOf("smtp", "sendmail", "none")),
  SMTP_HOST("localhost", matching("[A-Za-z0-9._:-]+", "a host name or address")),
  SMTP_PORT("25", ConfigKey::port),
  SMTP_TLS("auto", oneOf("auto", "starttls", "tls", "none")),
  SMTP_USER("", ConfigKey::anything),
  SMTP_PASS_FILE("", ConfigKey::optionalPath),
  EPHEMERAL("udp", oneOf("udp", "all", "none")),
  NETNS("host", oneOf("host", "all")),
  STATE_DIR("/var/lib/lsm", ConfigKey::path),
  REMIND("24h", ConfigKey::time),
  SYSLOG("yes", oneOf("yes", "rfc5424", "no")),
  RUN_CMD("", ConfigKey::anything),
  METRICS_FILE("", ConfigKey::optionalPath),
  SENTRY("off", oneOf("off", "report", "block")),
  SENTRY_TRIGGER("3", matching("[1-9]\\d{0,2}", "a number of ports from 1 to 999")),
  SENTRY_REMIND("24h", ConfigKey::time),
  SENTRY_RESOLVE("no", oneOf("yes", "no")),
  SENTRY_BLOCK("24h", matching("0*[1-9]\\d{0,3}[mhd]", "a time like 30m, 24h or 7d")),
  SENTRY_BLOCK_UDP("no", oneOf("yes", "no")),
  SENTRY_IGNORE("", ConfigKey::addressBlocks),
  SENTRY_TCP(
      "1-1023, 1080, 1524, 2000, 5742, 6667, 12345, 12346, 20034, "
          + "27665, 31337, 32771-32774, 40421, 49724, 54320",
      ConfigKey::ports),
  SENTRY_UDP("1-1023, 31335, 31337, 32770-32774, 34555, 37444, 54321", ConfigKey::ports),
  SENTRY_EXCLUDE_TCP("113,139", ConfigKey::ports),
  SENTRY_EXCLUDE_UDP("520,138,137,67", ConfigKey::ports);

  private static final Pattern ADDRESS =
      Pattern.compile("[^\\s,;:<>()\\[\\]\"\\\\@]+(@[A-Za-z0-9._-]+)?");

  private final String defaultValue;

  @SuppressWarnings("ImmutableEnumChecker") // the functions have no state
  private final Function<String, Optional<String>> problem;

  ConfigKey(String defaultValue, Function<String, Optional<String>> problem) {
    this.defaultValue = defaultValue;
    this.problem = problem;
  }

  /** The value where the file does not set the key. */
  public String defaultValue() {
    return defaultValue;
  }

  /** What is wrong with a value, in words that follow "KEY"; empty if nothing is. */
  Optional<String> problem(String value) {
    return problem.apply(value);
  }

  /** The key of this exact name. */
  static Optional<ConfigKey> of(String name) {
    return Stream.of(values()).filter(key -> key.name().equals(name)).findFirst();
  }

  /** The key whose name takes the fewest edits to reach from {@code name}. */
  static ConfigKey nearest(String name) {
    String upper = name.toUpperCase(Locale.ROOT);
    return Stream.of(values())
        .min(Comparator.comparingInt(key -> distance(key.name(), upper)))
        .orElseThrow();
  }

  /** Levenshtein's distance. */
  private static int distance(String a, String b) {
    int[] previous = new int[b.length() + 1];
    Arrays.setAll(previous, i -> i);
    for (int i = 1; i <= a.length(); i++) {
      int[] row = new int[b.length() + 1];
      row[0] = i;
      for (int j = 1; j <= b.length(); j++) {
        int replace = previous[j - 1] + (a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1);
        row[j] = Math.min(replace, 1 + Math.min(previous[j], row[j - 1]));
      }
      previous = row;
    }
    return previous[b.length()];
  }

  private static Optional<String> anything(String value) {
    return Optional.empty();
  }

  private static Function<String, Optional<String>> oneOf(String... allowed) {
    return value ->
        Stream.of(allowed).anyMatch(value::equals)
            ? Optional.empty()
            : Optional.of("must be one of " + String.join(", ", allowed));
  }

  private static Function<String, Optional<String>> matching(String regex, String what) {
    return value -> value.matches(regex) ? Optional.empty() : Optional.of("must be " + what);
  }

  private static Optional<String> port(String value) {
    boolean valid =
        value.matches("\\d{1,5}")
            && Integer.parseInt(value) >= 1
            && Integer.parseInt(value) <= 65535;
    return valid ? Optional.empty() : Optional.of("must be a port from 1 to 65535");
  }

  private static Optional<String> time(String value) {
    return matching("0|\\d{1,5}[mhd]", "a time like 30m, 24h or 7d, or 0 for every run")
        .apply(value);
  }

  private static Optional<String> ports(String value) {
    return refused(() -> PortSet.parse(value));
  }

  private static Optional<String> addressBlocks(String value) {
    return refused(() -> Config.words(value).forEach(CidrBlock::parse))
        .map("needs addresses: "::concat);
  }

  /** Why a value cannot be taken, in the words of what takes it. */
  private static Optional<String> refused(Runnable taking) {
    try {
      taking.run();
      return Optional.empty();
    } catch (IllegalArgumentException e) {
      return Optional.of(e.getMessage());
    }
  }

  private static Optional<String> path(String value) {
    return matching("/.*", "an absolute path").apply(value);
  }

  private static Optional<String> optionalPath(String value) {
    return value.isEmpty() ? Optional.empty() : path(value);
  }

  private static Optional<String> addresses(String value) {
    return Config.words(value).isEmpty()
        ? Optional.of("must name at least one recipient")
        : Config.words(value).stream()
            .filter(word -> !ADDRESS.matcher(word).matches())
            .findFirst()
            .map(word -> "has '" + word + "', which is no mail address");
  }

  private static Optional<String> optionalAddress(String value) {
    return value.isEmpty() || ADDRESS.matcher(value).matches()
        ? Optional.empty()
        : Optional.of("must be one mail address");
  }
}
