package org.lsm.config;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.BiConsumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.lsm.model.PortSet;
import org.lsm.model.SocketIdentity;
import org.lsm.storage.SecureFiles;

/**
 * The configuration of conf.lsm, validated: a component for each key of conf.lsm(5), and one for
 * each set of ports with its exclusions. Names without a domain in recipients and from are users of
 * this host; an empty smtpUser stands for no login, and a zero interval for an alert at every run.
 * The URLs of Alertmanager end without a slash.
 */
public record Config(
    List<String> recipients,
    String subject,
    String from,
    Mailer mailer,
    String smtpHost,
    int smtpPort,
    Tls smtpTls,
    String smtpHelo,
    String smtpUser,
    Optional<Path> smtpPassFile,
    Duration remind,
    Duration digest,
    boolean syslog,
    String runCommand,
    Optional<Path> metricsFile,
    List<String> alertmanagerUrls,
    SortedMap<String, String> alertmanagerLabels,
    Optional<Path> alertmanagerHeadersFile,
    Optional<Path> alertmanagerCa,
    boolean declaredBaseline,
    SocketIdentity.Scope ephemeral,
    boolean allNetworkNamespaces,
    SentryMode sentry,
    int sentryTrigger,
    Duration sentryRemind,
    boolean sentryResolves,
    Duration sentryBlock,
    boolean sentryBlocksByUdp,
    List<CidrBlock> sentryIgnore,
    List<String> sentryIgnoreNames,
    PortSet sentryTcp,
    PortSet sentryUdp,
    OutboundMode outbound,
    Duration outboundLearn,
    boolean outboundResolves,
    Path stateDirectory) {
  /** How alerts are mailed. */
  public enum Mailer {
    /** SMTP; if the server is this host and nobody listens, its sendmail program. */
    AUTO,
    SMTP,
    SENDMAIL,
    NONE
  }

  /** How the connection to the mail server is encrypted. */
  public enum Tls {
    /** Implicit TLS on port 465, otherwise STARTTLS if offered; required to send a password. */
    AUTO,
    STARTTLS,
    TLS,
    NONE
  }

  /** What lsm does about port scans. */
  public enum SentryMode {
    OFF,
    REPORT,
    BLOCK
  }

  /** What lsm does about outbound connections. */
  public enum OutboundMode {
    OFF,
    LEARN,
    REPORT
  }

  public static final String DEFAULT_STATE_DIRECTORY = "/var/lib/lsm";

  private static final Pattern LOOPBACK =
      Pattern.compile(
          "(?i)localhost|localhost\\.localdomain|.*\\.localhost|ip6-localhost"
              + "|127(\\.\\d{1,3}){3}|(0*:)+0*1");

  private static final Pattern LINE =
      Pattern.compile(
          "\\s*([A-Za-z_][A-Za-z0-9_]*)="
              // The possessive *+ keeps Java from recursing at each character.
              + "(?:\"((?:[^\"\\\\]|\\\\.)*+)\"|'([^']*)'|([^\\s\"'#]*))"
              + "(?:\\s+#.*|\\s*)",
          Pattern.DOTALL); // files may have CRLF line ends

  /** Reads lines like {@code KEY="value" # comment}, as a shell would, but expands nothing. */
  public static Config read(Path file) throws IOException, ConfigException {
    return parse(file, SecureFiles.read(file));
  }

  /** The configuration of an empty file. */
  public static Config defaults() {
    return of(new EnumMap<>(ConfigKey.class));
  }

  /** Parses the text of a configuration file. */
  public static Config parse(Path file, byte[] bytes) throws ConfigException {
    Map<ConfigKey, String> values = new EnumMap<>(ConfigKey.class);
    Map<ConfigKey, Integer> lines = new EnumMap<>(ConfigKey.class);
    parseLines(file, bytes, (number, line) -> parseLine(number, line, lines, values));
    Config config = of(values);
    if (!config.smtpUser.isEmpty() && config.smtpPassFile.isEmpty()) {
      String problem = "SMTP_USER needs SMTP_PASS_FILE, the path of a file that holds the password";
      throw new ConfigException(file + ":" + lines.get(ConfigKey.SMTP_USER) + ": " + problem);
    }
    if ((config.mailer == Mailer.SMTP || config.mailer == Mailer.AUTO) && !config.mailsLocally()) {
      requireAddresses(file, lines, ConfigKey.USER, config.recipients);
      requireAddresses(file, lines, ConfigKey.FROM, words(config.from));
    }
    return config;
  }

  /** Another host knows nothing of the users of this one. */
  private static void requireAddresses(
      Path file, Map<ConfigKey, Integer> lines, ConfigKey key, List<String> words)
      throws ConfigException {
    for (String word : words) {
      if (word.indexOf('@') < 0) {
        int line = lines.getOrDefault(key, lines.get(ConfigKey.SMTP_HOST));
        String problem = key + " has '" + word + "', a user of this host, but SMTP_HOST is another";
        String valid = "; write an address such as " + word + "@example.org";
        throw new ConfigException(file + ":" + line + ": " + problem + valid);
      }
    }
  }

  /** Whether the mail server is this host, by its name or address. */
  public boolean mailsLocally() {
    return LOOPBACK.matcher(smtpHost).matches();
  }

  /** Name and port of the mail server, for people. */
  public String smtpServer() {
    return (smtpHost.contains(":") ? "[" + smtpHost + "]" : smtpHost) + ":" + smtpPort;
  }

  /** Parses each line; a mistake is an IllegalArgumentException of the parser. */
  static void parseLines(Path file, byte[] bytes, BiConsumer<Integer, String> parser)
      throws ConfigException {
    int number = 0;
    try {
      String text = StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
      for (String line : text.replaceFirst("^\uFEFF", "").split("\n", -1)) {
        number++;
        parser.accept(number, line);
      }
    } catch (CharacterCodingException e) {
      throw new ConfigException(file + ": is not UTF-8 text; save it as UTF-8");
    } catch (IllegalArgumentException e) {
      throw new ConfigException(file + ":" + number + ": " + e.getMessage());
    }
  }

  private static void parseLine(
      int number, String line, Map<ConfigKey, Integer> lines, Map<ConfigKey, String> values) {
    if (line.isBlank() || line.stripLeading().startsWith("#")) {
      return;
    }
    Matcher matcher = LINE.matcher(line);
    if (!matcher.matches()) {
      throw new IllegalArgumentException("expected KEY=\"value\" and at most a comment behind it");
    }
    ConfigKey key = ConfigKey.of(matcher.group(1));
    Integer first = lines.putIfAbsent(key, number);
    if (first != null) {
      throw new IllegalArgumentException(key + " is set again; remove this line or line " + first);
    }
    String value = matcher.group(3) != null ? matcher.group(3) : matcher.group(4);
    if (matcher.group(2) != null) {
      // As in a shell, a backslash escapes only these characters within double quotes.
      value = matcher.group(2).replaceAll("\\\\([\"\\\\$`])", "$1");
    }
    key.validate(value);
    values.put(key, value);
  }

  private static Config of(Map<ConfigKey, String> values) {
    Stream.of(ConfigKey.values()).forEach(key -> values.putIfAbsent(key, key.defaultValue()));
    return new Config(
        words(values.get(ConfigKey.USER)),
        values.get(ConfigKey.SUB),
        values.get(ConfigKey.FROM),
        choice(Mailer.class, values.get(ConfigKey.MAILER)),
        values.get(ConfigKey.SMTP_HOST),
        Integer.parseInt(values.get(ConfigKey.SMTP_PORT)),
        choice(Tls.class, values.get(ConfigKey.SMTP_TLS)),
        values.get(ConfigKey.SMTP_HELO),
        values.get(ConfigKey.SMTP_USER),
        file(values.get(ConfigKey.SMTP_PASS_FILE)),
        duration(values.get(ConfigKey.REMIND)),
        duration(values.get(ConfigKey.DIGEST)),
        values.get(ConfigKey.SYSLOG).equals("yes"),
        values.get(ConfigKey.RUN_CMD),
        file(values.get(ConfigKey.METRICS_FILE)),
        urls(values.get(ConfigKey.ALERTMANAGER_URL)),
        labels(values.get(ConfigKey.ALERTMANAGER_LABELS)),
        file(values.get(ConfigKey.ALERTMANAGER_HEADERS_FILE)),
        file(values.get(ConfigKey.ALERTMANAGER_CA)),
        values.get(ConfigKey.BASELINE).equals("declared"),
        choice(SocketIdentity.Scope.class, values.get(ConfigKey.EPHEMERAL)),
        values.get(ConfigKey.NETNS).equals("all"),
        choice(SentryMode.class, values.get(ConfigKey.SENTRY)),
        Integer.parseInt(values.get(ConfigKey.SENTRY_TRIGGER)),
        duration(values.get(ConfigKey.SENTRY_REMIND)),
        values.get(ConfigKey.SENTRY_RESOLVE).equals("yes"),
        duration(values.get(ConfigKey.SENTRY_BLOCK)),
        values.get(ConfigKey.SENTRY_BLOCK_UDP).equals("yes"),
        words(values.get(ConfigKey.SENTRY_IGNORE)).stream()
            .filter(it -> !isName(it))
            .map(CidrBlock::parse)
            .toList(),
        words(values.get(ConfigKey.SENTRY_IGNORE)).stream().filter(Config::isName).toList(),
        ports(values.get(ConfigKey.SENTRY_TCP), values.get(ConfigKey.SENTRY_EXCLUDE_TCP)),
        ports(values.get(ConfigKey.SENTRY_UDP), values.get(ConfigKey.SENTRY_EXCLUDE_UDP)),
        choice(OutboundMode.class, values.get(ConfigKey.OUTBOUND)),
        duration(values.get(ConfigKey.OUTBOUND_LEARN)),
        values.get(ConfigKey.OUTBOUND_RESOLVE).equals("yes"),
        Path.of(values.get(ConfigKey.STATE_DIR)));
  }

  /** Whether a word is a host name with a domain, whose last label is no number (RFC 1123, 2.1). */
  static boolean isName(String word) {
    return word.matches("([A-Za-z0-9-]{1,63}\\.){1,9}[A-Za-z][A-Za-z0-9-]{0,62}\\.?");
  }

  static List<String> words(String value) {
    return Stream.of(value.split("[,\\s]+")).filter(word -> !word.isEmpty()).toList();
  }

  private static List<String> urls(String value) {
    return words(value).stream().map(it -> it.replaceFirst("/+$", "")).distinct().toList();
  }

  private static SortedMap<String, String> labels(String value) {
    SortedMap<String, String> labels = new TreeMap<>();
    for (String word : words(value)) {
      int equals = word.indexOf('=');
      labels.put(word.substring(0, equals), word.substring(equals + 1));
    }
    return labels;
  }

  private static <E extends Enum<E>> E choice(Class<E> type, String value) {
    return Enum.valueOf(type, value.toUpperCase(Locale.ROOT));
  }

  private static Optional<Path> file(String value) {
    return Optional.of(value).filter(path -> !path.isEmpty()).map(Path::of);
  }

  private static PortSet ports(String value, String excluded) {
    return PortSet.parse(value).without(PortSet.parse(excluded));
  }

  /** A time like 30m, 24h or 7d; 0 needs no unit. */
  public static Duration duration(String value) {
    String unit = value.endsWith("d") ? "P" : "PT";
    return Duration.parse(unit + value + (value.equals("0") ? "m" : ""));
  }
}
