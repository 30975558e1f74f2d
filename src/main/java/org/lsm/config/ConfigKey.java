package org.lsm.config;

import static java.util.Comparator.comparingInt;

import java.net.IDN;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.function.Consumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.lsm.config.Config.Mailer;
import org.lsm.config.Config.OutboundMode;
import org.lsm.config.Config.SentryMode;
import org.lsm.config.Config.Tls;
import org.lsm.model.PortSet;
import org.lsm.model.SocketIdentity;

/** Every key of conf.lsm, with its default and valid values; tests check the documents with it. */
public enum ConfigKey {
  USER("root", ConfigKey::recipients),
  SUB("LSM Port Monitor Alert on $HOSTNAME: $SUMMARY", value -> {}),
  FROM("", ConfigKey::sender),
  MAILER("auto", oneOf(List.of(Mailer.values()))),
  SMTP_HOST("localhost", matching("[A-Za-z0-9._:-]+", "a host name or an IP address")),
  SMTP_PORT("25", ConfigKey::port),
  SMTP_TLS("auto", oneOf(List.of(Tls.values()))),
  SMTP_HELO(
      "",
      matching(
          "([A-Za-z0-9._-]+|\\[[A-Za-z0-9.:]+\\])?",
          "a host name, an address literal like [192.0.2.1], or empty")),
  SMTP_USER("", value -> {}),
  SMTP_PASS_FILE("", ConfigKey::file),
  REMIND("24h", time()),
  DIGEST("24h", time()),
  SYSLOG("yes", oneOf(List.of("yes", "no"))),
  RUN_CMD("", value -> {}),
  METRICS_FILE("", ConfigKey::file),
  ALERTMANAGER_URL("", ConfigKey::urls),
  ALERTMANAGER_LABELS("", ConfigKey::labels),
  ALERTMANAGER_HEADERS_FILE("", ConfigKey::file),
  ALERTMANAGER_CA("", ConfigKey::file),
  BASELINE("learned", oneOf(List.of("learned", "declared"))),
  EPHEMERAL("all", oneOf(List.of(SocketIdentity.Scope.values()))),
  NETNS("host", oneOf(List.of("host", "all"))),
  SENTRY("off", oneOf(List.of(SentryMode.values()))),
  SENTRY_TRIGGER("3", matching("[1-9]\\d{0,2}", "a number of ports from 1 to 999")),
  SENTRY_REMIND("24h", time()),
  SENTRY_RESOLVE("no", oneOf(List.of("yes", "no"))),
  SENTRY_BLOCK("24h", matching("0*[1-9]\\d{0,3}[mhd]", "a time like 30m, 24h or 7d")),
  SENTRY_BLOCK_UDP("no", oneOf(List.of("yes", "no"))),
  SENTRY_IGNORE("", ConfigKey::addressBlocks),
  SENTRY_TCP(
      "1-1023, 1080, 1524, 2000, 5742, 6667, 12345, 12346, 20034, "
          + "27665, 31337, 32771-32774, 40421, 49724, 54320",
      PortSet::parse),
  SENTRY_UDP("1-1023, 31335, 31337, 32770-32774, 34555, 37444, 54321", PortSet::parse),
  SENTRY_EXCLUDE_TCP("113,139", PortSet::parse),
  SENTRY_EXCLUDE_UDP("520,138,137,67", PortSet::parse),
  OUTBOUND("off", oneOf(List.of(OutboundMode.values()))),
  OUTBOUND_LEARN("7d", matching("0|\\d{1,5}[mhd]", "a time like 30m, 24h or 7d, or 0")),
  OUTBOUND_RESOLVE("no", oneOf(List.of("yes", "no"))),
  STATE_DIR(Config.DEFAULT_STATE_DIRECTORY, matching("/.*", "an absolute path"));

  private static final Pattern ADDRESS =
      Pattern.compile("[^\\s,;:<>()\\[\\]\"\\\\@]+(@(?<domain>[^\\s,;:<>()\\[\\]\"\\\\@]+))?");

  private static final String URL =
      "https?://([A-Za-z0-9._-]+|\\[[0-9A-Fa-f:.]+\\])(:(?<port>\\d{1,5}))?(/[A-Za-z0-9._~/-]*)?";
  private static final String LABEL = "(?<name>(?!__)[a-zA-Z_][a-zA-Z0-9_]*)=\\S{1,200}";
  private static final String OWN_LABEL =
      "alertname|instance|severity|socket|program|user|netns|address";

  private final String defaultValue;

  @SuppressWarnings("ImmutableEnumChecker") // the functions have no state
  private final Consumer<String> validator;

  ConfigKey(String defaultValue, Consumer<String> validator) {
    this.defaultValue = defaultValue;
    this.validator = validator;
  }

  public String defaultValue() {
    return defaultValue;
  }

  /** Checks a value; the message of a failure has the key and the valid values. */
  void validate(String value) {
    try {
      require(value.chars().noneMatch(Character::isISOControl), "must not have control characters");
      validator.accept(value);
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException(name() + " " + e.getMessage(), e);
    }
  }

  /** The key of this exact name; the message of a failure has the key with the nearest name. */
  static ConfigKey of(String name) {
    ConfigKey[] keys = values();
    for (ConfigKey key : keys) {
      if (key.name().equals(name)) {
        return key;
      }
    }
    String upper = name.toUpperCase(Locale.ROOT);
    ConfigKey nearest =
        Stream.of(keys).min(comparingInt(key -> distance(key.name(), upper))).orElseThrow();
    throw new IllegalArgumentException("unknown key " + name + "; did you mean " + nearest + "?");
  }

  /** The Levenshtein distance. */
  private static int distance(String a, String b) {
    int[] row = IntStream.rangeClosed(0, b.length()).toArray();
    for (int i = 1; i <= a.length(); i++) {
      int diagonal = row[0]++;
      for (int j = 1; j <= b.length(); j++) {
        int replace = diagonal + (a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1);
        diagonal = row[j];
        row[j] = Math.min(replace, 1 + Math.min(row[j], row[j - 1]));
      }
    }
    return row[b.length()];
  }

  private static void require(boolean valid, String problem) {
    if (!valid) {
      throw new IllegalArgumentException(problem);
    }
  }

  private static Consumer<String> oneOf(List<?> choices) {
    String list = choices.toString().toLowerCase(Locale.ROOT);
    String names = list.substring(1, list.length() - 1);
    return matching(names.replace(", ", "|"), "one of " + names);
  }

  private static Consumer<String> matching(String regex, String valid) {
    return value -> require(value.matches(regex), "must be " + valid);
  }

  private static Consumer<String> time() {
    return matching("0|\\d{1,5}[mhd]", "a time like 30m, 24h or 7d, or 0 for every run");
  }

  private static void file(String value) {
    require(value.matches("(/.*)?"), "must be an absolute path, or empty");
  }

  private static void port(String value) {
    int port = value.matches("\\d{1,5}") ? Integer.parseInt(value) : 0;
    require(port >= 1 && port <= 65535, "must be a port from 1 to 65535");
  }

  private static void addressBlocks(String value) {
    try {
      Config.words(value).stream().filter(it -> !Config.isName(it)).forEach(CidrBlock::parse);
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException(
          "must be IP addresses, blocks like 192.0.2.0/24 and full host names: " + e.getMessage(),
          e);
    }
  }

  /** The message does not quote the value, since that may have a password. */
  private static void urls(String value) {
    for (String word : Config.words(value)) {
      Matcher url = Pattern.compile(URL).matcher(word);
      require(
          url.matches(),
          "must be URLs like https://alerts.example.org:9093, with neither a user nor a query;"
              + " a password belongs in ALERTMANAGER_HEADERS_FILE");
      port(url.group("port") == null ? "9093" : url.group("port"));
    }
  }

  private static void labels(String value) {
    Set<String> names = new HashSet<>();
    for (String word : Config.words(value)) {
      Matcher label = Pattern.compile(LABEL).matcher(word);
      String form = "like role=web, with a name of letters, digits and underscores";
      require(label.matches(), "has '" + word + "', which is not " + form);
      String name = label.group("name");
      String problem = "has the label '" + name + "'";
      require(!name.matches(OWN_LABEL), problem + ", which lsm sets itself");
      require(names.add(name), problem + " twice");
    }
  }

  private static void recipients(String value) {
    require(!Config.words(value).isEmpty(), "must name at least one recipient");
    for (String word : Config.words(value)) {
      String problem = "has '" + word + "', which is not a mail address or a user name";
      require(isAddress(word), problem);
    }
  }

  private static void sender(String value) {
    require(value.isEmpty() || isAddress(value), "must be one mail address, a user name, or empty");
  }

  /** Whether this is a mail address or a user name; also outside ASCII (RFC 5890, RFC 6531). */
  private static boolean isAddress(String word) {
    Matcher matcher = ADDRESS.matcher(word);
    if (!matcher.matches() || matcher.group("domain") == null) {
      return matcher.matches();
    }
    try {
      return IDN.toASCII(matcher.group("domain")).matches("[A-Za-z0-9._-]+");
    } catch (IllegalArgumentException e) {
      return false; // a label that is too long, or has characters that no name has
    }
  }
}
